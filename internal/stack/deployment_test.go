package stack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestSiteDrift(t *testing.T) {
	const ours, other = "first [pulumi me 0123456789abcdef]", "by hand"
	for _, test := range []struct {
		name        string
		deployments []string // their commit messages
		overwrite   bool
		wantErr     []string
		wantDrift   string
		outdated    bool
	}{
		{"no deployment", nil, false, nil, "no deployment (", false},
		{"ours", []string{ours}, false, nil, "", false},
		{"ours, older than the bindings", []string{ours}, false, nil, "a deployment that is older than its bindings (", true},
		{"another's", []string{other}, false, []string{"config key site", "overwriteSite true"}, "", false},
		{"another stack's", []string{"[pulumi you 0123456789abcdef]"}, false, []string{"overwriteSite true"}, "", false},
		{"another's, to be replaced", []string{other}, true, nil, "a deployment that this stack did not make: ", false},
		{"ours, replaced by another's", []string{ours, other}, false, []string{"overwriteSite true"}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.Cloud.DeployTime = -1 // none
			a.CreateProject("site", "main")
			for _, message := range test.deployments {
				a.Deploy("site", "main", message)
			}
			w, err := readWorld(t.Context(), a.client(), "site", "api")
			if err != nil {
				t.Fatal(err)
			}
			err = checkServing(&Config{Site: &Site{}, OverwriteSite: test.overwrite}, w, "me")
			testcheck.Error(t, err, test.wantErr...)
			if err != nil {
				return
			}
			if drift := siteDrift(w.project, "me", test.outdated, time.Now()); !strings.HasPrefix(drift, test.wantDrift) || (drift == "") != (test.wantDrift == "") {
				t.Errorf("drift mark %q, want %q", drift, test.wantDrift)
			}
		})
	}
}

func TestSiteDrift_withoutProject(t *testing.T) {
	if drift := siteDrift(nil, "me", false, time.Now()); !strings.HasPrefix(drift, "no deployment (") {
		t.Errorf("drift mark %q", drift)
	}
}

// A change of the folder, and of what a deployment takes from the project, changes the
// request. What concerns previews alone does not.
func TestRun_siteRequest(t *testing.T) {
	a := newAccount(t)
	a.dir = t.TempDir()
	write := func(name, content string) {
		testfiles.Write(t, a.dir, map[string]string{name: content})
	}
	write("api.js", "export default {}")
	write("public/index.html", "one")
	request := func(extra ...string) pages.DeployRequest {
		t.Helper()
		config := map[string]string{"portfolio:workerScript": "api.js", "portfolio:site": "public/"}
		for i := 0; i < len(extra); i += 2 {
			config["portfolio:"+extra[i]] = extra[i+1]
		}
		e, err := a.run(config)
		if err != nil {
			t.Fatal(err)
		}
		var r pages.DeployRequest
		if err := json.Unmarshal([]byte(e.registered["site"].Inputs["stdin"].StringValue()), &r); err != nil {
			t.Fatal(err)
		}
		bind := "urn:pulumi:dev::portfolio::portfolio:index:Pages$command:local:Command::binding"
		if d := e.registered["site"].RegisterRPC.GetDependencies(); !slices.Contains(d, bind) {
			t.Errorf("the deployment waits for %v, and not for the bindings", d)
		}
		return r
	}
	first := request()
	if first.Project != "portfolio-dev" || first.Site != "public" || !strings.HasPrefix(first.Owner, "portfolio-dev-") {
		t.Errorf("request %+v", first)
	}
	for _, test := range []struct {
		name    string
		extra   []string
		changes bool
	}{
		{"nothing", nil, false},
		{"binding", []string{"binding", "API"}, true},
		{"variable", []string{"siteVars", `{"A":"b"}`}, true},
		{"compatibility flag", []string{"compatibilityFlags", `["nodejs_compat"]`}, true},
		{"variable of the Worker", []string{"vars", `{"A":"b"}`}, false},
		{"binding of previews", []string{"previewBinding", "none"}, false},
	} {
		if changed := request(test.extra...).Settings != first.Settings; changed != test.changes {
			t.Errorf("%s: the settings changed: %t", test.name, changed)
		}
	}
	write("public/index.html", "two")
	if request().Digest == first.Digest {
		t.Error("the content changed and the digest did not")
	}
}
