package deployment

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
)

// withFiles is a site with n files, of which the first are named.
func withFiles(n int, names ...string) *Site {
	s := &Site{Digest: "new"}
	for i := range n {
		name := fmt.Sprint(i, ".html")
		if i < len(names) {
			name = names[i]
		}
		s.assets = append(s.assets, asset{name: name})
	}
	return s
}

func TestSite_CheckShrunk(t *testing.T) {
	withWorker := withFiles(1, ".well-known/x")
	withWorker.modules = []module{{}}
	const few, dots = "it has 5 files, and the last deployment had 30 files", "it has nothing but dotfiles, and the last deployment had 2 files"
	for _, tt := range []struct {
		name, digest string
		site         *Site
		last         int
		wantErr      string
	}{
		{"fewer than half", "old", withFiles(5), 30, few},
		{"none", "old", withFiles(0), 30, "it has 0 files"},
		{"half", "old", withFiles(15), 30, ""},
		{"more", "old", withFiles(31), 30, ""},
		{"fewer than half of 21", "old", withFiles(10), 21, "it has 10 files"},
		{"fewer than half of 20", "old", withFiles(1), 20, ""},
		{"what is deployed already", "new", withFiles(5), 30, ""},
		{"dotfiles", "old", withFiles(2, ".gitkeep", "a/.b/c"), 2, dots},
		{"dotfiles that are deployed already", "new", withFiles(1, ".gitkeep"), 1, ""},
		{"dotfiles and a page", "old", withFiles(2, ".gitkeep"), 2, ""},
		{"dotfiles and a Worker", "old", withWorker, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.site.CheckShrunk(fmt.Sprintf(`{"digest":%q}`, tt.digest), fmt.Sprintf(`{"id":"1","files":%d}`, tt.last))
			resttest.CheckError(t, err, tt.wantErr)
			if err != nil {
				resttest.CheckError(t, err, "run `pulumi config set shrinkSite true` and remove the key after the next run")
			}
		})
	}
	for _, record := range []string{"", "{", "null", "[]"} {
		resttest.CheckError(t, withFiles(1, ".gitkeep").CheckShrunk(record, record), "")
	}
}

// The plan's limit is the upload token's.
func TestSite_CheckCount(t *testing.T) {
	if withFiles(maxAssets).ExceedsFreePlan() || !withFiles(maxAssets+1).ExceedsFreePlan() {
		t.Error("the free plan allows another number")
	}
	for _, tt := range []struct{ name, token, wantErr string }{
		{"free", jwt(`{"max_file_count_allowed":20000}`), "config key site: it has 20001 files, and Pages takes 20000: name a smaller folder, or take a plan that allows more"},
		{"paid", jwt(`{"max_file_count_allowed":100000}`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			w.api.token = tt.token
			client, err := cloudflare.NewClient(account, func(name string) string {
				return map[string]string{cloudflare.EnvToken: apiToken}[name]
			}, &http.Client{Transport: resttest.Transport(w.api)}, &strings.Builder{})
			if err != nil {
				t.Fatal(err)
			}
			resttest.CheckError(t, withFiles(maxAssets+1).CheckCount(t.Context(), client, "site"), tt.wantErr)
		})
	}
}
