package emulator

import (
	"context"
	"net/http"
	"time"
)

// Server puts a log and faults in front of an emulated cloud.
type Server struct {
	// Cloud is the cloud's name in the log: "cloudflare" or "tidbcloud".
	Cloud   string
	Handler http.Handler
	// Log and Faults must be set. Servers can share them.
	Log    *Log
	Faults *Faults
	// Before and After, if set, are called for each call. Before is called before it takes
	// effect, and After once it has, before its answer is sent. They may block.
	Before, After func(*http.Request)
}

type quietKey struct{}

// Quiet keeps r out of the log. A digest client (RFC 7616) begins a call with a request
// without credentials. The two requests are one call.
func Quiet(r *http.Request) {
	if quiet, ok := r.Context().Value(quietKey{}).(*bool); ok {
		*quiet = true
	}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := Call{Time: time.Now().UTC(), Cloud: s.Cloud, Method: r.Method, Path: r.URL.RequestURI()}
	quiet := false
	r = r.WithContext(context.WithValue(r.Context(), quietKey{}, &quiet))

	if s.Before != nil {
		s.Before(r)
	}
	fault, hit := s.Faults.next(s.Cloud, r)
	if hit {
		call.Fault = fault.String()
	}
	defer func() { // a handler may panic
		if hit || !quiet {
			s.Log.Add(call)
		}
	}()
	var got *answer
	if !hit || fault.takesEffect() {
		got = &answer{header: http.Header{}}
		s.Handler.ServeHTTP(got, r)
		if s.After != nil && !quiet {
			s.After(r)
		}
	}
	if hit {
		call.Status = fault.answer(w, r, got)
	} else {
		call.Status = got.send(w)
	}
}
