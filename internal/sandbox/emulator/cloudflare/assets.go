package cloudflare

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"

	"lukechampine.com/blake3"
)

// maxAsset is the largest file of a site.
// https://developers.cloudflare.com/pages/platform/limits/#file-size
const maxAsset = 25 << 20

var assetKeyForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// assetKey returns the key of a file of a site.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/hash.ts
func assetKey(name string, content io.Reader) (string, error) {
	h := blake3.New(32, nil)
	e := base64.NewEncoder(base64.StdEncoding, h)
	if _, err := io.Copy(e, content); err != nil {
		return "", err
	}
	_ = e.Close() // a hash takes all writes
	_, _ = io.WriteString(h, extension(name))
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// extension returns what follows the last dot of a file's name, like Node's extname but
// without the dot. A dot at the beginning does not count: ".nojekyll" has no extension.
// https://nodejs.org/api/path.html#pathextnamepath
func extension(name string) string {
	base := path.Base(name)
	if i := strings.LastIndexByte(base, '.'); i > 0 {
		return base[i+1:]
	}
	return ""
}

// hashes reads {"hashes": […]}.
func (c *call) hashes() ([]string, error) {
	body, err := c.body(fields{"hashes!": listOf(must("32 hexadecimal digits", assetKeyForm.MatchString))})
	if err != nil {
		return nil, err
	}
	var all []string
	for _, v := range body["hashes"].([]any) {
		all = append(all, v.(string))
	}
	return all, nil
}

// checkMissing returns the keys under which no content is stored. That each account has one
// set of contents is assumed.
func checkMissing(c *call) (any, error) {
	keys, err := c.hashes()
	if err != nil {
		return nil, err
	}
	missing := []string{}
	for _, key := range keys {
		if !c.cloud.blobs.has(key) {
			missing = append(missing, key)
		}
	}
	return missing, nil
}

// upsertHashes does nothing: unused contents are never removed here.
func upsertHashes(c *call) (any, error) {
	_, err := c.hashes()
	return nil, err
}

// uploadItem is a file of an upload.
type uploadItem struct {
	Key      string `json:"key"`
	Value    []byte `json:"value"` // as base64
	Metadata struct {
		ContentType string `json:"contentType"`
	} `json:"metadata"`
	Base64 bool `json:"base64"`
}

func (item uploadItem) check() error {
	switch {
	case !assetKeyForm.MatchString(item.Key):
		return invalid("key: must be 32 hexadecimal digits")
	case !item.Base64:
		return invalid("%s: base64: must be true", item.Key)
	case strings.ContainsAny(item.Metadata.ContentType, "\r\n"):
		return invalid("%s: metadata: contentType: must be one line", item.Key)
	case len(item.Value) > maxAsset:
		return refuse(http.StatusRequestEntityTooLarge, codeUnknown, "%s: a file has at most 25 MiB", item.Key)
	}
	return nil
}

// uploadAssets stores contents. It does not compare them with their keys; see
// [deployment.Broken]. The form of the answer is assumed to be that of Workers KV.
// https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/methods/bulk_update/
func uploadAssets(c *call) (any, error) {
	items, err := readUpload(c.Body)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		content := append([]byte(item.Metadata.ContentType+"\n"), item.Value...)
		if err := c.cloud.blobs.put(item.Key, content); err != nil {
			return nil, fmt.Errorf("storing %s: %w", item.Key, err)
		}
	}
	return map[string]any{"successful_key_count": len(items), "unsuccessful_keys": []string{}}, nil
}

// readUpload reads a list of files one at a time, since the list is large.
func readUpload(body io.Reader) (items []uploadItem, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	malformed := func(err error) error {
		return refuse(http.StatusBadRequest, 6007, "Malformed JSON in request body: %v", err)
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, malformed(cmp.Or(err, errors.New("must be a list")))
	}
	for d.More() {
		var item uploadItem
		if err := d.Decode(&item); err != nil {
			return nil, malformed(err)
		}
		if err := item.check(); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed(err)
	}
	return items, nil
}

// openAsset opens an uploaded file. The first line of the stored content is the type.
func (b *blobs) openAsset(key string) (Asset, error) {
	f, err := b.open(key)
	if err != nil {
		return Asset{}, err
	}
	r := bufio.NewReader(f)
	line, err := r.ReadString('\n')
	if err != nil {
		return Asset{}, errors.Join(fmt.Errorf("reading the type of %s: %w", key, err), f.Close())
	}
	return Asset{ContentType: strings.TrimSuffix(line, "\n"), ReadCloser: struct {
		io.Reader
		io.Closer
	}{r, f}}, nil
}
