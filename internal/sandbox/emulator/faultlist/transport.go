package faultlist

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
)

// Transport carries requests to an emulated cloud and lets a fault hit some of
// them. It leaves out requests without credentials, the first half of a digest
// call: nothing takes effect then.
type Transport struct {
	// Handler is the cloud.
	Handler http.Handler
	// Kind names the kind of a call, such as "PATCH /clusters/* labels".
	Kind func(r *http.Request, body []byte) string
	// OnCall, where set, is told of each call before it is carried out.
	OnCall func(Call)

	mu     sync.Mutex
	calls  []Call
	plan   Plan
	passed int // matching calls of the plan that were let through
	hits   int
}

// Plan says which calls a fault hits.
type Plan struct {
	Fault Fault
	// Kind of the calls, the first of which are let through (Skip), and how many
	// are hit; a negative number is all.
	Kind        string
	Skip, Times int
}

// Call is a call that was made.
type Call struct {
	Kind   string
	Method string
	URL    string // without the query
	At     time.Time
	Hit    bool
	Sent   string // the body
}

// Set begins a plan and forgets the calls. The zero Plan lets all through.
func (t *Transport) Set(p Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plan, t.passed, t.hits, t.calls = p, 0, 0, nil
}

// Calls returns the calls since Set.
func (t *Transport) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Call{}, t.calls...)
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" {
		return resttest.Transport(t.Handler).RoundTrip(req)
	}
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(sent))
	url := *req.URL
	url.RawQuery = ""
	fault, hit := t.next(Call{Kind: t.Kind(req, sent), Method: req.Method, URL: url.String(), At: time.Now(), Sent: string(sent)})
	if !hit {
		return resttest.Transport(t.Handler).RoundTrip(req)
	}
	return fault.roundTrip(req, sent, t.Handler)
}

// next notes a call and tells whether it is to be hit.
func (t *Transport) next(call Call) (Fault, bool) {
	t.mu.Lock()
	if call.Kind == t.plan.Kind {
		call.Hit = t.passed >= t.plan.Skip && (t.plan.Times < 0 || t.hits < t.plan.Times)
		t.passed++
	}
	if call.Hit {
		t.hits++
	}
	t.calls = append(t.calls, call)
	fault := t.plan.Fault
	t.mu.Unlock()
	if t.OnCall != nil {
		t.OnCall(call)
	}
	return fault, call.Hit
}

func (f Fault) roundTrip(req *http.Request, sent []byte, cloud http.Handler) (*http.Response, error) {
	send := func(h http.Handler) (*http.Response, error) { return resttest.Transport(h).RoundTrip(req) }
	switch {
	case f.Refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case f.Stale:
		// Without credentials the cloud gives a new challenge, and nothing else.
		req.Header.Del("Authorization")
		resp, err := send(cloud)
		if err == nil {
			resp.Header.Set("WWW-Authenticate", resp.Header.Get("WWW-Authenticate")+", stale=true")
		}
		return resp, err
	case f.Echo != nil:
		return send(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Debug-Trace-Id", RequestID)
			w.Header().Set("Cf-Ray", RequestID)
			w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
			_, _ = w.Write(f.Echo(sent))
		}))
	case f.Edit != nil || f.Drip > 0:
		resp, err := send(cloud)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		if f.Edit != nil {
			body = f.Edit(body)
		}
		resp.ContentLength = int64(len(body))
		resp.Body = io.NopCloser(drip(req.Context(), body, f.Drip))
		return resp, nil
	}
	faults := &emulator.Faults{}
	if err := faults.Set(f.Fault); err != nil {
		return nil, err
	}
	return send(&emulator.Server{Cloud: f.Cloud, Handler: cloud, Log: &emulator.Log{}, Faults: faults})
}

// dripping is a body that comes in pieces, with a pause before each, and ends with
// the request.
type dripping struct {
	ctx   context.Context
	body  *bytes.Reader
	size  int
	pause time.Duration
}

// drip takes a tenth of a second for each of so many pieces, in fewer where the body
// has not as many bytes.
func drip(ctx context.Context, body []byte, pieces int) *dripping {
	n := max(1, min(pieces, len(body)))
	return &dripping{ctx, bytes.NewReader(body), max(1, (len(body)+n-1)/n), time.Duration(pieces) * 100 * time.Millisecond / time.Duration(n)}
}

func (d *dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.pause):
	}
	return d.body.Read(p[:min(len(p), d.size)])
}
