package tidbcloud_test

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// credentials are the parameters of an Authorization header.
type credentials map[string]string

func md5of(parts ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":"))))
}

// sign adds the response to the other parameters.
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

// challenge is the challenge of a 401.
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

// first returns the credentials for the first GET of the clusters after a challenge.
func (ch challenge) first() credentials {
	return credentials{
		"username": publicKey, "realm": "tidb.cloud", "nonce": ch.nonce, "opaque": ch.opaque, "algorithm": "MD5",
		"uri": clustersPath, "qop": "auth", "nc": "00000001", "cnonce": "c0ffee",
	}
}

// get lists the clusters with an Authorization header, or with none.
func (c *client) get(authorization string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), "GET", c.url+clustersPath, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return (&client{t: c.t, http: http.DefaultClient}).send(req)
}

// serveLogged serves a new cloud and logs its calls.
func serveLogged(t *testing.T) (*client, *emulator.Log) {
	log := &emulator.Log{}
	return serve(t, &emulator.Server{Cloud: "tidbcloud", Handler: newCloud(), Log: log, Faults: &emulator.Faults{}}), log
}

func TestDigest_client(t *testing.T) {
	c, log := serveLogged(t)
	for i := range 4 {
		c.create(fmt.Sprintf("cluster-%d", i), "")
	}
	c.do("GET", clustersPath+"?pageSize=2&filter=projectId%3D1", "").want(200)
	calls := log.Calls()
	if len(calls) != 5 {
		t.Fatalf("the log has %d calls, want 5 without the request that asks for the challenge: %+v", len(calls), calls)
	}
	for i, call := range calls {
		if call.Status != 200 || call.Challenged != (i == 0) {
			t.Errorf("call %d: %+v, want 200, challenged only for the first", i, call)
		}
	}

	cloud := newCloud()
	cloud.PrivateKey = "another"
	if serve(t, cloud).do("GET", clustersPath, "").want(401, "authenticated").challenge().stale {
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

func TestDigest_firstRequest(t *testing.T) {
	c, log := serveLogged(t)
	a := c.get("").want(401, `"code":401`, `"message":"`, `"details":[]`)
	if a.challenge().stale {
		t.Error("the first challenge says stale")
	}
	if h := a.header.Get("X-Ratelimit-Limit-Minute"); h != "" {
		t.Errorf("a request without credentials has a rate limit: %q", h)
	}
	if calls := log.Calls(); len(calls) != 0 {
		t.Errorf("a request without credentials is in the log: %+v", calls)
	}
}

func TestDigest_refused(t *testing.T) {
	tests := []struct {
		name         string
		param, value string // replaces a parameter; an empty value removes it
		key          string // the private key to sign with, if not the right one
		stale        bool
		text         string
	}{
		{name: "wrong key", key: "guessed", text: "unknown key or wrong response"},
		{name: "unknown user", param: "username", value: "someone", text: "unknown key or wrong response"},
		{name: "missing user", param: "username", text: "unknown key or wrong response"},
		{name: "wrong realm", param: "realm", value: "elsewhere", text: "realm"},
		{name: "wrong opaque", param: "opaque", value: "x", text: "opaque"},
		{name: "missing opaque", param: "opaque", text: "opaque"},
		{name: "another algorithm", param: "algorithm", value: "SHA-256", text: "algorithm"},
		{name: "missing qop", param: "qop", text: "qop"},
		{name: "qop auth-int", param: "qop", value: "auth-int", text: "qop"},
		{name: "missing cnonce", param: "cnonce", text: "cnonce"},
		{name: "missing nc", param: "nc", text: "nc is"},
		{name: "short nc", param: "nc", value: "1", text: "nc is"},
		{name: "wrong uri", param: "uri", value: "/v1beta1/regions", text: "uri is"},
		{name: "uri with another query", param: "uri", value: "/v1beta1/clusters?x=y", text: "uri is"},
		{name: "unknown nonce", param: "nonce", value: "MADEUP", stale: true, text: "nonce is unknown"},
		{name: "unknown nonce, wrong key", param: "nonce", value: "MADEUP", key: "guessed", text: "wrong response"},
		{name: "gap in nc", param: "nc", value: "00000002", stale: true, text: "not the next count"},
		{name: "nc of zero", param: "nc", value: "00000000", stale: true, text: "not the next count"},
		{name: "gap in nc, wrong key", param: "nc", value: "00000002", key: "guessed", text: "wrong response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := serveLogged(t)
			ch := c.get("").challenge()
			cr := ch.first()
			cr[tt.param] = tt.value
			if tt.value == "" {
				delete(cr, tt.param)
			}
			a := c.get(cr.sign("GET", cmp.Or(tt.key, privateKey)).header()).want(401, `"code":401`, tt.text)
			fresh := a.challenge()
			if fresh.stale != tt.stale {
				t.Errorf("stale is %v, want %v", fresh.stale, tt.stale)
			}
			if calls := log.Calls(); len(calls) != 1 || calls[0].Status != 401 || calls[0].Challenged != (cr["nonce"] == ch.nonce) {
				t.Errorf("the log is %+v", calls)
			}
			c.get(fresh.first().sign("GET", privateKey).header()).want(200) // the new nonce is valid
		})
	}
	c := serve(t, newCloud())
	cr := c.get("").challenge().first().sign("GET", privateKey)
	cr["username"] = "someone" // with the response of the right key
	c.get(cr.header()).want(401, "unknown key")
	c.get(c.get("").challenge().first().sign("DELETE", privateKey).header()).want(401, "wrong response")
}

func TestDigest_malformed(t *testing.T) {
	c := serve(t, newCloud())
	good := c.get("").challenge().first().sign("GET", privateKey).header()
	for name, header := range map[string]string{
		"Basic":              "Basic " + base64.StdEncoding.EncodeToString([]byte(publicKey+":"+privateKey)),
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
			if c.in(t).get(header).want(401).challenge().stale {
				t.Error("malformed credentials are called stale")
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
	for lifetime, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, 10 * time.Second: 10 * time.Second} {
		cloud, clock := newDefaultCloud()
		cloud.NonceLifetime = lifetime
		c := serve(t, cloud)
		first := c.get("").challenge().first()
		second := maps.Clone(first)
		second["nc"] = "00000002"

		clock.Advance(want - time.Second)
		c.get(first.sign("GET", privateKey).header()).want(200)
		clock.Advance(time.Second)
		fresh := c.get(second.sign("GET", privateKey).header()).want(401).challenge()
		if !fresh.stale {
			t.Errorf("after %s the nonce is not called stale", want)
		}
		c.get(fresh.first().sign("GET", privateKey).header()).want(200)
	}
}

// Clients that do not share a nonce do not hinder each other.
func TestDigest_concurrent(t *testing.T) {
	cloud := newCloud()
	for i := range 8 {
		t.Run(fmt.Sprintf("client %d", i), func(t *testing.T) {
			t.Parallel()
			c := serve(t, cloud)
			for range 10 {
				id := c.create("cluster", "")
				c.do("PATCH", clusterPath(id), rename).want(200)
				c.do("GET", clustersPath, "").want(200)
				if len(cloud.Users(id)) != 1 || len(cloud.Clusters()) == 0 {
					t.Error("the cluster or its user is missing")
				}
				c.do("DELETE", clusterPath(id), "").want(200)
			}
		})
	}
}
