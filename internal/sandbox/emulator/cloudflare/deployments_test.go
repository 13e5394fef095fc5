package cloudflare_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestDeployment(t *testing.T) {
	now := morning
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	id := c.project("site")["id"].(string)
	if _, err := c.cloud.AddDeployment("none", ""); err == nil {
		t.Error("a missing project was deployed")
	}
	first := c.deploy("")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"preview":{
		"compatibility_date":"2025-05-05","env_vars":{"S":{"type":"secret_text","value":"s"},"V":{"type":"plain_text","value":"v"}}}}}`)
	now = now.Add(time.Second)
	second := c.deploy("feature")
	p := c.get(projects + "/site")
	same(t, "latest", dig(p, "latest_deployment", "id"), `"`+second+`"`)
	same(t, "canonical", dig(p, "canonical_deployment", "id"), `"`+first+`"`)
	same(t, "uses_functions", dig(p, "uses_functions"), `true`)
	const created = "2026-03-04T05:06:08.00089Z"
	same(t, "the deployment", c.get(deployments+"/"+second), `{
		"id": "`+second+`", "short_id": "`+second[:8]+`", "project_id": "`+id+`", "project_name": "site",
		"environment": "preview", "url": "https://`+second[:8]+`.site.pages.dev",
		"created_on": "`+created+`", "modified_on": "`+created+`",
		"latest_stage": {"name": "deploy", "started_on": null, "ended_on": "`+created+`", "status": "success"},
		"stages": [
			{"name": "queued", "started_on": "`+created+`", "ended_on": null, "status": "active"},
			{"name": "initialize", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "clone_repo", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "build", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "deploy", "started_on": null, "ended_on": "`+created+`", "status": "success"}
		],
		"deployment_trigger": {"type": "ad_hoc", "metadata": {
			"branch": "feature", "commit_hash": "", "commit_message": "", "commit_dirty": false}},
		"build_config": {"web_analytics_tag": null, "web_analytics_token": null},
		"env_vars": {"S": {"type": "secret_text", "value": ""}, "V": {"type": "plain_text", "value": "v"}},
		"compatibility_date": "2025-05-05", "compatibility_flags": [], "build_image_major_version": 3,
		"usage_model": "standard", "aliases": ["https://feature.site.pages.dev"], "is_skipped": false,
		"production_branch": "main", "uses_functions": true
	}`)

	// A deployment keeps the config with which it was made.
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"preview":{"env_vars":{"V":null,"S":null}}}}`)
	same(t, "env_vars", dig(c.get(deployments+"/"+second), "env_vars"),
		`{"S": {"type": "secret_text", "value": ""}, "V": {"type": "plain_text", "value": "v"}}`)
	third := c.deploy("feature")
	same(t, "env_vars", dig(c.get(deployments+"/"+third), "env_vars"), `{}`)
	for query, want := range map[string][]string{
		"":                    {third, second, first},
		"?env=production":     {first},
		"?env=preview&page=1": {third, second},
		"?env=preview&page=2": {},
		"?per_page=25&env=":   {third, second, first},
		"?per_page=1&page=2":  {second},
		"?per_page=2&page=2":  {first},
	} {
		if diff := cmp.Diff(want, each(c.get(deployments+query), "id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestDeployment_delete(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.project("site")
	old, older := c.deploy(""), c.deploy("feature")
	live, aliased, other := c.deploy(""), c.deploy("feature"), c.deploy("other")
	c.must("DELETE", deployments+"/"+old, nil)
	c.must("DELETE", deployments+"/"+older, nil)
	c.must("DELETE", deployments+"/"+aliased+"?force=true", nil)
	if diff := cmp.Diff([]string{other, live}, each(c.get(deployments), "id")); diff != "" {
		t.Errorf("the deployments (-want +got):\n%s", diff)
	}
}
