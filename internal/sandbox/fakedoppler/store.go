package fakedoppler

import (
	"slices"
	"time"
)

// Secret is a secret, without its value.
type Secret struct {
	Project    string `json:"project"`
	Config     string `json:"config"`
	Name       string `json:"name"`
	Visibility string `json:"visibility"`
	// Updated is when its name, value or visibility last changed.
	Updated time.Time `json:"updated"`
}

// state is all that the cloud knows: the form of its file.
type state struct {
	// Salt is that of the key.
	Salt    []byte   `json:"salt"`
	Secrets []stored `json:"secrets"`
}

// stored is a secret with its value, encrypted.
type stored struct {
	Secret
	Sealed []byte `json:"sealed"`
}

func newState() *state { return &state{Salt: random(16), Secrets: []stored{}} }

// index returns where the secret is, or -1.
func (s *state) index(project, config, name string) int {
	return slices.IndexFunc(s.Secrets, func(x stored) bool {
		return x.Project == project && x.Config == config && x.Name == name
	})
}

// Secrets returns the secrets in the order in which they were made. There are none
// where the state cannot be read, see [Cloud.Load].
func (c *Cloud) Secrets() []Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load() != nil {
		return nil
	}
	var out []Secret
	for _, x := range c.store.State().Secrets {
		out = append(out, x.Secret)
	}
	return out
}

// Is reports whether the secret is there and has that value.
func (c *Cloud) Is(project, config, name, value string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load() != nil {
		return false
	}
	s := c.store.State()
	i := s.index(project, config, name)
	if i < 0 {
		return false
	}
	have := c.vault.open(s.Secrets[i].Sealed)
	return have != nil && *have == value
}
