package cloudflare

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// DefaultAccountID is the default of [Cloud.AccountID].
const DefaultAccountID = "0123456789abcdef0123456789abcdef"

// maxBody is the largest body of a request.
// https://developers.cloudflare.com/workers/platform/limits/#request-limits
const maxBody = 100 << 20

// Cloud is the Cloudflare API with one account, under the path /client/v4. The zero value
// works but accepts no token. The fields must not change while the Cloud serves.
type Cloud struct {
	// AccountID has 32 hexadecimal digits. Default: [DefaultAccountID].
	AccountID string
	// Token is the only API token, which may do anything. It must have at least 40 letters,
	// digits, underscores and dashes.
	Token string
	// File is the file that keeps the state as JSON. The contents of sites' files lie beside
	// it: for cloud.json in the folder cloud-files. Default: in memory only.
	File string
	// NoSubdomain gives a new account no workers.dev subdomain. The account accepts no Worker
	// until it has one.
	// https://github.com/cloudflare/workers-sdk/issues/9045
	NoSubdomain bool
	// KeepSecrets makes an upload of a Worker keep the secrets that it does not name.
	// Otherwise it keeps only those that keep_bindings selects. Sources disagree:
	// https://github.com/cloudflare/workers-sdk/pull/5296
	// https://github.com/alchemy-run/alchemy/pull/1452
	KeepSecrets bool
	// DeployTime is how long a deployment takes: 0 means half a second, a negative time none.
	DeployTime time.Duration
	// DeploymentURL returns the address of a deployment that the API's answers show. Default:
	// https://SHORT-ID.PROJECT.pages.dev. The Cloud serves each deployment at
	// [DeploymentPath], and for requests to the default's host.
	DeploymentURL func(project, id string) string
	// Now defaults to time.Now.
	Now func() time.Time

	mu      sync.Mutex
	mux     *http.ServeMux
	store   emulator.Store[state]
	blobs   *blobs
	limiter emulator.Limiter
	// uploadKey signs upload tokens.
	uploadKey []byte
	values    map[Secret]string
	start     func(code Worker, vars map[string]string) (thrown string)
}

// Load reads File, if there is one. Without Load the first call reads it, and its client gets
// any error.
func (c *Cloud) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

func (c *Cloud) load() error {
	if c.blobs == nil {
		c.blobs = newBlobs(c.File)
	}
	return c.store.Load(c.File, c.newState, nil)
}

// read calls f with the state. It does nothing if the state cannot be loaded.
func (c *Cloud) read(f func(*state)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load() == nil {
		f(c.store.State())
	}
}

// update calls f with a copy of the state, which becomes the state if f succeeds.
func (c *Cloud) update(f func(*state) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	return c.store.Update(f)
}

func (c *Cloud) now() time.Time {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

func (c *Cloud) account() string { return cmp.Or(c.AccountID, DefaultAccountID) }

// ServeHTTP implements [http.Handler].
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("CF-Ray", randomHex(8)+"-DEV")
	var body bytes.Buffer
	body.Grow(int(min(max(0, r.ContentLength), maxBody)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		send(w, nil, refuse(http.StatusRequestEntityTooLarge, codeUnknown, "reading the body: %v", err))
		return
	}
	r.Body = io.NopCloser(&body)

	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.load()
	if err == nil && c.serveDeployment(w, r) {
		return
	}
	if err == nil && !isAssets(r) {
		err = checkCredentials(r)
	}
	// A ServeMux redirects other paths to their clean form.
	if p := r.URL.EscapedPath(); err == nil && path.Clean(p) != p {
		err = noRoute(r)
	}
	if err != nil {
		send(w, nil, err)
		return
	}
	if c.mux == nil {
		c.mux = c.newMux()
	}
	c.mux.ServeHTTP(w, r)
}

// call is a call that a handler answers.
type call struct {
	*http.Request
	cloud *Cloud
	state *state
	now   time.Time
}

// handler answers a call. A GET must not change the state.
type handler func(*call) (result any, err error)

// answer runs the handler if the call is authorized, within the rate limit, and has no other
// query parameters than these. A call that fails changes nothing.
func (c *Cloud) answer(header http.Header, r *http.Request, parameters []string, h handler) (result any, err error) {
	now := c.now()
	if err := c.authorize(r, now); err != nil {
		return nil, err
	}
	if err := c.limit(header, now); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(parameters, name) {
			return nil, invalid("%s: unknown query parameter, or not emulated", name)
		}
	}
	run := func(s *state) (err error) {
		result, err = h(&call{Request: r, cloud: c, state: s, now: now})
		return err
	}
	// Assets are not part of the state.
	if r.Method == http.MethodGet || r.Method == http.MethodHead || isAssets(r) {
		err = run(c.store.State())
	} else {
		err = c.store.Update(run)
	}
	return result, err
}
