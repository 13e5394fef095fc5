package site

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// folder is a site, by path.
type folder map[string]string

// deploy returns the folder as the emulator has it after a deployment.
func (f folder) deploy() *assets {
	site := cloudflare.Site{Files: map[string]string{}}
	names, types := map[string]string{}, map[string]string{}
	for name, content := range f {
		switch name {
		case "_headers":
			site.Headers = []byte(content)
		case "_redirects":
			site.Redirects = []byte(content)
		default:
			sum := sha256.Sum256([]byte(name + content))
			key := hex.EncodeToString(sum[:16])
			site.Files["/"+name] = key
			contentType := "application/octet-stream"
			if base := path.Base(name); path.Ext(base) != "" && path.Ext(base) != base {
				contentType, _, _ = strings.Cut(mime.TypeByExtension(path.Ext(base)), ";")
			}
			names[key], types[key] = name, contentType
		}
	}
	return newAssets(site, func(key string) (cloudflare.Asset, error) {
		return cloudflare.Asset{ContentType: types[key], ReadCloser: io.NopCloser(strings.NewReader(f[names[key]]))}, nil
	})
}

var pages = folder{
	"index.html": "home", "style.css": "css", "about.html": "about", "blog/index.html": "blog", "blog/post.html": "post",
	"blog/404.html": "no such post", "both": "plain", "both.html": "page", "404.html": "nowhere",
	"a b.html": "blank", "ä.html": "umlaut", ".html": "nameless", "app/.html": "nameless too", "x/index/index.html": "twice",
	"_headers": `# comment
/*
  X-All: all
  Access-Control-Allow-Origin: https://example.com
/about
  X-All: more
  X-Two: a
  X-Two: b
  ! Referrer-Policy
  ! no-such
/blog/:post
  X-Post: is :post
  Cache-Control: max-age=600
/files/*
  X-Splat: :splat
https://127.0.0.1/style.css
  X-Host: here
https://:any.example.com/*
  X-Never: :any
https://127.0.0.1:8080/style.css
  X-Port: refused
/two/*/stars/*
  X-Refused: yes
/style.css
  no colon
  X Y: space
  X-Empty:
  X-Colon: a:b
/style.css
  X-Last: wins
relative
  X-Relative: no
/blog/:post/:post
  X-Twice: no
/nothing
/about
`,
	"_redirects": `# comment
/old /about 301
/default /about
/comment /about 307 # why
/query /about?a=b
/fragment /about#there 303
/far https://example.com/x?y=z 308
/far2 https://example.com/x
/rewrite /blog/post 200
/rewrite-html /blog/post.html 200
/proxy https://example.com/ 200
/bad-status /about 404
/old /style.css
/ /index.html
/one
/four a b c d
relative /about
/loop/* /index.html
/news/* /blog/:splat 301
/at/:year/:month /archive/:month-:year
/below /about 301
/protocol-relative //example.com/x
/x/:a/:ab /no
/ü /about
`,
}

// requests are what both Cloudflare's own asset server and this one are asked.
var requests = []struct {
	name, method, target string
	header               http.Header
	want                 string // status and location or body
}{
	{"root", "GET", "/", nil, "200 home"},
	{"index", "GET", "/index", nil, "308 /"},
	{"index.html", "GET", "/index.html?a=b", nil, "308 /?a=b"},
	{"index/", "GET", "/index/", nil, "308 /"},
	{"file", "GET", "/style.css", nil, "200 css"},
	{"HEAD", "HEAD", "/style.css", nil, "200 "},
	{"POST", "POST", "/style.css", nil, "405 "},
	{"clean URL", "GET", "/about", nil, "200 about"},
	{"extension", "GET", "/about.html?q", nil, "308 /about?q"},
	{"file as a folder", "GET", "/about/?q=1", nil, "308 /about?q=1"},
	{"folder", "GET", "/blog/", nil, "200 blog"},
	{"folder without its slash", "GET", "/blog?q=1", nil, "308 /blog/?q=1"},
	{"folder's index", "GET", "/blog/index.html", nil, "308 /blog/"},
	{"page in a folder", "GET", "/blog/post", nil, "200 post"},
	{"nearest 404", "GET", "/blog/none", nil, "404 no such post"},
	{"404 of the root", "GET", "/none/at/all", nil, "404 nowhere"},
	{"404 HEAD", "HEAD", "/none", nil, "404 "},
	{"404 itself", "GET", "/404.html", nil, "308 /404"},
	{"file beside a page", "GET", "/both", nil, "200 plain"},
	{"page beside a file", "GET", "/both.html", nil, "200 page"},
	{"folder named index", "GET", "/x/index/", nil, "200 twice"},
	{"blank", "GET", "/a%20b", nil, "200 blank"},
	{"UTF-8", "GET", "/%C3%A4", nil, "200 umlaut"},
	{"nameless page", "GET", "/.html", nil, "200 nameless"},
	{"upper case", "GET", "/ABOUT", nil, "404 nowhere"},
	{"with a range", "GET", "/about", http.Header{"Range": {"bytes=0-1"}}, "200 about"},
	{"with credentials", "GET", "/about", http.Header{"Authorization": {"Basic x"}}, "200 about"},
	{"redirect", "GET", "/old", nil, "301 /about"},
	{"redirect of a POST", "POST", "/old", nil, "301 /about"},
	{"redirect keeps the query", "GET", "/old?a=b&c", nil, "301 /about?a=b&c"},
	{"default status", "GET", "/default", nil, "302 /about"},
	{"comment in a line", "GET", "/comment", nil, "307 /about"},
	{"redirect's own query", "GET", "/query?c=d", nil, "302 /about?a=b"},
	{"fragment", "GET", "/fragment?c=d", nil, "303 /about?c=d#there"},
	{"another host", "GET", "/far?q", nil, "308 https://example.com/x?y=z"},
	{"another host and query", "GET", "/far2?q=1", nil, "302 https://example.com/x?q=1"},
	{"rewritten", "GET", "/rewrite", nil, "200 post"},
	{"rewritten to a page's file", "GET", "/rewrite-html", nil, "308 /blog/post"},
	{"proxy refused", "GET", "/proxy", nil, "404 nowhere"},
	{"status refused", "GET", "/bad-status", nil, "404 nowhere"},
	{"one word", "GET", "/one", nil, "404 nowhere"},
	{"too many words", "GET", "/four", nil, "404 nowhere"},
	{"relative source", "GET", "/relative", nil, "302 /about"},
	{"loop refused", "GET", "/loop/x", nil, "404 nowhere"},
	{"splat", "GET", "/news/a/b?c", nil, "301 /blog/a/b?c"},
	{"empty splat", "GET", "/news/", nil, "301 /blog/"},
	{"no splat", "GET", "/news", nil, "404 nowhere"},
	{"placeholders", "GET", "/at/2026/11", nil, "302 /archive/11-2026"},
	{"placeholder without a value", "GET", "/at/2026/", nil, "404 nowhere"},
	{"static below dynamic", "GET", "/below", nil, "301 /about"},
	{"protocol-relative", "GET", "/protocol-relative", nil, "302 http://example.com/x"},
	{"escaped source", "GET", "/%C3%BC", nil, "302 /about"},
	{"header of a splat", "GET", "/files/a/b", nil, "404 nowhere"},
}

// ask returns an answer without what differs between any two servers.
func ask(t *testing.T, base, method, target string, header http.Header) (status int, body string, h http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Opaque = target
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if request.Header.Get("Accept-Encoding") == "" {
		request.Header.Set("Accept-Encoding", "identity")
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "Content-Length", "Connection", "Transfer-Encoding", "Keep-Alive", "Vary"} {
		response.Header.Del(name)
	}
	return response.StatusCode, string(content), response.Header
}

func TestAssets_ServeHTTP(t *testing.T) {
	server := httptest.NewServer(pages.deploy())
	defer server.Close()
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			status, body, header := ask(t, server.URL, r.method, r.target, r.header)
			if location := header.Get("Location"); location != "" {
				body = location
			}
			if have := fmt.Sprintf("%d %s", status, body); have != r.want {
				t.Errorf("%s %s: %s, want %s", r.method, r.target, have, r.want)
			}
		})
	}
}

func TestAssets_headers(t *testing.T) {
	get := func(target string, header http.Header) http.Header {
		server := httptest.NewServer(pages.deploy())
		defer server.Close()
		_, _, h := ask(t, server.URL, "GET", target, header)
		return h
	}
	for _, tt := range []struct{ name, target, header, want string }{
		{"rule over the server's own", "/", "Access-Control-Allow-Origin", "https://example.com"},
		{"two rules", "/about", "X-All", "all, more"},
		{"two lines", "/about", "X-Two", "a, b"},
		{"removed", "/about", "Referrer-Policy", ""},
		{"kept", "/", "Referrer-Policy", "strict-origin-when-cross-origin"},
		{"placeholder", "/blog/post", "X-Post", "is post"},
		{"splat", "/files/a/b", "X-Splat", "a/b"},
		{"cache of a page that is not there", "/blog/none", "Cache-Control", "no-store"},
		{"cache", "/", "Cache-Control", "public, max-age=0, must-revalidate"},
		{"host", "/style.css", "X-Host", "here"},
		{"port", "/style.css", "X-Port", ""},
		{"the last rule of a path", "/style.css", "X-Last", "wins"},
		{"an earlier rule of a path", "/style.css", "X-Colon", ""},
		{"two splats", "/two/a/stars/b", "X-Refused", ""},
		{"redirect", "/old", "X-All", "all"},
		{"type", "/", "Content-Type", "text/html; charset=utf-8"},
		{"no sniffing", "/", "X-Content-Type-Options", "nosniff"},
	} {
		if have := strings.Join(get(tt.target, nil).Values(tt.header), ", "); have != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.name, tt.header, have, tt.want)
		}
	}
	tag := get("/", nil).Get("Etag")
	server := httptest.NewServer(pages.deploy())
	defer server.Close()
	for _, match := range []string{tag, "W/" + tag} {
		if status, body, _ := ask(t, server.URL, "GET", "/", http.Header{"If-None-Match": {match}}); status != http.StatusNotModified || body != "" {
			t.Errorf("If-None-Match %s: %d %s", match, status, body)
		}
	}
}

func TestAcceptsIdentity(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   bool
	}{
		{"", true}, {"gzip", true}, {"identity", true}, {"gzip, *;q=0.5", true}, {"*;q=0, identity", true},
		{"gzip, identity;q=0", false}, {"gzip, *;q=0", false}, {"*;q=0.0", false},
	} {
		if have := acceptsIdentity(&http.Request{Header: http.Header{"Accept-Encoding": {tt.header}}}); have != tt.want {
			t.Errorf("%q: %t", tt.header, have)
		}
	}
}

// Without a 404.html every path is the application's.
func TestAssets_singlePage(t *testing.T) {
	server := httptest.NewServer(folder{"index.html": "app"}.deploy())
	defer server.Close()
	if status, body, _ := ask(t, server.URL, "GET", "/some/where", nil); status != http.StatusOK || body != "app" {
		t.Errorf("%d %s", status, body)
	}
}
