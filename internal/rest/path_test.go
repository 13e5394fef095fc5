package rest_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
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
			resttest.CheckError(t, err, tt.wantErr)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
