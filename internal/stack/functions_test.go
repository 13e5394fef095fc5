package stack

import (
	"path/filepath"
	"testing"

	"portfolio-infra/internal/testfiles"
)

// Of the folders called functions only those count that lie above the folder beside the
// site, and in the project.
func TestReader_functionsAbove(t *testing.T) {
	for _, test := range []struct{ name, site, folder, want string }{
		{"none", "web/build/client", "other", ""},
		{"beside the site", "web/build/client", "web/build/functions", ""},
		{"above the site's parent", "web/build/client", "web/functions", "web/functions"},
		{"in the project's folder", "web/build/client", "functions", "functions"},
		{"in the project's folder, beside the site", "dist", "functions", ""},
		{"above the project's folder", "web/build/client", "../functions", ""},
		{"above a site elsewhere", "../web/build/client", "../web/functions", "../web/functions"},
		{"far above a site elsewhere", "../web/build/client", "../functions", ""},
		{"beside a site elsewhere", "../dist", "functions", ""},
		{"of two the nearer one", "a/b/c/d", "functions", "a/functions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			for _, folder := range []string{test.folder, "a/functions"} {
				testfiles.Write(t, parent, map[string]string{filepath.Join("infra", folder, "index.js"): ""})
			}
			r := &reader{program: Program{Dir: filepath.Join(parent, "infra")}}
			if got := r.functionsAbove(test.site); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
