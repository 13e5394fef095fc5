package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testcheck"
)

const apiToken = cloudflaretest.Token

// world is a site and the API to which it is deployed.
type world struct {
	t        *testing.T
	api      *api
	request  DeployRequest
	drift    string // the stack's mark
	progress bytes.Buffer
}

func newWorld(t *testing.T, f files) *world {
	t.Helper()
	w := &world{t: t, api: &api{token: jwt(`{}`)}}
	w.request = DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: f.site(t)}
	return w
}

// run runs a command for the site as it is, and returns its result and its calls.
func (w *world) run(verb string) (result DeployResult, calls []string, err error) {
	w.t.Helper()
	s, err := Read(w.t.Context(), Folder{Site: w.request.Site, Functions: w.request.Functions, Runtime: bundle.Runtime{Date: projectDate, Flags: w.request.Flags}, NoIndex: w.request.NoIndex})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	w.request.Digest = s.Digest
	in, err := json.Marshal(w.request)
	if err != nil {
		w.t.Fatal(err)
	}
	w.api.calls = nil
	var out bytes.Buffer
	env := map[string]string{cloudflare.EnvToken: apiToken, EnvDrift: w.drift}
	err = run(w.t.Context(), verb, bytes.NewReader(in), &out, &w.progress, func(name string) string { return env[name] }, resttest.Transport(w.api))
	if err == nil && verb == "deploy" {
		err = json.Unmarshal(out.Bytes(), &result)
	}
	return result, w.api.calls, err
}

// mustRun runs a command that makes these calls.
func (w *world) mustRun(verb string, want ...string) DeployResult {
	w.t.Helper()
	result, calls, err := w.run(verb)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		w.t.Errorf("calls: %s", diff)
	}
	return result
}

var (
	page   = files{"index.html": "hello"}
	probed = []string{"GET /deployments/d1", "GET /"}
	whole  = append([]string{"GET ", "GET /deployments", "GET /upload-token", "POST /pages/assets/check-missing",
		"POST /pages/assets/upload", "POST /pages/assets/upsert-hashes", "POST /deployments"}, probed...)
)

func TestDeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"index.html": "hello", "copy.html": "hello", "x.css": "a{}", "_headers": "/*\n  X: 1", "_redirects": "/a /b",
			"_routes.json": routes, "_worker.js": "export default {}"})
		got := w.mustRun("deploy", "GET ", "GET /deployments", "GET /upload-token", "POST /pages/assets/check-missing", "POST /pages/assets/upload",
			"POST /pages/assets/upload", "POST /pages/assets/upsert-hashes", "POST /deployments", "GET /deployments/d1", "GET /")
		want := DeployResult{ID: "d1", URL: "https://d1.site.pages.dev", Alias: "https://main.site.pages.dev", Created: "2026-06-01T00:00:00Z", Files: 3, Uploaded: 2}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		hello, _ := newAsset("index.html", w.request.Site+"/index.html")
		css, _ := newAsset("x.css", w.request.Site+"/x.css")
		form := w.api.forms[0]
		worker := form[5]
		form[5].Content = ""
		const octets = "application/octet-stream"
		wantForm := []part{
			{"manifest", "", "", fmt.Sprintf(`{"/copy.html":%q,"/index.html":%[1]q,"/x.css":%q}`, hello.key, css.key)},
			{"branch", "", "", "main"},
			{"commit_message", "", "", w.request.mark()},
			{"_headers", "_headers", octets, "/*\n  X: 1"},
			{"_redirects", "_redirects", octets, "/a /b"},
			{"_worker.bundle", "_worker.bundle", octets, ""},
			{"_routes.json", "_routes.json", octets, routes},
		}
		if diff := cmp.Diff(wantForm, form); diff != "" {
			t.Error(diff)
		}
		if modules := parts(t, []byte(worker.Content)); len(modules) != 2 || modules[1].Field != "_worker.js" {
			t.Errorf("modules: %+v", modules)
		}
		if diff := cmp.Diff(stored{"text/html", "hello"}, w.api.assets[hello.key]); diff != "" {
			t.Error(diff)
		}
	})
}

// Only files that changed are uploaded, and an unchanged site is not deployed again.
func TestDeploy_again(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files{"index.html": "hello", "about.html": "about"})
		w.mustRun("deploy", slices.Insert(slices.Clone(whole), 4, whole[4])...)
		if again := w.mustRun("deploy", "GET ", "GET /"); again.ID != "d1" || again.Uploaded != 0 || again.Files != 2 {
			t.Errorf("%+v", again)
		}
		files{"index.html": "hullo"}.write(t, w.request.Site)
		if changed, _, err := w.run("deploy"); err != nil || changed.ID != "d2" || changed.Uploaded != 1 {
			t.Errorf("%+v, %v", changed, err)
		}
		w.request.Settings = "other variables"
		if changed, _, err := w.run("deploy"); err != nil || changed.ID != "d3" || changed.Uploaded != 0 {
			t.Errorf("%+v, %v", changed, err)
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
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				s, err := Read(t.Context(), Folder{Site: w.request.Site})
				if err != nil {
					t.Fatal(err)
				}
				w.request.Digest = s.Digest
				tt.before(w, withMark("message", w.request.mark()))
				got, calls, err := w.run("deploy")
				if made := slices.Contains(calls, "POST /deployments"); err != nil || got.ID != tt.want || made != tt.made {
					t.Errorf("%s, made %t, want %s: %v", got.ID, made, tt.want, err)
				}
			})
		})
	}
}

// The response of the call that creates a deployment may be lost.
func TestDeploy_ambiguous(t *testing.T) {
	unknown := func(w http.ResponseWriter) { refuse(w, 400, 8000000, "An unknown error occurred") }
	broken := func(w http.ResponseWriter) { refuse(w, 500, 8000000, "An unknown error occurred") }
	for _, tt := range []struct {
		name    string
		respond func(http.ResponseWriter)
		effect  bool
		times   int
		posts   int
		wantErr string
	}{
		{"500 after the effect", broken, true, 1, 1, ""},
		{"500 without effect", broken, false, 1, 2, ""},
		{"reset after the effect", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true, 1, 1, ""},
		{"unknown error after the effect", unknown, true, 1, 1, ""},
		{"unknown error without effect", unknown, false, 2, 3, ""},
		{"always", broken, false, 9, 3, "deploying to the Pages project site: Cloudflare: POST"},
		{"refused", func(w http.ResponseWriter) { refuse(w, 400, 8000096, "a manifest is needed") }, false, 1, 1, "a manifest is needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				posts := 0
				w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/deployments") {
						return false
					}
					if posts++; posts > tt.times {
						return false
					}
					if tt.effect {
						w.api.mu.Lock()
						w.api.deploy(r)
						w.api.mu.Unlock()
					}
					tt.respond(rw)
					return true
				}
				_, _, err := w.run("deploy")
				testcheck.Error(t, err, tt.wantErr)
				if posts != tt.posts || err == nil && len(w.api.deployments) != 1 {
					t.Errorf("%d deployments after %d calls, want %d", len(w.api.deployments), posts, tt.posts)
				}
			})
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
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				for _, message := range tt.messages {
					w.api.add(message)
				}
				w.request.Overwrite = tt.overwrite
				_, calls, err := w.run("deploy")
				testcheck.Error(t, err, tt.wantErr)
				if made := slices.Contains(calls, "POST /pages/assets/upload"); made != (tt.wantErr == "") {
					t.Errorf("uploaded %t: %v", made, calls)
				}
			})
		})
	}
}

// The Worker is bundled for the date that the project has.
func TestDeploy_date(t *testing.T) {
	w := newWorld(t, files{"_worker.js": "import fs from 'fs'; import http from 'node:http'; export default { fs, http };", "index.html": ""})
	w.request.Flags = []string{"nodejs_compat"}
	w.api.stages = []string{"deploy success"}
	if _, _, err := w.run("deploy"); err != nil {
		t.Error(err)
	}
}

func TestDeploy_badInput(t *testing.T) {
	w := newWorld(t, page)
	in := func() *bytes.Reader { b, _ := json.Marshal(w.request); return bytes.NewReader(b) }
	w.request.Digest = digest
	for _, tt := range []struct {
		name    string
		env     map[string]string
		wantErr string
	}{
		{"no token", nil, "no API token: set CLOUDFLARE_API_TOKEN"},
		{"base URL without TLS", map[string]string{cloudflare.EnvToken: apiToken, cloudflare.EnvBaseURL: "http://example.com"}, "CLOUDFLARE_BASE_URL: "},
		{"content that is not planned", map[string]string{cloudflare.EnvToken: apiToken}, "config key site: " + w.request.Site + " has changed since the preview: run it again"},
	} {
		err := run(t.Context(), "deploy", in(), &bytes.Buffer{}, &w.progress, func(name string) string { return tt.env[name] }, resttest.Transport(w.api))
		testcheck.Error(t, err, tt.wantErr)
		if err != nil && strings.Contains(err.Error(), apiToken) {
			t.Errorf("%s: the error shows the token", tt.name)
		}
	}
	// The content depends on the project's compatibility date.
	if diff := cmp.Diff([]string{"GET "}, w.api.calls); diff != "" {
		t.Error(diff)
	}
}
