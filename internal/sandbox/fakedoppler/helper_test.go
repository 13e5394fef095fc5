package fakedoppler_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/fakedoppler"
)

const (
	token  = "dp.sa.made0up0token0of0forty0characters000000000"
	one    = "/v3/configs/config/secret"
	many   = "/v3/configs/config/secrets"
	dev    = "project=portfolio&config=dev"
	secret = "mysql://root:hunter2@db:4000/x?tls=true"
)

// clock is a time that the tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// client is a client of one Cloud.
type client struct {
	t     testing.TB
	cloud *fakedoppler.Cloud
	clock *clock
	url   string
	head  http.Header
}

func serve(t testing.TB, cloud *fakedoppler.Cloud) *client {
	t.Helper()
	if cloud.Token == "" {
		cloud.Token = token
	}
	c := &client{t: t, cloud: cloud, clock: &clock{now: time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.UTC)}}
	cloud.Now = c.clock.Now
	c.head = http.Header{"Authorization": {"Bearer " + cloud.Token}}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

// response is an answer, read as any of the calls answers.
type response struct {
	status int
	header http.Header
	body   string

	Success  bool
	Messages []string
	Name     string
	Value    value
	Secrets  map[string]value
	Type     string
	Preview  string `json:"token_preview"`
}

type value struct {
	Raw, Computed, Note *string
	Visibility          *string         `json:"rawVisibility"`
	Type                *map[string]any `json:"rawValueType"`
}

func (c *client) do(method, path, body string) response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.head.Clone()
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
	out := response{status: res.StatusCode, header: res.Header, body: string(got)}
	if err := json.Unmarshal(got, &out); err != nil {
		c.t.Errorf("%s %s: %v: %s", method, path, err, got)
	}
	if out.Success != (out.status == http.StatusOK) || (len(out.Messages) == 1) == out.Success {
		c.t.Errorf("%s %s: not in Doppler's form: %d %s", method, path, out.status, got)
	}
	return out
}

// ok makes a call that succeeds.
func (c *client) ok(method, path, body string) response {
	c.t.Helper()
	res := c.do(method, path, body)
	if res.status != http.StatusOK {
		c.t.Errorf("%s %s %s: %d %s", method, path, body, res.status, res.body)
	}
	return res
}

// refused makes a call that is refused with a message that has these words, and
// leaves everything as it was.
func (c *client) refused(method, path, body string, status int, words string) {
	c.t.Helper()
	before := c.cloud.Secrets()
	res := c.do(method, path, body)
	if res.status != status || len(res.Messages) != 1 || !strings.Contains(res.Messages[0], words) {
		c.t.Errorf("%s %s %s: %d %s, want %d with %q", method, path, body, res.status, res.body, status, words)
	}
	if after := c.cloud.Secrets(); len(after) != len(before) {
		c.t.Errorf("%s %s %s: refused, and yet it changed something", method, path, body)
	}
}

// change makes one change in portfolio's config dev.
func (c *client) change(members string) response {
	c.t.Helper()
	return c.ok("POST", many, body("dev", members))
}

func (c *client) get(name string) value {
	c.t.Helper()
	return c.ok("GET", one+"?"+dev+"&name="+name, "").Value
}

func body(config, members string) string {
	return `{"project":"portfolio","config":"` + config + `","change_requests":[{` + members + `}]}`
}

// is reports whether p points to want.
func is(p *string, want string) bool { return p != nil && *p == want }
