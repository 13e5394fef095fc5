package stack

import (
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

// Default names that changed with the name of the stack or of the project are refused, with the
// lines that keep them.
func TestCheckRenamed(t *testing.T) {
	const owner, renamed = "portfolio-dev-0123456789ab", "port-folio-dev-0123456789ab" // the latter when the project was called port-folio
	long := strings.Repeat("a", maxOwnerSlug) + "-0123456789ab"
	kept := func(pairs ...string) map[string]string {
		names := map[string]string{}
		for pair := range slices.Chunk(pairs, 2) {
			names[pair[0]] = pair[1]
		}
		return names
	}
	old := kept("pagesProject", "portfolio-dev", "worker", "portfolio-dev-api", "cluster", "portfolio-dev-db", "database", "other")
	for name, test := range map[string]struct {
		owner, project, stack string
		kept                  map[string]string
		others                bool // whether the config sets the names
		want                  []string
	}{
		"not renamed":                      {owner, "portfolio", "dev", old, false, nil},
		"the stack, and other names meant": {owner, "portfolio", "prod", old, true, nil},
		"the stack":                        {owner, "portfolio", "prod", old, false, []string{"cluster portfolio-dev-db", "pagesProject portfolio-dev", "worker portfolio-dev-api"}},
		"the stack, of an early version":   {owner, "portfolio", "prod", nil, false, []string{"cluster portfolio-dev-db", "pagesProject portfolio-dev", "worker portfolio-dev-api"}},
		"the stack, one name was set":      {owner, "portfolio", "prod", kept("pagesProject", "mine", "worker", "portfolio-dev-api"), false, []string{"worker portfolio-dev-api"}},
		"a key that was taken out":         {"portfolio-prod-0123456789ab", "portfolio", "prod", old, false, nil},
		"the project":                      {renamed, "site", "dev", kept("worker", "port-folio-dev-api", "database", "port_folio"), false, []string{"database port_folio", "worker port-folio-dev-api"}},
		"odd letters":                      {renamed, "Port.Folio", "Dev", old, false, nil},
		"no owner yet":                     {"", "portfolio", "dev", old, false, nil},
		"an owner that was cut":            {long, "portfolio", "prod", kept("pagesProject", "a"), false, []string{"pagesProject a"}},
		"an owner that was cut, no names":  {long, "portfolio", "prod", nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := load(test.project, test.stack, nil)
			testcheck.Error(t, err)
			if test.others {
				cfg.DefaultNames = nil
			}
			err = checkRenamed(cfg, test.kept, test.owner, test.project, test.stack)
			var lines []string
			if err != nil {
				_, all, _ := strings.Cut(err.Error(), "To keep them, run:\n  ")
				lines = strings.Split(all, "\n  ")
			}
			for i, line := range lines {
				lines[i] = strings.TrimSuffix(strings.TrimPrefix(line, "`pulumi config set "), "`")
			}
			if !slices.Equal(lines, test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
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
