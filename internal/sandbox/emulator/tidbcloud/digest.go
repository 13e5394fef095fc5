package tidbcloud

import (
	"cmp"
	"crypto/md5" // the real cloud's gateway asks for it
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// What a challenge says beside its nonce.
const (
	realm  = "tidb.cloud"
	opaque = "tidbcloud"
)

// nonce is what the server knows of a nonce that it gave out.
type nonce struct {
	issued time.Time
	// count is the nc of the last request that was accepted with it.
	count uint64
	// seen says that a request named it.
	seen bool
}

// authenticate checks the request's credentials. Where it refuses them it puts a
// new challenge into the header.
func (c *Cloud) authenticate(h http.Header, r *http.Request) *problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nonces == nil {
		c.nonces = map[string]*nonce{}
	}
	now := c.now()

	var stale bool
	var err error
	if auth := r.Header.Values("Authorization"); len(auth) == 0 {
		emulator.Quiet(r)
		err = errors.New("the request has no credentials")
	} else {
		stale, err = c.verify(strings.Join(auth, ", "), r, now)
	}
	if err == nil {
		return nil
	}

	challenge := fmt.Sprintf(`Digest realm="%s", nonce="%s", opaque="%s", qop="auth", algorithm=MD5`, realm, c.issue(now), opaque)
	if stale {
		challenge += ", stale=true"
	}
	h.Set("WWW-Authenticate", challenge)
	return &problem{status: http.StatusUnauthorized, message: "the API key cannot be authenticated: " + err.Error()}
}

// bears tells whether a request names this public key, rightly or not.
func bears(r *http.Request, publicKey string) bool {
	p, err := parseDigest(r.Header.Get("Authorization"))
	return err == nil && publicKey != "" && p["username"] == publicKey
}

// issue makes a nonce and forgets those that are too old to be used.
func (c *Cloud) issue(now time.Time) string {
	for k, n := range c.nonces {
		if !c.fresh(n, now) {
			delete(c.nonces, k)
		}
	}
	name := rand.Text()
	c.nonces[name] = &nonce{issued: now}
	return name
}

func (c *Cloud) fresh(n *nonce, now time.Time) bool {
	return now.Before(n.issued.Add(cmp.Or(c.NonceLifetime, 5*time.Minute)))
}

var nonceCount = regexp.MustCompile(`^[0-9A-Fa-f]{8}$`)

// verify checks an Authorization header. That credentials are stale, so right but
// for their nonce, is told only to who proved to know the key.
func (c *Cloud) verify(header string, r *http.Request, now time.Time) (stale bool, err error) {
	p, err := parseDigest(header)
	if err != nil {
		return false, err
	}
	n := c.nonces[p["nonce"]]
	if n != nil && !n.seen {
		n.seen = true
		emulator.Challenged(r)
	}

	algorithm, named := p["algorithm"]
	switch {
	case p["realm"] != realm:
		return false, fmt.Errorf("the realm is %q, not %q", p["realm"], realm)
	case p["opaque"] != opaque:
		return false, errors.New("opaque is not what the challenge said")
	case named && !strings.EqualFold(algorithm, "MD5"):
		return false, fmt.Errorf("the algorithm is %q, not MD5", algorithm)
	case p["qop"] != "auth":
		return false, fmt.Errorf("qop is %q, not auth", p["qop"])
	case p["cnonce"] == "":
		return false, errors.New("cnonce is missing")
	case !nonceCount.MatchString(p["nc"]):
		return false, fmt.Errorf("nc is %q, not 8 hexadecimal digits", p["nc"])
	case p["uri"] != r.RequestURI:
		return false, fmt.Errorf("uri is %q, not the request's %q", p["uri"], r.RequestURI)
	}

	want := md5hex(md5hex(c.PublicKey, realm, c.PrivateKey), p["nonce"], p["nc"], p["cnonce"], p["qop"], md5hex(r.Method, p["uri"]))
	known, right := same(p["username"], c.PublicKey), same(p["response"], want)
	if c.PublicKey == "" || c.PrivateKey == "" || !known || !right {
		return false, errors.New("unknown key or wrong response")
	}

	if n == nil || !c.fresh(n, now) {
		return true, errors.New("the nonce is unknown or too old")
	}
	nc, err := strconv.ParseUint(p["nc"], 16, 64)
	if err != nil || nc != n.count+1 {
		return true, fmt.Errorf("nc is %s, not the next one, %08x", p["nc"], n.count+1)
	}
	n.count = nc
	return false, nil
}

func md5hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

var errMalformed = errors.New("the credentials are malformed")

// parseDigest reads the parameters of an Authorization header: name=value, the
// value a token or a quoted string, with commas between them.
func parseDigest(header string) (map[string]string, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Digest") {
		return nil, errors.New("the scheme is not Digest")
	}
	params := map[string]string{}
	for more := true; more; {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; !ok || name == "" || twice {
			return nil, errMalformed
		}
		params[name], rest, ok = cutValue(after)
		if !ok {
			return nil, errMalformed
		}
		rest = strings.TrimSpace(rest)
		if more = rest != ""; more {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return nil, errMalformed
			}
		}
	}
	return params, nil
}

// cutValue takes a token or a quoted string off the front of s.
func cutValue(s string) (value, rest string, ok bool) {
	quoted, isQuoted := strings.CutPrefix(s, `"`)
	if !isQuoted {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:], true
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch ch := quoted[i]; {
		case ch == '"':
			return b.String(), quoted[i+1:], true
		case ch == '\\' && i+1 < len(quoted):
			i++
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(ch)
		}
	}
	return "", "", false
}
