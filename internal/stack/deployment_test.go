package stack

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestSiteDrift(t *testing.T) {
	const ours, other = "first [pulumi me 0123456789abcdef]", "by hand"
	none := []string{}
	for _, test := range []struct {
		name        string
		deployments []string // their commit messages; nil is no project
		overwrite   bool
		wantErr     string
		wantDrift   string
		outdated    bool
	}{
		{"no project", nil, false, "", "no deployment (", false},
		{"no deployment", none, false, "", "no deployment (", false},
		{"ours", []string{ours}, false, "", "", false},
		{"ours, older than the bindings", []string{ours}, false, "", "a deployment that is older than its bindings (", true},
		{"another's", []string{other}, false, "overwriteSite true", "", false},
		{"another stack's", []string{"[pulumi you 0123456789abcdef]"}, false, "overwriteSite true", "", false},
		{"another's, to be replaced", []string{other}, true, "", "a deployment that this stack did not make: ", false},
		{"ours, replaced by another's", []string{ours, other}, false, "overwriteSite true", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.Cloud.DeployTime = -1 // none
			if test.deployments != nil {
				a.CreateProject("site", "main")
			}
			for _, message := range test.deployments {
				a.Deploy("site", "main", message)
			}
			w := a.read()
			err := checkServing(&Config{Site: &Site{}, OverwriteSite: test.overwrite}, w, "me")
			testcheck.Error(t, err, test.wantErr)
			if err != nil {
				return
			}
			if drift := siteDrift(w.project, "me", test.outdated, time.Now()); !strings.HasPrefix(drift, test.wantDrift) || (drift == "") != (test.wantDrift == "") {
				t.Errorf("drift mark %q, want %q", drift, test.wantDrift)
			}
		})
	}
}

// A change of the folder, and of what a deployment takes from the project, changes the
// request. What concerns previews alone does not.
func TestRun_siteRequest(t *testing.T) {
	a := newAccount(t)
	a.inProject(map[string]string{"public/index.html": "one"})
	request := func(key, value string) (r pages.DeployRequest) {
		t.Helper()
		config := siteConfig("public/")
		config[key] = value
		if err := json.Unmarshal([]byte(textOf(a.up(config)["site"], "stdin")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := request("binding", "API_SERVICE") // the default
	if first.Project != "portfolio-dev" || first.Site != "public" || !strings.HasPrefix(first.Owner, "portfolio-dev-") {
		t.Errorf("request %+v", first)
	}
	for _, test := range []struct {
		key, value string
		changes    bool
	}{
		{"binding", "API", true},
		{"siteVars", `{"A":"b"}`, true},
		{"compatibilityFlags", `["nodejs_compat"]`, true},
		{"vars", `{"A":"b"}`, false},
		{"previewBinding", "none", false},
	} {
		if changed := request(test.key, test.value).Settings != first.Settings; changed != test.changes {
			t.Errorf("%s: the settings changed: %t", test.key, changed)
		}
	}
	testfiles.Write(t, a.dir, map[string]string{"public/index.html": "two"})
	if request("binding", "API_SERVICE").Digest == first.Digest {
		t.Error("the content changed and the digest did not")
	}
}
