package cloudflare

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// manifest maps the paths of a site to the keys of its files.
type manifest map[string]string

// checkManifest refuses a manifest with a file whose content was not uploaded. It reports
// whether no key matches its content.
func (c *call) checkManifest(text []byte) (broken bool, err error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil || m == nil {
		return false, invalid("manifest: must be a JSON object of strings")
	}
	if len(m) > maxFiles {
		return false, invalid("manifest: has %d files, at most %d are allowed", len(m), maxFiles)
	}
	b := c.cloud.blobs
	broken = len(m) > 0
	for _, name := range slices.Sorted(maps.Keys(m)) {
		key := m[name]
		if !strings.HasPrefix(name, "/") {
			return false, invalid("manifest: %s: must begin with a slash", name)
		}
		if !assetKeyForm.MatchString(key) || !b.has(key) {
			return false, invalid("manifest: %s: no file %s was uploaded", name, key)
		}
		f, err := b.openAsset(key)
		if err != nil {
			return false, err
		}
		want, err := assetKey(name, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return false, err
		}
		broken = broken && key != want
	}
	return broken, nil
}

// find returns the key of the file that is served for a path, and the status. It does not
// redirect to a path's canonical form.
// https://developers.cloudflare.com/pages/configuration/serving-pages/
func (m manifest) find(name string) (key string, status int) {
	candidates := []string{name, name + ".html", name + "/index.html"}
	if strings.HasSuffix(name, "/") {
		candidates = []string{name + "index.html", strings.TrimRight(name, "/") + ".html"}
	}
	for _, file := range candidates {
		if key := m[file]; key != "" {
			return key, http.StatusOK
		}
	}
	for folder := name; folder != ""; {
		folder = folder[:strings.LastIndexByte(folder, '/')]
		if key := m[folder+"/404.html"]; key != "" {
			return key, http.StatusNotFound
		}
	}
	if key := m["/index.html"]; key != "" { // a single-page application
		return key, http.StatusOK
	}
	return "", http.StatusNotFound
}

// manifest returns the files of a deployment.
func (b *blobs) manifest(d deployment) (manifest, error) {
	m := manifest{}
	if d.Files[manifestPart] == "" {
		return m, nil
	}
	text, err := b.read(d.Files[manifestPart])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("reading the manifest of deployment %s: %w", d.ID, err)
	}
	return m, nil
}
