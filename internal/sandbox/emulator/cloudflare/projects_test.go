package cloudflare_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// newConfig is the config of a new project.
const newConfig = `{
	"always_use_latest_compatibility_date": false, "build_image_major_version": 3,
	"compatibility_date": "2026-03-04", "compatibility_flags": [], "env_vars": null,
	"fail_open": true, "usage_model": "standard"
}`

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestProject_create(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	p := c.project("site")
	if diff := cmp.Diff(any(p), c.get(projects+"/site")); diff != "" {
		t.Errorf("it is read differently (-created +read):\n%s", diff)
	}
	if id := p["id"].(string); !uuid.MatchString(id) {
		t.Errorf("the ID is %s", id)
	}
	delete(p, "id")
	same(t, "a new project", any(p), `{
		"name": "site", "subdomain": "site.pages.dev", "domains": ["site.pages.dev"],
		"build_config": {"web_analytics_tag": null, "web_analytics_token": null},
		"deployment_configs": {"production": `+newConfig+`, "preview": `+newConfig+`},
		"latest_deployment": null, "canonical_deployment": null,
		"created_on": "2026-03-04T05:06:07.00089Z", "production_branch": "main",
		"production_script_name": "pages-worker--1-production", "preview_script_name": "pages-worker--1-preview",
		"uses_functions": false, "framework": "", "framework_version": ""
	}`)
	c.must("DELETE", projects+"/site", nil)
	c.project("site")

	c.worker("api")
	all := c.must("POST", projects, `{
		"name": "all", "production_branch": "main", "deployment_configs": {"preview": {"services": {"API": {"service": "api"}}}}}`)
	same(t, "production", dig(all, "deployment_configs", "production"), newConfig)
	same(t, "services", dig(all, "deployment_configs", "preview", "services"), `{"API": {"service": "api"}}`)
}

func TestProject_subdomainTaken(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	suffixed := regexp.MustCompile(`^www-[0-9a-f]{3}\.pages\.dev$`)
	if got := c.project("www")["subdomain"].(string); !suffixed.MatchString(got) {
		t.Errorf("the subdomain is %s", got)
	}
}

func TestProject_list(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	if res := c.do("GET", projects, nil); len(res.Result.([]any)) != 0 || res.Info.TotalPages != 0 {
		t.Errorf("an empty list is %s", res.body)
	}
	for i := range 12 {
		c.project(fmt.Sprintf("p-%02d", i))
	}
	for _, tt := range []struct {
		query                   string
		page, size, count, last int
	}{
		{"", 1, 10, 10, 9}, {"?page=2", 2, 10, 2, 11}, {"?per_page=5&page=3", 3, 5, 2, 11}, {"?page=9", 9, 10, 0, 0},
		{"?page=9223372036854775807", 9223372036854775807, 10, 0, 0},
	} {
		res := c.do("GET", projects+tt.query, nil)
		i, got := res.Info, each(res.Result, "name")
		if i.Page != tt.page || i.PerPage != tt.size || i.Count != tt.count || i.TotalCount != 12 ||
			i.TotalPages != (12+tt.size-1)/tt.size || len(got) != tt.count {
			t.Errorf("%s: %+v, %v", tt.query, i, got)
		}
		if tt.count > 0 && got[tt.count-1] != fmt.Sprintf("p-%02d", tt.last) {
			t.Errorf("%s: %v", tt.query, got)
		}
	}
}
