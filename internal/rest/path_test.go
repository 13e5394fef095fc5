package rest_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portfolio-infra/internal/rest"
)

func TestPath(t *testing.T) {
	for _, tt := range []struct{ name, segment, want string }{
		{"plain", "10205", "/clusters/10205/sqlUsers/x"},
		{"dot inside", "abc.api", "/clusters/abc.api/sqlUsers/x"},
		{"slash", "a/b", "/clusters/a%2Fb/sqlUsers/x"},
		{"climbing", "../../x", "/clusters/..%2F..%2Fx/sqlUsers/x"},
		{"percent", "100%", "/clusters/100%25/sqlUsers/x"},
		{"escaped already", "%2F", "/clusters/%252F/sqlUsers/x"},
		{"query", "a?b=c#d", "/clusters/a%3Fb=c%23d/sqlUsers/x"},
		{"space and unicode", "ü 世", "/clusters/%C3%BC%20%E4%B8%96/sqlUsers/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := rest.Path("/clusters/%s/sqlUsers/%s", tt.segment, "x"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A segment comes out at the server as it went in, and stays one segment.
func TestPath_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.String().Draw(t, "segment")
		u, err := url.Parse("https://example.com" + rest.Path("/a/%s/b", segment))
		if err != nil {
			t.Fatal(err)
		}
		if u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("the segment left the path: %v", u)
		}
		parts := strings.Split(u.EscapedPath(), "/")
		if len(parts) != 4 {
			t.Fatalf("%d segments in %s", len(parts)-1, u.EscapedPath())
		}
		if got, err := url.PathUnescape(parts[2]); err != nil || got != segment {
			t.Fatalf("got %q (%v), want %q", got, err, segment)
		}
	})
}

func TestCheckBaseURL(t *testing.T) {
	for _, tt := range []struct{ base, wantErr string }{
		{"https://serverless.tidbapi.com/v1beta1", ""},
		{"http://127.0.0.1:8080/client/v4", ""},
		{"http://127.1.2.3", ""},
		{"http://[::1]:8080", ""},
		{"http://localhost:8080", ""},
		{"http://serverless.tidbapi.com/v1beta1", "must begin with https://"},
		{"http://localhost.example.com", "must begin with https://"},
		{"http://10.0.0.1", "must begin with https://"},
		{"ftp://127.0.0.1", "must begin with https://"},
		{"serverless.tidbapi.com", "names no host"},
		{"", "names no host"},
		{"https://user:hunter2@example.com", "must have no user"},
		{"https://example.com/v1?token=hunter2", "must end with its path"},
		{"https://user:hunter2@exa mple.com", "not a URL"},
		{"https://example.com/v1?", "must end with its path"},
		{"https://example.com/v1#", "must end with its path"},
		{"https://:443/v1", "names no host"},
		{"https:user:hunter2@example.com", `"example.com" names no host`},
		{"user:hunter2@example.com", `"example.com" names no host`},
		{"https:///user:hunter2@example.com/v1", `"example.com/v1" names no host`},
	} {
		t.Run(tt.base, func(t *testing.T) {
			err := rest.CheckBaseURL(tt.base)
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
