package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
)

// fuzzToken is the secret of these tests. The word TOKEN in an input stands for it.
const fuzzToken = "hunter2-hunter2-hunter2"

// Whatever an API responds, a call succeeds only with one JSON object and a 2xx, and
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
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := client(nil)
		c.HTTP.Transport = resttest.Fixed{Status: int(status), Header: http.Header{http.CanonicalHeaderKey(header): {value}}, Body: body}
		c.Header = http.Header{"Authorization": {"Bearer " + fuzzToken}}
		c.OnWait = func(_ context.Context, d time.Duration, reason string) { // a second try is not made
			if cancel(); d <= 0 || d > rest.MaxWait {
				t.Errorf("waits %s: %s", d, reason)
			}
		}
		var out struct {
			Name string `json:"name"`
			N    int    `json:"n"`
		}
		err := c.Do(ctx, http.MethodGet, "/things/1", nil, &out)
		if err == nil {
			var object map[string]any
			if status < 200 || status > 299 || json.Unmarshal(body, &object) != nil || object == nil {
				t.Errorf("%d %q is a success", status, body)
			}
			return
		}
		var e *rest.Error
		if !errors.As(err, &e) || e.Status != int(status) && e.Status != 0 || e.Ambiguous {
			t.Errorf("status %d fails with %#v", status, err)
		}
		resttest.CheckReadable(t, err, fuzzToken)
	})
}

// An accepted URL is a place where keys may go and paths can be appended. A password is
// never shown.
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
		if err := rest.CheckBaseURL(base); err != nil {
			resttest.CheckReadable(t, err, fuzzToken)
			return
		}
		u, err := url.Parse(base + "/things")
		if err != nil {
			t.Fatalf("%q: %v", base, err)
		}
		if u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasSuffix(u.Path, "/things") {
			t.Errorf("%q is accepted: %#v", base, u)
		}
		here := strings.EqualFold(u.Hostname(), "localhost") || net.ParseIP(u.Hostname()).IsLoopback()
		if u.Scheme != "https" && (u.Scheme != "http" || !here) {
			t.Errorf("%q is accepted: keys would go there in the clear", base)
		}
	})
}
