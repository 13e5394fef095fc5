package cloudflare_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		part{"new.js", esModule, "export default { scheduled() {} }"},
		part{"metadata", "application/json", `{"main_module":"new.js","compatibility_date":"2026-02-02","logpush":false,
			"bindings":[{"type":"plain_text","name":"V","text":"v"},{"type":"inherit","name":"KEY"}],"annotations":{"workers/message":"second"}}`}))
	id := v["id"].(string)
	etag := dig(v, "resources", "script", "etag").(string)
	same(t, "the version", any(v), `{
		"id": "`+id+`", "number": 2, "startup_time_ms": 2,
		"annotations": {"workers/triggered_by": "upload", "workers/message": "second"},
		"metadata": {
			"created_on": "2026-03-04T05:06:08.00089Z", "modified_on": "2026-03-04T05:06:08.00089Z", "source": "wrangler",
			"author_id": "00000000000000000000000000000002", "author_email": "sandbox@example.com"
		},
		"resources": {
			"bindings": [{"type": "plain_text", "name": "V", "text": "v"}, {"type": "secret_text", "name": "KEY"}],
			"script": {"etag": "`+etag+`", "handlers": ["scheduled"], "last_deployed_from": "wrangler"},
			"script_runtime": {"compatibility_date": "2026-02-02", "usage_model": "standard"}
		}
	}`)
	if diff := cmp.Diff(any(v), c.get(api+"/versions/"+id)); diff != "" {
		t.Errorf("it is read differently (-created +read):\n%s", diff)
	}
	if s := c.cloud.Scripts()[0]; s.MainModule != "worker.js" || len(s.Vars) != 0 {
		t.Errorf("a version that is not deployed runs: %+v", s)
	}

	d := c.must("POST", api+"/deployments", one(id))
	same(t, "the deployment's annotations", d["annotations"], `{"workers/triggered_by": "deployment", "workers/message": "now"}`)
	s := c.cloud.Scripts()[0]
	if s.MainModule != "new.js" || s.Vars["V"] != "v" || !s.Secrets["KEY"].Is("hidden") || s.CompatibilityDate != "2026-02-02" {
		t.Errorf("the deployed version does not run: %+v", s)
	}
	settings := c.get(api + "/settings")
	same(t, "logpush, which no version has", dig(settings, "logpush"), `true`)
	same(t, "the tags, which no version has", dig(settings, "tags"), `["a"]`)

	// A secret is a version that runs at once. The first version can run again.
	c.must("PUT", api+"/secrets", `{"name":"NEW","type":"secret_text","text":"x"}`)
	all := dig(c.get(api+"/versions?deployable=true"), "items")
	numbers := []any{}
	for _, v := range all.([]any) {
		numbers = append(numbers, dig(v, "number"))
	}
	if diff := cmp.Diff([]any{3.0, 2.0, 1.0}, numbers); diff != "" {
		t.Errorf("the versions (-want +got):\n%s", diff)
	}
	hex := first["deployment_id"].(string)
	back := strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
	c.must("POST", api+"/deployments", one(back))
	if s := c.cloud.Scripts()[0]; s.MainModule != "worker.js" || s.Module("worker.js") != code || len(s.Secrets) != 1 {
		t.Errorf("the first version does not run: %+v", s)
	}
	var versions []any
	for _, d := range dig(c.get(api+"/deployments"), "deployments").([]any) {
		versions = append(versions, dig(dig(d, "versions").([]any)[0], "version_id"))
	}
	if len(versions) != 4 || versions[0] != back || versions[2] != id || versions[3] != back {
		t.Errorf("the deployments are %v", versions)
	}
	same(t, "the Worker", c.get(account+"/workers/workers/api"), `{
		"id": "`+first["tag"].(string)+`", "name": "api", "subdomain": {"enabled": false, "previews_enabled": false},
		"created_on": "2026-03-04T05:06:07.00089Z", "updated_on": "2026-03-04T05:06:08.00089Z", "deployed_on": "2026-03-04T05:06:08.00089Z"
	}`)
}

func TestVersion_refused(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	api := scripts + "/api"
	c.worker("api")
	c.refused("POST", api+"/versions", upload(`{"main_module":"x.js"}`), 400, 10021, "No such module")
	c.refused("POST", api+"/versions", upload(`{"main_module":"worker.js","colour":1}`), 400, 8009999, "colour: unknown field")
	c.refused("GET", api+"/versions/x", nil, 404, 8009999, "no version x")
	c.refused("POST", api+"/deployments", one("x"), 404, 8009999, "no version x")
	for body, message := range map[string]string{
		`{}`: "strategy: is required",
		`{"strategy":"percentage","versions":[]}`:                                      "deploys one version",
		`{"strategy":"percentage","versions":[{"version_id":"x","percentage":50}]}`:    "percentage: must be 100",
		`{"strategy":"x","versions":[]}`:                                               "strategy: must be one of",
		`{"strategy":"percentage","versions":[],"annotations":{"workers/colour":"x"}}`: "unknown field",
	} {
		c.refused("POST", api+"/deployments", body, 400, 8009999, message)
	}
	c.refused("PATCH", api+"/script-settings", `{"usage_model":"standard"}`, 400, 8009999, "usage_model: unknown field")
	for range 12 {
		c.worker("api")
	}
	if n := len(dig(c.get(api+"/deployments"), "deployments").([]any)); n != 10 {
		t.Errorf("there are %d deployments", n)
	}
}
