package cloudflare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const (
	token = "made-up_token_of_at_least_40_characters_"
	acct  = "/accounts/" + cloudflare.DefaultAccountID
	pages = acct + "/pages/projects"
	wrk   = acct + "/workers/scripts"
)

// morning is when the tests take place.
var morning = time.Date(2026, 3, 4, 5, 6, 7, 890_000, time.UTC)

// client is a client of one Cloud. It keeps all that it was answered.
type client struct {
	t     testing.TB
	cloud *cloudflare.Cloud
	url   string
	head  http.Header

	mu   sync.Mutex
	seen bytes.Buffer
}

func serve(t testing.TB, cloud *cloudflare.Cloud) *client {
	t.Helper()
	if cloud.Token == "" {
		cloud.Token = token
	}
	if cloud.Now == nil {
		cloud.Now = func() time.Time { return morning }
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	return &client{t: t, cloud: cloud, url: srv.URL, head: http.Header{"Authorization": {"Bearer " + token}}}
}

// response is an answer in its envelope.
type response struct {
	status int
	header http.Header
	body   string

	Result  any
	Success bool
	Errors  []struct {
		Code    int
		Message string
		Chain   []struct{ Code int } `json:"error_chain"`
	}
	Messages []struct{ Code int }
	Info     *struct {
		Page, Count int
		PerPage     int `json:"per_page"`
		TotalCount  int `json:"total_count"`
		TotalPages  int `json:"total_pages"`
	} `json:"result_info"`
}

// do makes a call. A body is JSON, unless it is a form.
func (c *client) do(method, path string, body any) response {
	c.t.Helper()
	var r io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case form:
		r, contentType = b.encode()
	case raw:
		r, contentType = strings.NewReader(b.body), b.contentType
	case string:
		r, contentType = strings.NewReader(b), "application/json"
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r, contentType = bytes.NewReader(j), "application/json"
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/client/v4"+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	maps.Copy(req.Header, c.head)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Error(err)
		return response{}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	c.seen.Write(got)
	fmt.Fprintln(&c.seen, res.Header)
	c.mu.Unlock()
	out := response{status: res.StatusCode, header: res.Header, body: string(got)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(got, &out); err != nil {
			c.t.Errorf("%s %s: %v in %s", method, path, err, got)
		}
		if out.Success != (out.status == http.StatusOK) || out.Success != (len(out.Errors) == 0) {
			c.t.Errorf("%s %s: status %d in an envelope that says %s", method, path, out.status, got)
		}
	}
	if res.Header.Get("Cf-Ray") == "" {
		c.t.Errorf("%s %s: no cf-ray", method, path)
	}
	return out
}

// must makes a call that is to succeed, and returns its result.
func (c *client) must(method, path string, body any) map[string]any {
	c.t.Helper()
	res := c.do(method, path, body)
	if res.status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, res.status, res.body)
	}
	m, _ := res.Result.(map[string]any)
	return m
}

// refused makes a call that is to be refused, and change nothing.
func (c *client) refused(method, path string, body any, status, code int, words string) {
	c.t.Helper()
	before := c.everything()
	res := c.do(method, path, body)
	if res.status != status || len(res.Errors) == 0 || res.Errors[0].Code != code ||
		!strings.Contains(res.Errors[0].Message, words) || res.Result != nil {
		c.t.Errorf("%s %s: %d %s, want %d, code %d, %q", method, path, res.status, res.body, status, code, words)
	}
	if after := c.everything(); !reflect.DeepEqual(before, after) {
		c.t.Errorf("%s %s was refused and changed\n%v\nto\n%v", method, path, before, after)
	}
}

func (c *client) everything() any {
	return []any{c.cloud.Projects(), c.cloud.Scripts()}
}

// part is a part of a form.
type part struct{ name, contentType, content string }

// raw is a body of any kind.
type raw struct{ contentType, body string }

type form []part

func (f form) encode() (io.Reader, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range f {
		header := textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%[1]q`, p.name)},
		}
		if p.contentType != "" {
			header.Set("Content-Type", p.contentType)
		}
		pw, _ := w.CreatePart(header)
		_, _ = io.WriteString(pw, p.content)
	}
	_ = w.Close()
	return &b, w.FormDataContentType()
}

const (
	esModule = "application/javascript+module"
	code     = "export default {\n  async fetch(request, env) { return new Response(\"ok\") }\n}\n"
)

// upload is a Worker of one module, with this metadata.
func upload(metadata string) form {
	return form{{"worker.js", esModule, code}, {"metadata", "application/json", metadata}}
}

// worker uploads a Worker that does nothing much.
func (c *client) worker(name string, bindings ...string) map[string]any {
	c.t.Helper()
	return c.must("PUT", wrk+"/"+name, upload(fmt.Sprintf(
		`{"main_module":"worker.js","compatibility_date":"2026-01-01","bindings":[%s]}`, strings.Join(bindings, ","))))
}

// project makes a Pages project of nothing but what must be.
func (c *client) project(name string) map[string]any {
	c.t.Helper()
	return c.must("POST", pages, map[string]any{"name": name, "production_branch": "main"})
}

// dig follows keys into a result.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// value reads JSON as a client would.
func value(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// same compares a result with JSON.
func same(t testing.TB, what string, got any, want string) {
	t.Helper()
	if w := value(t, want); !reflect.DeepEqual(got, w) {
		g, _ := json.MarshalIndent(got, "", "  ")
		t.Errorf("%s is\n%s\nwant\n%s", what, g, want)
	}
}

func names(list any, key string) []string {
	out := []string{}
	for _, v := range list.([]any) {
		out = append(out, dig(v, key).(string))
	}
	return slices.Clip(out)
}
