package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/cloudflare"
)

func TestDefaultNames(t *testing.T) {
	for name, test := range map[string]struct {
		owner, project, stack string
		want                  map[string]string
	}{
		"not renamed":            {"portfolio-dev-0123456789ab", "portfolio", "dev", nil},
		"stack renamed":          {"portfolio-dev-0123456789ab", "portfolio", "prod", map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db"}},
		"project renamed":        {"port-folio-dev-0123456789ab", "site", "dev", map[string]string{"pagesProject": "port-folio-dev", "worker": "port-folio-dev-api", "cluster": "port-folio-dev-db", "database": "port_folio"}},
		"no owner":               {"", "portfolio", "dev", nil},
		"owner that was cut":     {strings.Repeat("a", maxOwnerSlug) + "-0123456789ab", "portfolio", "dev", nil},
		"names with odd letters": {"port-folio-dev-0123456789ab", "Port.Folio", "Dev", nil},
	} {
		if diff := cmp.Diff(test.want, defaultNames(test.owner, test.project, test.stack)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCheckRenamed(t *testing.T) {
	cfg := &Config{
		PagesProject: "portfolio-prod", Worker: "portfolio-prod-api", Cluster: "mine", Database: "portfolio",
		DefaultNames: map[string]bool{"pagesProject": true, "worker": true, "database": true},
	}
	before := map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db", "database": "other"}
	const owner = "portfolio-dev-0123456789ab"
	for name, kept := range map[string]map[string]string{"kept names": before, "state of an early version": {}} {
		err := checkRenamed(cfg, kept, owner, "portfolio", "prod")
		if err == nil || !strings.HasSuffix(err.Error(), "run:\n  `pulumi config set pagesProject portfolio-dev`\n  `pulumi config set worker portfolio-dev-api`") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// A key that was taken out again is no rename of the stack.
	wantError(t, checkRenamed(cfg, before, "portfolio-prod-0123456789ab", "portfolio", "prod"))
	wantError(t, checkRenamed(cfg, map[string]string{"pagesProject": "mine"}, owner, "portfolio", "prod"))
	long := strings.Repeat("a", maxOwnerSlug) + "-0123456789ab"
	wantError(t, checkRenamed(cfg, map[string]string{"pagesProject": "a"}, long, "portfolio", "prod"), "`pulumi config set pagesProject a`")
	cfg.DefaultNames = nil // other names are meant
	wantError(t, checkRenamed(cfg, before, owner, "portfolio", "prod"))
}

const (
	importWorker  = "pulumi import cloudflare:index/workersScript:WorkersScript api " + testAccount + "/api"
	importProject = "pulumi import cloudflare:index/pagesProject:PagesProject site " + testAccount + "/site"
)

// bound makes the project site, bound to a Worker.
func (a *account) bound(worker string) {
	a.Helper()
	a.createProject("site", "main")
	a.bind("site", "preview", `{"A":{"service":"`+worker+`","environment":"production"}}`)
}

func TestCheckNames(t *testing.T) {
	cfg := &Config{PagesProject: "site", Worker: "api"}
	for name, test := range map[string]struct {
		before          func(*account)
		worker, project []string // what the errors say
	}{
		"nothing exists":       {func(*account) {}, nil, nil},
		"no subdomain":         {func(a *account) { a.cloud.NoSubdomain = true }, []string{"dash.cloudflare.com"}, nil},
		"ours":                 {func(a *account) { a.uploadWorker("api", "me"); a.bound("api") }, nil, nil},
		"conflict":             {func(a *account) { a.uploadWorker("api", "you"); a.bound("api") }, []string{importWorker, "adopt"}, []string{importProject, "adopt"}},
		"without an owner":     {func(a *account) { a.uploadWorker("api", ""); a.bound("api") }, []string{importWorker}, []string{importProject}},
		"an empty project":     {func(a *account) { a.uploadWorker("api", "me"); a.createProject("site", "main") }, nil, []string{"it is not bound to its Worker"}},
		"bound to our old one": {func(a *account) { a.uploadWorker("api", "me"); a.uploadWorker("old", "me"); a.bound("old") }, nil, nil},
		"bound to a conflict":  {func(a *account) { a.uploadWorker("api", "me"); a.uploadWorker("old", "you"); a.bound("old") }, nil, []string{importProject}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.before(a)
			w, err := readWorld(t.Context(), a.client(), "site", "api")
			if err != nil {
				t.Fatal(err)
			}
			projects := a.projects()
			wantError(t, checkWorkerName(t.Context(), cfg, w, "me"), test.worker...)
			wantError(t, checkProjectName(t.Context(), cfg, w, "me"), test.project...)
			if a.projects() != projects {
				t.Error("the project was deleted")
			}
		})
	}
	t.Run("bound to a Worker that is gone", func(t *testing.T) {
		project := &cloudflare.Project{DeploymentConfigs: map[string]cloudflare.DeploymentConfig{
			"preview": {Services: map[string]*cloudflare.Service{"A": {Service: "old"}, "B": nil}}}}
		wantError(t, checkProjectName(t.Context(), cfg, &world{api: newAccount(t).client(), project: project}, "me"), importProject)
	})
}

func TestOwns(t *testing.T) {
	for name, test := range map[string]struct {
		owner    string
		bindings []cloudflare.ScriptBinding
		want     bool
	}{
		"ours":                     {"me", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner, Text: "me"}}, true},
		"another stack's":          {"me", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner, Text: "you"}}, false},
		"a secret of that name":    {"me", []cloudflare.ScriptBinding{{Type: "secret_text", Name: varOwner}}, false},
		"before there is an owner": {"", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner}}, false},
		"none":                     {"", nil, false},
	} {
		if have := owns(test.owner, &cloudflare.Script{Bindings: test.bindings}); have != test.want {
			t.Errorf("%s: %t", name, have)
		}
	}
}

func TestClearProject(t *testing.T) {
	empty := func(a *account) { a.createProject("site", "main") }
	for name, test := range map[string]struct {
		before        func(*account)
		adopt, dryRun bool
		want          string
		left          int
	}{
		"none":                 {func(*account) {}, false, false, "", 0},
		"orphan":               {empty, false, false, "", 0},
		"orphan, previewed":    {empty, false, true, "", 1},
		"orphan of our Worker": {func(a *account) { a.uploadWorker("api", "me"); empty(a) }, false, false, "", 0},
		"name not checked":     {empty, true, false, "it is empty", 1},
		"deployed":             {func(a *account) { empty(a); a.deploy("site") }, false, false, "it has deployments", 1},
		"with a binding":       {func(a *account) { a.uploadWorker("api", "me"); a.bound("api") }, false, false, "a new one would not have its preview.services", 1},
		"with another branch":  {func(a *account) { a.createProject("site", "trunk") }, false, false, "production_branch", 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.before(a)
			cfg := &Config{PagesProject: "site", ProductionBranch: "main", Adopt: test.adopt}
			err := clearProject(t.Context(), cfg, a.client(), test.dryRun)
			if test.want == "" {
				wantError(t, err)
			} else {
				wantError(t, err, test.want, "pagesProject", "`pulumi config set adopt true`", "`"+importProject+"`")
			}
			if a.projects() != test.left {
				t.Errorf("%d projects, want %d", a.projects(), test.left)
			}
		})
	}
}

// The mark of another owner on the Worker refuses the run, whatever the state has.
func TestMarkConflict(t *testing.T) {
	for name, test := range map[string]struct {
		mark, owner string
		gone        bool
		want        []string
	}{
		"ours":            {"me", "me", false, nil},
		"another's":       {"you", "me", false, []string{`"you"`, "config keys worker", "`pulumi config set adopt true`", "`pulumi state delete --yes --target-dependents 'urn:pulumi:dev::portfolio::portfolio:index:Api$cloudflare:index/workersScript:WorkersScript::api'`"}},
		"no Worker":       {"you", "me", true, nil},
		"none":            {"", "me", false, nil},
		"owner not known": {"you", "", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.uploadWorker("api", test.mark)
			var script *cloudflare.Script
			if !test.gone {
				found, err := a.client().Script(t.Context(), "api")
				if err != nil {
					t.Fatal(err)
				}
				script = &found
			}
			wantError(t, markConflict("api", script, test.owner, "portfolio", "dev"), test.want...)
		})
	}
}

// A state without names is one of an early version, or it has lost them.
func TestCheckLost(t *testing.T) {
	a := newAccount(t)
	a.createProject("site", "main")
	script := func(vars ...string) *foundWorker {
		w := &foundWorker{}
		for i := 0; i < len(vars); i += 2 {
			w.Bindings = append(w.Bindings, cloudflare.ScriptBinding{Type: "plain_text", Name: vars[i], Text: vars[i+1]})
		}
		return w
	}
	kept := map[string]string{"worker": "api"}
	for name, test := range map[string]struct {
		worker *foundWorker
		kept   map[string]string
		want   []string
	}{
		"nothing is there": {nil, nil, nil},
		"lost":             {script(varOwner, "me", varUpload, "hash"), nil, []string{"`" + importWorker + "`", "`" + importProject + "`", "`pulumi config set adopt true`"}},
		"kept":             {script(varOwner, "me", varUpload, "hash"), kept, nil},
		"early version":    {script(varOwner, "me"), nil, nil},
		"another's Worker": {script(varOwner, "you", varUpload, "hash"), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{api: a.client(), project: &cloudflare.Project{}, worker: test.worker}
			wantError(t, checkLost(&Config{PagesProject: "site", Worker: "api"}, w, "me", test.kept), test.want...)
		})
	}
}

func TestCheckNewWorker(t *testing.T) {
	for owner, want := range map[string][]string{"": {importWorker}, "me": nil, "you": {importWorker}} {
		a := newAccount(t)
		wantError(t, checkNewWorker(t.Context(), a.client(), "api", "me"))
		a.uploadWorker("api", owner)
		wantError(t, checkNewWorker(t.Context(), a.client(), "api", "me"), want...)
	}
}
