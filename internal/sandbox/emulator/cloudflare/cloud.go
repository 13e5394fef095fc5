package cloudflare

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// DefaultAccountID is the account of a Cloud that names none.
const DefaultAccountID = "0123456789abcdef0123456789abcdef"

// maxBody is more than any upload that the API would take.
const maxBody = 32 << 20

// Cloud is one Cloudflare account behind the API, served under the path
// /client/v4. The zero value works, but accepts no token. Its fields must not
// change once it serves.
type Cloud struct {
	// AccountID is the one account, 32 hexadecimal digits. Default:
	// DefaultAccountID.
	AccountID string
	// Token is the one API token that is accepted, and may do anything. It must
	// look like one: at least 40 letters, digits, underscores and dashes. Where
	// it is empty every call is refused.
	Token string
	// File keeps the state as JSON. Default: in memory only.
	File string
	// Taken are the names under pages.dev that other accounts hold. A project of
	// such a name gets a subdomain with a suffix. Default: app, blog, docs, www.
	Taken []string
	// NoSubdomain makes a new state an account that has no workers.dev subdomain yet,
	// and takes no Worker until it is given one.
	// https://github.com/cloudflare/workers-sdk/issues/9045
	NoSubdomain bool
	// KeepSecrets lets an upload of a Worker keep the secrets that it does not name.
	// Without it they stay only if the upload says so in keep_bindings. Sources tell it
	// both ways:
	// https://github.com/cloudflare/workers-sdk/pull/5296
	// https://github.com/alchemy-run/alchemy/pull/1452
	KeepSecrets bool
	// RateLimit is how many calls are let through in a RateWindow; past it all
	// calls are refused for as long. Default: 1200 in 5 minutes. See
	// https://developers.cloudflare.com/fundamentals/api/reference/limits/
	RateLimit  int
	RateWindow time.Duration
	// Now defaults to time.Now.
	Now func() time.Time

	mu    sync.Mutex
	mux   *http.ServeMux
	store emulator.Store[state]
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
func (c *Cloud) load() error { return c.store.Load(c.File, c.newState, nil) }

func (c *Cloud) now() time.Time {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

func (c *Cloud) account() string { return cmp.Or(c.AccountID, DefaultAccountID) }

// call is one call that has been let in.
type call struct {
	*http.Request
	cloud *Cloud
	state *state
	now   time.Time
}

// handler answers a call, from the state or, unless it is a GET, on it.
type handler func(*call) (reply, error)

// ServeHTTP answers one call.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("CF-Ray", randomHex(8)+"-DEV")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(http.StatusRequestEntityTooLarge, codeUnlisted, "The body cannot be read: %v", err).send(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		fail(w, err)
		return
	}
	if c.mux == nil {
		c.mux = c.routes()
	}
	if err := credentials(r); err != nil {
		fail(w, err)
		return
	}
	// A mux would send a client that asks for an unclean path to the clean one.
	if p := r.URL.EscapedPath(); path.Clean(p) != p {
		fail(w, noRoute(r))
		return
	}
	c.mux.ServeHTTP(w, r)
}

// serve answers a call whose route and method are known.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, k kind, h handler) {
	now := c.now()
	if err := c.admit(r, k); err != nil {
		fail(w, err)
		return
	}
	if err := c.limit.take(w.Header(), now, c.RateLimit, c.RateWindow); err != nil {
		fail(w, err)
		return
	}
	var out reply
	run := func(s *state) (err error) {
		out, err = h(&call{Request: r, cloud: c, state: s, now: now})
		return err
	}
	var err error
	if r.Method == http.MethodGet {
		err = run(c.store.State())
	} else {
		err = c.store.Update(run)
	}
	if err != nil {
		fail(w, err)
		return
	}
	out.send(w)
}

// fail sends an error: a refusal as it is, anything else as the API's own.
func fail(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, 10013, "An unknown error has occurred: %v", err)
	}
	r.send(w)
}
