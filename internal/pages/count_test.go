package pages

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
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
			testcheck.Error(t, err, tt.wantErr)
			if err != nil {
				testcheck.Error(t, err, "run `pulumi config set shrinkSite true` and remove the key after the next run")
			}
		})
	}
	for _, record := range []string{"", "{", "null", "[]"} {
		testcheck.Error(t, withFiles(1, ".gitkeep").CheckShrunk(record, record), "")
	}
}

// The upload token tells the plan's limit. It is asked for only if a project exists and the
// site is large.
func TestSite_CheckCount(t *testing.T) {
	for _, tt := range []struct {
		name, project, token string
		files, calls         int
		wantErr, wantWarning string
	}{
		{"as many as on each plan", "site", jwt(`{"max_file_count_allowed":1}`), maxAssets, 0, "", ""},
		{"free", "site", jwt(`{"max_file_count_allowed":20000}`), maxAssets + 1, 1,
			"config key site: it has 20001 files, and Pages takes 20000: name a smaller folder, or take a plan that allows more", ""},
		{"paid", "site", jwt(`{"max_file_count_allowed":100000}`), maxAssets + 1, 1, "", ""},
		{"no project", "", "", maxAssets + 1, 0, "", "it has 20001 files, and Pages takes 20000 on the free plan; whether yours takes more, the deployment will tell: there is no project yet to ask"},
		{"no answer", "other", "", maxAssets + 1, 1, "", "the deployment will tell: Cloudflare: GET "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &api{token: tt.token}
			client, err := cloudflare.NewClient(account, withToken.get, &http.Client{Transport: resttest.Transport(a)}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			warning, err := withFiles(tt.files).CheckCount(t.Context(), client, tt.project)
			testcheck.Error(t, err, tt.wantErr)
			if !strings.Contains(warning, tt.wantWarning) || (warning == "") != (tt.wantWarning == "") || len(a.calls) != tt.calls {
				t.Errorf("warning %q, calls %v", warning, a.calls)
			}
		})
	}
}
