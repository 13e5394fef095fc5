package tidbcloud_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// challenge returns the challenge of a 401.
func (a answer) challenge() *digest.Challenge {
	a.t.Helper()
	ch, err := digest.ParseChallenge(a.header.Get("WWW-Authenticate"))
	if a.status != http.StatusUnauthorized || err != nil {
		a.t.Fatalf("%s: %d with WWW-Authenticate %q: %v", a.call, a.status, a.header.Get("WWW-Authenticate"), err)
	}
	return ch
}

// sign returns the Authorization header of a GET of the clusters. count is how many
// there were after the challenge.
func sign(t *testing.T, ch *digest.Challenge, count int, key string) string {
	t.Helper()
	credentials, err := digest.Digest(ch, digest.Options{
		Method: "GET", URI: clustersPath, Username: publicKey, Password: key, Count: count, Cnonce: "c0ffee",
	})
	if err != nil {
		t.Fatal(err)
	}
	return credentials.String()
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
}

func TestDigest_noKey(t *testing.T) {
	for _, cloud := range []*tidbcloud.Cloud{{}, {PublicKey: publicKey}} {
		c := serve(t, cloud)
		header := sign(t, c.get("").challenge(), 1, cloud.PrivateKey)
		c.get(strings.Replace(header, publicKey, cloud.PublicKey, 1)).want(401, "unknown key")
	}
}

func TestDigest_firstRequest(t *testing.T) {
	c, log := serveLogged(t)
	a := c.get("").want(401, `"code":401`, `"message":"`, `"details":[]`)
	form := regexp.MustCompile(`^Digest realm="tidb\.cloud", nonce="[A-Z2-7]+", opaque="[a-z]+", qop="auth", algorithm=MD5$`)
	if h := a.header.Get("WWW-Authenticate"); !form.MatchString(h) {
		t.Errorf("the challenge is %q", h)
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
		name     string
		old, new string // a change of the signed header
		nonce    string // the nonce to sign, if not the challenge's
		count    int
		key      string // the private key to sign with, if not the right one
		stale    bool
		text     string
	}{
		{name: "wrong key", key: "guessed", text: "unknown key or wrong response"},
		{name: "unknown user", old: publicKey, new: "someone", text: "unknown key or wrong response"},
		{name: "missing user", old: `username="` + publicKey + `", `, text: "unknown key or wrong response"},
		{name: "wrong response", old: `response="`, new: `response="0`, text: "unknown key or wrong response"},
		{name: "wrong realm", old: `"tidb.cloud"`, new: `"elsewhere"`, text: "realm"},
		{name: "wrong opaque", old: `opaque="`, new: `opaque="x`, text: "opaque"},
		{name: "missing opaque", old: `opaque=`, new: `x=`, text: "opaque"},
		{name: "another algorithm", old: "MD5", new: "SHA-256", text: "algorithm"},
		{name: "missing qop", old: "qop=auth, ", text: "qop"},
		{name: "qop auth-int", old: "qop=auth", new: "qop=auth-int", text: "qop"},
		{name: "missing cnonce", old: `cnonce="c0ffee", `, text: "cnonce"},
		{name: "missing nc", old: "nc=00000001, ", text: "nc is"},
		{name: "short nc", old: "nc=00000001", new: "nc=1", text: "nc is"},
		{name: "wrong uri", old: clustersPath, new: "/v1beta1/regions", text: "uri is"},
		{name: "uri with a query", old: clustersPath, new: clustersPath + "?x=y", text: "uri is"},
		{name: "unknown nonce", nonce: "MADEUP", stale: true, text: "nonce is unknown"},
		{name: "unknown nonce, wrong key", nonce: "MADEUP", key: "guessed", text: "wrong response"},
		{name: "gap in nc", count: 2, stale: true, text: "not the next count"},
		{name: "gap in nc, wrong key", count: 2, key: "guessed", text: "wrong response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := serveLogged(t)
			ch := c.get("").challenge()
			ch.Nonce = cmp.Or(tt.nonce, ch.Nonce)
			header := sign(t, ch, tt.count, cmp.Or(tt.key, privateKey))
			if !strings.Contains(header, tt.old) {
				t.Fatalf("%s is not in %s", tt.old, header)
			}
			a := c.get(strings.Replace(header, tt.old, tt.new, 1)).want(401, `"code":401`, tt.text)
			fresh := a.challenge()
			if fresh.Stale != tt.stale {
				t.Errorf("stale is %v, want %v", fresh.Stale, tt.stale)
			}
			if calls := log.Calls(); len(calls) != 1 || calls[0].Status != 401 || calls[0].Challenged != (tt.nonce == "") {
				t.Errorf("the log is %+v", calls)
			}
			c.get(sign(t, fresh, 1, privateKey)).want(200) // the new nonce is valid
		})
	}
}

func TestDigest_malformed(t *testing.T) {
	c := serve(t, newCloud())
	good := sign(t, c.get("").challenge(), 1, privateKey)
	for name, header := range map[string]string{
		"Basic":              "Basic " + base64.StdEncoding.EncodeToString([]byte(publicKey+":"+privateKey)),
		"no value":           "Digest realm",
		"no name":            `Digest ="x"`,
		"open quote":         `Digest realm="x`,
		"no comma":           `Digest realm="x" nonce="y"`,
		"trailing comma":     good + ",",
		"a parameter twice":  good + `, nc=00000001`,
		"an escape too many": strings.Replace(good, `"c0ffee"`, `"c0ff\`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if c.in(t).get(header).want(401).challenge().Stale {
				t.Error("malformed credentials are called stale")
			}
		})
	}
	c.get(strings.Replace(good, `"c0ffee"`, `"c0\ffee"`, 1)).want(200) // an escape that changes nothing
}

func TestDigest_counts(t *testing.T) {
	c := serve(t, newCloud())
	ch := c.get("").challenge()
	for i := 1; i <= 17; i++ {
		c.get(sign(t, ch, i, privateKey)).want(200)
	}
	for _, count := range []int{17, 1, 19} { // a replay, an old one, a gap
		if !c.get(sign(t, ch, count, privateKey)).want(401).challenge().Stale {
			t.Errorf("count %d is not called stale", count)
		}
	}
	c.get(sign(t, ch, 18, privateKey)).want(200) // the refused ones did not count
}

func TestDigest_nonceLifetime(t *testing.T) {
	for lifetime, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, 10 * time.Second: 10 * time.Second} {
		cloud, clock := newDefaultCloud()
		cloud.NonceLifetime = lifetime
		c := serve(t, cloud)
		ch := c.get("").challenge()
		clock.Advance(want - time.Second)
		c.get(sign(t, ch, 1, privateKey)).want(200)
		clock.Advance(time.Second)
		fresh := c.get(sign(t, ch, 2, privateKey)).want(401).challenge()
		if !fresh.Stale {
			t.Errorf("after %s the nonce is not called stale", want)
		}
		c.get(sign(t, fresh, 1, privateKey)).want(200)
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
