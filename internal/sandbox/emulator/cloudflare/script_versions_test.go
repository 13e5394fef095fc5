package cloudflare_test

import (
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// one is the body that deploys one version.
func one(id string) map[string]any {
	return map[string]any{
		"strategy": "percentage", "versions": []any{map[string]any{"version_id": id, "percentage": 100}},
		"annotations": map[string]any{"workers/message": "now"}, "code_update_strategy": map[string]any{"mode": "immediate"},
	}
}

func TestVersion(t *testing.T) {
	now := morning
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	c.header.Set("User-Agent", "wrangler/4.164.0")
	api := scripts + "/api"
	first := c.worker("api", `{"type":"secret_text","name":"KEY","text":"hidden"}`)
	c.must("PATCH", api+"/script-settings", `{"logpush":true,"tags":["a"],"tail_consumers":null,"observability":{"enabled":false}}`)
	now = now.Add(time.Second)
	v := c.must("POST", api+"/versions?bindings_inherit=strict", form(
		part("new.js", esModule, "export default { scheduled() {} }"),
		part("metadata", "application/json", `{"main_module":"new.js","compatibility_date":"2026-02-02","logpush":false,
			"bindings":[{"type":"plain_text","name":"V","text":"v"},{"type":"inherit","name":"KEY"}],"annotations":{"workers/message":"second"}}`),
	))
	id := v["id"].(string)
	etag, _ := dig(v, "resources", "script", "etag").(string)
	same(t, "the version", any(v), `{"id": "`+id+`", "startup_time_ms": 2, "resources": {"script": {"etag": "`+etag+`"}}}`)
	if s := c.cloud.Scripts()[0]; s.MainModule != "worker.js" || len(s.Vars) != 0 {
		t.Errorf("a version that is not deployed runs: %+v", s)
	}
	running := func() string {
		t.Helper()
		d := dig(c.get(api+"/deployments"), "deployments").([]any)[0]
		return dig(dig(d, "versions").([]any)[0], "version_id").(string)
	}
	if hex := strings.ReplaceAll(running(), "-", ""); hex != first["deployment_id"] {
		t.Errorf("the version %s runs, not %v", hex, first["deployment_id"])
	}

	for range 2 { // wrangler repeats a call whose answer is lost
		c.must("POST", api+"/deployments", one(id))
	}
	s := c.cloud.Scripts()[0]
	if s.MainModule != "new.js" || s.Vars["V"] != "v" || !s.Secrets["KEY"].Is("hidden") || s.CompatibilityDate != "2026-02-02" || running() != id {
		t.Errorf("the deployed version does not run: %+v", s)
	}
	settings := c.get(api + "/settings")
	same(t, "logpush, which no version has", dig(settings, "logpush"), `true`)
	same(t, "the tags, which no version has", dig(settings, "tags"), `["a"]`)
	same(t, "the Worker", c.get(account+"/workers/workers/api"), `{
		"id": "`+first["tag"].(string)+`", "name": "api", "subdomain": {"enabled": false, "previews_enabled": false},
		"created_on": "2026-03-04T05:06:07.00089Z", "updated_on": "2026-03-04T05:06:08.00089Z", "deployed_on": "2026-03-04T05:06:08.00089Z"
	}`)
}
