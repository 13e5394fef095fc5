package main

import (
	"cmp"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// agreesWithConfig checks what the clouds have against the configuration.
func (c *trial) agreesWithConfig(when string) {
	c.Helper()
	if c.project != "" {
		return // the configuration is in another file
	}
	text := func(key, otherwise string) string {
		value, _ := c.Config["portfolio:"+key].(string)
		return cmp.Or(value, otherwise)
	}
	name, worker := text("pagesProject", "portfolio"), text("worker", "portfolio-api")
	project := find(c.clouds.Cloudflare.Projects(), func(p cloudflare.Project) bool { return p.Name == name })
	script := find(c.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name == worker })
	if project == nil || script == nil {
		return // the names are the default
	}
	have, want := map[string]any{}, map[string]any{}
	agree := func(what string, is, wanted any) { have[what], want[what] = is, wanted }
	binding := text("binding", "API_SERVICE")
	agree("binding", project.Production.Services[binding].Service, worker)
	if text("previewBinding", "production") == "production" {
		agree("preview binding", project.Preview.Services[binding].Service, worker)
	}
	siteVars, _ := c.Config["portfolio:siteVars"].(map[string]any)
	for name, value := range siteVars {
		agree("variable of the site "+name, []any{project.Production.Vars[name], project.Preview.Vars[name]}, []any{value, value})
	}
	vars, _ := c.Config["portfolio:vars"].(map[string]any)
	for name, value := range vars {
		agree("variable of the Worker "+name, script.Vars[name], value)
	}
	if domain := text("domain", ""); domain != "" {
		agree("domain", slices.Contains(project.Domains, domain), true)
		if text("zoneId", "") != "" {
			agree("record", slices.ContainsFunc(c.clouds.Cloudflare.Records(), func(r cloudflare.Record) bool {
				return r.Name == domain && r.Content == name+".pages.dev"
			}), true)
		}
	}
	diff := gocmp.Diff(want, have)
	if diff != "" && diff != c.disagreed {
		c.Errorf("%s: the clouds do not agree with the configuration (-want +have):\n%s", when, diff)
	}
	c.disagreed = diff // said once
}
