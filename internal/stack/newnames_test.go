package stack

import (
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

func TestCheckRenamed(t *testing.T) {
	cfg := &Config{
		PagesProject: "portfolio-prod", Worker: "portfolio-prod-api", Cluster: "mine", Database: "portfolio",
		DefaultNames: map[string]bool{"pagesProject": true, "worker": true, "database": true},
	}
	before := map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db", "database": "other"}
	const owner = "portfolio-dev-0123456789ab"
	for _, kept := range []map[string]string{before, {}} { // the latter of an early version
		err := checkRenamed(cfg, kept, owner, "portfolio", "prod")
		testcheck.Error(t, err, "run:\n  `pulumi config set pagesProject portfolio-dev`\n  `pulumi config set worker portfolio-dev-api`")
		if strings.Count(err.Error(), "\n") > 2 {
			t.Errorf("more than that: %v", err)
		}
	}
	// A key that was taken out again is no rename of the stack.
	testcheck.Error(t, checkRenamed(cfg, before, "portfolio-prod-0123456789ab", "portfolio", "prod"))
	testcheck.Error(t, checkRenamed(cfg, map[string]string{"pagesProject": "mine"}, owner, "portfolio", "prod"))
	long := strings.Repeat("a", maxOwnerSlug) + "-0123456789ab"
	testcheck.Error(t, checkRenamed(cfg, map[string]string{"pagesProject": "a"}, long, "portfolio", "prod"), "`pulumi config set pagesProject a`")
	cfg.DefaultNames = nil // other names are meant
	testcheck.Error(t, checkRenamed(cfg, before, owner, "portfolio", "prod"))
}

const (
	importWorker  = "pulumi import cloudflare:index/workersScript:WorkersScript api " + testAccount + "/api"
	importProject = "pulumi import cloudflare:index/pagesProject:PagesProject site " + testAccount + "/site"
)

// bound makes the project site, bound to a Worker.
func (a *account) bound(worker string) {
	a.Helper()
	a.CreateProject("site", "main")
	a.Configure("site", `{"preview":{"services":{"A":{"service":"`+worker+`","environment":"production"}}}}`)
}

func TestCheckNames(t *testing.T) {
	cfg := &Config{PagesProject: "site", Worker: "api"}
	for name, test := range map[string]struct {
		before          func(*account)
		worker, project []string // what the errors say
	}{
		"nothing exists":       {func(*account) {}, nil, nil},
		"no subdomain":         {func(a *account) { a.Cloud.NoSubdomain = true }, []string{"dash.cloudflare.com"}, nil},
		"ours":                 {func(a *account) { a.UploadWorker("api", "me"); a.bound("api") }, nil, nil},
		"conflict":             {func(a *account) { a.UploadWorker("api", "you"); a.bound("api") }, []string{importWorker, "adopt"}, []string{importProject, "adopt"}},
		"without an owner":     {func(a *account) { a.UploadWorker("api", ""); a.bound("api") }, []string{importWorker}, []string{importProject}},
		"an empty project":     {func(a *account) { a.UploadWorker("api", "me"); a.CreateProject("site", "main") }, nil, []string{"it is not bound to its Worker"}},
		"bound to our old one": {func(a *account) { a.UploadWorker("api", "me"); a.UploadWorker("old", "me"); a.bound("old") }, nil, nil},
		"bound to a conflict":  {func(a *account) { a.UploadWorker("api", "me"); a.UploadWorker("old", "you"); a.bound("old") }, nil, []string{importProject}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.before(a)
			w, projects := a.read(), a.projects()
			testcheck.Error(t, checkWorkerName(t.Context(), cfg, w, "me"), test.worker...)
			testcheck.Error(t, checkProjectName(t.Context(), cfg, w, "me"), test.project...)
			if a.projects() != projects {
				t.Error("the project was deleted")
			}
		})
	}
	t.Run("bound to a Worker that is gone", func(t *testing.T) {
		project := &cloudflare.Project{DeploymentConfigs: map[string]cloudflare.DeploymentConfig{
			"preview": {Services: map[string]*cloudflare.Service{"A": {Service: "old"}, "B": nil}}}}
		testcheck.Error(t, checkProjectName(t.Context(), cfg, &world{api: newAccount(t).client(), project: project}, "me"), importProject)
	})
}

// A state without names is one of an early version, or it has lost them.
func TestCheckLost(t *testing.T) {
	a := newAccount(t)
	a.CreateProject("site", "main")
	vars := func(vars ...string) *foundWorker { return newFoundWorker("", vars) }
	const ours, uploaded = varOwner + "=me", varUpload + "=hash"
	kept := map[string]string{"worker": "api"}
	for name, test := range map[string]struct {
		worker *foundWorker
		kept   map[string]string
		want   []string
	}{
		"nothing is there": {nil, nil, nil},
		"lost":             {vars(ours, uploaded), nil, []string{"`" + importWorker + "`", "`" + importProject + "`", "`pulumi config set adopt true`"}},
		"kept":             {vars(ours, uploaded), kept, nil},
		"early version":    {vars(ours), nil, nil},
		"another's Worker": {vars(varOwner+"=you", uploaded), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{api: a.client(), project: &cloudflare.Project{}, worker: test.worker}
			testcheck.Error(t, checkLost(&Config{PagesProject: "site", Worker: "api"}, w, "me", test.kept), test.want...)
		})
	}
}
