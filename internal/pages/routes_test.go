package pages

import (
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

func TestCheckRoutes(t *testing.T) {
	rules := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("%q", fmt.Sprint("/", i))
		}
		return strings.Join(all, ",")
	}
	long := `"/` + strings.Repeat("ä", 99) + `"`
	for _, tt := range []struct{ name, text, wantErr string }{
		{"good", routes, ""},
		{"with a description", `{"version":1,"description":"mine","include":["/*"],"exclude":["/a/*","/b"]}`, ""},
		{"100 rules", `{"version":1,"include":["/*"],"exclude":[` + rules(99) + `]}`, ""},
		{"100 characters", `{"version":1,"include":[` + long + `],"exclude":[]}`, ""},
		{"a splat within", `{"version":1,"include":["/a*","/ab","/a*/c"],"exclude":[]}`, ""},
		{"twice the same", `{"version":1,"include":["/a/*","/a/*"],"exclude":[]}`, ""},
		{"overlap of both lists", `{"version":1,"include":["/*"],"exclude":["/a"]}`, ""},

		{"no JSON", `include`, "_routes.json: invalid character"},
		{"two objects", routes + routes, "_routes.json: unexpected text after the object"},
		{"null", `null`, `must have "version": 1 and the lists`},
		{"another version", `{"version":2,"include":["/*"],"exclude":[]}`, `must have "version": 1`},
		{"no exclude", `{"version":1,"include":["/*"]}`, "exclude"},
		{"a number", `{"version":1,"include":[1],"exclude":[]}`, "_routes.json: "},
		{"no include", `{"version":1,"include":[],"exclude":["/*"]}`, "include needs at least one rule"},
		{"101 rules", `{"version":1,"include":["/*"],"exclude":[` + rules(100) + `]}`, "it has 101 rules, and Pages takes 100"},
		{"101 characters", `{"version":1,"include":["/b",` + strings.Replace(long, "/", "/x", 1) + `],"exclude":[]}`, "is longer than 100 characters"},
		{"no slash", `{"version":1,"include":["api/*"],"exclude":[]}`, `the rule "api/*" must begin with a slash`},
		{"overlap", `{"version":1,"include":["/api/*","/api/foo"],"exclude":[]}`, `the rule "/api/*" covers "/api/foo"`},
		{"overlap of exclude", `{"version":1,"include":["/*"],"exclude":["/b/c","/b/*"]}`, `the rule "/b/*" covers "/b/c"`},
	} {
		t.Run(tt.name, func(t *testing.T) { testcheck.Error(t, checkRoutes([]byte(tt.text)), tt.wantErr) })
	}
}
