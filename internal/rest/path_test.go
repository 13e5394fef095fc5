package rest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

func TestCheckBaseURL(t *testing.T) {
	for _, tt := range []struct{ base, wantErr string }{
		{"https://serverless.tidbapi.com/v1beta1", ""},
		{"http://127.0.0.1:8080/client/v4", ""},
		{"http://[::1]:8080", ""},
		{"http://localhost:8080", ""},
		{"http://serverless.tidbapi.com/v1beta1", "must begin with https://"},
		{"http://localhost.example.com", "must begin with https://"},
		{"http://10.0.0.1", "must begin with https://"},
		{"serverless.tidbapi.com", "names no host"},
		{"", "names no host"},
		{"https://user:hunter2@example.com", "must have no user"},
		{"https://example.com/v1?token=hunter2", "must end with its path"},
		{"https://user:hunter2@exa mple.com", "not a URL"},
		{"https://example.com/v1#", "must end with its path"},
		{"https://:443/v1", "names no host"},
		{"https:user:hunter2@example.com", `"example.com" names no host`},
		{"user:hunter2@example.com", `"example.com" names no host`},
		{"https:///user:hunter2@example.com/v1", `"example.com/v1" names no host`},
	} {
		t.Run(tt.base, func(t *testing.T) {
			err := rest.CheckBaseURL(tt.base)
			testcheck.Error(t, err, tt.wantErr)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// Segments reach the server as they were given, each as one.
func TestPath(t *testing.T) {
	for _, segment := range []string{"3hX.api", "a/b", "../../x", "100%", "%2F", "%2e%2e", "?a=b", "#c", "ü 世", "\xff\x00", "a;b", "a\nb", `..\..`, "//"} {
		t.Run(segment, func(t *testing.T) {
			api := resttest.NewAPI(resttest.Respond(200, "{}"))
			testcheck.Error(t, client(api).Do(t.Context(), "GET", rest.Path("/a/%s/b/%s", segment, segment), nil, nil))
			var got []string
			for escaped := range strings.SplitSeq(strings.TrimPrefix(api.Calls()[0], "GET /v1/"), "/") {
				name, err := url.PathUnescape(escaped)
				testcheck.Error(t, err)
				got = append(got, name)
			}
			if want := []string{"a", segment, "b", segment}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
