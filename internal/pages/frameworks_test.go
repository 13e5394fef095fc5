package pages

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/pages/pagestest"
)

// What frameworks build is deployed as by wrangler. That it then answers the same is tested in
// internal/sandbox/site.
func TestDeploy_frameworks(t *testing.T) {
	wrangler := pagestest.Wrangler(t)
	t.Setenv("PATH", filepath.Dir(wrangler[0])+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, f := range pagestest.Frameworks {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			project := f.Build(t)
			git(t, project, "init", "--quiet")
			git(t, project, "commit", "--quiet", "--allow-empty", "--message", "first")
			theirs := &api{token: jwt(`{"exp":4000000000}`), flags: f.Flags}
			theirs.deployFolderWith(t, wrangler, project, f.Site)
			ours := newWorld(t, page)
			ours.api.flags, ours.api.stages = f.Flags, []string{"deploy success"}
			ours.request.Site, ours.request.Flags = filepath.Join(project, f.Site), f.Flags
			if f.Functions != "" {
				ours.request.Functions = filepath.Join(project, f.Functions)
			}
			if _, _, err := ours.run("deploy"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(theirs.assets, ours.api.assets); diff != "" {
				t.Errorf("assets: %s", diff)
			}
			if diff := cmp.Diff(sent(t, theirs.form()), sent(t, ours.api.form())); diff != "" {
				t.Errorf("form: %s", diff)
			}
		})
	}
}
