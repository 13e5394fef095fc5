package cloudflare

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// A list of pages ends at the first that is not full. What moves to the next page counts once.
func TestClient_Projects(t *testing.T) {
	page := func(names ...string) http.HandlerFunc {
		var items []string
		for _, name := range names {
			items = append(items, fmt.Sprintf(`{"name":%q}`, name))
		}
		return resttest.Respond(200, `{"success":true,"result":[`+strings.Join(items, ",")+`]}`)
	}
	full := strings.Split("abcdefghij", "")
	for name, tt := range map[string]struct {
		pages []http.HandlerFunc
		want  string
		err   string
	}{
		"none":          {[]http.HandlerFunc{page()}, "", ""},
		"one page":      {[]http.HandlerFunc{page("a", "b")}, "ab", ""},
		"a full page":   {[]http.HandlerFunc{page(full...), page()}, "abcdefghij", ""},
		"a new project": {[]http.HandlerFunc{page(full...), page("j", "k")}, "abcdefghijk", ""},
		"no end":        {[]http.HandlerFunc{page(full...)}, "", "page 2 of a list of Cloudflare's has nothing new"},
		"a failure":     {[]http.HandlerFunc{page(full...), resttest.Respond(403, "{}")}, "", "403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			api := resttest.NewAPI(tt.pages...)
			projects, err := clientOf(resttest.Transport(api)).Projects(t.Context())
			testcheck.Error(t, err, tt.err)
			var got strings.Builder
			for _, p := range projects {
				got.WriteString(p.Name)
			}
			if got.String() != tt.want {
				t.Errorf("got %s, want %s", &got, tt.want)
			}
			for i, call := range api.Calls() {
				if want := fmt.Sprintf("GET /client/v4/accounts/%s/pages/projects?page=%d&per_page=10", account, i+1); call != want {
					t.Errorf("called %s, want %s", call, want)
				}
			}
		})
	}
}

func TestClient_Scripts(t *testing.T) {
	names, err := responding(200, `{"success":true,"result":[{"id":"a"},{"id":"b"}]}`).Scripts(t.Context())
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Error(names, err)
	}
	_, nameless := responding(200, `{"success":true,"result":[{"name":"a"}]}`).Scripts(t.Context())
	_, refused := failing(403, "10000", "Authentication error").Scripts(t.Context())
	if nameless == nil || refused == nil {
		t.Error(nameless, refused)
	}
}
