package cloudflare_test

import (
	"net/http/httptest"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestDeployment_serve(t *testing.T) {
	about := asset{"/about.html", "about", "e9794d257c1f6eb84b93c7d669e9fae9", "text/html"}
	docs := asset{"/docs/index.html", "docs", "0e587f5ecfe507289172fffe1a617601", "text/html"}
	missing := asset{"/404.html", "missing", "0f06885cc0d4c64ba01ef283059869e3", "text/html"}
	files := []asset{page, style, about, docs, missing}
	newSite := func(t *testing.T, cloud *cloudflare.Cloud, parts ...emulator.Part) (c *client, id string) {
		cloud.DeployTime = -1
		c = newClient(t, cloud)
		c.project("site")
		c.uploadAssets(files...)
		return c, c.must("POST", deployments, form(parts...))["id"].(string)
	}
	functions := bundle(`{"main_module":"functions.js"}`)
	type answer struct {
		status            int
		contentType, body string
	}
	html := func(body string) answer { return answer{200, "text/html", body} }
	for name, tt := range map[string]struct {
		parts []emulator.Part
		want  map[string]answer
	}{
		"with a page for what is missing": {
			[]emulator.Part{manifestOf(files...)},
			map[string]answer{
				"/": html(page.content), "/index.html": html(page.content), "/about": html("about"), "/about/": html("about"),
				"/docs": html("docs"), "/docs/": html("docs"), "/style.css": {200, "text/css", style.content},
				"/x": {404, "text/html", "missing"}, "/docs/x/y": {404, "text/html", "missing"},
			},
		},
		"an application of one page": {
			[]emulator.Part{manifestOf(page, style)}, map[string]answer{"/x/y": html(page.content), "/style.css": {200, "text/css", style.content}},
		},
		"no page":    {[]emulator.Part{manifestOf(style)}, map[string]answer{"/": {404, "", ""}}},
		"no files":   {[]emulator.Part{manifestOf()}, map[string]answer{"/": {404, "", ""}}},
		"functions":  {[]emulator.Part{manifestOf(style), functions}, map[string]answer{"/": {200, "", ""}, "/style.css": {200, "text/css", style.content}}},
		"a bad key":  {[]emulator.Part{manifestOf(asset{"/a.txt", "", style.key, ""}), functions}, map[string]answer{"/": {500, "text/plain; charset=utf-8", "Internal Server Error\n"}, "/a.txt": {500, "text/plain; charset=utf-8", "Internal Server Error\n"}}},
		"a bad case": {[]emulator.Part{manifestOf(asset{"/index.HTML", "", page.key, ""})}, map[string]answer{"/index.HTML": {500, "text/plain; charset=utf-8", "Internal Server Error\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, id := newSite(t, &cloudflare.Cloud{}, tt.parts...)
			same(t, "the status", dig(c.get(deployments+"/"+id), "latest_stage", "status"), `"success"`)
			for path, want := range tt.want {
				for _, url := range []string{
					"https://" + id[:8] + ".site.pages.dev" + path,
					"http://127.0.0.1:1" + cloudflare.DeploymentPath("site", id) + path[1:],
				} {
					status, contentType, body := c.fetch(url)
					if got := (answer{status, contentType, body}); got != want {
						t.Errorf("%s answers %+v, want %+v", url, got, want)
					}
				}
			}
		})
	}
}

// Under a key any content can be stored. It is served, with the key as its ETag, until it is
// replaced.
func TestDeployment_servePoisoned(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{DeployTime: -1})
	c.project("site")
	poison := style
	poison.content = "b{}"
	c.uploadAssets(page, poison)
	d := c.must("POST", deployments, form(manifestOf(page, style)))
	for _, content := range []string{poison.content, style.content} {
		rec := httptest.NewRecorder()
		c.cloud.ServeHTTP(rec, httptest.NewRequest("GET", "https://"+d["id"].(string)[:8]+".site.pages.dev/style.css", nil))
		if got := rec.Body.String(); rec.Code != 200 || got != content || rec.Header().Get("ETag") != `"`+style.key+`"` {
			t.Errorf("got %d %s %v, want %s", rec.Code, got, rec.Header(), content)
		}
		c.uploadAssets(style)
	}
}

func TestCloud_DeploymentURL(t *testing.T) {
	const base = "http://127.0.0.1:1234"
	c := newClient(t, &cloudflare.Cloud{DeployTime: -1, DeploymentURL: func(project, id string) string {
		return base + cloudflare.DeploymentPath(project, id)
	}})
	c.project("site")
	c.uploadAssets(page)
	d := c.must("POST", deployments, form(manifestOf(page)))
	want := base + "/deployments/site/" + d["id"].(string) + "/"
	same(t, "the url", d["url"], `"`+want+`"`)
	if status, _, body := c.fetch(want); status != 200 || body != page.content {
		t.Errorf("it answers %d %s", status, body)
	}
	for _, url := range []string{base + "/deployments/site/none/", base + "/deployments/", "https://x.site.pages.dev/"} {
		if status, _, _ := c.fetch(url); status != 404 {
			t.Errorf("%s answers %d", url, status)
		}
	}
	rec := httptest.NewRecorder()
	c.cloud.ServeHTTP(rec, httptest.NewRequest("POST", want, nil))
	if rec.Code != 405 {
		t.Errorf("a POST is answered with %d", rec.Code)
	}
}
