package cloudflare_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// takeIDs checks that these are hexadecimal and of that length, and removes them.
func takeIDs(t *testing.T, result any, length map[string]int) any {
	t.Helper()
	hex := regexp.MustCompile(`^[0-9a-f]+$`)
	m := result.(map[string]any)
	for key, n := range length {
		if s, _ := m[key].(string); len(s) != n || !hex.MatchString(s) {
			t.Errorf("%s is %v", key, m[key])
		}
		delete(m, key)
	}
	return m
}

func TestScript_upload(t *testing.T) {
	now := morning
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	ids := map[string]int{"tag": 32, "deployment_id": 32, "etag": 64}
	const metadata = `{
		"main_module": "worker.js", "compatibility_date": "2026-01-01", "logpush": false, "usage_model": "standard",
		"observability": {"enabled": true, "logs": {"enabled": true, "invocation_logs": true}},
		"bindings": [{"type":"plain_text","name":"STACK","text":"portfolio/dev"}]}`
	first := c.must("PUT", scripts+"/api", upload(metadata))
	tag, etag, version, created := first["tag"], first["etag"], first["deployment_id"], first["created_on"]
	same(t, "the answer", takeIDs(t, first, ids), `{
		"created_on": "2026-03-04T05:06:07.00089Z", "modified_on": "2026-03-04T05:06:07.00089Z",
		"id": "api", "entry_point": "worker.js", "tags": null, "tail_consumers": null, "logpush": false,
		"observability": {"enabled": true, "logs": {
			"enabled": true, "invocation_logs": true, "head_sampling_rate": null, "persist": null}},
		"has_assets": false, "has_modules": true, "handlers": ["fetch"], "last_deployed_from": "api",
		"compatibility_date": "2026-01-01", "usage_model": "standard", "startup_time_ms": 2
	}`)
	service := c.get(services + "/api")
	if diff := cmp.Diff(any(first), takeIDs(t, dig(service, "default_environment", "script"), ids)); diff != "" {
		t.Errorf("the service's script (-answer +service):\n%s", diff)
	}
	same(t, "its environment", dig(service, "default_environment", "environment"), `"production"`)
	same(t, "the settings", c.get(scripts+"/api/settings"), `{
		"bindings": [{"type": "plain_text", "name": "STACK", "text": "portfolio/dev"}],
		"observability": {"enabled": true, "logs": {"enabled": true, "invocation_logs": true}},
		"compatibility_date": "2026-01-01", "compatibility_flags": [], "logpush": false, "placement": {},
		"tags": [], "tail_consumers": [], "usage_model": "standard"
	}`)

	// The same again changes the time and the version only.
	now = now.Add(time.Hour)
	again := c.must("PUT", scripts+"/api", upload(metadata))
	if again["tag"] != tag || again["etag"] != etag || again["created_on"] != created ||
		again["deployment_id"] == version || again["modified_on"] == created {
		t.Errorf("the second answer is %v", again)
	}
	// An upload keeps nothing from the one before.
	bare := c.must("PUT", scripts+"/api", form(
		part("metadata", "application/json", `{"main_module":"x.mjs"}`), part("x.mjs", esModule, "export default {}")))
	if bare["etag"] == etag || bare["observability"] != nil || bare["compatibility_date"] != nil ||
		bare["entry_point"] != "x.mjs" || len(c.cloud.Scripts()[0].Vars) != 0 {
		t.Errorf("the third answer is %v", bare)
	}
	c.header.Set("User-Agent", "wrangler/4.0.0")
	if got := c.must("PUT", scripts+"/api", upload(metadata))["last_deployed_from"]; got != "wrangler" {
		t.Errorf("it was deployed from %v", got)
	}
}

func TestScript_upload_allFields(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.worker("other")
	c.must("PUT", scripts+"/api", upload(`{
		"main_module": "worker.js", "compatibility_date": "2026-01-01", "compatibility_flags": ["nodejs_compat"],
		"logpush": true, "usage_model": "bundled", "placement": {"mode": "smart"}, "limits": {"cpu_ms": 50},
		"tags": ["a"], "tail_consumers": [{"service": "other"}],
		"keep_bindings": ["secret_text"],
		"annotations": {"workers/message": "m"},
		"observability": {"enabled": true, "head_sampling_rate": 0.5, "logs": null, "traces": {"enabled": true}},
		"bindings": [
			{"name":"G","type":"json","json":{"a":[1]}}, {"name":"H","type":"kv_namespace","namespace_id":"n"},
			{"name":"K","type":"service","service":"other","environment":"production","entrypoint":"E"},
			{"name":"L","type":"service","service":"api"}
		]}`))
	settings := c.get(scripts + "/api/settings")
	for key, want := range map[string]string{
		"limits": `{"cpu_ms":50}`, "placement": `{"mode":"smart","status":"SUCCESS","last_analyzed_at":"2026-03-04T05:06:07.00089Z"}`, "tags": `["a"]`, "usage_model": `"bundled"`,
		"compatibility_flags": `["nodejs_compat"]`, "tail_consumers": `[{"service":"other"}]`,
		"annotations": `{"workers/message":"m"}`, "main_module": `null`,
		"observability": `{"enabled":true,"head_sampling_rate":0.5,"logs":null,"traces":{"enabled":true}}`,
	} {
		same(t, key, dig(settings, key), want)
	}
	if got := each(dig(settings, "bindings"), "name"); strings.Join(got, "") != "GHKL" {
		t.Errorf("the bindings are %v", got)
	}
	if s := c.cloud.Scripts()[1]; s.Services["K"] != (cloudflare.Service{Service: "other", Environment: "production", Entrypoint: "E"}) {
		t.Errorf("the services are %v", s.Services)
	} else if len(s.CompatibilityFlags) != 1 || s.CompatibilityFlags[0] != "nodejs_compat" {
		t.Errorf("the flags are %v", s.CompatibilityFlags)
	}
}

func TestScript_content(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	lib, data := part("lib/ü \"quoted\".js", esModule, "export const a = 1\r\n--boundary\r\n"), part("data.bin", "application/octet-stream", "\x00\xff\n\r")
	main := part("src/worker.js", esModule+"; charset=utf-8", code)
	c.must("PUT", scripts+"/api", form(lib, data, part("metadata", "application/json", `{"main_module":"src/worker.js"}`), main))
	for _, path := range []string{"/api/content/v2", "/api"} {
		res := c.do("GET", scripts+path, nil)
		if got := res.header.Get("Cf-Entrypoint"); res.status != 200 || got != main.Name {
			t.Errorf("%s: %d, the entry point is %q", path, res.status, got)
		}
		parts, err := emulator.ReadForm(&http.Request{Header: res.header, Body: io.NopCloser(strings.NewReader(res.body))})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]emulator.Part{main, lib, data}, parts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
