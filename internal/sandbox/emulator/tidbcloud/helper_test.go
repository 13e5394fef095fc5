package tidbcloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/icholy/digest"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

const (
	publicKey  = "A1B2C3D4"
	privateKey = "0f0f0f0f-private-key-of-the-tests"
)

// clock is a clock that the test moves.
type clock struct{ elapsed atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.elapsed.Load()))
}

func (c *clock) Advance(d time.Duration) { c.elapsed.Add(int64(d)) }

// newDefaultCloud returns a cloud with the limits and delays that it has by default.
func newDefaultCloud() (*tidbcloud.Cloud, *clock) {
	clock := new(clock)
	return &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: clock.Now}, clock
}

// newCloud returns a cloud without limits, whose clusters are ACTIVE at once.
func newCloud() *tidbcloud.Cloud {
	cloud, _ := newDefaultCloud()
	cloud.CreateTime, cloud.RateLimit = -1, -1
	return cloud
}

// client talks to a cloud as a program would.
type client struct {
	t    *testing.T
	url  string
	http *http.Client
}

func serve(t *testing.T, h http.Handler) *client {
	t.Helper()
	srv := httptest.NewServer(checked(t, h))
	t.Cleanup(srv.Close)
	return &client{t: t, url: srv.URL, http: &http.Client{
		Transport: &digest.Transport{Username: publicKey, Password: privateKey, Transport: srv.Client().Transport},
	}}
}

// in returns the client for a subtest.
func (c *client) in(t *testing.T) *client { return &client{t: t, url: c.url, http: c.http} }

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
	return c.send(method, path, body, "")
}

// get lists the clusters with an Authorization header, or with none.
func (c *client) get(authorization string) answer {
	c.t.Helper()
	plain := &client{t: c.t, url: c.url, http: http.DefaultClient}
	return plain.send("GET", clustersPath, "", authorization)
}

func (c *client) send(method, path, body, authorization string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if text := string(raw); strings.Contains(text, "horse") || strings.Contains(text, privateKey) {
		c.t.Errorf("%s %s: the answer shows a password or the key: %s", method, path, text)
	}
	a := answer{t: c.t, call: req.Method + " " + req.URL.RequestURI(), status: res.StatusCode, header: res.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &a.body); err != nil {
		c.t.Fatalf("%s: the answer %q is not a JSON object: %v", a.call, raw, err)
	}
	return a
}

// want fails the test unless the answer has the status and the texts.
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

// wantSame fails the test unless the answers have the same body.
func (a answer) wantSame(b answer) {
	a.t.Helper()
	if diff := cmp.Diff(b.body, a.body); diff != "" {
		a.t.Errorf("%s differs from %s: (-want +got)\n%s", a.call, b.call, diff)
	}
}

// str returns a member of the answer that is a string.
func (a answer) str(name string) string {
	a.t.Helper()
	s, ok := a.body[name].(string)
	if !ok {
		a.t.Fatalf("%s: %s is not a string in %s", a.call, name, a.raw)
	}
	return s
}

// pages walks through a list and returns the sizes of its pages and one member of
// each item.
func (c *client) pages(path, query, list, member string) (sizes, values []string) {
	c.t.Helper()
	for token := ""; ; {
		a := c.do("GET", path+"?"+query+"&pageToken="+token, "").want(200)
		items, ok := a.body[list].([]any)
		if !ok {
			c.t.Fatalf("%s: %s is not a list in %s", a.call, list, a.raw)
		}
		sizes = append(sizes, fmt.Sprint(len(items)))
		for _, item := range items {
			values = append(values, fmt.Sprint(item.(map[string]any)[member]))
		}
		if token = a.str("nextPageToken"); token == "" {
			return sizes, values
		}
	}
}

const (
	clustersPath = "/v1beta1/clusters"
	tokyo        = `"region":{"name":"regions/aws-ap-northeast-1"}`
	paid         = `,"spendingLimit":{"monthly":1}` // does not count towards the quota
)

// create makes a cluster in Tokyo and returns its ID. More is JSON of further
// fields, each with a comma in front.
func (c *client) create(name, more string) string {
	c.t.Helper()
	return c.do("POST", clustersPath, fmt.Sprintf(`{"displayName":%q,%s%s}`, name, tokyo, more)).want(200).str("clusterId")
}

// wantList fails the test unless there are clusters of these names.
func (c *client) wantList(query, want string) {
	c.t.Helper()
	if _, names := c.pages(clustersPath, query, "clusters", "displayName"); strings.Join(names, " ") != want {
		c.t.Errorf("clusters for %q: %q, want %q", query, names, want)
	}
}

func clusterPath(id string, more ...string) string {
	return clustersPath + "/" + strings.Join(append([]string{id}, more...), "/")
}

const (
	password   = `"password":"correct horse"` // no answer may have a horse, see send
	nativeAuth = `"authMethod":"mysql_native_password"`
)

// createUser makes a user with a prefix and returns its full name.
func (c *client) createUser(id, name string) string {
	c.t.Helper()
	body := fmt.Sprintf(`{"userName":%q,%s,%s,"autoPrefix":true,"builtinRole":"role_readwrite"}`, name, password, nativeAuth)
	return c.do("POST", clusterPath(id, "sqlUsers"), body).want(200).str("userName")
}
