package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
)

const (
	token    = cloudflaretest.Token
	account  = "/accounts/" + cloudflare.DefaultAccountID
	projects = account + "/pages/projects"
	scripts  = account + "/workers/scripts"
	services = account + "/workers/services"
)

// morning is when the tests take place.
var morning = time.Date(2026, 3, 4, 5, 6, 7, 890_000, time.UTC)

// client is a client of one Cloud.
type client struct {
	t      *testing.T
	cloud  *cloudflare.Cloud
	header http.Header

	mu       sync.Mutex
	received strings.Builder
}

func newClient(t *testing.T, cloud *cloudflare.Cloud) *client {
	t.Helper()
	if cloud.Now == nil {
		cloud.Now = func() time.Time { return morning }
	}
	return &client{t: t, cloud: cloudflaretest.New(t, cloud).Cloud, header: http.Header{"Authorization": {"Bearer " + token}}}
}

type response struct {
	status int
	header http.Header
	body   string

	Result  any
	Success bool
	Errors  []struct {
		Code    int
		Message string
		Chain   []struct {
			Code    int
			Message string
		} `json:"error_chain"`
	}
	Info *struct {
		Page, Count int
		PerPage     int `json:"per_page"`
		TotalCount  int `json:"total_count"`
		TotalPages  int `json:"total_pages"`
	} `json:"result_info"`
}

// encoded is a body that is not JSON.
type encoded struct{ contentType, content string }

// do makes a call. A body other than encoded is JSON: a string, or a value.
func (c *client) do(method, path string, body any) response {
	c.t.Helper()
	contentType, content := "application/json", ""
	switch b := body.(type) {
	case nil:
	case encoded:
		contentType, content = b.contentType, b.content
	case string:
		content = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		content = string(j)
	}
	req := httptest.NewRequest(method, "/client/v4"+path, strings.NewReader(content))
	maps.Copy(req.Header, c.header)
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	c.cloud.ServeHTTP(rec, req)
	out := response{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	c.mu.Lock()
	fmt.Fprintln(&c.received, out.body, out.header)
	c.mu.Unlock()
	if out.header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			c.t.Errorf("%s %s: %v in %s", method, path, err, out.body)
		}
		if out.Success != (out.status == http.StatusOK) || out.Success != (len(out.Errors) == 0) {
			c.t.Errorf("%s %s: status %d in the envelope %s", method, path, out.status, out.body)
		}
	}
	if out.header.Get("Cf-Ray") == "" {
		c.t.Errorf("%s %s: no CF-Ray", method, path)
	}
	return out
}

// must makes a call that succeeds, and returns its result.
func (c *client) must(method, path string, body any) map[string]any {
	c.t.Helper()
	res := c.do(method, path, body)
	if res.status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, res.status, res.body)
	}
	m, _ := res.Result.(map[string]any)
	return m
}

// get reads a result.
func (c *client) get(path string) any {
	c.t.Helper()
	return c.do("GET", path, nil).Result
}

// refused makes a call that fails and changes nothing.
func (c *client) refused(method, path string, body any, status, code int, message string) {
	c.t.Helper()
	before := c.everything()
	res := c.do(method, path, body)
	if res.status != status || len(res.Errors) == 0 || res.Errors[0].Code != code ||
		!strings.Contains(res.Errors[0].Message, message) || res.Result != nil {
		c.t.Errorf("%s %s: %d %s, want %d, code %d, %q", method, path, res.status, res.body, status, code, message)
	}
	if diff := cmp.Diff(before, c.everything()); diff != "" {
		c.t.Errorf("%s %s failed and changed something (-before +after):\n%s", method, path, diff)
	}
}

func (c *client) everything() any {
	return []any{c.cloud.Projects(), c.cloud.Scripts(), c.cloud.Records()}
}

// part returns a part of a form.
var part = cloudflaretest.Part

func form(parts ...emulator.Part) encoded {
	body, contentType := emulator.Form(parts...)
	return encoded{contentType, string(body)}
}

const (
	esModule = "application/javascript+module"
	code     = "export default {\n  async fetch(request, env) { return new Response(\"ok\") }\n}\n"
)

// upload is the body that uploads a Worker of one module.
func upload(metadata string) encoded {
	return form(part("worker.js", esModule, code), part("metadata", "application/json", metadata))
}

// worker uploads a Worker.
func (c *client) worker(name string, bindings ...string) map[string]any {
	c.t.Helper()
	return c.must("PUT", scripts+"/"+name, upload(fmt.Sprintf(
		`{"main_module":"worker.js","compatibility_date":"2026-01-01","bindings":[%s]}`, strings.Join(bindings, ","))))
}

// project creates a Pages project.
func (c *client) project(name string) map[string]any {
	c.t.Helper()
	return c.must("POST", projects, map[string]any{"name": name, "production_branch": "main"})
}

// deploy deploys a branch of the project "site".
func (c *client) deploy(branch string) string {
	c.t.Helper()
	id, err := c.cloud.AddDeployment("site", branch)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// dig follows keys into a result.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// same compares a result with JSON.
func same(t *testing.T, what string, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// each returns that field of each item of a list.
func each(list any, key string) []string {
	out := []string{}
	for _, v := range list.([]any) {
		out = append(out, dig(v, key).(string))
	}
	return out
}
