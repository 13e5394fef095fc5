package pages

import (
	"strings"
	"testing"
)

func TestWranglerFiles(t *testing.T) {
	const (
		tables = `name = "x"
pages_build_output_dir = "dist"
compatibility_date = "2026-01-01"
[vars]
A = "secret-value"
B = { c = 1 }
[[d1_databases]]
binding = "DB"
database_id = "1"
[ai]
binding = "AI"
[env.production.vars]
A = "other"
`
		object = "{ // a comment\n\t\"$schema\": \"https://x/*\", /* one\n more */ \"vars\": {\"A\": \"//secret-value, }\",},\n\t\"kv_namespaces\": [{\"binding\": \"KV\", \"id\": \"1\"}, ],\n}"
		worker = `main = "src/index.ts"`
		end    = "; the config has compatibilityDate, compatibilityFlags, siteVars, siteSecrets and moreBindings, and other bindings stay as the dashboard has them"
	)
	for _, tt := range []struct {
		name, site string
		files      files
		want       []string
	}{
		{"none", "dist", files{"dist/wrangler.toml": tables}, nil},
		{"in the project", "dist", files{"wrangler.toml": tables},
			[]string{"wrangler.toml is not read, as wrangler would, so this has no effect: ai (AI), compatibility_date, d1_databases (DB), env (production), pages_build_output_dir, vars (A, B)" + end}},
		{"beside the site", "web/build/client", files{"web/wrangler.jsonc": object, "web/build/client/x": ""},
			[]string{"web/wrangler.jsonc is not read, as wrangler would, so this has no effect: kv_namespaces (KV), vars (A)" + end}},
		{"outside of the project", "../web/dist", files{"../web/wrangler.json": `{"vars":{}}`}, []string{"../web/wrangler.json is not read, as wrangler would, so this has no effect: vars" + end}},
		{"a Worker's", "dist", files{"wrangler.toml": worker}, nil},
		{"the one that wrangler prefers", "dist", files{"wrangler.toml": tables, "wrangler.json": `{"main":"x"}`}, nil},
		{"both places", "web/dist", files{"wrangler.toml": worker + "\n" + tables, "web/wrangler.toml": "oh"},
			[]string{"wrangler.toml is not read, as wrangler would, so this has no effect: ai (AI), compatibility_date, d1_databases (DB), env (production), main, pages_build_output_dir, vars (A, B)" + end,
				"web/wrangler.toml is not read, as wrangler would"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := files{"x": ""}.site(t)
			tt.files.write(t, dir)
			got := WranglerFiles(dir, tt.site)
			equal(t, "warnings", got, tt.want)
			if strings.Contains(strings.Join(got, ""), "secret-value") {
				t.Error("a value is shown")
			}
		})
	}
}
