package pages

import (
	"os"
	"path/filepath"
	"testing"

	"portfolio-infra/internal/bundle"
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
			folder := Folder{Site: filepath.Join(project, f.Site), Runtime: bundle.Runtime{Flags: f.Flags}}
			if f.Functions != "" {
				folder.Functions = filepath.Join(project, f.Functions)
			}
			sameForm(t, wrangler, project, folder)
		})
	}
}
