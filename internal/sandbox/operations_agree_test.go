package main

import (
	"cmp"
	"slices"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// agreesWithConfig checks what the clouds have against the configuration.
func (c *trial) agreesWithConfig(when string) {
	c.Helper()
	if c.project != "" {
		return // the configuration is in another file
	}
	once := func(format string, args ...any) {
		if !c.disagreed[format] {
			c.Errorf(when+": "+format, args...)
		}
		c.disagreed[format] = true
	}
	text := func(key, otherwise string) string {
		value, _ := c.Config["portfolio:"+key].(string)
		return cmp.Or(value, otherwise)
	}
	texts := func(key string) map[string]string {
		all := map[string]string{}
		values, _ := c.Config["portfolio:"+key].(map[string]any)
		for name, value := range values {
			all[name], _ = value.(string)
		}
		return all
	}
	name, worker := text("pagesProject", "portfolio"), text("worker", "portfolio-api")
	project := find(c.clouds.Cloudflare.Projects(), func(p cloudflare.Project) bool { return p.Name == name })
	script := find(c.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name == worker })
	if project == nil || script == nil {
		return // the names are the default
	}
	binding := text("binding", "API_SERVICE")
	if have := project.Production.Services[binding].Service; have != worker {
		once("the project's binding %s leads to %q", binding, have)
	}
	if have := project.Preview.Services[binding].Service; have != worker && text("previewBinding", "production") == "production" {
		once("the project's preview binding %s leads to %q", binding, have)
	}
	for name, value := range texts("siteVars") {
		if project.Production.Vars[name] != value || project.Preview.Vars[name] != value {
			once("the project's variable %s is %q and %q", name, project.Production.Vars[name], project.Preview.Vars[name])
		}
	}
	for name, value := range texts("vars") {
		if script.Vars[name] != value {
			once("the Worker's variable %s is %q", name, script.Vars[name])
		}
	}
	domain := text("domain", "")
	if domain != "" && !slices.Contains(project.Domains, domain) {
		once("the project's domains are %v", project.Domains)
	}
	if domain != "" && text("zoneId", "") != "" && !slices.ContainsFunc(c.clouds.Cloudflare.Records(), func(r cloudflare.Record) bool {
		return r.Name == domain && r.Content == name+".pages.dev"
	}) {
		once("there is no record of %s: %v", domain, c.clouds.Cloudflare.Records())
	}
}
