package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
)

// thing is what the fake APIs of these tests answer.
type thing struct {
	Name string `json:"name"`
}

// api answers the n-th request with the n-th function, and all later ones with
// the last.
type api struct {
	answers []http.HandlerFunc

	mu     sync.Mutex // a cancelled client does not wait for the handler
	calls  []string
	bodies []string
	at     []time.Time
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	answer := a.answers[min(len(a.calls), len(a.answers)-1)]
	a.calls = append(a.calls, r.Method+" "+r.URL.RequestURI())
	a.bodies = append(a.bodies, string(body))
	a.at = append(a.at, time.Now())
	a.mu.Unlock()
	answer(w, r)
}

// tries is how many requests have come.
func (a *api) tries() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"code":%d,"message":"the API says %d"}`, code, code)
	}
}

func raw(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

var good = raw(200, "application/json", `{"name":"portfolio-db"}`)

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func truncated(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, `{"name":"port`)
	panic(http.ErrAbortHandler)
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// client talks to h in memory.
func client(h http.Handler) *rest.Client {
	return &rest.Client{
		Service: "Test API",
		BaseURL: "https://api.example.com/v1",
		HTTP:    resttest.Client(h),
		DecodeError: func(_ int, _ http.Header, body []byte) (string, string) {
			var e struct {
				Code    json.Number
				Message string
			}
			_ = json.Unmarshal(body, &e)
			return e.Code.String(), e.Message
		},
		RequestIDHeaders: []string{"X-Debug-Trace-Id", "Cf-Ray"},
	}
}

// failing makes each connection fail with err.
type failing struct {
	err   error
	calls int
}

func (f *failing) RoundTrip(*http.Request) (*http.Response, error) { f.calls++; return nil, f.err }

func TestClient_Do_repeats(t *testing.T) {
	const idempotent = "idempotent PATCH"
	for _, tt := range []struct {
		name      string
		method    string
		answers   []http.HandlerFunc
		tries     int
		wantErr   string
		ambiguous bool
	}{
		{"read", "GET", []http.HandlerFunc{good}, 1, "", false},
		{"read, 429", "GET", []http.HandlerFunc{status(429), good}, 2, "", false},
		{"read, 408", "GET", []http.HandlerFunc{status(408), good}, 2, "", false},
		{"read, 500 and 503", "GET", []http.HandlerFunc{status(500), status(503), good}, 3, "", false},
		{"read, reset", "GET", []http.HandlerFunc{reset, good}, 2, "", false},
		{"read, cut off", "GET", []http.HandlerFunc{truncated, good}, 2, "", false},
		{"read, cut off JSON", "GET", []http.HandlerFunc{raw(200, "application/json", `{"name":`), good}, 2, "", false},
		{"read, HTML", "GET", []http.HandlerFunc{raw(200, "text/html", "<html>"), good}, 2, "", false},
		{"read, empty", "GET", []http.HandlerFunc{raw(200, "", ""), good}, 2, "", false},
		{"read, no answer in time", "GET", []http.HandlerFunc{silent, good}, 2, "", false},
		{"read, always 500", "GET", []http.HandlerFunc{status(500)}, 5, "500 Internal Server Error: the API says 500 (code 500, after 5 tries)", false},
		{"read, null", "GET", []http.HandlerFunc{raw(200, "", " null\n")}, 1, "the response is null", false},
		{"read, always HTML", "GET", []http.HandlerFunc{raw(200, "text/html", "<html>")}, 5, "an HTML page instead of JSON (text/html)", false},
		{"read, wrong shape", "GET", []http.HandlerFunc{raw(200, "", `{"name":[]}`)}, 1, "the expected shape", false},
		{"read, 400", "GET", []http.HandlerFunc{status(400)}, 1, "400 Bad Request: the API says 400", false},
		{"read, 404", "GET", []http.HandlerFunc{status(404)}, 1, "404 Not Found", false},
		{"read, too long", "GET", []http.HandlerFunc{raw(200, "", strings.Repeat(" ", 11<<20))}, 1, "longer than 10 MiB", false},
		{"read, redirect", "GET", []http.HandlerFunc{status(302, "Location", "https://elsewhere.example.com/")}, 1, "check the base URL", false},

		{"write", "POST", []http.HandlerFunc{good}, 1, "", false},
		{"write, 429", "POST", []http.HandlerFunc{status(429), good}, 2, "", false},
		{"write, always 429", "POST", []http.HandlerFunc{status(429)}, 5, "429 Too Many Requests", false},
		{"write, 400", "POST", []http.HandlerFunc{status(400)}, 1, "400 Bad Request", false},
		{"write, 500", "POST", []http.HandlerFunc{status(500)}, 1, "it may have taken effect", true},
		{"write, 408", "POST", []http.HandlerFunc{status(408)}, 1, "it may have taken effect", true},
		{"write, 502 as HTML", "POST", []http.HandlerFunc{raw(502, "text/html", "<html>")}, 1, "502 Bad Gateway: an HTML page instead of JSON (text/html)", true},
		{"write, reset", "POST", []http.HandlerFunc{reset}, 1, "connection reset by peer (it may", true},
		{"write, cut off", "POST", []http.HandlerFunc{truncated}, 1, "unexpected EOF", true},
		{"write, empty answer", "POST", []http.HandlerFunc{raw(200, "", "")}, 1, "the response is empty", true},
		{"write, wrong shape", "POST", []http.HandlerFunc{raw(200, "", `[1]`)}, 1, "the expected shape", true},
		{"write, no answer in time", "POST", []http.HandlerFunc{silent}, 1, "no complete response within 30s", true},

		{"idempotent write, 500 and reset", idempotent, []http.HandlerFunc{status(500), reset, good}, 3, "", false},
		{"idempotent write, cut off", idempotent, []http.HandlerFunc{truncated, good}, 2, "", false},
		{"idempotent write, 400", idempotent, []http.HandlerFunc{status(400)}, 1, "400", false},
		{"idempotent write, lost and then refused", idempotent, []http.HandlerFunc{reset, status(400)}, 2, "it may have taken effect", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{answers: tt.answers}
				c := client(a)
				call, method := c.Do, tt.method
				if method == idempotent {
					call, method = c.DoIdempotent, "PATCH"
				}
				var in any
				if method != "GET" {
					in = thing{"portfolio-db"}
				}
				var out thing
				err := call(t.Context(), method, "/things/1", in, &out)

				if a.tries() != tt.tries {
					t.Errorf("%d tries, want %d", a.tries(), tt.tries)
				}
				for _, body := range a.bodies {
					if in != nil && body != `{"name":"portfolio-db"}` {
						t.Errorf("sent %q", body)
					}
				}
				if rest.Retryable(err) != (tt.tries > 4) {
					t.Errorf("Retryable is %v after %d tries", rest.Retryable(err), tt.tries)
				}
				if rest.Ambiguous(err) != tt.ambiguous {
					t.Errorf("Ambiguous is %v", !tt.ambiguous)
				}
				if tt.wantErr == "" {
					if err != nil || out.Name != "portfolio-db" {
						t.Errorf("got %+v, %v", out, err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got %v, want %q", err, tt.wantErr)
				}
				if err != nil && !strings.HasPrefix(err.Error(), "Test API: "+method+" https://api.example.com/v1/things/1: ") {
					t.Errorf("the error does not name the call: %v", err)
				}
			})
		})
	}
}

// Whatever never left the machine may be sent again, even a POST.
func TestClient_Do_connection(t *testing.T) {
	for _, tt := range []struct {
		name      string
		err       error
		tries     int
		ambiguous bool
	}{
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, 5, false},
		{"unknown host", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.example.com"}}, 5, false},
		{"proxy refused", &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, 5, false},
		{"reset while reading", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, 1, true},
		{"broken pipe while writing", &net.OpError{Op: "write", Err: syscall.EPIPE}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &failing{err: tt.err}
				c := client(nil)
				c.HTTP = &http.Client{Transport: f}
				err := c.Do(t.Context(), "POST", "/things", thing{"x"}, nil)
				if f.calls != tt.tries || rest.Ambiguous(err) != tt.ambiguous || !errors.Is(err, tt.err) {
					t.Errorf("%d tries, ambiguous %v: %v", f.calls, rest.Ambiguous(err), err)
				}
			})
		})
	}
}

// The same with real sockets, so that the classes above are net/http's own.
func TestClient_Do_sockets(t *testing.T) {
	serve := func(t *testing.T, h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			io.WriteString(conn, answer)
			conn.Close()
		}
	}
	for _, tt := range []struct {
		name, base, wantErr string
		ambiguous           bool
	}{
		{"refused", "http://127.0.0.1:1", "connection refused", false},
		{"unknown host", "https://nowhere.invalid", "nowhere.invalid", false},
		{"closed without an answer", serve(t, hijack("")), "EOF", true},
		{"body cut off", serve(t, hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")), "unexpected EOF", true},
		{"untrusted certificate", func() string {
			s := httptest.NewUnstartedServer(nil)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL
		}(), "certificate", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &rest.Client{Service: "Test API", BaseURL: tt.base, Retries: -1}
			err := c.Do(t.Context(), "POST", "/things", thing{"x"}, &thing{})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || rest.Ambiguous(err) != tt.ambiguous {
				t.Errorf("ambiguous %v: %v", rest.Ambiguous(err), err)
			}
		})
	}
}

func TestClient_Do_waits(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name     string
		answer   func() http.HandlerFunc
		deadline time.Duration
		min, max time.Duration // until the second try; 0 = none
		wantErr  string
	}{
		{"own", func() http.HandlerFunc { return status(503) }, day, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"Retry-After in seconds", func() http.HandlerFunc { return status(429, "Retry-After", "7") }, day, 7 * time.Second, 7 * time.Second, ""},
		{"Retry-After with 503", func() http.HandlerFunc { return status(503, "Retry-After", "7") }, day, 7 * time.Second, 7 * time.Second, ""},
		{"Retry-After as date", func() http.HandlerFunc {
			return status(429, "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))
		}, day, 8 * time.Second, 9 * time.Second, ""},
		{"Retry-After in the past", func() http.HandlerFunc { return status(429, "Retry-After", "Mon, 03 Jan 1994 15:04:05 GMT") }, day, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"Retry-After zero", func() http.HandlerFunc { return status(429, "Retry-After", "0") }, day, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"Retry-After nonsense", func() http.HandlerFunc { return status(429, "Retry-After", "-3 apples") }, day, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"X-Ratelimit-Reset", func() http.HandlerFunc { return status(429, "X-Ratelimit-Reset", "31") }, day, 31 * time.Second, 31 * time.Second, ""},
		{"X-Ratelimit-Reset without 429", func() http.HandlerFunc { return status(500, "X-Ratelimit-Reset", "31") }, day, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"longest", func() http.HandlerFunc { return status(429, "Retry-After", "120") }, day, 2 * time.Minute, 2 * time.Minute, ""},
		{"too long", func() http.HandlerFunc { return status(429, "Retry-After", "121") }, day, 0, 0, "the API asks to wait 2m1s"},
		{"longer than the deadline", func() http.HandlerFunc { return status(429, "Retry-After", "60") }, time.Minute, 0, 0, "the API asks to wait 1m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{answers: []http.HandlerFunc{tt.answer(), good}}
				c := client(a)
				var shown []string
				c.OnWait = func(_ context.Context, d time.Duration, why string) {
					shown = append(shown, d.String()+" "+why)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				start := time.Now()
				err := c.Do(ctx, "GET", "/things", nil, &thing{})
				took := time.Since(start)

				if tt.wantErr != "" {
					if err == nil || !strings.Contains(err.Error(), tt.wantErr) || took != 0 || len(shown) != 0 {
						t.Errorf("after %s, shown %q: %v", took, shown, err)
					}
					return
				}
				if err != nil || took < tt.min || took > tt.max {
					t.Errorf("waited %s, want %s to %s: %v", took, tt.min, tt.max, err)
				}
				if len(shown) != 1 || !strings.HasPrefix(shown[0], took.String()) || !strings.Contains(shown[0], "Test API") {
					t.Errorf("shown %q for a wait of %s", shown, took)
				}
			})
		})
	}
}

func TestClient_Do_waitGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{answers: []http.HandlerFunc{status(500)}}
		_ = client(a).Do(t.Context(), "GET", "/things", nil, nil)
		for i, least := range []time.Duration{250, 500, 1000, 2000} {
			least *= time.Millisecond
			if got := a.at[i+1].Sub(a.at[i]); got < least || got > 2*least {
				t.Errorf("wait %d is %s, want %s to %s", i, got, least, 2*least)
			}
		}
	})
}

func TestClient_Do_cancel(t *testing.T) {
	for _, tt := range []struct {
		name      string
		method    string
		answer    http.HandlerFunc
		ambiguous bool
		wantErr   string
	}{
		{"during a wait", "GET", status(429, "Retry-After", "60"), false, "429 Too Many Requests: the API says 429: context canceled"},
		{"during a write's wait", "POST", status(429, "Retry-After", "60"), false, "context canceled"},
		{"during a read", "GET", silent, false, "context canceled"},
		{"during a write", "POST", silent, true, "context canceled (it may have taken effect)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{answers: []http.HandlerFunc{tt.answer}}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				start := time.Now()
				err := client(a).Do(ctx, tt.method, "/things", nil, nil)
				if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), tt.wantErr) || rest.Ambiguous(err) != tt.ambiguous {
					t.Errorf("ambiguous %v: %v", rest.Ambiguous(err), err)
				}
				if took := time.Since(start); took != 3*time.Second {
					t.Errorf("ended after %s", took)
				}
				if a.tries() != 1 {
					t.Errorf("%d tries", a.tries())
				}
			})
		})
	}
}

// A try that takes too long is not the end of the caller's own deadline.
func TestClient_Do_deadline(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		caller   bool
	}{
		{"the try's", time.Hour, false},
		{"the caller's", 10 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client(&api{answers: []http.HandlerFunc{silent}})
				c.Retries = -1
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				err := c.Do(ctx, "GET", "/things", nil, nil)
				if errors.Is(err, context.DeadlineExceeded) != tt.caller {
					t.Error(err)
				}
			})
		})
	}
}

// closed is an answer whose body cannot be read any more.
type closed struct{ status int }

func (c closed) RoundTrip(*http.Request) (*http.Response, error) {
	r, w := io.Pipe()
	r.Close()
	w.Close()
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: r}, nil
}

func TestClient_Do_closedBody(t *testing.T) {
	c := client(nil)
	c.HTTP = &http.Client{Transport: closed{401}}
	if err := c.Do(t.Context(), "GET", "/things", nil, nil); !rest.StatusIs(err, 401) {
		t.Error(err)
	}
}

func TestClient_Do_errorText(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"JSON", status(404, "Cf-Ray", "8f"), "404 Not Found: the API says 404 (code 404, request id 8f); look there"},
		{"best request id", status(404, "Cf-Ray", "8f", "X-Debug-Trace-Id", "d1"), "404 Not Found: the API says 404 (code 404, request id d1); look there"},
		{"HTML", raw(403, "text/html; charset=utf-8", "<!DOCTYPE html>\n<p>no"), "403 Forbidden: an HTML page instead of JSON (text/html); look there"},
		{"text", raw(403, "text/plain", "\n  not you\nat all"), `403 Forbidden: "not you"; look there`},
		{"long text", raw(403, "text/plain", strings.Repeat("é", 200)), `403 Forbidden: "` + strings.Repeat("é", 120) + `…"; look there`},
		{"long message", raw(403, "", `{"message":"`+strings.Repeat("é", 2000)+`"}`), "403 Forbidden: " + strings.Repeat("é", 1000) + "…; look there"},
		{"line breaks and escapes", raw(403, "", `{"message":"not\r\n\u001b[31myou\u2028\u0000"}`), "403 Forbidden: not [31myou; look there"},
		{"long request id", status(404, "Cf-Ray", strings.Repeat("8", 101)), "404 Not Found: the API says 404 (code 404, request id " + strings.Repeat("8", 100) + "…); look there"},
		{"cut off", raw(400, "application/json", `{"message":"bro`), "400 Bad Request: truncated JSON; look there"},
		{"empty", raw(400, "", ""), "400 Bad Request; look there"},
		{"unknown status", raw(499, "", ""), "499; look there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(&api{answers: []http.HandlerFunc{tt.answer}})
			c.Suggestion = func(e *rest.Error) string {
				if e.Status == 0 {
					t.Error("asked for a suggestion before the status was known")
				}
				return "look there"
			}
			err := c.Do(t.Context(), "GET", "/things", nil, nil)
			want := "Test API: GET https://api.example.com/v1/things: " + tt.want
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// An API may say 200 and mean no.
func TestClient_Do_checkBody(t *testing.T) {
	a := &api{answers: []http.HandlerFunc{raw(200, "application/json", `{"success":false,"code":8000007,"message":"not found"}`)}}
	c := client(a)
	c.CheckBody = func(_ int, body []byte) bool { return !bytes.Contains(body, []byte(`"success":false`)) }
	for _, out := range []any{nil, &thing{}} {
		err := c.Do(t.Context(), "POST", "/things", nil, out)
		if !rest.StatusIs(err, 200) || rest.Ambiguous(err) || !strings.HasSuffix(err.Error(), "200 OK: not found (code 8000007)") {
			t.Error(err)
		}
	}
	if a.tries() != 2 {
		t.Errorf("%d calls", a.tries())
	}
}

func TestClient_Do_secrets(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		status(400), reset, truncated, raw(200, "text/html", "<html>"),
		// An API may repeat what it was sent.
		raw(401, "", `{"message":"the token hunter2 is unknown"}`), raw(401, "", "hunter2"), raw(200, "", "hun\xffter2"),
		status(401, "Cf-Ray", "hunter2"), status(301, "Location", "https://hunter2@%zz"),
	} {
		c := client(&api{answers: []http.HandlerFunc{answer}})
		c.Retries = -1
		c.Header = http.Header{"Authorization": {"Bearer hunter2"}}
		err := c.Do(t.Context(), "POST", "/things?token=hunter2", thing{"hunter2"}, &thing{})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "hunter2") {
			t.Errorf("the error shows a secret: %#v", err)
		}
	}
}

func TestClient_Do_sends(t *testing.T) {
	var got http.Header
	c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		good(w, r)
	}))
	c.Header = http.Header{"authorization": {"Bearer x"}}
	for _, tt := range []struct {
		in          any
		contentType string
	}{{nil, ""}, {thing{"x"}, "application/json"}} {
		if err := c.Do(t.Context(), "POST", "/things", tt.in, nil); err != nil {
			t.Fatal(err)
		}
		if got.Get("Authorization") != "Bearer x" || got.Get("Accept") != "application/json" || got.Get("Content-Type") != tt.contentType {
			t.Errorf("sent %v", got)
		}
	}
}

// What is wrong before the first byte is told without one.
func TestClient_Do_refusesToSend(t *testing.T) {
	for _, tt := range []struct {
		name, base, path string
		in               any
		wantErr          string
	}{
		{"plain http", "http://api.example.com", "/things", nil, "must begin with https://"},
		{"empty segment", "", rest.Path("/things/%s", ""), nil, "names nothing"},
		{"dots", "", rest.Path("/things/%s/x", ".."), nil, "names nothing"},
		{"escaped dots", "", "/things/%2e%2E", nil, "names nothing"},
		{"no slash", "", "things", nil, "does not begin with a slash"},
		{"missing segment", "", rest.Path("/things/%s"), nil, "invalid URL escape"},
		{"no JSON", "", "/things", make(chan int), "encoding the request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &api{answers: []http.HandlerFunc{good}}
			c := client(a)
			if tt.base != "" {
				c.BaseURL = tt.base
			}
			err := c.Do(t.Context(), "DELETE", tt.path, tt.in, nil)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || rest.Ambiguous(err) {
				t.Error(err)
			}
			if a.tries() != 0 {
				t.Errorf("sent %v", a.calls)
			}
		})
	}
}

// Clients share their transport, and one client serves many goroutines.
func TestClient_Do_concurrent(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		good(w, r)
	}))
	defer s.Close()
	c := &rest.Client{Service: "Test API", BaseURL: s.URL}
	errs := make(chan error)
	for range 8 {
		go func() { errs <- c.Do(context.Background(), "GET", "/things", nil, &thing{}) }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if calls.Load() != 8 {
		t.Errorf("%d calls", calls.Load())
	}
}
