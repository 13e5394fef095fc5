package faultlist

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
)

// Transport sends requests to an emulated cloud, except for those that a fault hits. It
// ignores requests without credentials. A digest client begins with one, and it has no effect.
type Transport struct {
	Handler http.Handler
	// Kind names the kind of a call, such as "PATCH /clusters/* labels".
	Kind func(r *http.Request, body []byte) string
	// OnCall, if set, is called for each call before it takes effect.
	OnCall func(Call)

	mu     sync.Mutex
	calls  []Call
	plan   Plan
	passed int // calls of the plan's kind
	hits   int
}

// Plan says which calls of a kind a fault hits. The first Skip calls pass, and the next Times
// fail, or all if Times is negative.
type Plan struct {
	Fault       Fault
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

// Set begins a plan and forgets earlier calls. The zero Plan has no fault.
func (t *Transport) Set(p Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plan, t.passed, t.hits, t.calls = p, 0, 0, nil
}

// Calls returns the calls since Set.
func (t *Transport) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" {
		return resttest.Transport(t.Handler).RoundTrip(req)
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	url := *req.URL
	url.RawQuery = ""
	fault, hit := t.next(Call{Kind: t.Kind(req, body), Method: req.Method, URL: url.String(), At: time.Now(), Sent: string(body)})
	if !hit {
		return resttest.Transport(t.Handler).RoundTrip(req)
	}
	return fault.roundTrip(req, body, t.Handler)
}

// next records a call. It reports whether the fault hits it.
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

func (f Fault) roundTrip(req *http.Request, body []byte, cloud http.Handler) (*http.Response, error) {
	send := func(h http.Handler) (*http.Response, error) { return resttest.Transport(h).RoundTrip(req) }
	switch {
	case f.Refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case f.Stale:
		req.Header.Del("Authorization") // so the cloud sends a challenge
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
			_, _ = w.Write(f.Echo(body))
		}))
	case f.Edit != nil || f.Drip > 0:
		resp, err := send(cloud)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		if f.Edit != nil {
			answer = f.Edit(answer)
		}
		resp.ContentLength = int64(len(answer))
		resp.Body = io.NopCloser(newDrip(req.Context(), answer, f.Drip))
		return resp, nil
	}
	faults := &emulator.Faults{}
	if err := faults.Set(f.Fault); err != nil {
		return nil, err
	}
	return send(&emulator.Server{Cloud: f.Cloud, Handler: cloud, Log: &emulator.Log{}, Faults: faults})
}

// drip is a body that comes in pieces. It fails when the request ends.
type drip struct {
	ctx   context.Context
	body  *bytes.Reader
	size  int
	pause time.Duration // before each piece
}

// newDrip returns a body that takes a tenth of a second for each piece. If it has fewer bytes
// than pieces, it comes in fewer pieces but takes as long.
func newDrip(ctx context.Context, body []byte, pieces int) *drip {
	n := max(1, min(pieces, len(body)))
	return &drip{ctx, bytes.NewReader(body), max(1, (len(body)+n-1)/n), time.Duration(pieces) * 100 * time.Millisecond / time.Duration(n)}
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.pause):
	}
	return d.body.Read(p[:min(len(p), d.size)])
}
