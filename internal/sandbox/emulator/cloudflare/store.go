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

// state is all that the cloud knows: the form of its file.
type state struct {
	Projects map[string]*project `json:"projects"`
	Scripts  map[string]*script  `json:"scripts"`
	// Subdomain is the account's, under workers.dev; empty where it has none.
	Subdomain string `json:"subdomain"`
	// Made counts projects and Workers, and so orders them.
	Made int `json:"made"`
}

func (c *Cloud) newState() *state {
	s := &state{Projects: map[string]*project{}, Scripts: map[string]*script{}, Subdomain: "sandbox"}
	if c.NoSubdomain {
		s.Subdomain = ""
	}
	return s
}

// number counts one thing more.
func (s *state) number() int {
	s.Made++
	return s.Made
}

// inOrder returns the things of m in the order in which they were made.
func inOrder[T interface{ order() int }](m map[string]T) []T {
	return slices.SortedFunc(maps.Values(m), func(a, b T) int { return cmp.Compare(a.order(), b.order()) })
}

// Secret is what is kept of a secret: a salt and a hash, enough to recognise it.
type Secret string

// Is reports whether value is the secret.
func (s Secret) Is(value string) bool {
	salt, _, ok := strings.Cut(string(s), ":")
	return ok && s == sealed(salt, value)
}

func seal(value string) Secret { return sealed(randomHex(16), value) }

func sealed(salt, value string) Secret {
	sum := sha256.Sum256([]byte(salt + value))
	return Secret(salt + ":" + hex.EncodeToString(sum[:]))
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
