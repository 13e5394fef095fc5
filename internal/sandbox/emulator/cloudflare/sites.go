package cloudflare

import (
	"fmt"
	"io"
)

// Site is what a Pages project serves: its canonical deployment. It has all that a
// runtime needs; see also [Cloud.Asset] and [Cloud.Reveal].
type Site struct {
	Project, Deployment string

	// Files has the key of each file by path. A path begins with a slash.
	Files map[string]string
	// Headers, Redirects and Routes are _headers, _redirects and _routes.json as uploaded, or
	// nil.
	Headers, Redirects, Routes []byte
	// Worker is the code of the Functions, or nil.
	Worker *Worker
	// Config has the bindings with which the site was deployed.
	Config
	// Broken reports whether each request is answered with 500, since no key in the manifest
	// matches its content.
	Broken bool
}

// Site returns what a project serves. ok is false until a first deployment to production has
// succeeded, and if the deployment's files are unknown.
func (c *Cloud) Site(project string) (site Site, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return Site{}, false, err
	}
	p := c.store.State().Projects[project]
	if p == nil {
		return Site{}, false, nil
	}
	i := p.latest("production", "", c.now())
	if i < 0 || p.Deployments[i].Files == nil {
		return Site{}, false, nil
	}
	d := p.Deployments[i]
	if site, err = c.blobs.site(d); err != nil {
		return Site{}, false, fmt.Errorf("reading deployment %s: %w", d.ID, err)
	}
	site.Project = p.Name
	return site, true, nil
}

func (b *blobs) site(d deployment) (Site, error) {
	files, err := b.manifest(d)
	if err != nil {
		return Site{}, err
	}
	parts, err := b.readAll(d.Files)
	if err != nil {
		return Site{}, err
	}
	site := Site{
		Deployment: d.ID, Files: files, Config: snapshotConfig(d.Config), Broken: d.Broken,
		Headers: parts["_headers"], Redirects: parts["_redirects"], Routes: parts["_routes.json"],
	}
	if bundle := parts[workerBundle]; bundle != nil {
		if site.Worker, _, err = readWorkerBundle(bundle); err != nil {
			return Site{}, err
		}
		site.Worker.inherit(d.Config)
	}
	return site, nil
}

// inherit takes the compatibility settings from the project's config if the bundle has
// none.
func (w *Worker) inherit(config map[string]any) {
	if w.CompatibilityDate == "" {
		w.CompatibilityDate = str(config, "compatibility_date")
	}
	if w.CompatibilityFlags == nil {
		w.CompatibilityFlags = texts(config, "compatibility_flags")
	}
}

// Asset is an uploaded file.
type Asset struct {
	ContentType string
	io.ReadCloser
}

// Asset opens the uploaded file with that key.
func (c *Cloud) Asset(key string) (Asset, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return Asset{}, err
	}
	if !assetKeyForm.MatchString(key) {
		return Asset{}, fmt.Errorf("%q is not the key of an asset", key)
	}
	return c.blobs.openAsset(key)
}
