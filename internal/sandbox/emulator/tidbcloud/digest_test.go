package tidbcloud_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// credentials are the parameters of a hand-made Authorization header.
type credentials map[string]string

func md5of(parts ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":"))))
}

// sign computes the response that fits the other parameters.
func (c credentials) sign(method, private string) credentials {
	c["response"] = md5of(md5of(c["username"], c["realm"], private), c["nonce"], c["nc"], c["cnonce"], c["qop"], md5of(method, c["uri"]))
	return c
}

func (c credentials) header() string {
	var list []string
	for k, v := range c {
		if k == "nc" || k == "qop" || k == "algorithm" {
			list = append(list, k+"="+v)
		} else {
			list = append(list, fmt.Sprintf("%s=%q", k, v))
		}
	}
	return "Digest " + strings.Join(list, ", ")
}

// challenge is what a 401 asks for.
type challenge struct {
	nonce, opaque string
	stale         bool
}

var challengeForm = regexp.MustCompile(`^Digest realm="tidb\.cloud", nonce="([^"]+)", opaque="([^"]+)", qop="auth", algorithm=MD5(, stale=true)?$`)

func (a answer) challenge() challenge {
	a.t.Helper()
	m := challengeForm.FindStringSubmatch(a.header.Get("WWW-Authenticate"))
	if a.status != http.StatusUnauthorized || m == nil {
		a.t.Fatalf("%s: %d with WWW-Authenticate %q is no challenge", a.call, a.status, a.header.Get("WWW-Authenticate"))
	}
	return challenge{nonce: m[1], opaque: m[2], stale: m[3] != ""}
}

// first are right credentials for the first GET of the list of clusters with ch.
func (ch challenge) first() credentials {
	return credentials{
		"username": publicKey, "realm": "tidb.cloud", "nonce": ch.nonce, "opaque": ch.opaque, "algorithm": "MD5",
		"uri": "/v1beta1/clusters", "qop": "auth", "nc": "00000001", "cnonce": "c0ffee",
	}
}

// get asks for the list of clusters with an Authorization header, or with none.
func (c *client) get(authorization string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), "GET", c.url+"/v1beta1/clusters", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	plain := &client{t: c.t, url: c.url, http: http.DefaultClient}
	return plain.send(req)
}

func TestDigest_realClient(t *testing.T) {
	log := &emulator.Log{}
	c := serve(t, &emulator.Server{Cloud: "tidbcloud", Handler: newCloud(), Log: log, Faults: &emulator.Faults{}})
	for i := range 4 {
		c.create(fmt.Sprintf("cluster-%d", i), "")
	}
	c.do("GET", "/v1beta1/clusters?pageSize=2&filter="+`state%3D%22ACTIVE%22`, "").want(200)

	calls := log.Calls()
	if len(calls) != 5 {
		t.Fatalf("%d calls are in the log, want 5 without the half that asks for the challenge: %+v", len(calls), calls)
	}
	for i, call := range calls {
		if call.Status != 200 || call.Challenged != (i == 0) {
			t.Errorf("call %d: %+v, want 200, challenged only for the first", i, call)
		}
	}
}

func TestDigest_wrongKeyInRealClient(t *testing.T) {
	cloud := newCloud()
	cloud.PrivateKey = "another"
	c := serve(t, cloud)
	if ch := c.do("GET", "/v1beta1/regions", "").want(401, "authenticated").challenge(); ch.stale {
		t.Error("wrong credentials are called stale")
	}
}

func TestDigest_noKey(t *testing.T) {
	for _, cloud := range []*tidbcloud.Cloud{{}, {PublicKey: publicKey}} {
		c := serve(t, cloud)
		cr := c.get("").challenge().first()
		cr["username"] = cloud.PublicKey
		c.get(cr.sign("GET", cloud.PrivateKey).header()).want(401)
	}
}

func TestDigest_firstHalf(t *testing.T) {
	log := &emulator.Log{}
	c := serve(t, &emulator.Server{Handler: newCloud(), Log: log, Faults: &emulator.Faults{}})
	a := c.get("").want(401, `"code":401`, `"message":"`, `"details":[]`)
	if ch := a.challenge(); ch.stale {
		t.Error("the first challenge says stale")
	}
	if h := a.header.Get("X-Ratelimit-Limit-Minute"); h != "" {
		t.Errorf("a request without credentials has a rate limit: %q", h)
	}
	if calls := log.Calls(); len(calls) != 0 {
		t.Errorf("the first half of a call is in the log: %+v", calls)
	}
}

func TestDigest_refusals(t *testing.T) {
	set := func(k, v string) func(credentials) { return func(c credentials) { c[k] = v } }
	without := func(k string) func(credentials) { return func(c credentials) { delete(c, k) } }
	tests := []struct {
		name  string
		bend  func(credentials)
		key   string // the private key to sign with, where not the right one
		stale bool
		text  string
	}{
		{name: "wrong password", key: "guessed", text: "unknown key or wrong response"},
		{name: "unknown user", bend: set("username", "someone"), text: "unknown key or wrong response"},
		{name: "missing user", bend: without("username"), text: "unknown key or wrong response"},
		{name: "wrong realm", bend: set("realm", "elsewhere"), text: "realm"},
		{name: "wrong opaque", bend: set("opaque", "x"), text: "opaque"},
		{name: "missing opaque", bend: without("opaque"), text: "opaque"},
		{name: "another algorithm", bend: set("algorithm", "SHA-256"), text: "algorithm"},
		{name: "missing qop", bend: without("qop"), text: "qop"},
		{name: "qop auth-int", bend: set("qop", "auth-int"), text: "qop"},
		{name: "missing cnonce", bend: without("cnonce"), text: "cnonce"},
		{name: "missing nc", bend: without("nc"), text: "nc is"},
		{name: "short nc", bend: set("nc", "1"), text: "nc is"},
		{name: "wrong uri", bend: set("uri", "/v1beta1/regions"), text: "uri is"},
		{name: "uri without the query", bend: set("uri", "/v1beta1/clusters?x=y"), text: "uri is"},
		{name: "unknown nonce", bend: set("nonce", "MADEUP"), stale: true, text: "nonce is unknown"},
		{name: "unknown nonce, wrong password", bend: set("nonce", "MADEUP"), key: "guessed", text: "wrong response"},
		{name: "gap in nc", bend: set("nc", "00000002"), stale: true, text: "not the next one"},
		{name: "nc of zero", bend: set("nc", "00000000"), stale: true, text: "not the next one"},
		{name: "gap in nc, wrong password", bend: set("nc", "00000002"), key: "guessed", text: "wrong response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &emulator.Log{}
			c := serve(t, &emulator.Server{Handler: newCloud(), Log: log, Faults: &emulator.Faults{}})
			ch := c.get("").challenge()
			cr := ch.first()
			if tt.bend != nil {
				tt.bend(cr)
			}
			key := privateKey
			if tt.key != "" {
				key = tt.key
			}
			a := c.get(cr.sign("GET", key).header()).want(401, `"code":401`, tt.text)
			fresh := a.challenge()
			if fresh.stale != tt.stale {
				t.Errorf("stale is %v, want %v", fresh.stale, tt.stale)
			}
			if calls := log.Calls(); len(calls) != 1 || calls[0].Status != 401 || calls[0].Challenged != (cr["nonce"] == ch.nonce) {
				t.Errorf("the log is %+v", calls)
			}
			c.get(fresh.first().sign("GET", privateKey).header()).want(200) // the fresh nonce is good
		})
	}
}

func TestDigest_malformed(t *testing.T) {
	c := serve(t, newCloud())
	good := c.get("").challenge().first().sign("GET", privateKey).header()
	for name, header := range map[string]string{
		"Basic":              "Basic " + base64.StdEncoding.EncodeToString([]byte(publicKey+":"+privateKey)),
		"Bearer":             "Bearer " + privateKey,
		"nothing":            "Digest",
		"no value":           "Digest realm",
		"no name":            `Digest ="x"`,
		"open quote":         `Digest realm="x`,
		"no comma":           `Digest realm="x" nonce="y"`,
		"trailing comma":     good + ",",
		"a parameter twice":  good + `, nc=00000001`,
		"two sets":           good + ", " + good,
		"an escape too many": strings.Replace(good, `"c0ffee"`, `"c0ff\`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			a := c.get(header).want(401)
			if a.challenge().stale || strings.Contains(a.raw, privateKey) {
				t.Errorf("the answer is %s, %v", a.raw, a.header)
			}
		})
	}
	c.get(strings.Replace(good, `"c0ffee"`, `"c0\ffee"`, 1)).want(200) // an escape that changes nothing
}

func TestDigest_counts(t *testing.T) {
	c := serve(t, newCloud())
	ch := c.get("").challenge()
	with := func(nc string) string {
		cr := ch.first()
		cr["nc"] = nc
		return cr.sign("GET", privateKey).header()
	}
	for i := 1; i <= 17; i++ {
		c.get(with(fmt.Sprintf("%08x", i))).want(200)
	}
	for _, nc := range []string{"00000011", "00000001", "00000013"} { // a replay, an old one, a gap
		if !c.get(with(nc)).want(401).challenge().stale {
			t.Errorf("nc %s is not called stale", nc)
		}
	}
	c.get(with("00000012")).want(200) // the refused ones did not count
}

func TestDigest_nonceLifetime(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"default": 0, "own": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			ticks, cloud := newClock(), newCloud()
			cloud.Now, cloud.NonceLifetime = ticks.Now, lifetime
			c := serve(t, cloud)
			if lifetime == 0 {
				lifetime = 5 * time.Minute
			}
			first := c.get("").challenge().first()
			second := maps.Clone(first)
			second["nc"] = "00000002"

			ticks.Advance(lifetime - time.Second)
			c.get(first.sign("GET", privateKey).header()).want(200)
			ticks.Advance(time.Second)
			fresh := c.get(second.sign("GET", privateKey).header()).want(401).challenge()
			if !fresh.stale {
				t.Error("an old nonce is not called stale")
			}
			c.get(fresh.first().sign("GET", privateKey).header()).want(200)
		})
	}
}

func TestDigest_restart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	cloud := newCloud()
	cloud.File = file
	var current http.Handler = cloud
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.ServeHTTP(w, r) }))
	old := c.get("").challenge().first().sign("GET", privateKey).header()
	c.create("before", "")

	again := newCloud()
	again.File = file
	current = again
	if !c.get(old).want(401).challenge().stale {
		t.Error("a nonce from before the restart is not called stale")
	}
	c.do("GET", "/v1beta1/clusters", "").want(200, "before") // the real client starts anew by itself
}

func TestDigest_userIsChecked(t *testing.T) {
	c := serve(t, newCloud())
	cr := c.get("").challenge().first().sign("GET", privateKey)
	cr["username"] = "someone" // with the response of the right one
	c.get(cr.header()).want(401, "unknown key")
}

func TestDigest_methodIsSigned(t *testing.T) {
	c := serve(t, newCloud())
	c.get(c.get("").challenge().first().sign("DELETE", privateKey).header()).want(401, "wrong response")
}

// Clients that do not share a nonce do not hinder each other.
func TestDigest_concurrent(t *testing.T) {
	cloud := newCloud()
	for i := range 8 {
		t.Run(fmt.Sprintf("client %d", i), func(t *testing.T) {
			t.Parallel()
			c := serve(t, cloud)
			for i := range 10 {
				id := c.create(fmt.Sprintf("cluster-%d", i), "")
				c.do("PATCH", clusterPath(id), `{"cluster":{"labels":{"a":"b"}},"updateMask":"labels"}`).want(200)
				c.do("GET", "/v1beta1/clusters", "").want(200)
				if got := cloud.Users(id); len(got) != 1 {
					t.Errorf("users are %+v", got)
				}
				if len(cloud.Clusters()) == 0 {
					t.Error("there is no cluster")
				}
				c.do("DELETE", clusterPath(id), "").want(200)
			}
		})
	}
}
