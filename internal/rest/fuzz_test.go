package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// fuzzToken is the secret of these tests. Where an input holds the word TOKEN, the
// API repeats the secret there.
const fuzzToken = "hunter2-hunter2-hunter2"

// answerOf gives the same answer to all requests.
type answerOf struct {
	status int
	header http.Header
	body   []byte
}

func (a answerOf) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body))}, nil
}

// fuzzClient sends each call once, with a secret, and shows what the API says.
func fuzzClient(a answerOf) *Client {
	return &Client{
		Service: "Test API",
		BaseURL: "https://api.example.com/v1",
		HTTP:    &http.Client{Transport: a},
		Header:  http.Header{"Authorization": {"Bearer " + fuzzToken}},
		DecodeError: func(_ int, _ http.Header, body []byte) (string, string) {
			var e struct{ Code, Message string }
			_ = json.Unmarshal(body, &e)
			return e.Code, e.Message
		},
		RequestIDHeaders: []string{"Cf-Ray"},
		Retries:          -1,
	}
}

// Whatever an API answers, a call succeeds only with one JSON object and a 2xx, and
// its error is one short line without the secret.
func FuzzClient_Do(f *testing.F) {
	for _, seed := range []struct {
		status        uint16
		header, value string
		body          string
	}{
		{200, "Content-Type", "application/json", `{"name":"x","n":1}`},
		{204, "", "", ""},
		{200, "Content-Type", "text/html", "<html>"},
		{200, "", "", `{"name":`},
		{200, "", "", `{"name":"x"}{}`},
		{200, "", "", `{"name":[]}`},
		{200, "", "", `[1]`},
		{200, "", "", "null"},
		{301, "Location", "https://TOKEN@%zz", ""},
		{400, "Content-Type", "application/json", `{"code":"1\n2","message":"two\nlines \u001b[31m of TOKEN"}`},
		{401, "Cf-Ray", "TOKEN", "not TOKEN"},
		{429, "Retry-After", "7", "\xff\x00"},
		{502, "Content-Type", "text/plain", "TOKEN\r\n"},
		{503, "Cf-Ray", "a\xffb\r\nc", "{}"},
	} {
		f.Add(seed.status, seed.header, seed.value, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status uint16, header, value string, body []byte) {
		body = bytes.ReplaceAll(body, []byte("TOKEN"), []byte(fuzzToken))
		value = strings.ReplaceAll(value, "TOKEN", fuzzToken)
		c := fuzzClient(answerOf{int(status), http.Header{http.CanonicalHeaderKey(header): {value}}, body})
		var out struct {
			Name string `json:"name"`
			N    int    `json:"n"`
		}
		err := c.Do(t.Context(), http.MethodGet, "/things/1", nil, &out)
		if err == nil {
			if status < 200 || status > 299 {
				t.Errorf("%d is a success", status)
			}
			var object map[string]any
			if json.Unmarshal(body, &object) != nil || object == nil {
				t.Errorf("%q is a success", body)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%T is not an *Error: %v", err, err)
		}
		if e.Status != int(status) && e.Status != 0 {
			t.Errorf("status %d, want %d", e.Status, status)
		}
		if e.Ambiguous {
			t.Error("a read may have taken effect")
		}
		assertShown(t, err.Error())
	})
}

// assertShown checks that an error's text is a short line for people.
func assertShown(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, fuzzToken) {
		t.Errorf("the error shows the secret: %q", text)
	}
	if !utf8.ValidString(text) {
		t.Errorf("the error is not UTF-8: %q", text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || !unicode.IsGraphic(r)) }) {
		t.Errorf("the error is not one line of text: %q", text)
	}
	if n := utf8.RuneCountInString(text); n > 4000 {
		t.Errorf("the error has %d characters", n)
	}
}

// Whatever wait an API asks for, the one that is begun is within bounds.
func FuzzClient_Do_wait(f *testing.F) {
	for _, seed := range []struct{ retryAfter, reset string }{
		{"7", ""}, {"-7", ""}, {"0", "31"}, {"120", ""}, {"121", ""}, {"2147483647", ""}, {"99999999999999999999", "99999999999999999999"},
		{"Mon, 03 Jan 1994 15:04:05 GMT", ""}, {"Fri, 31 Dec 9999 23:59:59 GMT", ""}, {"1e3", "1.5"}, {" 7", "+7"},
	} {
		f.Add(uint16(429), seed.retryAfter, seed.reset)
		f.Add(uint16(503), seed.retryAfter, seed.reset)
	}
	f.Fuzz(func(t *testing.T, status uint16, after, reset string) {
		header := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}}
		if asked := retryAfter(int(status), header); asked < 0 {
			t.Errorf("asked to wait %s", asked)
		}
		c := fuzzClient(answerOf{int(status), header, nil})
		c.Retries = 3
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c.OnWait = func(_ context.Context, d time.Duration, why string) {
			if d <= 0 || d > DefaultMaxWait {
				t.Errorf("it is to wait %s: %s", d, why)
			}
			cancel() // nobody has that time
		}
		if err := c.Do(ctx, http.MethodGet, "/things", nil, nil); err != nil {
			assertShown(t, err.Error())
		}
	})
}

// Segments come out at the server as they went in, each one segment, or are refused.
func FuzzPath(f *testing.F) {
	for _, seed := range [][2]string{
		{"10205", "3hX.api"}, {"", "x"}, {".", ".."}, {"..", "x"}, {"a/b", "../../x"}, {"100%", "%2F"}, {"?a=b", "#c"},
		{"ü 世", "\xff\x00"}, {"a;b", "a\nb"}, {`\`, "//"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		path := Path("/a/%s/b/%s", first, second)
		nothing := func(s string) bool { return s == "" || s == "." || s == ".." }
		err := checkPath(path)
		if (err != nil) != (nothing(first) || nothing(second)) {
			t.Fatalf("%q and %q: %v", first, second, err)
		}
		if err != nil {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if req.URL.Host != "example.com" || req.URL.RawQuery != "" || req.URL.Fragment != "" {
			t.Errorf("a segment left the path: %v", req.URL)
		}
		have := strings.Split(strings.TrimPrefix(req.URL.RequestURI(), "/"), "/")
		want := []string{"a", first, "b", second}
		if len(have) != len(want) {
			t.Fatalf("%d segments in %s", len(have), path)
		}
		for i := range want {
			if name, err := url.PathUnescape(have[i]); err != nil || name != want[i] {
				t.Errorf("%q (%v), want %q", name, err, want[i])
			}
		}
	})
}

// What is accepted is a place to which keys may go, and to which paths can be
// appended. A password beside the @ that it belongs to is never shown.
func FuzzCheckBaseURL(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://api.example.com/v1", ""}, {"http://127.0.0.1:8080/x", ""}, {"http://[::1]", ""}, {"http://localhost", ""},
		{"https://user", "example.com/v1"}, {"https:user", "example.com"}, {"user", "example.com"}, {"https:///user", "example.com"},
		{"https://api.example.com/?", ""}, {"https://api.example.com/#", ""}, {"https://:443", ""}, {"https://user", "exa mple.com"},
		{"//user", "example.com"}, {"HTTPS://api.example.com", ""}, {"https://%zz", ""}, {"https://a\nb", ""}, {"http://0x7f.1", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		base := before
		if after != "" {
			base += ":" + fuzzToken + "@" + after
		}
		err := CheckBaseURL(base)
		if err != nil {
			assertShown(t, err.Error())
			return
		}
		u, err := url.Parse(base + "/things")
		if err != nil {
			t.Fatalf("%q: %v", base, err)
		}
		if u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasSuffix(u.Path, "/things") {
			t.Errorf("%q is accepted: %#v", base, u)
		}
		ip := net.ParseIP(u.Hostname())
		here := strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
		if u.Scheme != "https" && (u.Scheme != "http" || !here) {
			t.Errorf("%q is accepted: keys would go there in the clear", base)
		}
	})
}
