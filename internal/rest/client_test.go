package rest_test

import (
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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// thing is what the API of these tests responds.
type thing struct {
	Name string `json:"name"`
}

var good = resttest.Respond(200, `{"name":"portfolio-db"}`)

// status returns a handler that responds as the API words its errors.
func status(code int, header ...string) http.HandlerFunc {
	return resttest.Respond(code, fmt.Sprintf(`{"code":%d,"message":"the API says %d"}`, code, code), header...)
}

func html(code int) http.HandlerFunc {
	return resttest.Respond(code, "<html>", "Content-Type", "text/html")
}

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func truncated(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, `{"name":"port`)
	panic(http.ErrAbortHandler)
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// client returns a client of h, in memory.
func client(h http.Handler) *rest.Client {
	return &rest.Client{
		Service: "Test API",
		BaseURL: "https://api.example.com/v1",
		HTTP:    &http.Client{Transport: resttest.Transport(h)},
		DecodeError: func(_ int, _ http.Header, body []byte) (string, string) {
			var e struct {
				Code    json.RawMessage
				Message string
			}
			_ = json.Unmarshal(body, &e)
			code := string(e.Code)
			_ = json.Unmarshal(e.Code, &code) // a text has quotes
			return code, e.Message
		},
		RequestIDHeaders: []string{"X-Debug-Trace-Id", "Cf-Ray"},
	}
}

// roundTripper is an [http.RoundTripper].
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClient_Do_retries(t *testing.T) {
	type handlers = []http.HandlerFunc
	const idempotent = "idempotent PATCH"
	body := func(text string) http.HandlerFunc { return resttest.Respond(200, text) }
	for _, tt := range []struct {
		name      string
		method    string
		handlers  handlers
		tries     int
		wantErr   string
		ambiguous bool
	}{
		{"read", "GET", handlers{good}, 1, "", false},
		{"read, 429", "GET", handlers{status(429), good}, 2, "", false},
		{"read, 408", "GET", handlers{status(408), good}, 2, "", false},
		{"read, 500 and 503", "GET", handlers{status(500), status(503), good}, 3, "", false},
		{"read, reset", "GET", handlers{reset, good}, 2, "", false},
		{"read, cut off", "GET", handlers{truncated, good}, 2, "", false},
		{"read, cut off JSON", "GET", handlers{body(`{"name":`), good}, 2, "", false},
		{"read, HTML", "GET", handlers{html(200), good}, 2, "", false},
		{"read, empty", "GET", handlers{body(""), good}, 2, "", false},
		{"read, no response in time", "GET", handlers{silent, good}, 2, "", false},
		{"read, always 500", "GET", handlers{status(500)}, 5, "500 Internal Server Error: the API says 500 (code 500, after 5 tries)", false},
		{"read, null", "GET", handlers{body(" null\n")}, 1, "the response is null", false},
		{"read, always HTML", "GET", handlers{html(200)}, 5, "an HTML page instead of JSON (text/html)", false},
		{"read, wrong shape", "GET", handlers{body(`{"name":[]}`)}, 1, "the expected shape", false},
		{"read, 400", "GET", handlers{status(400)}, 1, "400 Bad Request: the API says 400", false},
		{"read, 404", "GET", handlers{status(404)}, 1, "404 Not Found", false},
		{"read, too long", "GET", handlers{body(strings.Repeat(" ", 11<<20))}, 1, "longer than 10 MiB", false},
		{"read, redirect", "GET", handlers{status(302, "Location", "https://elsewhere.example.com/")}, 1, "check the base URL", false},

		{"write", "POST", handlers{good}, 1, "", false},
		{"write, 429", "POST", handlers{status(429), good}, 2, "", false},
		{"write, always 429", "POST", handlers{status(429)}, 5, "429 Too Many Requests", false},
		{"write, 400", "POST", handlers{status(400)}, 1, "400 Bad Request", false},
		{"write, 500", "POST", handlers{status(500)}, 1, "it may have taken effect", true},
		{"write, 408", "POST", handlers{status(408)}, 1, "it may have taken effect", true},
		{"write, 502 as HTML", "POST", handlers{html(502)}, 1, "502 Bad Gateway: an HTML page instead of JSON (text/html)", true},
		{"write, reset", "POST", handlers{reset}, 1, "connection reset by peer (it may", true},
		{"write, cut off", "POST", handlers{truncated}, 1, "unexpected EOF", true},
		{"write, empty response", "POST", handlers{body("")}, 1, "the response is empty", true},
		{"write, wrong shape", "POST", handlers{body("[1]")}, 1, "the expected shape", true},
		{"write, no response in time", "POST", handlers{silent}, 1, "no complete response within 30s", true},

		{"idempotent write, 500 and reset", idempotent, handlers{status(500), reset, good}, 3, "", false},
		{"idempotent write, cut off", idempotent, handlers{truncated, good}, 2, "", false},
		{"idempotent write, 400", idempotent, handlers{status(400)}, 1, "400", false},
		{"idempotent write, lost and then refused", idempotent, handlers{reset, status(400)}, 2, "it may have taken effect", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := resttest.NewAPI(tt.handlers...)
				c := client(api)
				call, method := c.Do, tt.method
				if method == idempotent {
					call, method = c.DoIdempotent, "PATCH"
				}
				var in any
				sent := ""
				if method != "GET" {
					in, sent = thing{"portfolio-db"}, `{"name":"portfolio-db"}`
				}
				var out thing
				err := call(t.Context(), method, "/things/1", in, &out)

				testcheck.Error(t, err, tt.wantErr)
				if err == nil && out.Name != "portfolio-db" {
					t.Errorf("got %+v", out)
				}
				if err != nil && !strings.HasPrefix(err.Error(), "Test API: "+method+" https://api.example.com/v1/things/1: ") {
					t.Errorf("the error does not name the call: %v", err)
				}
				requests := api.Requests()
				if len(requests) != tt.tries {
					t.Errorf("%d tries, want %d", len(requests), tt.tries)
				}
				for _, r := range requests {
					if r.Body != sent {
						t.Errorf("sent %q", r.Body)
					}
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the time-out of a try is the caller's: %v", err)
				}
				if rest.Retryable(err) != (tt.tries > 4) || rest.Ambiguous(err) != tt.ambiguous {
					t.Errorf("Retryable is %v after %d tries, Ambiguous is %v", rest.Retryable(err), tt.tries, rest.Ambiguous(err))
				}
			})
		})
	}
}

// A request that was never sent may be sent again, even a POST. The errors are those of real sockets
// where these can be had.
func TestClient_Do_connection(t *testing.T) {
	hijack := func(response string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			io.WriteString(conn, response)
			conn.Close()
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for _, tt := range []struct {
		name, base         string
		err                error // in place of a socket
		wantErr            string
		retried, ambiguous bool
	}{
		{"refused", "http://127.0.0.1:1", nil, "connection refused", true, false},
		{"unknown host", "", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.example.com"}}, "no such host", true, false},
		{"proxy refused", "", &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, "connection refused", true, false},
		{"closed without a response", hijack(""), nil, "EOF", false, true},
		{"body cut off", hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), nil, "unexpected EOF", false, true},
		{"reset while reading", "", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "connection reset", false, true},
		{"broken pipe while writing", "", &net.OpError{Op: "write", Err: syscall.EPIPE}, "broken pipe", false, true},
		{"untrusted certificate", untrusted.URL, nil, "certificate", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c, retried := &rest.Client{Service: "Test API", BaseURL: tt.base}, false
			if tt.err != nil {
				c = client(nil)
				c.HTTP.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, tt.err })
			}
			c.OnWait = func(context.Context, time.Duration, string) { retried = true; cancel() }
			err := c.Do(ctx, "POST", "/things", thing{"x"}, &thing{})
			testcheck.Error(t, err, tt.wantErr)
			if retried != tt.retried || rest.Ambiguous(err) != tt.ambiguous {
				t.Errorf("retried %v, ambiguous %v: %v", retried, rest.Ambiguous(err), err)
			}
		})
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
		testcheck.Error(t, c.Do(t.Context(), "POST", "/things", tt.in, nil))
		if got.Get("Authorization") != "Bearer x" || got.Get("Accept") != "application/json" || got.Get("Content-Type") != tt.contentType {
			t.Errorf("sent %v", got)
		}
	}
}

// A bad request is an error before anything is sent.
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
			api := resttest.NewAPI(good)
			c := client(api)
			if tt.base != "" {
				c.BaseURL = tt.base
			}
			err := c.Do(t.Context(), "DELETE", tt.path, tt.in, nil)
			testcheck.Error(t, err, tt.wantErr)
			if rest.Ambiguous(err) || len(api.Calls()) != 0 {
				t.Errorf("sent %v: %v", api.Calls(), err)
			}
		})
	}
}
