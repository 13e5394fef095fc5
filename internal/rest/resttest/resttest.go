// Package resttest has helpers for the tests of REST clients. [Transport] serves requests from
// an [http.Handler] without a socket. So the tests can run in [testing/synctest], where waits
// and deadlines are exact and take no time. A real connection would stop its clock.
package resttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
)

// Transport returns a transport that passes each request to h. If h panics with
// [http.ErrAbortHandler], the connection is reset: without a response if h wrote nothing, and
// otherwise with a truncated one. The request has the client's context, so h can wait for its
// end.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	served, err := serverRequest(req)
	if err != nil {
		return nil, err
	}
	done := make(chan *http.Response, 1)
	go func() { done <- t.serve(served) }()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case resp := <-done:
		if resp == nil {
			return nil, syscall.ECONNRESET
		}
		resp.Request = req
		return resp, nil
	}
}

// serverRequest returns the request as a server gets it. It reads the body at once, since
// nothing may read the client's body after RoundTrip has returned.
func serverRequest(req *http.Request) (*http.Request, error) {
	served := req.Clone(req.Context())
	served.Body = http.NoBody
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		served.Body = io.NopCloser(bytes.NewReader(body))
	}
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	served.RequestURI = req.URL.RequestURI()
	served.RemoteAddr = "127.0.0.1:1234"
	path, err := url.ParseRequestURI(served.RequestURI)
	served.URL = path
	return served, err
}

// serve returns the response, or nil if the handler aborted before it wrote anything.
func (t transport) serve(req *http.Request) (resp *http.Response) {
	rec := httptest.NewRecorder()
	written := &tracker{ResponseWriter: rec}
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != any(http.ErrAbortHandler):
			panic(p)
		case written.any:
			resp = rec.Result()
			resp.Body = io.NopCloser(io.MultiReader(resp.Body, cutOff{}))
		}
	}()
	t.handler.ServeHTTP(written, req)
	return rec.Result()
}

// tracker records whether anything was written.
type tracker struct {
	http.ResponseWriter
	any bool
}

func (t *tracker) Write(p []byte) (int, error) { t.any = true; return t.ResponseWriter.Write(p) }

func (t *tracker) WriteHeader(status int) { t.any = true; t.ResponseWriter.WriteHeader(status) }

// cutOff is the end of a body whose connection was reset.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
