package emulator

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"time"
)

// Server puts the log and the faults in front of one emulated cloud.
type Server struct {
	// Cloud names it in the log: "cloudflare", "tidbcloud".
	Cloud string
	// Handler answers the calls.
	Handler http.Handler
	// Log and Faults may be shared between servers. Both must be set.
	Log    *Log
	Faults *Faults
	// Before and After, where set, are called for each call before it takes effect
	// and when it has, before the answer leaves. They may block.
	Before, After func(*http.Request)
	// Now defaults to time.Now.
	Now func() time.Time
}

type noteKey struct{}

// note is what a handler tells of a call beside its answer.
type note struct{ challenged, quiet bool }

// Challenged marks the call of r as one whose digest challenge came first.
func Challenged(r *http.Request) {
	if n, ok := r.Context().Value(noteKey{}).(*note); ok {
		n.challenged = true
	}
}

// Quiet keeps r out of the log: it is the first half of a call, the request
// without credentials that a digest client opens with. The second half is
// logged, see [Challenged].
func Quiet(r *http.Request) {
	if n, ok := r.Context().Value(noteKey{}).(*note); ok {
		n.quiet = true
	}
}

// ServeHTTP answers one call and logs it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	call := Call{Time: now().UTC(), Cloud: s.Cloud, Method: r.Method, Path: r.URL.RequestURI()}
	n := &note{}
	r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))

	if s.Before != nil {
		s.Before(r)
	}
	fault, hit := s.Faults.next(s.Cloud, r)
	if hit {
		call.Fault = fault.String()
	}
	// A handler that panics, and a cut that cannot be done otherwise, end here too.
	defer func() {
		call.Challenged = n.challenged
		if hit || !n.quiet {
			s.Log.Add(call)
		}
	}()
	var got *answer
	if !hit || fault.After || fault.Truncate || fault.Drip > 0 {
		got = &answer{header: http.Header{}}
		s.Handler.ServeHTTP(got, r)
		if s.After != nil && !n.quiet {
			s.After(r)
		}
	}
	if hit {
		call.Status = fault.answer(w, r, got)
	} else {
		got.send(w)
		call.Status = got.status
	}
}

// answer is a handler's answer, held back until it may leave.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *answer) send(w http.ResponseWriter) {
	a.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// drip sends the answer in n pieces with a pause before each.
func (a *answer) drip(w http.ResponseWriter, n int, pause time.Duration) {
	a.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	size := max(1, (len(a.body)+n-1)/n)
	for rest := bytes.NewBuffer(a.body); rest.Len() > 0; {
		time.Sleep(pause)
		if _, err := w.Write(rest.Next(size)); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
}

// cut ends the connection with a TCP reset instead of an answer.
func cut(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
