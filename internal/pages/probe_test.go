package pages

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A live deployment must answer with what was deployed. Its host name may need some time. If
// pages.dev itself cannot be reached, the answer stays unknown, and deploy does not wait for
// it.
func TestDeploy_probe(t *testing.T) {
	type respond = func(http.ResponseWriter)
	status := func(code int, header ...string) respond {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	reset := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	access := status(302, "Location", "https://team.cloudflareaccess.com/cdn-cgi/access/login/d1.site.pages.dev?kid=1")
	elsewhere := status(301, "Location", "https://example.com/style.css")
	static := files{"index.html": "hello", "style.css": "a{}"}
	code := files{"index.html": "hello", "style.css": "a{}", "_worker.js": "export default {}"}
	redirected := files{"index.html": "hello", "style.css": "a{}", "_redirects": "/* https://example.com/:splat"}
	large := files{"index.html": "hello", "film.mp4": strings.Repeat("a", maxCompared+1)}
	const always, at = time.Hour, "https://d1.site.pages.dev/"
	for _, tt := range []struct {
		name    string
		site    files
		respond respond
		time    time.Duration // for which it answers so
		noWay   bool          // to pages.dev either
		took    time.Duration // at least
		warning string
		wantErr string
	}{
		{"as it should", static, nil, 0, false, 0, "", ""},
		{"a large file", large, nil, 0, false, 0, "", ""},
		{"no file yet", static, status(404), 30 * time.Second, false, 30 * time.Second, "", ""},
		{"never a file", static, status(404), always, false, time.Minute, at + "style.css answers with status 404: look at it in a browser", ""},
		{"a page in place of a file", static, status(200), always, false, time.Minute, at + "style.css answers with other content than that of style.css: look at it in a browser", ""},
		{"a large file of another length", large, status(200, "Content-Length", "5"), always, false, time.Minute, at + "film.mp4 answers with other content than that of film.mp4: ", ""},
		{"a large file of any length", large, status(200), always, false, 0, "", ""},
		{"encoded all the same", static, status(200, "Content-Encoding", "gzip"), always, false, 0, "", ""},
		{"never a page", page, status(404), always, false, time.Minute, at + " answers with status 404: ", ""},
		{"any page", page, status(200), always, false, 0, "", ""},
		{"access control", static, access, always, false, 0, "nobody checked that " + at + "style.css serves its pages, since Cloudflare Access asks for a login there", ""},
		{"access control before code", code, access, always, false, 0, "nobody checked that " + at + " serves its pages, since Cloudflare Access", ""},
		{"a redirect that is not the site's", static, elsewhere, always, false, 0, "nobody checked that " + at + "style.css serves its pages, since it redirects to https://example.com/style.css", ""},
		{"code without a first page", code, status(404), always, false, 0, "", ""},
		{"code that redirects", code, elsewhere, always, false, 0, "", ""},
		{"code that fails", code, status(500), always, false, time.Minute, "", at + " answers with status 500; the last line of its log: Error: out of coffee"},
		{"all redirected", redirected, elsewhere, always, false, 0, "", ""},
		{"no host name yet", page, reset, 4 * time.Minute, false, 4 * time.Minute, "", ""},
		{"never a host name", page, reset, always, false, 5 * time.Minute, "", at + " does not answer: "},
		{"no way out for a moment", page, reset, 5 * time.Second, true, 5 * time.Second, "", ""},
		{"no way out", page, reset, always, true, 10 * time.Second, "nobody checked that " + at + " serves its pages, since this machine reaches neither it nor https://pages.dev: ", ""},
		{"an error at first", page, status(522), 30 * time.Second, false, 30 * time.Second, "", ""},
		{"every page an error", static, status(500), always, false, time.Minute, "", at + "style.css answers with status 500; the last line of its log: Error: out of coffee"},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, tt.site)
			start := time.Now()
			w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
				site, root := strings.HasSuffix(r.Host, ".pages.dev"), r.Host == "pages.dev"
				if !site && !(root && tt.noWay) || time.Since(start) >= tt.time {
					return false
				}
				if r.Header.Get("Authorization") != "" {
					t.Error("the deployment gets the token")
				}
				tt.respond(rw)
				return true
			}
			w.fails(tt.wantErr)
			took, most := time.Since(start), tt.took+time.Minute
			if tt.noWay {
				most = 20 * time.Second
			}
			if took < tt.took || took > most {
				t.Errorf("took %s, want %s", took, tt.took)
			}
			said := w.progress.String()
			if !strings.Contains(said, tt.warning) || strings.Contains(said, "warning: ") != (tt.warning != "") {
				t.Errorf("got  %s\nwant %q", said, tt.warning)
			}
		})
	}
}

// A host name that comes late has as much time to answer rightly as any other.
func TestDeploy_probeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		start := time.Now()
		w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
			switch took := time.Since(start); {
			case !strings.HasSuffix(r.Host, ".pages.dev") || took > 4*time.Minute+40*time.Second:
				return false
			case took < 4*time.Minute:
				panic(http.ErrAbortHandler)
			}
			rw.WriteHeader(522)
			return true
		}
		w.mustDeploy()
	})
}

// Cloudflare may store other content under a file's key, since somebody's upload changed on its
// way. The file is uploaded again. If that does not help, a warning names the file, and says
// what does help.
func TestDeploy_probePoisoned(t *testing.T) {
	for name, replaces := range map[string]bool{"replaced": true, "kept": false} {
		bubble(t, name, func(t *testing.T) {
			site := files{"index.html": "hello", "style.css": "a{}", "app.js": "f()"}
			w := newWorld(t, site)
			w.api.assets = map[string]stored{}
			for name, content := range site {
				a, err := newAsset(name, w.request.Site+"/"+name)
				if err != nil {
					t.Fatal(err)
				}
				if name == "style.css" {
					content = "b{}"
				}
				w.api.assets[a.key] = stored{a.contentType, content}
			}
			if !replaces {
				w.respondTo("/assets/upload", 1, func(rw http.ResponseWriter, _ *http.Request) {
					_, _ = rw.Write([]byte(`{"success":true,"result":null}`))
				})
			}
			equal(t, "uploaded", w.mustDeploy().Uploaded, 0)
			said := w.progress.String()
			equal(t, "uploads again", strings.Count(said, "Cloudflare stores other content under the key of style.css: uploading it again\n"), 1)
			const warning = "warning: https://d1.site.pages.dev/style.css answers with other content than that of style.css: change the file by a byte"
			equal(t, "the warning", strings.Contains(said, warning), !replaces)
			w.progress.Reset()
			files{"style.css": "a{}\n"}.write(t, w.request.Site)
			if w.mustDeploy(); strings.Contains(w.progress.String(), "warning: ") {
				t.Errorf("after the cure: %s", &w.progress)
			}
		})
	}
}
