package cloudflare_test

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const deployments = projects + "/site/deployments"

// bundle is Functions of one module, as a client sends them.
func bundle(metadata string) emulator.Part {
	return part("_worker.bundle", "application/octet-stream", form(
		part("metadata", "", metadata), part("functions.js", esModule, code)).content)

}

func manifestOf(all ...asset) emulator.Part {
	m := map[string]string{}
	for _, a := range all {
		m[a.path] = a.key
	}
	text, _ := json.Marshal(m)
	return part("manifest", "", string(text))
}

// fetch asks a deployment for a path, without a token.
func (c *client) fetch(url string) (status int, contentType, body string) {
	rec := httptest.NewRecorder()
	c.cloud.ServeHTTP(rec, httptest.NewRequest("GET", url, nil))
	return rec.Code, rec.Header().Get("Content-Type"), rec.Body.String()
}

func TestDeployment_create(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file, DeployTime: -1})
	c.worker("api")
	c.project("site")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{
		"compatibility_flags":["nodejs_compat"],
		"services":{"API":{"service":"api","environment":"production"}},
		"env_vars":{"S":{"type":"secret_text","value":"hidden"},"V":{"type":"plain_text","value":"v"}}}}}`)
	c.uploadAssets(page, shout, empty)
	d := c.must("POST", deployments, form(
		manifestOf(page, shout, empty), part("branch", "", "main"), part("commit_message", "", "first"),
		part("commit_hash", "", "abc"), part("commit_dirty", "", "true"),
		part("_headers", "application/octet-stream", "/*\n  X-A: b\n"), part("_routes.json", "", `{"version":1}`),
		bundle(`{"main_module":"functions.js"}`)))
	same(t, "the environment", d["environment"], `"production"`)
	same(t, "the stage", dig(d, "latest_stage", "status"), `"success"`)
	same(t, "the trigger", d["deployment_trigger"], `{"type":"ad_hoc","metadata":{
		"branch":"main","commit_hash":"abc","commit_message":"first","commit_dirty":true}}`)
	same(t, "canonical", dig(c.get(projects+"/site"), "canonical_deployment", "id"), `"`+d["id"].(string)+`"`)
	// What is set now is for the next deployment.
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"services":{"API":null},"env_vars":{"V":null}}}}`)

	want := cloudflare.Site{
		Project: "site", Deployment: d["id"].(string),
		Files:   map[string]string{page.path: page.key, shout.path: shout.key, empty.path: empty.key},
		Headers: []byte("/*\n  X-A: b\n"), Routes: []byte(`{"version":1}`),
		Worker: &cloudflare.Worker{
			MainModule: "functions.js", Modules: []emulator.Part{{Name: "functions.js", Type: esModule, Content: []byte(code)}},
			CompatibilityDate: "2026-03-04", CompatibilityFlags: []string{"nodejs_compat"},
		},
		Config: cloudflare.Config{
			Services: map[string]cloudflare.Service{"API": {Service: "api", Environment: "production"}},
			Vars:     map[string]string{"V": "v"},
		},
	}
	for name, cloud := range map[string]*cloudflare.Cloud{"as it was deployed": c.cloud, "after a restart": newClient(t, &cloudflare.Cloud{File: file}).cloud} {
		got, ok, err := cloud.Site("site")
		if err != nil || !ok {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		secret := got.Secrets["S"]
		if value, ok := cloud.Reveal(secret); !secret.Is("hidden") || ok != (cloud == c.cloud) || ok && value != "hidden" {
			t.Errorf("%s: the secret is %q", name, value)
		}
		got.Secrets = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	// A deployment without a manifest of files, and one to a branch.
	static := c.must("POST", deployments, form(part("manifest", "", "{}")))
	same(t, "uses_functions", static["uses_functions"], `false`)
	if site, ok, err := c.cloud.Site("site"); !ok || err != nil || site.Deployment != static["id"] || site.Worker != nil {
		t.Errorf("the site is %+v, %v", site, err)
	}
	preview := c.must("POST", deployments, form(part("manifest", "", "{}"), part("branch", "", "Fix/it"), part("wrangler_config_hash", "", "h")))
	same(t, "the aliases", preview["aliases"], `["https://fix-it.site.pages.dev"]`)
	same(t, "the hash", dig(c.get(projects+"/site"), "deployment_configs", "preview", "wrangler_config_hash"), `"h"`)
	if site, _, _ := c.cloud.Site("site"); site.Deployment != static["id"] {
		t.Error("a preview is served to all")
	}
	if _, ok, err := c.cloud.Site("none"); ok || err != nil {
		t.Errorf("a missing project has a site, %v", err)
	}
}

func TestDeployment_create_wranglerFile(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.worker("api")
	c.project("site")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{
		"services":{"OLD":{"service":"api"}},
		"env_vars":{"S":{"type":"secret_text","value":"hidden"},"V":{"type":"plain_text","value":"v"}}}}}`)
	c.must("POST", deployments, form(part("manifest", "", "{}"), part("wrangler_config_hash", "", "h"), part("pages_build_output_dir", "", "dist"),
		bundle(`{"main_module":"functions.js","compatibility_date":"2026-02-02","compatibility_flags":["nodejs_compat"],"bindings":[
			{"type":"service","name":"NEW","service":"api"}, {"type":"plain_text","name":"W","text":"w"}]}`)))
	config := dig(c.get(projects+"/site"), "deployment_configs", "production")
	same(t, "the services", dig(config, "services"), `{"NEW": {"service": "api"}}`)
	same(t, "the variables", dig(config, "env_vars"), `{"S": {"type": "secret_text", "value": ""}, "W": {"type": "plain_text", "value": "w"}}`)
	same(t, "the hash", dig(config, "wrangler_config_hash"), `"h"`)
	same(t, "the flags", dig(config, "compatibility_flags"), `["nodejs_compat"]`)
	same(t, "the deployment's date", dig(c.get(projects+"/site"), "latest_deployment", "compatibility_date"), `"2026-02-02"`)
	same(t, "the deployment's variables", dig(c.get(projects+"/site"), "latest_deployment", "env_vars", "W"), `{"type": "plain_text", "value": "w"}`)
}

func TestDeployment_stages(t *testing.T) {
	now, throws := morning, ""
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }, DeployTime: 2 * time.Second})
	c.cloud.CheckStart(func(cloudflare.Worker, map[string]string) string { return throws })
	c.project("site")
	c.uploadAssets(page)
	for _, tt := range []struct {
		name, throws, status, line string
		canonical                  bool
	}{
		{"it succeeds", "", "success", "Success: Your site was deployed!", true},
		{"it fails", "Script startup exceeded CPU time limit", "failure",
			"Error: Failed to publish your Function. Got error: Script startup exceeded CPU time limit", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			throws = tt.throws
			live := dig(c.get(projects+"/site"), "canonical_deployment", "id")
			id := c.must("POST", deployments, form(manifestOf(page), bundle(`{"main_module":"functions.js"}`)))["id"].(string)
			url := "https://" + id[:8] + ".site.pages.dev/"
			for _, step := range []struct {
				after         time.Duration
				stage, status string
			}{
				{0, "queued", "active"}, {time.Second, "deploy", "active"}, {2*time.Second - 1, "deploy", "active"},
			} {
				now = morning.Add(step.after)
				stage := dig(c.get(deployments+"/"+id), "latest_stage")
				if dig(stage, "name") != step.stage || dig(stage, "status") != step.status {
					t.Errorf("after %s it is %v", step.after, stage)
				}
				p := c.get(projects + "/site")
				if got := dig(p, "canonical_deployment", "id"); got != live || dig(p, "latest_deployment", "id") != id {
					t.Errorf("after %s %v is live", step.after, got)
				}
				if status, _, _ := c.fetch(url); status != 404 {
					t.Errorf("after %s it answers %d", step.after, status)
				}
			}
			now = morning.Add(2 * time.Second)
			same(t, "the end", dig(c.get(deployments+"/"+id), "latest_stage"), `{
				"name": "deploy", "started_on": null, "ended_on": "2026-03-04T05:06:09.00089Z", "status": "`+tt.status+`"}`)
			if got := dig(c.get(projects+"/site"), "canonical_deployment", "id"); (got == id) != tt.canonical || got == nil {
				t.Errorf("%v is live", got)
			}
			logs := c.get(deployments + "/" + id + "/history/logs?size=10000000")
			lines := dig(logs, "data").([]any)
			if last := dig(lines[len(lines)-1], "line"); last != tt.line || dig(logs, "total") != float64(len(lines)) {
				t.Errorf("the log is %v", logs)
			}
			if status, _, _ := c.fetch(url); (status == 200) != tt.canonical {
				t.Errorf("it answers %d", status)
			}
			now = morning
		})
	}
}
