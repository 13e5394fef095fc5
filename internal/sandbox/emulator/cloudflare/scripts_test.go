package cloudflare_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestScript_patchSettings(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.must("PUT", scripts+"/api", upload(`{"main_module":"worker.js","compatibility_date":"2026-01-01","tags":["a"],
		"bindings":[{"type":"secret_text","name":"S","text":"s"}],"observability":{"enabled":true,"head_sampling_rate":1}}`))
	settings := scripts + "/api/settings"
	patch := func(text string) emulator.Part { return part("settings", "application/json", text) }
	got := c.must("PATCH", settings, form(patch(`{"compatibility_date":"2026-02-02","observability":{"enabled":false},"tags":null}`)))
	same(t, "the settings", any(got), `{
		"bindings": [{"type": "secret_text", "name": "S"}], "observability": {"enabled": false},
		"compatibility_date": "2026-02-02", "compatibility_flags": [], "logpush": false, "placement": {},
		"tags": [], "tail_consumers": [], "usage_model": "standard"
	}`)
	if diff := cmp.Diff(any(got), c.get(settings)); diff != "" {
		t.Errorf("they are read differently (-answer +read):\n%s", diff)
	}
	got = c.must("PATCH", settings, form(patch(`{"bindings":[{"type":"inherit","name":"S"},{"type":"json","name":"J","json":1}]}`)))
	same(t, "the bindings", got["bindings"], `[{"type":"secret_text","name":"S"},{"type":"json","name":"J","json":1}]`)
	if s := c.cloud.Scripts()[0]; !s.Secrets["S"].Is("s") || s.Module("worker.js") != code {
		t.Errorf("the Worker is %+v", s)
	}
}

func TestScript_secrets(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.worker("api", `{"type":"plain_text","name":"V","text":"v"}`)
	secrets := scripts + "/api/secrets"
	same(t, "the secrets", c.get(secrets), `[]`)
	for _, text := range []string{"one", "two"} {
		same(t, "the answer", any(c.must("PUT", secrets, `{"type":"secret_text","name":"S","text":"`+text+`"}`)), `{"type":"secret_text","name":"S"}`)
		if !c.cloud.Scripts()[0].Secrets["S"].Is(text) {
			t.Errorf("the secret is not %s", text)
		}
	}
	same(t, "the secrets", c.get(secrets), `[{"type":"secret_text","name":"S"}]`)
	c.must("DELETE", secrets+"/S", nil)
	if s := c.cloud.Scripts()[0]; len(s.Secrets) != 0 || s.Vars["V"] != "v" {
		t.Errorf("the Worker is %+v", s)
	}
}

func TestScript_subdomain(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.worker("api")
	accounts := account + "/workers/subdomain"
	same(t, "the account's", c.get(accounts), `{"subdomain":"sandbox"}`)
	c.must("PUT", accounts, `{"subdomain":"sandbox"}`)
	own := scripts + "/api/subdomain"
	const none = `{"enabled":false,"previews_enabled":false}`
	same(t, "a new Worker's", c.get(own), none)
	for _, tt := range []struct{ body, want string }{
		{`{"enabled":true}`, `{"enabled":true,"previews_enabled":true}`},
		{`{"enabled":true,"previews_enabled":false}`, `{"enabled":true,"previews_enabled":false}`},
		{none, none},
	} {
		same(t, tt.body, any(c.must("POST", own, tt.body)), tt.want)
		same(t, tt.body, c.get(own), tt.want)
	}
	c.must("POST", own, `{"enabled":true}`)
	same(t, "a deleted one", any(c.must("DELETE", own, nil)), none)
	same(t, "a deleted one", c.get(own), none)
	without := newClient(t, &cloudflare.Cloud{NoSubdomain: true})
	without.refused("GET", accounts, nil, 404, 10007, "script_not_found")
	without.refused("PUT", scripts+"/api", upload(`{"main_module":"worker.js"}`), 403, 10063, "You need a workers.dev subdomain")
}

func TestScript_delete(t *testing.T) {
	const service = `{"type":"service","name":"API","service":"api"}`
	bind := func(c *client) {
		c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"services":{"API":{"service":"api"}}}}}`)
	}
	unbind := func(c *client) {
		c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"services":{"API":null}}}}`)
	}
	deploy := func(branch string) func(*client) { return func(c *client) { c.deploy(branch) } }
	front := func(bindings ...string) func(*client) { return func(c *client) { c.worker("front", bindings...) } }
	for name, tt := range map[string]struct {
		steps []func(*client)
		by    string // who is bound to it
	}{
		"free":                       {nil, ""},
		"bound by itself":            {[]func(*client){func(c *client) { c.worker("api", service) }}, ""},
		"bound by another":           {[]func(*client){front(service)}, "Workers 'front'"},
		"no longer bound":            {[]func(*client){front(service), front()}, ""},
		"bound, never deployed":      {[]func(*client){bind}, ""},
		"bound, deployed before":     {[]func(*client){deploy("main"), bind}, ""},
		"bound and deployed":         {[]func(*client){bind, deploy("main")}, "Pages projects 'site'"},
		"bound, preview deployed":    {[]func(*client){bind, deploy("feature")}, ""},
		"unbound, not deployed":      {[]func(*client){bind, deploy("main"), unbind, deploy("feature")}, "Pages projects 'site'"},
		"unbound and deployed":       {[]func(*client){bind, deploy("main"), unbind, deploy("main")}, ""},
		"bound by a deleted project": {[]func(*client){bind, deploy("main"), func(c *client) { c.must("DELETE", projects+"/site", nil) }}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, &cloudflare.Cloud{})
			tag := c.worker("api")["tag"]
			c.project("site")
			for _, step := range tt.steps {
				step(c)
			}
			query := ""
			if tt.by != "" {
				c.refused("DELETE", scripts+"/api", nil, 400, 10142,
					"Cannot delete service 'api' because it is still referenced by service bindings in "+tt.by)
				query = "?force=true"
			}
			if got := c.must("DELETE", scripts+"/api"+query, nil)["id"]; got != tag {
				t.Errorf("it answers %v, the tag was %v", got, tag)
			}
		})
	}
}

// A list has neither variables nor pages.
func TestScript_list(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	same(t, "an empty list", c.get(scripts), `[]`)
	for i := range 12 {
		c.worker(fmt.Sprintf("w-%02d", i), `{"type":"plain_text","name":"V","text":"v"}`)
	}
	list := c.get(scripts)
	if names := each(list, "id"); len(names) != 12 || names[0] != "w-00" || names[11] != "w-11" {
		t.Errorf("the list is %v", names)
	}
	first := list.([]any)[0].(map[string]any)
	for _, name := range []string{"tag", "etag", "created_on", "modified_on"} {
		if first[name] == "" || first[name] == nil {
			t.Errorf("no %s", name)
		}
		delete(first, name)
	}
	same(t, "a Worker", any(first), `{"id":"w-00","tags":null,"tail_consumers":null,"logpush":false,"usage_model":"standard",
		"compatibility_date":"2026-01-01","has_assets":false,"has_modules":true,"handlers":["fetch"],"last_deployed_from":"api"}`)
}
