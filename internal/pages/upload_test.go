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
)

// respondTo makes the API respond in another way to calls that end so, the first times.
func (w *world) respondTo(call string, times int, respond func(http.ResponseWriter, *http.Request)) {
	var mu sync.Mutex
	w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		hit := strings.HasSuffix(callOf(r), call) && times > 0
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

// How often a token is refused, where, and how many tokens are taken.
func TestUpload_tokens(t *testing.T) {
	for _, tt := range []struct {
		name    string
		call    string
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
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			w.respondTo(tt.call, tt.times, refusing(tt.status, tt.code))
			w.fails(tt.wantErr)
			equal(t, "tokens", w.api.tokens, tt.tokens)
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
		w.mustDeploy()
		equal(t, "tokens", w.api.tokens, 2)
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
			w.fails(tt.wantErr)
			if most > 1 {
				t.Errorf("%d uploads at a time", most)
			}
		})
	}
}

func TestUpload_limits(t *testing.T) {
	for most, wantErr := range map[int]string{1: "config key site: it has 2 files, and Pages takes 1", 2: ""} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, files{"a.html": "a", "b.html": "b"})
			w.api.token = jwt(fmt.Sprintf(`{"max_file_count_allowed":%d}`, most))
			w.fails(wantErr)
		})
	}
}

// A site that is only a Worker has no files, and a list of none.
func TestUpload_none(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"_worker.js": "export default {}"})
		var sent []string
		w.api.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(callOf(r), "/pages/assets/") {
				body, _ := io.ReadAll(r.Body)
				sent = append(sent, string(body))
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			return false
		}
		equal(t, "files", w.mustDeploy().Files, 0)
		equal(t, "sent", sent, []string{`{"hashes":[]}`, `{"hashes":[]}`})
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
		_, _, err := w.deploy()
		equal(t, "error", fmt.Sprint(err), "uploading to the Pages project site: index.html has changed since the preview: run it again")
		if len(w.api.assets) > 0 || len(w.api.deployments) > 0 {
			t.Errorf("stored %v, deployed %d", w.api.assets, len(w.api.deployments))
		}
		equal(t, "uploaded", w.mustDeploy().Uploaded, 1)
	})
}

func TestUpload_unexpectedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.respondTo("/check-missing", 1, func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, `{"success":true,"result":["cafe"]}`)
		})
		w.fails(`lists the file "cafe" as missing, which the site does not have`)
	})
}

// Keeping the keys is not needed for the deployment. No token is shown, whatever the API says.
func TestUpload_keysNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.token = jwt(`{"secret":"hunter2"}`)
		w.respondTo("/upsert-hashes", 99, func(rw http.ResponseWriter, r *http.Request) {
			refuse(rw, 400, 1, "you sent "+r.Header.Get("Authorization"))
		})
		w.mustDeploy()
		said := w.progress.String()
		for _, want := range []string{"the next deployment may have to upload the files again: ", "uploaded 1 of 1 files\n", "you sent Bearer [hidden]"} {
			if !strings.Contains(said, want) || strings.Contains(said, w.api.token) {
				t.Errorf("progress: %s; want %q in it", said, want)
			}
		}
	})
}
