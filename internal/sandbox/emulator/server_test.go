package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var morning = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// cloud counts the calls that reach it, and answers each with its number.
type cloud struct{ calls int }

func (c *cloud) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.calls++
	w.Header().Set("X-Call", strconv.Itoa(c.calls))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte("call "))
	w.WriteHeader(http.StatusTeapot) // too late
	_, _ = w.Write([]byte(strconv.Itoa(c.calls)))
}

func newServer(t *testing.T, h http.Handler, faults ...Fault) *Server {
	t.Helper()
	s := &Server{Cloud: "tidb", Handler: h, Log: &Log{}, Faults: &Faults{}, Now: func() time.Time { return morning }}
	if err := s.Faults.Set(faults...); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServer_Answers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.Handler
		status  int
		body    string
	}{
		{"as the handler did", &cloud{}, http.StatusCreated, "call 1"},
		{"without a status", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
		}), http.StatusOK, "ok"},
		{"without anything", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), http.StatusOK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, tt.handler)
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, httptest.NewRequest("PUT", "/a/b%2Fc?d=e", nil))
			if rec.Code != tt.status || rec.Body.String() != tt.body {
				t.Errorf("%d %q, want %d %q", rec.Code, rec.Body, tt.status, tt.body)
			}
			want := []Call{{Time: morning, Cloud: "tidb", Method: "PUT", Path: "/a/b%2Fc?d=e", Status: tt.status}}
			if got := s.Log.Calls(); !reflect.DeepEqual(got, want) {
				t.Errorf("the log is %+v, want %+v", got, want)
			}
		})
	}
}

func TestServer_Now(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, &cloud{})
		s.Now = nil
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if got := s.Log.Calls()[0].Time; !got.Equal(time.Now()) || got.Location() != time.UTC {
			t.Errorf("it is %v, not %v", got, time.Now())
		}
	})
}

// A digest client makes two requests of one call: the log shows one.
func TestServer_Digest(t *testing.T) {
	after := 0
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			Quiet(r)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		Challenged(r)
	}), Fault{Method: "POST", Status: http.StatusBadGateway})
	s.After = func(*http.Request) { after++ }
	for range 2 {
		for _, credentials := range []string{"", "Digest"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", credentials)
			s.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	call := Call{Time: morning, Cloud: "tidb", Method: "GET", Path: "/", Status: 200, Challenged: true}
	if got := s.Log.Calls(); !reflect.DeepEqual(got, []Call{call, call}) || after != 2 {
		t.Errorf("the log is %+v, After was called %d times", got, after)
	}
	// A fault is in the log even where it hits the first half.
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	if got := s.Log.Calls(); len(got) != 3 || got[2].Fault != "502 before" {
		t.Errorf("the log is %+v", got)
	}
	// Outside of a Server there is nobody to tell.
	Quiet(httptest.NewRequest("GET", "/", nil))
	Challenged(httptest.NewRequest("GET", "/", nil))
}

func TestServer_BeforeAfter(t *testing.T) {
	var order []string
	note := func(what string) func(*http.Request) {
		return func(r *http.Request) { order = append(order, what+" "+r.URL.Path) }
	}
	s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note("call")(r) }),
		Fault{Path: "/lost", Status: 500}, Fault{Path: "/kept", After: true, Status: 500})
	s.Before, s.After = note("before"), note("after")
	for _, path := range []string{"/ok", "/lost", "/kept"} {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	want := []string{"before /ok", "call /ok", "after /ok", "before /lost", "before /kept", "call /kept", "after /kept"}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("the order is %q, want %q", order, want)
	}
}

// Whatever becomes of a call, it is in the log.
func TestServer_Panics(t *testing.T) {
	for name, s := range map[string]*Server{
		"the handler does": newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") })),
		"a cut has to":     newServer(t, &cloud{}, Fault{Reset: true}),
	} {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("nothing panicked")
					}
				}()
				s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			}()
			if got := s.Log.Calls(); len(got) != 1 || got[0].Status != 0 {
				t.Errorf("the log is %+v", got)
			}
		})
	}
}

func TestServer_Faults(t *testing.T) {
	for _, tt := range []struct {
		fault  Fault
		calls  int // how many took effect
		status int
		body   string
		name   string
	}{
		{Fault{Status: 503, Header: map[string]string{"Retry-After": "7"}, Body: "no"}, 0, 503, "no", "503 before"},
		{Fault{Body: "odd"}, 0, 200, "odd", "200 before"},
		{Fault{Status: 503, After: true}, 1, 503, "", "503 after"},
		{Fault{Name: "mine", Status: 500}, 0, 500, "", "mine"},
		{Fault{Drip: 3}, 1, 201, "call 1", "drip"},
		{Fault{Drip: 99}, 1, 201, "call 1", "drip"},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &cloud{}
				s := newServer(t, h, tt.fault)
				rec := httptest.NewRecorder()
				s.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
				if rec.Code != tt.status || rec.Body.String() != tt.body || h.calls != tt.calls {
					t.Errorf("%d %q after %d calls, want %d %q after %d", rec.Code, rec.Body, h.calls, tt.status, tt.body, tt.calls)
				}
				for k, v := range tt.fault.Header {
					if rec.Header().Get(k) != v {
						t.Errorf("%s is %q", k, rec.Header().Get(k))
					}
				}
				if got := s.Log.Calls(); len(got) != 1 || got[0].Fault != tt.name || got[0].Status != tt.status {
					t.Errorf("the log is %+v, want the fault %q", got, tt.name)
				}
				rec = httptest.NewRecorder()
				s.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
				if rec.Code != http.StatusCreated || s.Log.Calls()[1].Fault != "" {
					t.Errorf("the next call: %d, %+v", rec.Code, s.Log.Calls()[1])
				}
			})
		})
	}
}

func TestServer_FaultDripTakesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, &cloud{}, Fault{Drip: 3})
		begin := time.Now()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if took := time.Since(begin); took != 300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		// Who has left waits for nothing more.
		a := &answer{header: http.Header{}, body: []byte("abc")}
		begin = time.Now()
		a.drip(gone{}, 3, time.Second)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("after the client left it took %v", took)
		}
	})
}

// gone is a client that has left.
type gone struct{}

func (gone) Header() http.Header       { return http.Header{} }
func (gone) WriteHeader(int)           {}
func (gone) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestServer_FaultHang(t *testing.T) {
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := &cloud{}
			s := newServer(t, h, Fault{Hang: true, After: after})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			begin := time.Now()
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if took := time.Since(begin); took != time.Hour || h.calls != map[bool]int{true: 1}[after] {
				t.Errorf("after %v there were %d calls", took, h.calls)
			}
			if got := s.Log.Calls()[0]; got.Status != 0 || !strings.HasPrefix(got.Fault, "hang ") {
				t.Errorf("the log is %+v", got)
			}
		})
	}
}

// What a real client sees of a connection that breaks.
func TestServer_FaultConnection(t *testing.T) {
	for _, tt := range []struct {
		fault Fault
		calls int
		want  func(*http.Response, error) bool
	}{
		{Fault{Reset: true}, 0, func(_ *http.Response, err error) bool { return reset(err) }},
		{Fault{Reset: true, After: true}, 1, func(_ *http.Response, err error) bool { return reset(err) }},
		{Fault{Truncate: true}, 1, func(res *http.Response, err error) bool {
			if err != nil || res.StatusCode != http.StatusCreated || res.ContentLength != 6 {
				return false
			}
			body, err := io.ReadAll(res.Body)
			return string(body) == "cal" && errors.Is(err, io.ErrUnexpectedEOF)
		}},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			h := &cloud{}
			s := newServer(t, h, tt.fault)
			ended := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				s.ServeHTTP(w, r)
			}))
			defer srv.Close()
			// A POST, since a client may repeat a GET by itself.
			req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL, strings.NewReader("x"))
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
			if got := s.Log.Calls(); h.calls != tt.calls || len(got) != 1 || got[0].Fault != tt.fault.String() {
				t.Errorf("%d calls took effect, the log is %+v", h.calls, got)
			}
		})
	}
}

// reset reports whether err is what a cut connection gives. A client that is
// still writing sees a broken pipe.
func reset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}
