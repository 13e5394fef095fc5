package cloudflare_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const assets = "/pages/assets"

// Files of a site, and their keys as computed by wrangler's own hash function.
var (
	page  = asset{"/index.html", "<h1>Hi</h1>\n", "8d9589b34e9745dbf108ccc8d4668c46", "text/html"}
	shout = asset{"/PAGE.HTML", "<h1>Hi</h1>\n", "95e0855fee00845419d41e3c63c8795c", "text/html"}
	empty = asset{"/LICENSE", "", "af1349b9f5f9a1a6a0404dea36dcc949", "application/octet-stream"}
	style = asset{"/style.css", "body{}", "622e1fa69535c6ed5e3a85e2ccaafd15", "text/css"}
)

type asset struct{ path, content, key, contentType string }

// item is the asset as an upload has it.
func (a asset) item() map[string]any {
	return map[string]any{
		"key": a.key, "value": base64.StdEncoding.EncodeToString([]byte(a.content)),
		"metadata": map[string]any{"contentType": a.contentType}, "base64": true,
	}
}

// uploadToken returns an upload token for the project "site".
func (c *client) uploadToken() string {
	c.t.Helper()
	return c.must("GET", projects+"/site/upload-token", nil)["jwt"].(string)
}

// with returns a client of the same Cloud with another token.
func (c *client) with(token string) *client {
	return &client{t: c.t, cloud: c.cloud, header: map[string][]string{"Authorization": {"Bearer " + token}}}
}

// uploadAssets uploads files for the project "site".
func (c *client) uploadAssets(all ...asset) {
	c.t.Helper()
	var items []any
	for _, a := range all {
		items = append(items, a.item())
	}
	c.with(c.uploadToken()).must("POST", assets+"/upload", items)
}

func TestAssets_upload(t *testing.T) {
	for name, file := range map[string]string{"in memory": "", "in files": filepath.Join(t.TempDir(), "cloud.json")} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, &cloudflare.Cloud{File: file})
			c.project("site")
			missing := func(of ...asset) any {
				t.Helper()
				var hashes []string
				for _, a := range of {
					hashes = append(hashes, a.key)
				}
				return c.with(c.uploadToken()).do("POST", assets+"/check-missing", map[string]any{"hashes": hashes}).Result
			}
			same(t, "before", missing(page, style, empty), fmt.Sprintf("[%q,%q,%q]", page.key, style.key, empty.key))
			c.uploadAssets(page, empty)
			same(t, "after", missing(page, style, empty), fmt.Sprintf("[%q]", style.key))
			same(t, "none", c.with(c.uploadToken()).do("POST", assets+"/check-missing", `{"hashes":[]}`).Result, `[]`)
			c.with(c.uploadToken()).must("POST", assets+"/upsert-hashes", `{"hashes":["`+page.key+`"]}`)

			if file != "" {
				c = newClient(t, &cloudflare.Cloud{File: file})
				same(t, "after a restart", missing(page, style), fmt.Sprintf("[%q]", style.key))
			}
			for _, a := range []asset{page, empty} {
				got, err := c.cloud.Asset(a.key)
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(got)
				if err != nil || string(content) != a.content || got.ContentType != a.contentType || got.Close() != nil {
					t.Errorf("%s is %q of type %s, %v", a.path, content, got.ContentType, err)
				}
			}
			for _, key := range []string{style.key, "../cloud.json", ""} {
				if _, err := c.cloud.Asset(key); err == nil {
					t.Errorf("%q is an asset", key)
				}
			}
		})
	}
}

func TestAssets_token(t *testing.T) {
	now := morning
	clock := func() time.Time { return now }
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file, Now: clock})
	c.project("site")
	good := c.uploadToken()
	parts := strings.Split(good, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims["max_file_count_allowed"] != 20_000.0 || claims["exp"] != float64(now.Add(30*time.Minute).Unix()) {
		t.Errorf("the claims are %v", claims)
	}
	claims["exp"] = now.Add(time.Hour).Unix()
	longer, _ := json.Marshal(claims)
	restarted := newClient(t, &cloudflare.Cloud{File: file, Now: clock})
	for name, tt := range map[string]struct {
		c     *client
		token string
		after time.Duration
		code  int
	}{
		"good":              {c, good, 0, 0},
		"still good":        {c, good, 30*time.Minute - time.Second, 0},
		"expired":           {c, good, 30 * time.Minute, 8000013},
		"of a past process": {restarted, good, 0, 8000013},
		"the API token":     {c, token, 0, 8000013},
		"none":              {c, "", 0, 8000013},
		"changed":           {c, parts[0] + "." + base64.RawURLEncoding.EncodeToString(longer) + "." + parts[2], 0, 8000013},
		"not signed":        {c, parts[0] + "." + parts[1] + ".", 0, 8000013},
	} {
		t.Run(name, func(t *testing.T) {
			now = morning.Add(tt.after)
			defer func() { now = morning }()
			for _, call := range []struct {
				path string
				body any
			}{
				{"/check-missing", `{"hashes":[]}`}, {"/upload", `[]`}, {"/upsert-hashes", `{"hashes":[]}`},
			} {
				res := tt.c.with(tt.token).do("POST", assets+call.path, call.body)
				code := 0
				if len(res.Errors) > 0 {
					code = res.Errors[0].Code
				}
				if code != tt.code {
					t.Errorf("%s: %d %s, want code %d", call.path, res.status, res.body, tt.code)
				}
			}
		})
	}
}

// The extension in a key is Node's: a name that only begins with a dot has none.
func TestAssets_extension(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{DeployTime: -1})
	c.project("site")
	c.uploadAssets(empty, style)
	for path, key := range map[string]string{
		"/.nojekyll": empty.key, "/a.b/.nojekyll": empty.key, "/.css": empty.key, "/a.css/LICENSE": empty.key, "/LICENSE.": empty.key,
		"/.a.css": style.key, "/..css": style.key,
	} {
		d := c.must("POST", deployments, form(part("manifest", "", fmt.Sprintf(`{%q:%q}`, path, key))))
		if status, _, _ := c.fetch("https://" + d["id"].(string)[:8] + ".site.pages.dev" + path); status != 200 {
			t.Errorf("%s answers %d", path, status)
		}
	}
}
