package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// cloud answers each call with its number.
type cloud struct{ calls int }

func (c *cloud) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.calls++
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte("call "))
	w.WriteHeader(http.StatusTeapot) // too late
	_, _ = w.Write([]byte(strconv.Itoa(c.calls)))
}

func newServer(t *testing.T, h http.Handler, faults ...Fault) *Server {
	t.Helper()
	s := &Server{Cloud: "tidb", Handler: h, Log: &Log{}, Faults: &Faults{}}
	if err := s.Faults.Set(faults...); err != nil {
		t.Fatal(err)
	}
	return s
}

// get makes a call of s.
func get(s *Server, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

// wantLog compares the calls in the log, whatever their time.
func wantLog(t *testing.T, s *Server, want ...Call) {
	t.Helper()
	if diff := cmp.Diff(want, s.Log.Calls(), cmpopts.IgnoreFields(Call{}, "Time")); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestServer_ServeHTTP(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		status  int
		body    string
	}{
		"as the handler did": {(&cloud{}).ServeHTTP, http.StatusCreated, "call 1"},
		"without a status": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
		}, http.StatusOK, "ok"},
		"without anything": {func(http.ResponseWriter, *http.Request) {}, http.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, tt.handler)
				if rec := get(s, "/a/b%2Fc?d=e"); rec.Code != tt.status || rec.Body.String() != tt.body {
					t.Errorf("%d %q, want %d %q", rec.Code, rec.Body, tt.status, tt.body)
				}
				want := []Call{{Time: time.Now().UTC(), Cloud: "tidb", Method: "GET", Path: "/a/b%2Fc?d=e", Status: tt.status}}
				if diff := cmp.Diff(want, s.Log.Calls()); diff != "" {
					t.Errorf("the log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A digest client makes two requests of one call.
func TestServer_digest(t *testing.T) {
	after := 0
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			Quiet(r)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}), Fault{Path: "/fails", Status: http.StatusBadGateway})
	s.After = func(*http.Request) { after++ }
	for range 2 {
		get(s, "/")
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Digest")
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	get(s, "/fails") // the first request is logged if a fault hits it
	call := Call{Cloud: "tidb", Method: "GET", Path: "/", Status: 200}
	wantLog(t, s, call, call, Call{Cloud: "tidb", Method: "GET", Path: "/fails", Status: 502, Fault: "502 before"})
	if after != 2 {
		t.Errorf("After was called %d times", after)
	}
	Quiet(httptest.NewRequest(http.MethodGet, "/", nil)) // without a Server there is no log
}

func TestServer_hooks(t *testing.T) {
	var order []string
	note := func(what string) func(*http.Request) {
		return func(r *http.Request) { order = append(order, what+" "+r.URL.Path) }
	}
	s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note("call")(r) }),
		Fault{Path: "/lost", Status: 500}, Fault{Path: "/kept", After: true, Status: 500})
	s.Before, s.After = note("before"), note("after")
	for _, path := range []string{"/ok", "/lost", "/kept"} {
		get(s, path)
	}
	want := []string{"before /ok", "call /ok", "after /ok", "before /lost", "before /kept", "call /kept", "after /kept"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

func TestServer_panics(t *testing.T) {
	for name, s := range map[string]*Server{
		"the handler does":         newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") })),
		"a reset without a socket": newServer(t, &cloud{}, Fault{Reset: true, Name: "reset"}),
	} {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("it does not panic")
					}
				}()
				get(s, "/")
			}()
			if got := s.Log.Calls(); len(got) != 1 || got[0].Status != 0 {
				t.Errorf("the log has %+v", got)
			}
		})
	}
}

func TestServer_faults(t *testing.T) {
	const pause = 100 * time.Millisecond
	for _, tt := range []struct {
		fault  Fault
		logged string
		calls  int // how many took effect
		status int
		body   string
		took   time.Duration
	}{
		{Fault{Status: 503, Header: map[string]string{"Retry-After": "7"}, Body: "no"}, "503 before", 0, 503, "no", 0},
		{Fault{Body: "odd"}, "200 before", 0, 200, "odd", 0},
		{Fault{Status: 503, After: true}, "503 after", 1, 503, "", 0},
		{Fault{Name: "mine", Status: 500}, "mine", 0, 500, "", 0},
		{Fault{Drip: 3}, "drip", 1, 201, "call 1", 3 * pause},
		{Fault{Drip: 4}, "drip", 1, 201, "call 1", 3 * pause},
		{Fault{Drip: 99}, "drip", 1, 201, "call 1", 6 * pause},
		{Fault{Hang: true}, "hang before", 0, 0, "", time.Hour},
		{Fault{Hang: true, After: true}, "hang after", 1, 0, "", time.Hour},
	} {
		t.Run(tt.logged, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &cloud{}
				s := newServer(t, h, tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begin := time.Now()
				rec := httptest.NewRecorder()
				s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
				if tt.status != 0 && rec.Code != tt.status || rec.Body.String() != tt.body || h.calls != tt.calls {
					t.Errorf("%d %q after %d calls, want %d %q after %d", rec.Code, rec.Body, h.calls, tt.status, tt.body, tt.calls)
				}
				if got := rec.Header().Get("Retry-After"); got != tt.fault.Header["Retry-After"] {
					t.Errorf("the header is %q", got)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if next := get(s, "/"); next.Code != http.StatusCreated {
					t.Errorf("the next call: %d", next.Code)
				}
				call := Call{Cloud: "tidb", Method: "GET", Path: "/"}
				hit, next := call, call
				hit.Status, hit.Fault, next.Status = tt.status, tt.logged, http.StatusCreated
				wantLog(t, s, hit, next)
			})
		})
	}
}

// What a real client sees of a broken connection.
func TestServer_faults_connection(t *testing.T) {
	isReset := func(_ *http.Response, err error) bool {
		// A client that is still writing sees a broken pipe.
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
	}
	for _, tt := range []struct {
		fault  Fault
		logged string
		calls  int
		want   func(*http.Response, error) bool
	}{
		{Fault{Reset: true, Hang: true}, "reset before", 0, isReset},
		{Fault{Reset: true, After: true}, "reset after", 1, isReset},
		{Fault{Truncate: true}, "truncate", 1, func(res *http.Response, err error) bool {
			if err != nil || res.StatusCode != http.StatusCreated || res.ContentLength != 6 {
				return false
			}
			body, err := io.ReadAll(res.Body)
			return string(body) == "cal" && errors.Is(err, io.ErrUnexpectedEOF)
		}},
	} {
		t.Run(tt.logged, func(t *testing.T) {
			h := &cloud{}
			s := newServer(t, h, tt.fault)
			ended := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				s.ServeHTTP(w, r)
			}))
			defer srv.Close()
			// Not a GET, which net/http repeats.
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := srv.Client().Do(req)
			if !tt.want(res, err) {
				t.Errorf("the client sees %v, %v", res, err)
			}
			if res != nil {
				_ = res.Body.Close()
			}
			<-ended // a client sees a reset before the call is logged
			if got := s.Log.Calls(); h.calls != tt.calls || len(got) != 1 || got[0].Fault != tt.logged {
				t.Errorf("%d calls took effect, the log has %+v", h.calls, got)
			}
		})
	}
}
