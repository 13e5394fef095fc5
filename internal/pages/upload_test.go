package pages

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

// respondTo makes the API respond to a call with a path in another way, the first times.
func (w *world) respondTo(path string, times int, respond func(http.ResponseWriter, *http.Request)) {
	var mu sync.Mutex
	w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		hit := strings.HasSuffix(r.URL.Path, path) && times > 0
		if hit {
			times--
		}
		mu.Unlock()
		if hit {
			respond(rw, r)
		}
		return hit
	}
}

func refusing(status, code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, code, "injected") }
}

func TestUpload_tokens(t *testing.T) {
	for _, tt := range []struct {
		name    string
		path    string
		status  int
		code    int
		times   int
		tokens  int
		wantErr string
	}{
		{"good", "", 0, 0, 0, 1, ""},
		{"refused when keys are looked up", "/check-missing", 403, 8000013, 1, 2, ""},
		{"refused in an upload", "/assets/upload", 401, 8000013, 2, 3, ""},
		{"refused with another code", "/assets/upload", 401, 10000, 1, 2, ""},
		{"refused when keys are kept", "/upsert-hashes", 401, 8000013, 1, 2, ""},
		{"always refused", "/check-missing", 401, 8000013, 99, 4, "uploading to the Pages project site: Cloudflare: POST https://api.cloudflare.com/client/v4/pages/assets/check-missing: 401"},
		{"forbidden", "/assets/upload", 403, 9109, 1, 1, "403 Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				w.respondTo(tt.path, tt.times, refusing(tt.status, tt.code))
				_, _, err := w.run("deploy")
				testcheck.Error(t, err, tt.wantErr)
				if w.api.tokens != tt.tokens {
					t.Errorf("%d tokens, want %d", w.api.tokens, tt.tokens)
				}
			})
		})
	}
}

// A token that is about to expire is not used.
func TestUpload_tokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.token = jwt(fmt.Sprintf(`{"exp":%d}`, time.Now().Add(time.Minute).Unix()))
		w.respondTo("/assets/upload", 1, func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(55 * time.Second)
			w.api.token = jwt(`{}`)
			refuse(rw, 502, 0, "bad gateway")
		})
		if _, _, err := w.run("deploy"); err != nil || w.api.tokens != 2 {
			t.Errorf("%d tokens: %v", w.api.tokens, err)
		}
	})
}

// After gateway errors that outlast a call's tries, uploads wait longer and run one at a
// time.
func TestUpload_gatewayErrors(t *testing.T) {
	for _, tt := range []struct {
		times   int
		wantErr string
	}{{20, ""}, {99, "502 Bad Gateway"}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, files{"a.html": "a", "b.html": "b", "c.html": "c"})
			var mu sync.Mutex
			running, most := 0, 0
			start := time.Now()
			w.respondTo("/assets/upload", tt.times, func(rw http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				if running++; time.Since(start) > 5*time.Minute {
					most = max(most, running)
				}
				mu.Unlock()
				time.Sleep(time.Minute / 2)
				mu.Lock()
				running--
				mu.Unlock()
				refuse(rw, 502, 0, "bad gateway")
			})
			_, _, err := w.run("deploy")
			testcheck.Error(t, err, tt.wantErr)
			if most > 1 {
				t.Errorf("%d uploads at a time", most)
			}
		})
	}
}

func TestUpload_limits(t *testing.T) {
	for _, tt := range []struct {
		name, token, wantErr string
	}{
		{"of the account", jwt(`{"max_file_count_allowed":1}`), "config key site: it has 2 files, and Pages takes 1"},
		{"as many", jwt(`{"max_file_count_allowed":2}`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, files{"a.html": "a", "b.html": "b"})
				w.api.token = tt.token
				_, _, err := w.run("deploy")
				testcheck.Error(t, err, tt.wantErr)
			})
		})
	}
}

// A site that is only a Worker has no files, and a list of none.
func TestUpload_none(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"_worker.js": "export default {}"})
		var sent []string
		w.api.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/client/v4/pages/assets/") {
				body, _ := io.ReadAll(r.Body)
				sent = append(sent, string(body))
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			return false
		}
		result, _, err := w.run("deploy")
		if err != nil || result.Files != 0 {
			t.Errorf("%+v, %v", result, err)
		}
		if diff := cmp.Diff([]string{`{"hashes":[]}`, `{"hashes":[]}`}, sent); diff != "" {
			t.Error(diff)
		}
	})
}

// Nothing is stored of a file that changes while the site is deployed, and the next run
// deploys what it has become.
func TestUpload_changed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.respondTo("/upload-token", 1, func(rw http.ResponseWriter, _ *http.Request) {
			files{"index.html": "hullo"}.write(t, w.request.Site)
			refuse(rw, 500, 0, "try again")
		})
		_, _, err := w.run("deploy")
		if want := "uploading to the Pages project site: index.html has changed since the preview: run it again"; err == nil || err.Error() != want {
			t.Errorf("got  error %v\nwant %s", err, want)
		}
		if len(w.api.assets) > 0 || len(w.api.deployments) > 0 {
			t.Errorf("stored %v, deployed %d", w.api.assets, len(w.api.deployments))
		}
		if got, _, err := w.run("deploy"); err != nil || got.Uploaded != 1 {
			t.Errorf("%+v: %v", got, err)
		}
	})
}

func TestUpload_unexpectedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.respondTo("/check-missing", 1, func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, `{"success":true,"result":["cafe"]}`)
		})
		_, _, err := w.run("deploy")
		testcheck.Error(t, err, `lists the file "cafe" as missing, which the site does not have`)
	})
}

// Keeping the keys is not needed for the deployment.
func TestUpload_keysNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.respondTo("/upsert-hashes", 99, refusing(500, 8000000))
		if _, _, err := w.run("deploy"); err != nil {
			t.Error(err)
		}
		if said := w.progress.String(); !strings.Contains(said, "the next deployment may have to upload the files again: ") ||
			!strings.Contains(said, "uploaded 1 of 1 files\n") {
			t.Errorf("progress: %s", said)
		}
	})
}

// No token is shown, whatever the API says.
func TestUpload_secrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.token = jwt(`{"secret":"hunter2"}`)
		w.respondTo("/upsert-hashes", 99, func(rw http.ResponseWriter, r *http.Request) {
			refuse(rw, 400, 1, "you sent "+r.Header.Get("Authorization"))
		})
		if _, _, err := w.run("deploy"); err != nil {
			t.Error(err)
		}
		if said := w.progress.String(); strings.Contains(said, w.api.token) || !strings.Contains(said, "you sent Bearer [hidden]") {
			t.Errorf("progress: %s", said)
		}
	})
}
