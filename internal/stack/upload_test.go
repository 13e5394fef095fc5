package stack

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// liveWorker is a Worker with plain variables, given as NAME=value, and secrets.
func liveWorker(content string, vars []string, secrets ...string) live {
	w := &cloudflare.Script{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		w.Bindings = append(w.Bindings, cloudflare.ScriptBinding{Type: "plain_text", Name: name, Text: value})
	}
	for _, name := range secrets {
		w.Bindings = append(w.Bindings, cloudflare.ScriptBinding{Type: "secret_text", Name: name})
	}
	return live{worker: w, content: content}
}

func TestLive_uploadNote(t *testing.T) {
	cfg := Config{Script: Script{SHA256: "wanted"}, Vars: map[string]string{"MODE": ""}, Secrets: map[string]string{"KEY": "x"}}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	vars := func(note string) []string { return []string{varUpload + "=" + note, varOwner + "=me", "MODE="} }
	for name, test := range map[string]struct {
		live live
		want string
	}{
		"none":                {live{}, "wanted made (2026-06-01T00:00:00Z)"},
		"as wanted":           {liveWorker("wanted", vars("wanted"), "KEY", varDatabaseURL), "wanted"},
		"repaired before":     {liveWorker("wanted", vars("wanted made (then)"), "KEY", varDatabaseURL), "wanted made (then)"},
		"another script due":  {liveWorker("old", vars("old made (then)"), "KEY", varDatabaseURL), "wanted due (2026-06-01T00:00:00Z)"},
		"without a note":      {liveWorker("wanted", vars("wanted")[1:], "KEY", varDatabaseURL), "wanted due (2026-06-01T00:00:00Z)"},
		"script changed":      {liveWorker("other", vars("wanted"), "KEY", varDatabaseURL), "wanted to set: the script (2026-06-01T00:00:00Z)"},
		"variable gone":       {liveWorker("wanted", vars("wanted")[:2], "KEY", varDatabaseURL), "wanted to set: MODE (2026-06-01T00:00:00Z)"},
		"another's":           {liveWorker("wanted", append(vars("wanted")[:1], varOwner+"=you", "MODE="), "KEY", varDatabaseURL), "wanted to set: PULUMI_STACK (2026-06-01T00:00:00Z)"},
		"secret gone":         {liveWorker("wanted", vars("wanted"), varDatabaseURL), "wanted to set: KEY (2026-06-01T00:00:00Z)"},
		"repaired, and again": {liveWorker("wanted", vars("wanted made (then)"), "KEY"), "wanted to set: DATABASE_URL (2026-06-01T00:00:00Z)"},
	} {
		if have := test.live.uploadNote(cfg, "me", now); have != test.want {
			t.Errorf("%s: %q, want %q", name, have, test.want)
		}
	}
}

func TestLive_foreign(t *testing.T) {
	cfg := Config{Script: Script{SHA256: "wanted"}}
	for name, test := range map[string]struct {
		live   live
		before string
		want   bool
	}{
		"none":                       {live{}, "", false},
		"what is wanted":             {liveWorker("wanted", nil), "", false},
		"our last upload":            {liveWorker("old", []string{varUpload + "=old made (then)"}), "", false},
		"wrangler deploy":            {liveWorker("theirs", nil), "theirs", true},
		"wrangler deploy, vars kept": {liveWorker("theirs", []string{varUpload + "=old", varOwner + "=me"}), "theirs", true},
		"of a version without notes": {liveWorker("old", []string{varOwner + "=me"}), "old", false},
		"theirs, before notes":       {liveWorker("theirs", []string{varOwner + "=me"}), "old", true},
	} {
		if have := test.live.foreign(cfg, "me", test.before); have != test.want {
			t.Errorf("%s: %t", name, have)
		}
	}
}

func TestNamesOf(t *testing.T) {
	for name, test := range map[string]struct {
		owner, project, stack string
		want                  map[string]string
	}{
		"as it was":            {"portfolio-dev-0123456789ab", "portfolio", "dev", nil},
		"stack renamed":        {"portfolio-dev-0123456789ab", "portfolio", "prod", map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db"}},
		"project renamed":      {"port-folio-dev-0123456789ab", "site", "dev", map[string]string{"pagesProject": "port-folio-dev", "worker": "port-folio-dev-api", "cluster": "port-folio-dev-db", "database": "port_folio"}},
		"not known":            {"", "portfolio", "dev", nil},
		"cut":                  {strings.Repeat("a", maxOwnerSlug) + "-0123456789ab", "portfolio", "dev", nil},
		"names of odd letters": {"port-folio-dev-0123456789ab", "Port.Folio", "Dev", nil},
	} {
		have := namesOf(test.owner, test.project, test.stack)
		if len(have) != len(test.want) {
			t.Errorf("%s: %v", name, have)
		}
		for key := range test.want {
			if have[key] != test.want[key] {
				t.Errorf("%s: %s is %q, want %q", name, key, have[key], test.want[key])
			}
		}
	}
}

func TestRenamed(t *testing.T) {
	cfg := Config{PagesProject: "portfolio-prod", Worker: "portfolio-prod-api", Cluster: "mine", Database: "portfolio",
		Unset: map[string]bool{"pagesProject": true, "worker": true, "database": true}}
	before := map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db", "database": "portfolio"}
	err := renamed(cfg, before)
	if err == nil || !strings.HasSuffix(err.Error(), "run:\n  pulumi config set pagesProject portfolio-dev\n  pulumi config set worker portfolio-dev-api") {
		t.Errorf("the error is %v", err)
	}
	cfg.Unset = nil // other names are meant
	if err := renamed(cfg, before); err != nil {
		t.Error(err)
	}
}

func TestLookAtNames(t *testing.T) {
	bound := func(service string) *cloudflare.Project {
		return &cloudflare.Project{DeploymentConfigs: map[string]cloudflare.DeploymentConfig{
			"preview": {Services: map[string]*cloudflare.Service{"A": {Service: service}, "B": nil}}}}
	}
	mine, theirs := liveWorker("", []string{varOwner + "=me"}).worker, liveWorker("", nil).worker
	for name, test := range map[string]struct {
		live                live
		answers             map[string]string
		wantWorker, project string
	}{
		"nothing is there":      {live{}, map[string]string{"/workers/subdomain": `{"subdomain":"me"}`}, "", ""},
		"no subdomain":          {live{}, nil, "dash.cloudflare.com", ""},
		"ours":                  {live{worker: mine, project: bound("api")}, nil, "", ""},
		"a stranger's Worker":   {live{worker: theirs, project: bound("api")}, nil, "pulumi import cloudflare:index/workersScript", "pulumi import cloudflare:index/pagesProject"},
		"an empty project":      {live{worker: mine, project: &cloudflare.Project{}}, nil, "", "it is not bound to its Worker"},
		"bound to an older one": {live{worker: mine, project: bound("old")}, map[string]string{"/workers/scripts/old/settings": `{"bindings":[{"type":"plain_text","name":"PULUMI_STACK","text":"me"}]}`}, "", ""},
		"bound to a stranger's": {live{worker: mine, project: bound("old")}, map[string]string{"/workers/scripts/old/settings": `{"bindings":[]}`}, "", "adopt"},
		"bound to one that was": {live{worker: mine, project: bound("old")}, nil, "", "adopt"},
	} {
		a := &api{answers: test.answers}
		client := a.client(t)
		cfg := Config{AccountID: testAccount, PagesProject: "site", Worker: "api"}
		for what, check := range map[string]struct {
			err  error
			want string
		}{
			"Worker":  {lookAtWorker(t.Context(), client, cfg, test.live, "me"), test.wantWorker},
			"project": {lookAtProject(t.Context(), client, cfg, test.live, "me"), test.project},
		} {
			if (check.err == nil) != (check.want == "") || check.err != nil && !strings.Contains(check.err.Error(), check.want) {
				t.Errorf("%s: %s: %v, want %q", name, what, check.err, check.want)
			}
		}
		if len(a.deleted) > 0 {
			t.Errorf("%s: deleted %v", name, a.deleted)
		}
	}
	if err := lookAtWorker(t.Context(), (&api{}).client(t), Config{Worker: "api"}, live{worker: liveWorker("", []string{varOwner + "="}).worker}, ""); err == nil {
		t.Error("a Worker is ours before there is an owner")
	}
}

func TestRun_previewBinding(t *testing.T) {
	goodEnv(t, `{}`)
	for value, want := range map[string][]string{
		"production": nil, "none": {"AUTH=auth"}, "staging": {"API_SERVICE=staging", "AUTH=auth"},
	} {
		e, err := runStack(map[string]string{"portfolio:previewBinding": value, "portfolio:moreBindings": `{"AUTH":{"service":"auth"}}`})
		if err != nil {
			t.Fatal(err)
		}
		stdin := e.registered["binding"].Inputs["stdin"].StringValue()
		_, preview, differs := strings.Cut(stdin, `"preview":`)
		if differs != (want != nil) {
			t.Errorf("%q: %s", value, stdin)
		}
		for _, one := range []string{"API_SERVICE=staging", "AUTH=auth"} {
			name, service, _ := strings.Cut(one, "=")
			if has := strings.Contains(preview, `"`+name+`":{"service":"`+service+`"`); has != slices.Contains(want, one) {
				t.Errorf("%q: %s in %s: %t", value, one, preview, has)
			}
		}
	}
	if _, err := runStack(map[string]string{"portfolio:previewBinding": "a/b"}); err == nil || !strings.Contains(err.Error(), "portfolio:previewBinding") {
		t.Errorf("the error is %v", err)
	}
}

func TestRun_workersDev(t *testing.T) {
	goodEnv(t, "")
	e, err := runStack(map[string]string{"portfolio:workersDev": "true"})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "workers-dev", plainInputs(e.registered["workers-dev"].Inputs), map[string]any{
		"accountId": testAccount, "scriptName": "portfolio-dev-api", "enabled": true, "previewsEnabled": false,
	})
}

// A project with a Wrangler file is refused before anything is registered, once its
// Worker is there to be bound.
func TestRun_wranglerFile(t *testing.T) {
	goodEnv(t, `{"name":"portfolio-dev","deployment_configs":{"production":{"wrangler_config_hash":"cafe"}}}`)
	e, err := runStack(nil)
	if err == nil || !strings.Contains(err.Error(), "[[services]]") || len(e.names()) > 0 {
		t.Errorf("registered %v, the error is %v", e.names(), err)
	}
}

// A secret of ours that is taken out goes, and one of somebody else stays, also under
// the name of a plain variable of ours.
func TestAfterUpload(t *testing.T) {
	a := newAccount(t)
	a.worker("me")
	for _, name := range []string{"KEY", "OTHER", "THEIRS", "MODE"} {
		a.call(http.MethodPut, "/workers/scripts/api/secrets", "application/json", `{"type":"secret_text","name":"`+name+`","text":"hidden"}`)
	}
	inputs := func(names ...string) resource.PropertyMap {
		var all []resource.PropertyValue
		for _, name := range names {
			kind := "secret_text"
			if name == "MODE" {
				kind = "plain_text"
			}
			all = append(all, resource.MakeSecret(resource.NewObjectProperty(resource.PropertyMap{
				"type": resource.NewStringProperty(kind), "name": resource.NewStringProperty(name)})))
		}
		return resource.PropertyMap{"bindings": resource.NewArrayProperty(all)}
	}
	args := &pulumi.ResourceHookArgs{OldInputs: inputs("KEY", "GONE", "OTHER", "MODE"), NewInputs: inputs("OTHER")}
	for range 2 { // the second time as after a kill
		if err := afterUpload(t.Context(), a.cfg)(args); err != nil {
			t.Fatal(err)
		}
	}
	if have := slices.Sorted(maps.Keys(a.cloud.Scripts()[0].Secrets)); !slices.Equal(have, []string{"MODE", "OTHER", "THEIRS"}) {
		t.Errorf("secrets: %v", have)
	}
}
