package resttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// Respond returns a handler that sends a status, a JSON body, and header fields as names and
// values in turn.
func Respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// API is a handler that records its requests.
type API struct {
	handlers []http.HandlerFunc

	mu       sync.Mutex // a canceled client does not wait for the handler
	requests []Request
}

// Request is what an [API] records of a request.
type Request struct {
	Call string // METHOD /path?query
	Body string
	At   time.Time
}

// NewAPI returns an API that passes its n-th request to the n-th handler. The last handler gets
// all later requests.
func NewAPI(handlers ...http.HandlerFunc) *API { return &API{handlers: handlers} }

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	handler := a.handlers[min(len(a.requests), len(a.handlers)-1)]
	a.requests = append(a.requests, Request{r.Method + " " + r.URL.RequestURI(), string(body), time.Now()})
	a.mu.Unlock()
	handler(w, r)
}

// Requests returns the requests so far.
func (a *API) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// Calls returns the requests so far, each as METHOD /path?query.
func (a *API) Calls() []string {
	var calls []string
	for _, r := range a.Requests() {
		calls = append(calls, r.Call)
	}
	return calls
}

// Fixed is a transport that returns the same response to every request. Unlike a handler, it can
// return a response that no server would send.
type Fixed struct {
	Status int
	Header http.Header
	Body   []byte
}

// RoundTrip implements [http.RoundTripper].
func (f Fixed) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f.Status, Header: f.Header.Clone(), Body: io.NopCloser(bytes.NewReader(f.Body)), Request: req}, nil
}

// CheckReadable fails unless the text of err is one short line without the secret.
func CheckReadable(t testing.TB, err error, secret string) {
	t.Helper()
	text := err.Error()
	unreadable := func(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || !unicode.IsGraphic(r)) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unreadable) || utf8.RuneCountInString(text) > 4000 {
		t.Errorf("the error is not one short line of text: %q", text)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
		t.Errorf("the error shows the secret: %#v", err)
	}
}
