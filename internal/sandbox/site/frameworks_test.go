package site

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testfiles"
)

// visit is a request of a browser, and parts of the answer. The first one begins it.
type visit struct {
	request
	want []string
}

func get(target string, want ...string) visit {
	return visit{request{target: target, header: http.Header{"Accept": {"text/html"}, "Accept-Language": {"de-AT"}}}, want}
}

// post sends a form.
func post(target string, want ...string) visit {
	return visit{request{target: target, method: http.MethodPost, body: "text=hi+there", header: http.Header{
		"Accept": {"text/html"}, "Content-Type": {"application/x-www-form-urlencoded"},
	}}, want}
}

// visits are those that only one framework's site understands.
var visits = map[string][]visit{
	"astro": {
		get("/?name=Bo", "200\n", "Set-Cookie: visited=Bo", "X-Country: US\n"), // by request.cf
		get("/posts", "302\n", "Location: /about\n"),
		get("/about", "308\n", "Location: /about/\n"),
		get("/about/", "200\n", "About</h1>"),
		get("/_image?href=%2Ffavicon.svg"),
	},
	"sveltekit": {
		post("/", "200\n", `value="hi there"`),
		get("/__data.json?name=Bo", "200\n", `"Bo"`),
		get("/about", "200\n", "Grüße, about"),
		get("/about/", "308\n", "Location: /about\n"),
		get("/old", "308\n", "Location: /about\n"),
		get("/cached", "200\n", "\ncached"),
		get("/cached", "200\n", "Cf-Cache-Status: HIT\n"), // by the adapter, in caches.default
	},
	"react-router": {
		post("/?index", "200\n", `value="hi there"`),
		get("/_root.data?name=Bo", "200\n", `"Bo"`),
		get("/about", "308\n", "Location: /about/\n"),
		get("/about/", "200\n", "About</h1>"),
	},
	"vite": {
		get("/", "200\n", "Grüße</h1>"),
		get("/gone", "301\n", "Location: /about\n"),
		get("/page/of/the/application", "200\n", "Grüße</h1>"),
		post("/", "405\n"),
	},
}

// rendered are those that every site with a Worker understands.
func rendered(framework string) []visit {
	return []visit{
		get("/?name=Ann", "200\n", "X-Rendered-By: "+framework+"\n", "Ann</h1>", "de-AT"),
		get("/gone", "301\n", "Location: /about\n"),
		get("/nowhere", "404\n"),
		get("/api/messages?last=2", "200\n", "the API: /messages?last=2"),
		post("/api/messages", "201\n", `{"text":"hi there"}`),
		{request: request{target: "/api/messages", method: http.MethodPut}},
	}
}

// hashed is how the paths of files begin that a browser may keep for ever.
var hashed = map[string]string{"astro": "/_astro/", "sveltekit": "/_app/immutable/", "react-router": "/assets/", "vite": "/assets/"}

// files are those of all files of a site.
func files(framework string, site cloudflare.Site) (all []visit) {
	for path := range site.Files {
		switch {
		case strings.HasPrefix(path, hashed[framework]):
			all = append(all, get(path, "200\n", "immutable"))
		case path == "/favicon.svg":
			all = append(all, get(path, "200\n", "Content-Type: image/svg+xml\n", "<circle"))
		case path == "/.well-known/security.txt":
			all = append(all, get(path, "200\n", "mailto:security@example.com"))
		default:
			all = append(all, get(path))
		}
	}
	return all
}

// theAPI is the Worker behind the binding API_SERVICE.
const theAPI = `export default { fetch: (request) => new Response(request.url.replace("http://api", "the API: ")) }`

// flags returns the compatibility flags of a framework as JSON.
func flags(f pagestest.Framework) string {
	if f.Flags == nil {
		return "[]"
	}
	return `["` + strings.Join(f.Flags, `","`) + `"]`
}

// deployFramework deploys a framework's site as the stack does, and the Worker behind it.
func (c *cloud) deployFramework(f pagestest.Framework, project string) {
	c.t.Helper()
	api := httptest.NewServer(c.Cloud)
	c.t.Cleanup(api.Close)
	c.Cloud.DeploymentURL = func(project, id string) string { return api.URL + cloudflare.DeploymentPath(project, id) }
	c.upload("api", "[]", theAPI)
	c.Configure(c.name, `{"production":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}`)
	folder := pages.Folder{Site: filepath.Join(project, f.Site)}
	folder.Runtime.Date, folder.Runtime.Flags = date, f.Flags
	if f.Functions != "" {
		folder.Functions = filepath.Join(project, f.Functions)
	}
	site, err := pages.Read(c.t.Context(), folder)
	must(c.t, err)
	defer site.Close()
	in, err := json.Marshal(pages.DeployRequest{
		AccountID: cloudflare.DefaultAccountID, Project: c.name, Owner: "owner",
		Site: folder.Site, Functions: folder.Functions, Flags: f.Flags, Digest: site.Digest,
	})
	must(c.t, err)
	environment := map[string]string{"CLOUDFLARE_API_TOKEN": cloudflaretest.Token, "CLOUDFLARE_BASE_URL": api.URL + "/client/v4"}
	must(c.t, pages.Run(c.t.Context(), "deploy", bytes.NewReader(in), io.Discard, c.t.Output(), func(name string) string { return environment[name] }))
}

// startFramework serves a framework's site by wrangler, with the Worker behind it.
func startFramework(t *testing.T, f pagestest.Framework, project string) string {
	t.Helper()
	testfiles.Write(t, project, map[string]string{
		"wrangler.json": `{"name":"site","pages_build_output_dir":"` + f.Site + `","compatibility_date":"` + date + `","compatibility_flags":` + flags(f) + `,"services":[{"binding":"API_SERVICE","service":"api"}]}`,
		"api.json":      `{"name":"api","main":"api.js","compatibility_date":"` + date + `"}`,
		"api.js":        theAPI,
	})
	return startWrangler(t, project, "--config=wrangler.json", "--config=api.json")
}
