package tidbcloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/tidbcloud"
)

const (
	publicKey  = "PUBLIC1"
	privateKey = "private-0f3a"
)

// fake answers with what a test wrote down, behind a digest challenge that is
// checked strictly: each nonce with counts 1, 2, 3….
type fake struct {
	// routes maps "METHOD /path" to an answer.
	routes map[string]http.HandlerFunc
	// uses is how often a nonce may be used; 0 = without end.
	uses int

	mu     sync.Mutex
	nonces map[string]int
	calls  []call
}

// call is an authenticated request.
type call struct {
	request string // METHOD /path?query
	body    map[string]any
	at      time.Time
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.authentic(r) {
		f.mu.Lock()
		if f.nonces == nil {
			f.nonces = map[string]int{}
		}
		nonce := fmt.Sprintf("n%d", len(f.nonces))
		f.nonces[nonce] = 0
		f.mu.Unlock()
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="tidb.cloud", qop="auth", nonce="%s", algorithm=MD5`, nonce))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c := call{request: r.Method + " " + r.URL.RequestURI(), at: time.Now()}
	data, _ := io.ReadAll(r.Body)
	if len(data) > 0 {
		if err := json.Unmarshal(data, &c.body); err != nil {
			panic(err)
		}
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	answer, ok := f.routes[r.Method+" "+r.URL.Path]
	if !ok {
		panic("no answer written for " + r.Method + " " + r.URL.Path)
	}
	answer(w, r)
}

func (f *fake) authentic(r *http.Request) bool {
	cred, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.nonces[cred.Nonce]
	if !ok || cred.Nc != n+1 || f.uses > 0 && n >= f.uses {
		return false
	}
	f.nonces[cred.Nonce]++
	want, err := digest.Digest(&digest.Challenge{Realm: "tidb.cloud", Nonce: cred.Nonce, QOP: []string{"auth"}, Algorithm: "MD5"}, digest.Options{
		Method: r.Method, URI: r.URL.RequestURI(), Count: cred.Nc, Username: publicKey, Password: privateKey, Cnonce: cred.Cnonce,
	})
	return err == nil && cred.Response == want.Response && cred.URI == r.URL.RequestURI()
}

// requests lists what was called.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, c := range f.calls {
		all = append(all, c.request)
	}
	return all
}

// client talks to the fake in memory.
func (f *fake) client() *tidbcloud.Client {
	return &tidbcloud.Client{
		PublicKey: publicKey, PrivateKey: privateKey,
		ServerlessURL: "https://serverless.test/v1beta1/", IAMURL: "https://iam.test/v1beta1",
		Transport: resttest.Transport(f),
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Debug-Trace-Id", "trace-1")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// inTurn answers with each body once and with the last for ever.
func inTurn(bodies ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		body := bodies[0]
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
		mu.Unlock()
		status := 200
		if code, _, ok := strings.Cut(body, " "); ok && len(code) == 3 {
			fmt.Sscan(code, &status)
			body = body[4:]
		}
		answer(status, body)(w, r)
	}
}
