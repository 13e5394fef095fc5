package tidbcloud_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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

func TestDigest_client(t *testing.T) {
	log := &emulator.Log{}
	c := serve(t, &emulator.Server{Cloud: "tidbcloud", Handler: newCloud(), Log: log, Faults: &emulator.Faults{}})
	for i := range 4 {
		c.create(fmt.Sprintf("cluster-%d", i), "")
	}
	c.do("GET", clustersPath+"?pageSize=2&pageToken=MQ", "").want(200)
	calls := log.Calls()
	if len(calls) != 5 || slices.ContainsFunc(calls, func(c emulator.Call) bool { return c.Status != 200 }) {
		t.Errorf("the log has %+v, want 5 calls without the request that asks for the challenge", calls)
	}
}

func TestDigest_noKey(t *testing.T) {
	for _, cloud := range []*tidbcloud.Cloud{{}, {PublicKey: publicKey}} {
		c := serve(t, cloud)
		header := sign(t, c.get("").challenge(), 1, cloud.PrivateKey)
		c.get(strings.Replace(header, publicKey, cloud.PublicKey, 1)).want(401, "unknown key")
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
		{name: "wrong response", old: `response="`, new: `response="0`, text: "unknown key or wrong response"},
		{name: "wrong realm", old: `"tidb.cloud"`, new: `"elsewhere"`, text: "realm"},
		{name: "wrong opaque", old: `opaque="`, new: `opaque="x`, text: "opaque"},
		{name: "another algorithm", old: "MD5", new: "SHA-256", text: "algorithm"},
		{name: "missing qop", old: "qop=auth, ", text: "qop"},
		{name: "missing cnonce", old: `cnonce="c0ffee", `, text: "cnonce"},
		{name: "missing nc", old: "nc=00000001, ", text: "nc is"},
		{name: "wrong uri", old: clustersPath, new: "/v1beta1/regions", text: "uri is"},
		{name: "uri with a query", old: clustersPath, new: clustersPath + "?x=y", text: "uri is"},
		{name: "Basic", old: "Digest ", new: "Basic ", text: "no Digest credentials"},
		{name: "open quote", old: `"c0ffee"`, new: `"c0ffee`, text: "malformed"},
		{name: "an escape too many", old: `"c0ffee"`, new: `"c0ff\"`, text: "malformed"},
		{name: "missing comma", old: `"tidb.cloud",`, new: `"tidb.cloud"`, text: "malformed"},
		{name: "a parameter twice", old: "nc=00000001,", new: "nc=00000001, nc=00000001,", text: "nc is given twice"},
		{name: "unknown nonce", nonce: "MADEUP", stale: true, text: "nonce is unknown"},
		{name: "unknown nonce, wrong key", nonce: "MADEUP", key: "guessed", text: "wrong response"},
		{name: "gap in nc", count: 2, stale: true, text: "not the next count"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, newCloud())
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
			c.get(sign(t, fresh, 1, privateKey)).want(200) // the new nonce is valid
		})
	}
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
