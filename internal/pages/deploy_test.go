package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// world is a site and the API to which it is deployed.
type world struct {
	*testing.T
	api      *api
	request  DeployRequest
	drift    string // the stack's mark
	progress bytes.Buffer
}

func newWorld(t *testing.T, f files) *world {
	t.Helper()
	w := &world{T: t, api: &api{token: jwt(`{}`)}}
	w.request = DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: f.site(t)}
	return w
}

// read reads the site as the request says, and completes the request.
func (w *world) read() {
	w.Helper()
	r := &w.request
	r.Digest = mustRead(w, Folder{Site: r.Site, Functions: r.Functions, Runtime: bundle.Runtime{Date: projectDate, Flags: r.Flags}, NoIndex: r.NoIndex}).Digest
}

// send runs deploy with the request, and returns its result and its calls.
func (w *world) send(ctx context.Context, env vars) (result DeployResult, calls []string, err error) {
	w.Helper()
	w.api.calls = nil
	var out bytes.Buffer
	err = run(ctx, "deploy", strings.NewReader(jsonOf(w, w.request)), &out, &w.progress, env.get, resttest.Transport(w.api))
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &result)
	}
	return result, w.api.calls, err
}

// deploy deploys the site as it is.
func (w *world) deploy() (DeployResult, []string, error) {
	w.Helper()
	w.read()
	return w.send(w.Context(), vars{cloudflare.EnvToken: apiToken, EnvDrift: w.drift})
}

// mustDeploy deploys the site, by these calls if there are any.
func (w *world) mustDeploy(want ...string) DeployResult {
	w.Helper()
	result, calls, err := w.deploy()
	if err != nil {
		w.Fatal(err)
	}
	if want != nil {
		equal(w, "calls", calls, want)
	}
	return result
}

// fails deploys the site, and fails the test unless the error is so. No text is no error.
func (w *world) fails(want ...string) (calls []string) {
	w.Helper()
	_, calls, err := w.deploy()
	testcheck.Error(w, err, want...)
	return calls
}

var (
	page  = files{"index.html": "hello"}
	whole = []string{"GET ", "GET /deployments", "GET /upload-token", "POST /pages/assets/check-missing",
		"POST /pages/assets/upload", "POST /pages/assets/upsert-hashes", "POST /deployments", "GET /deployments/d1", "GET /"}
)

func TestDeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"index.html": "hello", "copy.html": "hello", "x.css": "a{}", "_headers": "/*\n  X: 1", "_redirects": "/a /b",
			"_routes.json": routes, "_worker.js": "export default {}"})
		got := w.mustDeploy(slices.Insert(slices.Clone(whole), 4, whole[4])...)
		equal(t, "result", got, DeployResult{ID: "d1", URL: "https://d1.site.pages.dev", Alias: "https://main.site.pages.dev", Created: "2026-06-01T00:00:00Z", Files: 3, Uploaded: 2})
		hello, _ := newAsset("index.html", w.request.Site+"/index.html")
		css, _ := newAsset("x.css", w.request.Site+"/x.css")
		form := w.api.forms[0]
		worker := form[5]
		form[5].Content = ""
		const octets = "application/octet-stream"
		equal(t, "form", form, []part{
			{"manifest", "", "", fmt.Sprintf(`{"/copy.html":%q,"/index.html":%[1]q,"/x.css":%q}`, hello.key, css.key)},
			{"branch", "", "", "main"},
			{"commit_message", "", "", w.request.mark()},
			{"_headers", "_headers", octets, "/*\n  X: 1"},
			{"_redirects", "_redirects", octets, "/a /b"},
			{"_worker.bundle", "_worker.bundle", octets, ""},
			{"_routes.json", "_routes.json", octets, routes},
		})
		if modules := parts(t, []byte(worker.Content)); len(modules) != 2 || modules[1].Field != "_worker.js" {
			t.Errorf("modules: %+v", modules)
		}
		equal(t, "asset", w.api.assets[hello.key], stored{"text/html", "hello"})
	})
}

// Only files that changed are uploaded, and an unchanged site is not deployed again.
func TestDeploy_again(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"index.html": "hello", "about.html": "about"})
		first := w.mustDeploy()
		first.Uploaded = 0
		equal(t, "again", w.mustDeploy("GET ", "GET /"), first)
		files{"index.html": "hullo"}.write(t, w.request.Site)
		if changed := w.mustDeploy(); changed.ID != "d2" || changed.Uploaded != 1 {
			t.Errorf("%+v", changed)
		}
		w.request.Settings = "other variables"
		if changed := w.mustDeploy(); changed.ID != "d3" || changed.Uploaded != 0 {
			t.Errorf("%+v", changed)
		}
	})
}

// A run that died before it recorded its deployment left one, which the next run adopts.
// Anything else is deployed again.
func TestDeploy_adopts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(w *world, mark string)
		want   string
		made   bool
	}{
		{"none", func(*world, string) {}, "d1", true},
		{"live", func(w *world, mark string) { w.api.add(mark) }, "d1", false},
		{"live, and newer than the drift", func(w *world, mark string) {
			w.api.add(mark)
			w.drift = "no deployment (2026-05-31T23:59:59Z)"
		}, "d1", false},
		{"live, and older than its bindings", func(w *world, mark string) {
			w.api.add(mark)
			w.drift = "a deployment that is older than its bindings (2026-06-01T00:00:01Z)"
		}, "d2", true},
		{"on its way", func(w *world, mark string) {
			w.api.add(mark).stages = []string{"queued active", "deploy active", "deploy success"}
			w.api.canonical = ""
		}, "d1", false},
		{"behind previews", func(w *world, mark string) {
			w.api.add(mark).stages = []string{"queued active", "deploy success"}
			w.api.canonical = ""
			for range 30 {
				w.api.add(mark).environment = "preview"
				w.api.canonical = ""
			}
		}, "d1", false},
		{"failed", func(w *world, mark string) {
			w.api.add(mark).stages = []string{"deploy failure"}
			w.api.canonical = ""
		}, "d2", true},
		{"rolled back", func(w *world, mark string) {
			w.api.add("[pulumi " + owner + " 0123456789abcdef]")
			w.api.add(mark)
			w.api.canonical, w.api.rolledBack = "d1", true
		}, "d3", true},
		{"replaced since", func(w *world, mark string) {
			w.api.add(mark)
			w.api.add("[pulumi " + owner + " 0123456789abcdef]")
		}, "d3", true},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			w.read()
			tt.before(w, withMark("message", w.request.mark()))
			got, calls, err := w.deploy()
			if made := slices.Contains(calls, "POST /deployments"); err != nil || got.ID != tt.want || made != tt.made {
				t.Errorf("%s, made %t, want %s: %v", got.ID, made, tt.want, err)
			}
		})
	}
}

// The response of the call that creates a deployment may be lost: the run finds what it made.
// [TestDeploy_Faults] shows that every other fault converges.
func TestDeploy_ambiguous(t *testing.T) {
	for _, tt := range []struct {
		name    string
		code    int
		effect  bool
		times   int
		posts   int
		wantErr string
	}{
		{"unknown error after the effect", 8000000, true, 1, 1, ""},
		{"unknown error without effect", 8000000, false, 2, 3, ""},
		{"reset after the effect", 0, true, 1, 1, ""},
		{"always", 8000000, false, 9, 3, "deploying to the Pages project site: Cloudflare: POST"},
		{"refused", 8000096, false, 1, 1, "refused"},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			w.respondTo("POST /deployments", tt.times, func(rw http.ResponseWriter, r *http.Request) {
				if tt.effect {
					w.api.mu.Lock()
					w.api.deploy(r)
					w.api.mu.Unlock()
				}
				if tt.code == 0 {
					panic(http.ErrAbortHandler)
				}
				refuse(rw, 400, tt.code, "refused")
			})
			w.fails(tt.wantErr)
			made := 1
			if tt.wantErr != "" {
				made = 0
			}
			equal(t, "calls and deployments", []int{w.api.count("POST /deployments"), len(w.api.deployments)}, []int{tt.posts, made})
		})
	}
}

// Somebody else's deployment is replaced only with consent, even if the stack's own one was
// there before it.
func TestDeploy_conflict(t *testing.T) {
	for _, tt := range []struct {
		name      string
		messages  []string
		overwrite bool
		wantErr   string
	}{
		{"none", nil, false, ""},
		{"ours", []string{ours}, false, ""},
		{"theirs", []string{"hello"}, false, "config key site: the Pages project site serves a deployment that this stack did not make (d1 of 2026-06-01T00:00:00Z), and nothing was changed: to replace it, run `pulumi config set overwriteSite true`, which holds until you remove it; to keep it, run `pulumi config rm site`, "},
		{"another stack's", []string{"[pulumi other 0123456789abcdef]"}, false, "overwriteSite"},
		{"theirs, with consent", []string{"hello"}, true, ""},
		{"theirs after ours", []string{ours, "hello"}, false, "overwriteSite"},
		{"theirs after ours, with consent", []string{ours, "hello"}, true, ""},
		{"ours after theirs", []string{"hello", ours}, false, ""},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			for _, message := range tt.messages {
				w.api.add(message)
			}
			w.request.Overwrite = tt.overwrite
			calls := w.fails(tt.wantErr)
			equal(t, "uploaded", slices.Contains(calls, "POST /pages/assets/upload"), tt.wantErr == "")
		})
	}
}

// The Worker is bundled for the date that the project has.
func TestDeploy_date(t *testing.T) {
	w := newWorld(t, files{"_worker.js": "import fs from 'fs'; import http from 'node:http'; export default { fs, http };", "index.html": ""})
	w.request.Flags = []string{"nodejs_compat"}
	w.api.stages = []string{"deploy success"}
	w.mustDeploy()
}

// What is not as planned is not deployed. The content depends on the project's compatibility
// date, which is read first.
func TestDeploy_notPlanned(t *testing.T) {
	w := newWorld(t, page)
	w.request.Digest = digest
	_, calls, err := w.send(t.Context(), withToken)
	testcheck.Error(t, err, "config key site: "+w.request.Site+" has changed since the preview: run it again")
	equal(t, "calls", calls, []string{"GET "})
}
