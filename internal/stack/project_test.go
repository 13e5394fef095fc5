package stack

import (
	"testing"

	"portfolio-infra/internal/testcheck"
)

func TestClearProject(t *testing.T) {
	empty := func(a *account) { a.CreateProject("site", "main") }
	for name, test := range map[string]struct {
		before        func(*account)
		adopt, dryRun bool
		want          string
		left          int
	}{
		"none":                 {func(*account) {}, false, false, "", 0},
		"orphan":               {empty, false, false, "", 0},
		"orphan, previewed":    {empty, false, true, "", 1},
		"orphan of our Worker": {func(a *account) { a.UploadWorker("api", "me"); empty(a) }, false, false, "", 0},
		"name not checked":     {empty, true, false, "it is empty", 1},
		"deployed":             {func(a *account) { empty(a); a.Deploy("site", "main", "") }, false, false, "it has deployments", 1},
		"with a binding":       {func(a *account) { a.UploadWorker("api", "me"); a.bound("api") }, false, false, "a new one would not have its preview.services", 1},
		"with another branch":  {func(a *account) { a.CreateProject("site", "trunk") }, false, false, "production_branch", 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.before(a)
			cfg := &Config{PagesProject: "site", ProductionBranch: "main", Adopt: test.adopt}
			var parts []string
			if test.want != "" {
				parts = []string{test.want, "pagesProject", "`pulumi config set adopt true`", "`" + importProject + "`"}
			}
			testcheck.Error(t, clearProject(t.Context(), cfg, a.client(), test.dryRun), parts...)
			if a.projects() != test.left {
				t.Errorf("%d projects, want %d", a.projects(), test.left)
			}
		})
	}
}
