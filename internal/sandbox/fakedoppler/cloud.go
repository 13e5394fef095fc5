package fakedoppler

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/wire"
)

// maxBody is more than any change that the API would take, in bytes.
const maxBody = 1 << 20

// Cloud is what one token sees of a Doppler workplace, served under the path /v3.
// The zero value works, but accepts no token. Its fields must not change once it
// serves.
type Cloud struct {
	// Token is the one token that is accepted. Where it is empty every call is
	// refused.
	Token string
	// Projects are the projects that exist, each with its configs. Default:
	// portfolio, with dev and prd.
	Projects map[string][]string
	// File keeps the state as JSON, its values encrypted. Default: in memory only.
	File string
	// Key is what the values in File are encrypted with: any text that outlives
	// the token. Default: Token.
	Key string
	// Now defaults to time.Now.
	Now func() time.Time

	mu    sync.Mutex
	store wire.Store[state]
	vault vault
	limit limiter
}

// Load reads File, if there is one. The first use of the Cloud does it too; a
// caller that does it itself sees its error early.
func (c *Cloud) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

// load is Load under the lock.
func (c *Cloud) load() error {
	return c.store.Load(c.File, newState, func(s *state) (err error) {
		c.vault, err = c.openVault(s.Salt)
		return err
	})
}

func (c *Cloud) now() time.Time {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return now().UTC().Truncate(time.Millisecond)
}

// find refuses a project and a config that do not exist.
func (c *Cloud) find(project, config string) error {
	projects := c.Projects
	if projects == nil {
		projects = map[string][]string{"portfolio": {"dev", "prd"}}
	}
	configs, is := projects[project]
	switch {
	case project == "":
		return refuse(http.StatusBadRequest, "You must specify a project")
	case config == "":
		return refuse(http.StatusBadRequest, "You must specify a config")
	case !is:
		return refuse(http.StatusNotFound, "Could not find requested project '%s'", project)
	case !slices.Contains(configs, config):
		return refuse(http.StatusNotFound, "Could not find requested config '%s'", config)
	}
	return nil
}

// call is one call that has been let in.
type call struct {
	*http.Request
	cloud *Cloud
	state *state
	now   time.Time
}

// ServeHTTP answers one call: authentication, route, limit, handler.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, refuse(http.StatusRequestEntityTooLarge, "the body cannot be read: %v", err))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		fail(w, err)
		return
	}
	if err := c.admit(r); err != nil {
		fail(w, err)
		return
	}
	route, err := match(r)
	if err != nil {
		fail(w, err)
		return
	}
	now := c.now()
	if err := c.limit.take(w.Header(), now, route.kind); err != nil {
		fail(w, err)
		return
	}
	var out answer
	run := func(s *state) (err error) {
		out, err = route.handle(&call{Request: r, cloud: c, state: s, now: now})
		return err
	}
	if route.kind == writes {
		err = c.store.Update(run)
	} else {
		err = run(c.store.State())
	}
	if err != nil {
		fail(w, err)
		return
	}
	out["success"] = true
	wire.Reply(w, http.StatusOK, out)
}
