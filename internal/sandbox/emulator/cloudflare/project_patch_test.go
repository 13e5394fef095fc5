package cloudflare_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
		"one is deleted": {[]string{
			`{"services":{"A":{"service":"api"},"B":{"service":"api"}}}`, `{"services":{"A":null}}`,
		}, "services", `{"B":{"service":"api"}}`},
		"the last is deleted": {[]string{
			`{"services":{"A":{"service":"api"}}}`, `{"services":{"A":null}}`,
		}, "services", `{}`},
		"a missing one is deleted": {[]string{`{"services":{"A":null}}`}, "services", `{}`},
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
		"a list is replaced": {[]string{
			`{"compatibility_flags":["a","b"]}`, `{"compatibility_flags":["c"]}`,
		}, "compatibility_flags", `["c"]`},
		"limits": {[]string{`{"limits":{"cpu_ms":5}}`, `{"limits":{"cpu_ms":null}}`}, "limits", `{}`},
		"a variable": {[]string{
			`{"env_vars":{"V":{"type":"plain_text","value":"1"},"S":{"type":"secret_text","value":"2"}}}`,
			`{"env_vars":{"V":{"type":"plain_text","value":"3"}}}`,
		}, "env_vars", `{"V":{"type":"plain_text","value":"3"},"S":{"type":"secret_text","value":""}}`},
		"a variable becomes a secret": {[]string{
			`{"env_vars":{"V":{"type":"plain_text","value":"1"}}}`, `{"env_vars":{"V":{"type":"secret_text","value":"1"}}}`,
		}, "env_vars", `{"V":{"type":"secret_text","value":""}}`},
		"the hash is replaced": {[]string{
			`{"wrangler_config_hash":"h1"}`, `{"wrangler_config_hash":"h2"}`,
		}, "wrangler_config_hash", `"h2"`},
		"the hash stays": {[]string{
			`{"wrangler_config_hash":"h1"}`, `{"services":{"A":{"service":"api"}}}`,
		}, "wrangler_config_hash", `"h1"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, &cloudflare.Cloud{})
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
	c := serve(t, &cloudflare.Cloud{})
	c.project("site")
	p := c.must("PATCH", projects+"/site", `{"name":"site","production_branch":"trunk","build_config":{"build_command":"make","root_dir":"x"}}`)
	same(t, "production_branch", p["production_branch"], `"trunk"`)
	for _, tt := range []struct{ body, key, want string }{
		{`{"build_config":{"root_dir":null,"destination_dir":"dist"}}`, "build_config",
			`{"build_command":"make","destination_dir":"dist","web_analytics_tag":null,"web_analytics_token":null}`},
		{`{"build_config":null}`, "build_config", `{"web_analytics_tag":null,"web_analytics_token":null}`},
		{`{"source":{"type":"github","config":{"owner":"o"}}}`, "source", `{"type":"github","config":{"owner":"o"}}`},
		{`{"source":{"config":{"repo_name":"r"}}}`, "source", `{"type":"github","config":{"owner":"o","repo_name":"r"}}`},
	} {
		same(t, tt.body, c.must("PATCH", projects+"/site", tt.body)[tt.key], tt.want)
	}
	for body, message := range map[string]string{
		`{"name":"other"}`:                           "cannot be renamed",
		`{"deployment_configs":{"production":null}}`: "must be an object",
		`{"subdomain":"x"}`:                          "subdomain: unknown field",
	} {
		c.refused("PATCH", projects+"/site", body, 400, 8009999, message)
	}
}

// A PATCH with a bad service binding does nothing else either.
func TestProject_patch_service(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api")
	c.project("site")
	for binding, name := range map[string]string{
		`{}`: "", `{"environment":"production"}`: "", `{"service":""}`: "", `{"service":null}`: "",
		`{"service":"nobody","environment":"production"}`: "nobody",
	} {
		c.refused("PATCH", projects+"/site", `{"production_branch":"trunk","deployment_configs":{
			"preview":{"services":{"API":{"service":"api"}}},"production":{"services":{"API":`+binding+`}}}}`,
			400, 8000022, "Invalid Service name ("+name+"). Check your Service name and try again.")
	}
	// A binding outlives its Worker until it is set again.
	const bind = `{"deployment_configs":{"production":{"services":{"API":{"service":"api"}}}}}`
	c.must("PATCH", projects+"/site", bind)
	c.must("DELETE", scripts+"/api", nil)
	p := c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"fail_open":false}}}`)
	same(t, "services", dig(p, "deployment_configs", "production", "services"), `{"API":{"service":"api"}}`)
	c.refused("PATCH", projects+"/site", bind, 400, 8000022, "Invalid Service name (api)")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"services":{"API":null}}}}`)
}

// After any PATCHes a config has what the last of them said of each name.
func TestProject_patch_property(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		pick := func(from ...string) string { return from[random.IntN(len(from))] }
		draw := map[string]func() map[string]any{
			"services":      func() map[string]any { return map[string]any{"service": pick("api", "other")} },
			"env_vars":      func() map[string]any { return map[string]any{"type": "plain_text", "value": pick("1", "2", "")} },
			"kv_namespaces": func() map[string]any { return map[string]any{"namespace_id": pick("x", "y")} },
			"browsers":      func() map[string]any { return map[string]any{} },
		}
		c := serve(t, &cloudflare.Cloud{})
		c.worker("api")
		c.worker("other")
		c.project("site")
		want := map[string]map[string]map[string]any{"production": {}, "preview": {}}
		for range 40 {
			configs := map[string]map[string]any{"production": {}, "preview": {}}
			for _, environment := range []string{"production", "preview"} {
				have := want[environment]
				for _, kind := range slices.Sorted(maps.Keys(draw)) {
					switch random.IntN(6) {
					case 0:
						configs[environment][kind] = nil
						have[kind] = nil
					case 1, 2, 3:
						patch := map[string]any{}
						configs[environment][kind] = patch
						if have[kind] == nil {
							have[kind] = map[string]any{}
						}
						for _, name := range []string{"A", "B", "_c1"} {
							switch random.IntN(3) {
							case 0:
								patch[name] = nil
								delete(have[kind], name)
							case 1:
								patch[name] = draw[kind]()
								have[kind][name] = patch[name]
							}
						}
					}
				}
			}
			got := c.must("PATCH", projects+"/site", map[string]any{"deployment_configs": configs})
			for environment, config := range want {
				for kind, bindings := range config {
					text, err := json.Marshal(bindings)
					if err != nil {
						t.Fatal(err)
					}
					var want any
					if err := json.Unmarshal(text, &want); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, dig(got, "deployment_configs", environment, kind), cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("seed %d: %s of %s (-want +got):\n%s", seed, kind, environment, diff)
					}
				}
			}
		}
	}
}
