package cloudflare_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Code starts with all its variables. Code that throws as it starts is refused, as on
// Cloudflare.
func TestCloud_CheckStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file, DeployTime: -1})
	var thrown string
	var started []map[string]string
	check := func(code cloudflare.Worker, vars map[string]string) string {
		if code.Module(code.MainModule) == "" || code.CompatibilityDate == "" {
			t.Errorf("the code is %+v", code)
		}
		started = append(started, vars)
		return thrown
	}
	c.cloud.CheckStart(check)
	want := func(what string, vars ...map[string]string) {
		t.Helper()
		if diff := cmp.Diff(vars, started); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		started = nil
	}
	const metadata = `{"main_module":"worker.js","compatibility_date":"2026-01-01","bindings":[
		{"type":"plain_text","name":"V","text":"v"},{"type":"secret_text","name":"S","text":"hidden"}]}`
	vars := map[string]string{"V": "v", "S": "hidden"}
	c.must("PUT", scripts+"/api", upload(metadata))
	want("an upload", vars)
	c.project("site")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{"env_vars":{
		"S":{"type":"secret_text","value":"hidden"},"V":{"type":"plain_text","value":"v"}}}}}`)
	c.uploadAssets(page)
	functions := form(manifestOf(page), bundle(`{"main_module":"functions.js"}`))
	c.must("POST", deployments, functions)
	want("Functions", vars)
	c.must("POST", deployments, form(manifestOf(page)))
	want("files alone")

	thrown = "Uncaught ReferenceError: nope is not defined\n  at worker.js:1:1"
	c.refused("PUT", scripts+"/api", upload(metadata), 400, 10021, thrown)
	c.refused("PUT", scripts+"/new", upload(metadata), 400, 10021, thrown)
	c.refused("POST", scripts+"/api/versions", upload(metadata), 400, 10021, thrown)
	id := c.must("POST", deployments, functions)["id"].(string)
	same(t, "the stage", dig(c.get(deployments+"/"+id), "latest_stage", "status"), `"failure"`)
	lines := dig(c.get(deployments+"/"+id+"/history/logs"), "data").([]any)
	if last := dig(lines[len(lines)-1], "line"); last != "Error: Failed to publish your Function. Got error: "+thrown {
		t.Errorf("the log ends with %q", last)
	}

	// Without its secrets, nothing is known about a start.
	again := newClient(t, &cloudflare.Cloud{File: file, DeployTime: -1})
	again.cloud.CheckStart(check)
	started = nil
	again.must("POST", deployments, functions)
	want("without the secret's value")
}
