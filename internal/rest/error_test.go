package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

func TestError_Error(t *testing.T) {
	text := func(body string) http.HandlerFunc {
		return resttest.Respond(403, body, "Content-Type", "text/plain")
	}
	for _, tt := range []struct {
		name     string
		response http.HandlerFunc
		want     string
	}{
		{"JSON", status(404, "Cf-Ray", "8f"), "404 Not Found: the API says 404 (code 404, request id 8f)"},
		{"best request id", status(404, "Cf-Ray", "8f", "X-Debug-Trace-Id", "d1"), "404 Not Found: the API says 404 (code 404, request id d1)"},
		{"HTML", resttest.Respond(403, "<!DOCTYPE html>\n<p>no", "Content-Type", "text/html; charset=utf-8"), "403 Forbidden: an HTML page instead of JSON (text/html)"},
		{"text", text("\n  not you\nat all"), `403 Forbidden: "not you"`},
		{"long text", text(strings.Repeat("é", 200)), `403 Forbidden: "` + strings.Repeat("é", 120) + `…"`},
		{"long message", resttest.Respond(403, `{"message":"`+strings.Repeat("é", 2000)+`"}`), "403 Forbidden: " + strings.Repeat("é", 1000) + "…"},
		{"line breaks and escapes", resttest.Respond(403, `{"message":"not\r\n\u001b[31myou\u2028\u0000"}`), "403 Forbidden: not [31myou"},
		{"long request id", status(404, "Cf-Ray", strings.Repeat("8", 101)), "404 Not Found: the API says 404 (code 404, request id " + strings.Repeat("8", 100) + "…)"},
		{"cut off", resttest.Respond(400, `{"message":"bro`), "400 Bad Request: truncated JSON"},
		{"empty", resttest.Respond(400, ""), "400 Bad Request"},
		{"unknown status", resttest.Respond(499, ""), "499"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(tt.response)
			c.Suggestion = func(e *rest.Error) string {
				if e.Status == 0 {
					t.Error("asked for a suggestion before the status was known")
				}
				return "look there"
			}
			err := c.Do(t.Context(), "GET", "/things", nil, nil)
			want := "Test API: GET https://api.example.com/v1/things: " + tt.want + "; look there"
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// A body that cannot be read any more does not hide the status.
func TestClient_Do_closedBody(t *testing.T) {
	r, _ := io.Pipe()
	r.Close()
	c := client(nil)
	c.HTTP.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Body: r}, nil
	})
	if err := c.Do(t.Context(), "GET", "/things", nil, nil); !rest.StatusIs(err, 401) {
		t.Error(err)
	}
}

// An API may respond 200 to a call that failed.
func TestClient_Do_checkBody(t *testing.T) {
	api := resttest.NewAPI(resttest.Respond(200, `{"success":false,"code":8000007,"message":"not found"}`))
	c := client(api)
	c.CheckBody = func(_ int, body []byte) bool { return !bytes.Contains(body, []byte(`"success":false`)) }
	for _, out := range []any{nil, &thing{}} {
		err := c.Do(t.Context(), "POST", "/things", nil, out)
		if !rest.StatusIs(err, 200) || rest.Ambiguous(err) || !strings.HasSuffix(err.Error(), "200 OK: not found (code 8000007)") {
			t.Error(err)
		}
	}
	if len(api.Calls()) != 2 {
		t.Errorf("called %v", api.Calls())
	}
}

// text is a response that is decoded by itself.
type text string

func (s *text) DecodeResponse(header http.Header, body []byte) error {
	if header.Get("Content-Type") != "text/plain" {
		return errors.New("not text")
	}
	*s = text(body)
	return nil
}

func TestClient_Do_responseDecoder(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body, wantErr string }{
		{"longer than JSON may be", "text/plain", strings.Repeat("x", 11<<20), ""},
		{"another type", "text/html", "x", "200 OK: decoding the response: not text (request id 8f)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got text
			err := client(resttest.Respond(200, tt.body, "Content-Type", tt.contentType, "Cf-Ray", "8f")).Do(t.Context(), "GET", "/things", nil, &got)
			testcheck.Error(t, err, tt.wantErr)
			if err == nil && string(got) != tt.body {
				t.Errorf("got %d bytes", len(got))
			}
		})
	}
}

func TestClient_Do_secrets(t *testing.T) {
	for _, response := range []http.HandlerFunc{
		status(400), reset, truncated, html(200),
		// An API may repeat what it was sent.
		resttest.Respond(401, `{"message":"the token hunter2 is unknown"}`), resttest.Respond(401, "hunter2"), resttest.Respond(200, "hun\xffter2"),
		status(401, "Cf-Ray", "hunter2"), status(301, "Location", "https://hunter2@%zz"),
	} {
		c := client(response)
		c.OnWait = func(context.Context, time.Duration, string) { t.Error("a write is repeated") }
		c.Header = http.Header{"Authorization": {"Bearer hunter2"}}
		err := c.Do(t.Context(), "POST", "/things?token=hunter2", thing{"hunter2"}, &thing{})
		if err == nil {
			t.Fatal("no error")
		}
		resttest.CheckReadable(t, err, "hunter2")
	}
}
