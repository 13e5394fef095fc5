package cloudflare_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestProject_patch_config(t *testing.T) {
	for name, tt := range map[string]struct {
		patches []string // of production, one after another
		key     string
		want    string
	}{
		"one is added": {[]string{
			`{"services":{"A":{"service":"api"}}}`, `{"services":{"B":{"service":"api","environment":"production"}}}`,
		}, "services", `{"A":{"service":"api"},"B":{"service":"api","environment":"production"}}`},
		"one is replaced": {[]string{
			`{"services":{"A":{"service":"api","environment":"production","entrypoint":"E"}}}`,
			`{"services":{"A":{"service":"other"}}}`,
		}, "services", `{"A":{"service":"other"}}`},
		"the last is deleted": {[]string{
			`{"services":{"A":{"service":"api"}}}`, `{"services":{"A":null}}`,
		}, "services", `{}`},
		"a missing one is deleted": {[]string{`{"services":{"A":null}}`}, "services", `{}`},
		"one is deleted, others stay": {[]string{
			`{"services":{"A":{"service":"api"},"B":{"service":"other"}}}`, `{"services":{"A":null,"C":{"service":"api"}}}`,
		}, "services", `{"B":{"service":"other"},"C":{"service":"api"}}`},
		"all are deleted": {[]string{
			`{"services":{"A":{"service":"api"}}}`, `{"services":null}`,
		}, "services", `null`},
		"an empty map changes nothing": {[]string{
			`{"services":{"A":{"service":"api"}}}`, `{"services":{}}`,
		}, "services", `{"A":{"service":"api"}}`},
		"an environment of null": {[]string{
			`{"services":{"A":{"service":"api","environment":null}}}`,
		}, "services", `{"A":{"service":"api","environment":null}}`},
		"a default comes back": {[]string{
			`{"compatibility_date":"2025-01-01"}`, `{"compatibility_date":null}`,
		}, "compatibility_date", `"2026-03-04"`},
		"a variable": {[]string{
			`{"env_vars":{"V":{"type":"plain_text","value":"1"},"S":{"type":"secret_text","value":"2"}}}`,
			`{"env_vars":{"V":{"type":"plain_text","value":"3"}}}`,
		}, "env_vars", `{"V":{"type":"plain_text","value":"3"},"S":{"type":"secret_text","value":""}}`},
		"a variable becomes a secret": {[]string{
			`{"env_vars":{"V":{"type":"plain_text","value":"1"}}}`, `{"env_vars":{"V":{"type":"secret_text","value":"1"}}}`,
		}, "env_vars", `{"V":{"type":"secret_text","value":""}}`},
		"the hash is replaced, and stays": {[]string{
			`{"wrangler_config_hash":"h1"}`, `{"wrangler_config_hash":"h2"}`, `{"services":{"A":{"service":"api"}}}`,
		}, "wrangler_config_hash", `"h2"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, &cloudflare.Cloud{})
			c.worker("api")
			c.worker("other")
			c.project("site")
			var answer any
			for _, patch := range tt.patches {
				answer = c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":`+patch+`}}`)
			}
			same(t, tt.key, dig(answer, "deployment_configs", "production", tt.key), tt.want)
			same(t, "preview", dig(answer, "deployment_configs", "preview"), newConfig)
			if diff := cmp.Diff(answer, c.get(projects+"/site")); diff != "" {
				t.Errorf("it is read differently (-answer +read):\n%s", diff)
			}
		})
	}
}

func TestProject_patch(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.project("site")
	for _, body := range []string{`{"production_branch":"trunk"}`, `{}`} {
		same(t, body, c.must("PATCH", projects+"/site", body)["production_branch"], `"trunk"`)
	}
}
