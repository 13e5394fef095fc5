package cloudflare

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// deploymentsPath is where the Cloud serves deployments to clients that cannot look up the
// deployments' host names.
const deploymentsPath = "/deployments/"

// DeploymentPath returns the path at which the Cloud serves a deployment, for use by
// [Cloud.DeploymentURL].
func DeploymentPath(project, id string) string {
	return deploymentsPath + url.PathEscape(project) + "/" + url.PathEscape(id) + "/"
}

// serveDeployment answers r if it is a request to a deployment's own address, and reports
// whether it is. It serves only the deployment's files: no Functions run, and neither _headers
// nor _redirects apply. With Functions, a path without a file has an empty page.
func (c *Cloud) serveDeployment(w http.ResponseWriter, r *http.Request) bool {
	name := r.URL.Path
	matches := func(p *project, d deployment) bool { return strings.EqualFold(r.Host, d.ID[:8]+"."+p.Subdomain) }
	if rest, ok := strings.CutPrefix(name, deploymentsPath); ok {
		projectName, rest, _ := strings.Cut(rest, "/")
		id, rest, _ := strings.Cut(rest, "/")
		name = "/" + rest
		matches = func(p *project, d deployment) bool { return p.Name == projectName && d.ID == id }
	} else if !strings.HasSuffix(r.Host, ".pages.dev") {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return true
	}
	for _, p := range c.store.State().Projects {
		for _, d := range p.Deployments {
			if matches(p, d) {
				c.serveFile(w, d, name, c.now())
				return true
			}
		}
	}
	http.Error(w, "There is no such deployment.", http.StatusNotFound)
	return true
}

// serveFile answers a request for a path of a deployment. What it answers before the
// deployment has succeeded is assumed.
func (c *Cloud) serveFile(w http.ResponseWriter, d deployment, name string, now time.Time) {
	if !d.succeeded(now) {
		http.Error(w, "The deployment is not there.", http.StatusNotFound)
		return
	}
	if d.Broken {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	site, err := c.blobs.manifest(d)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	key, status := site.find(name)
	if key == "" {
		if d.usesFunctions() {
			status = http.StatusOK
		}
		w.WriteHeader(status)
		return
	}
	file, err := c.blobs.openAsset(key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", file.ContentType)
	w.Header().Set("ETag", `"`+key+`"`)
	w.WriteHeader(status)
	_, _ = io.Copy(w, file)
}
