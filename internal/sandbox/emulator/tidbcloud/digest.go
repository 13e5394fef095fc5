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

// What a challenge has besides its nonce.
const (
	realm  = "tidb.cloud"
	opaque = "tidbcloud"
)

// nonce is a nonce that a challenge offered.
type nonce struct {
	issued time.Time
	// count is the nc of the last request that was accepted with it.
	count uint64
}

// authenticate checks the request's credentials. If it refuses them, it puts a new
// challenge into the header.
func (c *Cloud) authenticate(h http.Header, r *http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	header := strings.Join(r.Header.Values("Authorization"), ", ")
	if header == "" {
		emulator.Quiet(r)
	}
	stale, err := c.verify(header, r, now)
	if err == nil {
		return nil
	}
	challenge := fmt.Sprintf(`Digest realm="%s", nonce="%s", opaque="%s", qop="auth", algorithm=MD5`, realm, c.newNonce(now), opaque)
	if stale {
		challenge += ", stale=true"
	}
	h.Set("WWW-Authenticate", challenge)
	return &apiError{status: http.StatusUnauthorized, message: "the API key cannot be authenticated: " + err.Error()}
}

// newNonce returns a new nonce, and drops those that are too old.
func (c *Cloud) newNonce(now time.Time) string {
	if c.nonces == nil {
		c.nonces = map[string]*nonce{}
	}
	for value, n := range c.nonces {
		if !c.valid(n, now) {
			delete(c.nonces, value)
		}
	}
	value := rand.Text()
	c.nonces[value] = &nonce{issued: now}
	return value
}

func (c *Cloud) valid(n *nonce, now time.Time) bool {
	return now.Before(n.issued.Add(cmp.Or(c.NonceLifetime, 5*time.Minute)))
}

var nonceCount = regexp.MustCompile(`^[0-9A-Fa-f]{8}$`)

// verify checks an Authorization header. stale=true is sent only to clients that
// proved they know the key.
func (c *Cloud) verify(header string, r *http.Request, now time.Time) (stale bool, err error) {
	p, err := parseDigest(header)
	if err != nil {
		return false, err
	}
	switch algorithm := p["algorithm"]; {
	case p["realm"] != realm:
		return false, fmt.Errorf("realm is %q, not %q", p["realm"], realm)
	case p["opaque"] != opaque:
		return false, errors.New("opaque is not the challenge's")
	case algorithm != "" && !strings.EqualFold(algorithm, "MD5"):
		return false, fmt.Errorf("algorithm is %q, not MD5", algorithm)
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
	known, proved := equal(p["username"], c.PublicKey), equal(p["response"], want)
	if c.PublicKey == "" || c.PrivateKey == "" || !known || !proved {
		return false, errors.New("unknown key or wrong response")
	}

	n := c.nonces[p["nonce"]]
	if n == nil || !c.valid(n, now) {
		return true, errors.New("the nonce is unknown or too old")
	}
	count, err := strconv.ParseUint(p["nc"], 16, 64)
	if err != nil || count != n.count+1 {
		return true, fmt.Errorf("nc is %s, not the next count %08x", p["nc"], n.count+1)
	}
	n.count = count
	return false, nil
}

func md5hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

const param = `\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s",]+)\s*`

var (
	digestParam  = regexp.MustCompile(param)
	digestHeader = regexp.MustCompile(`^(?i:digest)\s` + param + `(?:,` + param + `)*$`)
	escaped      = regexp.MustCompile(`\\(.)`)
)

// parseDigest reads the parameters of an Authorization header. Their values are tokens
// or quoted strings.
func parseDigest(header string) (map[string]string, error) {
	if scheme, _, _ := strings.Cut(header, " "); !strings.EqualFold(scheme, "Digest") {
		return nil, errors.New("no Digest credentials")
	}
	if !digestHeader.MatchString(header) {
		return nil, errors.New("malformed credentials")
	}
	params := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(header, -1) {
		name, value := strings.ToLower(m[1]), m[2]
		if _, ok := params[name]; ok {
			return nil, fmt.Errorf("malformed credentials: %s is given twice", name)
		}
		if strings.HasPrefix(value, `"`) {
			value = escaped.ReplaceAllString(value[1:len(value)-1], "$1")
		}
		params[name] = value
	}
	return params, nil
}
