package site

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// assets serves the files of one deployment.
type assets struct {
	files     map[string]string // keys by path
	headers   []headerRule
	redirects redirects
	broken    bool
	open      func(key string) (cloudflare.Asset, error)
}

func newAssets(site cloudflare.Site, open func(string) (cloudflare.Asset, error)) *assets {
	return &assets{
		files: site.Files, broken: site.Broken, open: open,
		headers: parseHeaders(site.Headers), redirects: parseRedirects(site.Redirects),
	}
}

// response is an answer before _headers applies.
type response struct {
	status int
	header http.Header
	body   io.ReadCloser // nil for none
}

func newResponse(status int) *response { return &response{status: status, header: http.Header{}} }

// ServeHTTP implements [http.Handler].
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.broken {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	hostname, pathname := hostname(r), normalize(r.URL.EscapedPath())
	answer, err := a.find(r, hostname, pathname)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	for name, values := range answer.header {
		header[name] = values
	}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	if header.Get("Content-Type") != "" {
		header.Set("X-Content-Type-Options", "nosniff")
	} else {
		header["Content-Type"] = nil // or net/http would guess one
	}
	applyHeaders(a.headers, header, hostname, pathname)
	if answer.status == http.StatusNotFound {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(answer.status)
	if answer.body != nil {
		defer answer.body.Close()
		_, _ = io.Copy(w, answer.body)
	}
}

func hostname(r *http.Request) string { return (&url.URL{Host: r.Host}).Hostname() }

// find answers a request. A redirect with the status 200 serves another path's file.
func (a *assets) find(r *http.Request, hostname, pathname string) (*response, error) {
	if to, ok := a.redirects.find(hostname, pathname); ok {
		target := splitReference(to.to)
		if to.status != http.StatusOK {
			return redirectTo(to.status, location(r, target)), nil
		}
		pathname = target.path
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return newResponse(http.StatusMethodNotAllowed), nil
	}
	if decoded, err := url.PathUnescape(pathname); err == nil {
		pathname = decoded
	}
	file, page := a.resolve(pathname)
	switch {
	case page != "":
		return redirectTo(http.StatusPermanentRedirect, page+rawQuery(r)), nil
	case file != "":
		return a.serve(r, file)
	default:
		return a.notFound(r, pathname)
	}
}

// resolve returns the file of a path, or the path's canonical form if that is another one.
func (a *assets) resolve(name string) (file, canonical string) {
	has := func(file string) bool { return a.files[file] != "" }
	if folder, ok := strings.CutSuffix(name, "/"); ok {
		switch {
		case has(name + "index.html"):
			return name + "index.html", ""
		case strings.HasSuffix(folder, "/index"):
			return "", canonicalPath(strings.TrimSuffix(folder, "index"))
		case has(folder + ".html"):
			return "", canonicalPath(folder)
		}
		return "", ""
	}
	page, isPage := strings.CutSuffix(name, ".html")
	switch {
	case has(name) && isPage && strings.HasSuffix(page, "/index"):
		return "", canonicalPath(strings.TrimSuffix(page, "index"))
	case has(name) && isPage && !has(page) && page != "/":
		return "", canonicalPath(page)
	case has(name):
		return name, ""
	case strings.HasSuffix(name, "/index"):
		return "", canonicalPath(strings.TrimSuffix(name, "index"))
	case has(name + ".html"):
		return name + ".html", ""
	case has(name + "/index.html"):
		return "", canonicalPath(name + "/")
	}
	return "", ""
}

// canonicalPath keeps a path from leading to another host.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/responses.ts
func canonicalPath(name string) string {
	return escape("/"+strings.TrimLeft(name, "/\\ \t\n\v\f\r"), "")
}

// notFound answers with the nearest 404.html, or else as a single-page application.
func (a *assets) notFound(r *http.Request, name string) (*response, error) {
	for folder := name; folder != ""; {
		folder = folder[:strings.LastIndexByte(folder, '/')]
		if key := a.files[folder+"/404.html"]; key != "" {
			if !acceptsIdentity(r) {
				return newResponse(http.StatusNotAcceptable), nil
			}
			return a.content(r, http.StatusNotFound, key)
		}
	}
	if a.files["/index.html"] != "" {
		return a.serve(r, "/index.html")
	}
	return newResponse(http.StatusNotFound), nil
}

func (a *assets) serve(r *http.Request, file string) (*response, error) {
	if !acceptsIdentity(r) {
		return newResponse(http.StatusNotAcceptable), nil
	}
	key := a.files[file]
	strong := strconv.Quote(key)
	if have := r.Header.Get("If-None-Match"); have == strong || have == "W/"+strong {
		return newResponse(http.StatusNotModified), nil
	}
	answer, err := a.content(r, http.StatusOK, key)
	if err != nil {
		return nil, err
	}
	answer.header.Set("ETag", strong)
	if r.Header.Get("Authorization") == "" && r.Header.Get("Range") == "" {
		answer.header.Set("Cache-Control", "public, max-age=0, must-revalidate")
	}
	return answer, nil
}

// content answers with a file. Text is UTF-8, as wrangler has it:
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/miniflare-cli/assets.ts
func (a *assets) content(r *http.Request, status int, key string) (*response, error) {
	file, err := a.open(key)
	if err != nil {
		return nil, fmt.Errorf("reading the file %s: %w", key, err)
	}
	answer := newResponse(status)
	if strings.HasPrefix(file.ContentType, "text/") && !strings.Contains(file.ContentType, "charset") {
		file.ContentType += "; charset=utf-8"
	}
	answer.header.Set("Content-Type", file.ContentType)
	if r.Method == http.MethodHead {
		return answer, file.Close()
	}
	answer.body = file
	return answer, nil
}

// acceptsIdentity reports whether a client takes a file as it is.
func acceptsIdentity(r *http.Request) bool {
	weights := map[string]string{}
	for item := range strings.SplitSeq(strings.ReplaceAll(r.Header.Get("Accept-Encoding"), " ", ""), ",") {
		name, weight, _ := strings.Cut(item, ";q=")
		weights[name] = weight
	}
	refused := func(name string) bool { n, err := strconv.ParseFloat(weights[name], 64); return err == nil && n == 0 }
	_, named := weights["identity"]
	return !refused("identity") && (named || !refused("*"))
}

// redirectTo answers with a redirect. A permanent one that keeps the method has no text.
func redirectTo(status int, location string) *response {
	answer := newResponse(status)
	answer.header.Set("Location", location)
	if status != http.StatusPermanentRedirect {
		answer.header.Set("Content-Type", "text/plain;charset=UTF-8")
		answer.body = io.NopCloser(strings.NewReader("Redirecting to " + location))
	}
	return answer
}

// location is where a redirect leads: the request's query stays if there is no other.
func location(r *http.Request, to reference) string {
	if to.query == "" {
		to.query = rawQuery(r)
	}
	if strings.HasPrefix(to.origin, "//") {
		to.origin = "http:" + to.origin
	}
	if to.origin == "http://"+r.Host {
		to.origin = ""
	}
	return to.String()
}

func rawQuery(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + escape(r.URL.RawQuery, escapedInQuery)
}
