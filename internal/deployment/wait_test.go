package deployment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
)

func TestDeploy_stages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		stages  []string
		wantErr string
	}{
		{"at once", []string{"deploy success"}, ""},
		{"in turn", []string{"queued active", "initialize success", "deploy idle", "deploy active", "deploy success"}, ""},
		{"failed", []string{"queued active", "deploy failure"}, "the deployment d1 of the Pages project site: its stage deploy ended with failure; the last line of its log: Error: out of coffee"},
		{"canceled", []string{"queued canceled"}, "its stage queued ended with canceled"},
		{"never", []string{"queued active"}, "it is not live after 10m0s: its stage queued is active"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				w.api.stages = tt.stages
				_, _, err := w.run("deploy")
				resttest.CheckError(t, err, tt.wantErr)
			})
		})
	}
}

// A live deployment must answer. Its host name may need some time. Where pages.dev itself
// cannot be reached, nobody can tell, and nobody waits for it.
func TestDeploy_probe(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	reset := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name    string
		respond func(http.ResponseWriter)
		after   time.Duration // it answers
		noWay   bool          // to pages.dev either
		took    time.Duration // at least
		wantErr string
	}{
		{"no first page", status(404), 0, false, 0, ""},
		{"access control", status(302), 0, false, 0, ""},
		{"no host name yet", reset, 4 * time.Minute, false, 4 * time.Minute, ""},
		{"never a host name", reset, time.Hour, false, 5 * time.Minute, "https://d1.site.pages.dev does not answer: "},
		{"no way out for a moment", reset, 5 * time.Second, true, 5 * time.Second, ""},
		{"no way out", reset, time.Hour, true, 10 * time.Second, ""},
		{"an error at first", status(522), 30 * time.Second, false, 30 * time.Second, ""},
		{"every page an error", status(500), time.Hour, false, time.Minute, "https://d1.site.pages.dev answers with status 500; the last line of its log: Error: out of coffee"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				start := time.Now()
				w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
					site, root := strings.HasSuffix(r.Host, ".pages.dev"), r.Host == "pages.dev"
					if !site && !(root && tt.noWay) || tt.after > 0 && time.Since(start) > tt.after {
						return false
					}
					if r.Header.Get("Authorization") != "" {
						t.Error("the deployment gets the token")
					}
					tt.respond(rw)
					return true
				}
				_, _, err := w.run("deploy")
				resttest.CheckError(t, err, tt.wantErr)
				took, most := time.Since(start), tt.took+time.Minute
				if tt.noWay {
					most = 20 * time.Second
				}
				if took < tt.took || took > most {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if warns := strings.Contains(w.progress.String(), "warning: nobody checked that"); warns != (tt.noWay && tt.after == time.Hour) {
					t.Errorf("warns %t: %s", warns, &w.progress)
				}
			})
		})
	}
}

// A canceled command ends at once, and says that it may be run again.
func TestDeploy_canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.stages = []string{"queued active"}
		s, err := Read(t.Context(), Folder{Site: w.request.Site})
		if err != nil {
			t.Fatal(err)
		}
		w.request.Digest = s.Digest
		in, _ := json.Marshal(w.request)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		err = run(ctx, "deploy", bytes.NewReader(in), &bytes.Buffer{}, &w.progress, func(name string) string { return map[string]string{cloudflare.EnvToken: apiToken}[name] }, resttest.Transport(w.api))
		resttest.CheckError(t, err, "run it again")
		if !errors.Is(err, ctx.Err()) || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}
