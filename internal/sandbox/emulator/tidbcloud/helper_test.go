package tidbcloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

const (
	publicKey  = "A1B2C3D4"
	privateKey = "0f0f0f0f-private-key-of-the-tests"
)

// clock is a clock that moves when it is told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// newCloud is a cloud whose clusters are ACTIVE at once and whose clock stands
// still.
func newCloud() *tidbcloud.Cloud {
	return &tidbcloud.Cloud{
		PublicKey:   publicKey,
		PrivateKey:  privateKey,
		Now:         newClock().Now,
		CreateTime:  -1,
		MaxClusters: -1,
		RateLimit:   -1,
	}
}

// client talks to a cloud as a program would.
type client struct {
	t    *testing.T
	url  string
	http *http.Client
}

func serve(t *testing.T, h http.Handler) *client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &client{t: t, url: srv.URL, http: &http.Client{
		Transport: &digest.Transport{Username: publicKey, Password: privateKey, Transport: srv.Client().Transport},
	}}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// do sends a request, with a body unless it is empty.
func (c *client) do(method, path, body string) answer {
	c.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) answer {
	c.t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{t: c.t, call: req.Method + " " + req.URL.RequestURI(), status: res.StatusCode, header: res.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &a.body); err != nil {
		c.t.Fatalf("%s: the answer %q is not a JSON object: %v", a.call, raw, err)
	}
	return a
}

// want fails the test unless the answer has the status and holds the texts.
func (a answer) want(status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.call, a.status, status, a.raw)
	}
	for _, text := range texts {
		if !strings.Contains(a.raw, text) {
			a.t.Fatalf("%s: %q is not in %s", a.call, text, a.raw)
		}
	}
	return a
}

// at returns what lies at a path such as "endpoints/public/host".
func (a answer) at(path string) any {
	var v any = a.body
	for name := range strings.SplitSeq(path, "/") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (a answer) str(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s: %s is no string in %s", a.call, path, a.raw)
	}
	return s
}

// names collects a member of each object in a list.
func (a answer) names(list, member string) []string {
	a.t.Helper()
	items, ok := a.body[list].([]any)
	if !ok {
		a.t.Fatalf("%s: %s is no list in %s", a.call, list, a.raw)
	}
	var out []string
	for _, item := range items {
		out = append(out, fmt.Sprint(item.(map[string]any)[member]))
	}
	return out
}

const tokyo = `"region":{"name":"regions/aws-ap-northeast-1"}`

// create makes a cluster in Tokyo and returns its id. More is JSON of further
// fields, each with a comma in front.
func (c *client) create(name, more string) string {
	c.t.Helper()
	a := c.do("POST", "/v1beta1/clusters", fmt.Sprintf(`{"displayName":%q,%s%s}`, name, tokyo, more))
	return a.want(200).str("clusterId")
}

// list lists the clusters that fit a filter and returns their names.
func (c *client) list(filter string) []string {
	c.t.Helper()
	return c.do("GET", "/v1beta1/clusters?filter="+url.QueryEscape(filter), "").want(200).names("clusters", "displayName")
}

func clusterPath(id string, more ...string) string {
	return "/v1beta1/clusters/" + strings.Join(append([]string{id}, more...), "/")
}
