package rest_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
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
			resttest.CheckError(t, err, tt.wantErr)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
