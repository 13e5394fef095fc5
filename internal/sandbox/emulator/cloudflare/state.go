package cloudflare

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// state is what the cloud knows, and the form of its file.
type state struct {
	Projects map[string]*project `json:"projects"`
	Scripts  map[string]*script  `json:"scripts"`
	// Records are the DNS records, the oldest first.
	Records []record `json:"records"`
	// Subdomain is the account's subdomain of workers.dev. It is empty if there is none.
	Subdomain string `json:"subdomain"`
	// Made is the number of projects and Workers created so far.
	Made int `json:"made"`
}

func (c *Cloud) newState() *state {
	s := &state{Projects: map[string]*project{}, Scripts: map[string]*script{}, Subdomain: "sandbox"}
	if c.NoSubdomain {
		s.Subdomain = ""
	}
	return s
}

// number returns the number of a new project or Worker.
func (s *state) number() int {
	s.Made++
	return s.Made
}

// byAge returns projects or Workers in the order of their creation.
func byAge[T interface{ age() int }](m map[string]T) []T {
	return slices.SortedFunc(maps.Values(m), func(a, b T) int { return cmp.Compare(a.age(), b.age()) })
}

// Secret is what the state keeps of a secret: a salt and a hash.
type Secret string

// Is reports whether value is the secret.
func (s Secret) Is(value string) bool {
	salt, _, ok := strings.Cut(string(s), ":")
	return ok && s == saltedHash(salt, value)
}

// seal returns a secret for the state. The value stays in memory only; see [Cloud.Reveal].
func (c *Cloud) seal(value string) Secret {
	s := saltedHash(randomHex(16), value)
	if c.values == nil {
		c.values = map[Secret]string{}
	}
	c.values[s] = value
	return s
}

// Reveal returns the value of a secret that was set since the Cloud was made. No value
// outlives the process. A caller that has candidates can try them with [Secret.Is].
func (c *Cloud) Reveal(s Secret) (value string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok = c.values[s]
	return value, ok
}

func saltedHash(salt, value string) Secret {
	sum := sha256.Sum256([]byte(salt + value))
	return Secret(salt + ":" + hex.EncodeToString(sum[:]))
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// newUUID returns a UUID of version 4.
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
