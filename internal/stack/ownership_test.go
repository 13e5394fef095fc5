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

func TestNamesArgs_renamed(t *testing.T) {
	args := &NamesArgs{
		Names:   map[string]string{"pagesProject": "portfolio-prod", "worker": "portfolio-prod-api", "cluster": "mine", "database": "portfolio"},
		Default: map[string]bool{"pagesProject": true, "worker": true, "database": true},
	}
	before := map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db", "database": "portfolio"}
	err := args.renamed(before)
	if err == nil || !strings.HasSuffix(err.Error(), "run:\n  pulumi config set pagesProject portfolio-dev\n  pulumi config set worker portfolio-dev-api") {
		t.Errorf("error %v", err)
	}
	args.Default = nil // other names are meant
	wantError(t, args.renamed(before))
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

func TestNamesArgs_check(t *testing.T) {
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
			l, err := readLive(t.Context(), a.client(), "site", "api")
			if err != nil {
				t.Fatal(err)
			}
			projects := a.projects()
			args := &NamesArgs{Names: map[string]string{"pagesProject": "site", "worker": "api"}, Cloudflare: a.client(), Live: l}
			wantError(t, args.checkWorker(t.Context(), "me"), test.worker...)
			wantError(t, args.checkProject(t.Context(), "me"), test.project...)
			if a.projects() != projects {
				t.Error("the project was deleted")
			}
		})
	}
	t.Run("bound to a Worker that is gone", func(t *testing.T) {
		args := &NamesArgs{Names: map[string]string{"pagesProject": "site", "worker": "api"}, Cloudflare: newAccount(t).client()}
		args.Live.project = &cloudflare.Project{DeploymentConfigs: map[string]cloudflare.DeploymentConfig{
			"preview": {Services: map[string]*cloudflare.Service{"A": {Service: "old"}, "B": nil}}}}
		wantError(t, args.checkProject(t.Context(), "me"), importProject)
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

func TestPagesArgs_beforeCreate(t *testing.T) {
	for name, test := range map[string]struct {
		before        func(*account)
		adopt, dryRun bool
		want          string
		left          int
	}{
		"none":                {func(*account) {}, false, false, "", 0},
		"orphan":              {func(a *account) { a.createProject("site", "main") }, false, false, "", 0},
		"orphan, previewed":   {func(a *account) { a.createProject("site", "main") }, false, true, "", 1},
		"name not checked":    {func(a *account) { a.createProject("site", "main") }, true, false, "it is empty", 1},
		"deployed":            {func(a *account) { a.createProject("site", "main"); a.deploy("site") }, false, false, "it has deployments", 1},
		"with a binding":      {func(a *account) { a.uploadWorker("api", "me"); a.bound("api") }, false, false, "a new one would not have its preview.services", 1},
		"with another branch": {func(a *account) { a.createProject("site", "trunk") }, false, false, "production_branch", 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.before(a)
			args := &PagesArgs{Name: "site", ProductionBranch: "main", Adopt: test.adopt, Cloudflare: a.client()}
			err := args.beforeCreate(t.Context(), test.dryRun)
			if test.want == "" {
				wantError(t, err)
			} else {
				wantError(t, err, test.want, "pagesProject", "adopt", importProject)
			}
			if a.projects() != test.left {
				t.Errorf("%d projects, want %d", a.projects(), test.left)
			}
		})
	}
}

func TestWorkerArgs_beforeCreate(t *testing.T) {
	for owner, want := range map[string][]string{"": {importWorker}, "me": nil, "you": {importWorker}} {
		a := newAccount(t)
		args := &WorkerArgs{Name: "api", Cloudflare: a.client()}
		wantError(t, args.beforeCreate(t.Context(), "me"))
		a.uploadWorker("api", owner)
		wantError(t, args.beforeCreate(t.Context(), "me"), want...)
	}
}
