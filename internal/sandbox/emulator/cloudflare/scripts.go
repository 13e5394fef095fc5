package cloudflare

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// script is a Worker.
type script struct {
	Name     string    `json:"name"`
	Tag      string    `json:"tag"`
	Number   int       `json:"number"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	// From says who changed the Worker last: the API or wrangler.
	From string `json:"from"`
	// version is the one that runs.
	version
	// Uploaded is the version that wrangler uploaded last.
	Uploaded *version `json:"uploaded,omitempty"`
	// Enabled and Previews concern the Worker's address under workers.dev.
	Enabled  bool `json:"enabled"`
	Previews bool `json:"previews"`
}

// version is a Worker's code with its bindings and settings.
type version struct {
	ID string `json:"version"`
	// Settings are the parts of the metadata that can be read back.
	Settings map[string]any   `json:"settings"`
	Bindings []map[string]any `json:"bindings"`
	// Entry is the name of the main module.
	Entry   string          `json:"entry"`
	Modules []emulator.Part `json:"modules"`
	Etag    string          `json:"etag"`
}

func (s *script) age() int { return s.Number }

// run makes a version the one that runs.
func (s *script) run(c *call, v version) {
	s.version, s.Modified, s.From = v, c.now, c.client()
}

// changed gives the Worker the ID of a new version.
func (s *script) changed(c *call) {
	v := s.version
	v.ID = newUUID()
	s.run(c, v)
}

// client returns the caller's name as a Worker shows it.
func (c *call) client() string {
	if strings.HasPrefix(c.UserAgent(), "wrangler/") {
		return "wrangler"
	}
	return "api"
}

// withScript passes the call's Worker to h.
func withScript(h func(*call, *script) (any, error)) handler {
	return func(c *call) (any, error) {
		s, ok := c.state.Scripts[c.PathValue("script")]
		if !ok {
			return nil, noScript(10007)
		}
		return h(c, s)
	}
}

func noScript(code int) error {
	return refuse(http.StatusNotFound, code, "This Worker does not exist on your account.")
}

func getService(c *call) (any, error) {
	s, ok := c.state.Scripts[c.PathValue("script")]
	if !ok {
		return nil, noScript(10090)
	}
	return map[string]any{
		"id": s.Name, "created_on": s.Created, "modified_on": s.Modified,
		"default_environment": map[string]any{
			"environment": "production", "created_on": s.Created, "modified_on": s.Modified,
			"script": s.describe(),
		},
	}, nil
}

// getWorker shows a Worker as the beta of another API does. It has only what wrangler reads.
// https://developers.cloudflare.com/api/resources/workers/subresources/beta/subresources/workers/methods/get/
func getWorker(_ *call, s *script) (any, error) {
	return map[string]any{
		"id": s.Tag, "name": s.Name, "created_on": s.Created, "updated_on": s.Modified, "deployed_on": s.Modified,
		"subdomain": map[string]any{"enabled": s.Enabled, "previews_enabled": s.Previews},
	}, nil
}

// getContent returns the code as it was uploaded.
func getContent(_ *call, s *script) (any, error) {
	entry := slices.IndexFunc(s.Modules, func(m emulator.Part) bool { return m.Name == s.Entry })
	modules := slices.Clone(s.Modules)
	if entry > 0 { // it comes first
		modules = slices.Insert(slices.Delete(modules, entry, entry+1), 0, s.Modules[entry])
	}
	body, contentType := emulator.Form(modules...)
	return &document{http.Header{"Content-Type": {contentType}, "Cf-Entrypoint": {s.Entry}}, body}, nil
}

// listScripts shows no bindings, and all Workers on one page.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/methods/list/
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.22.0/internal/services/workers_script/list_data_source_model.go
func listScripts(c *call) (any, error) {
	all := []any{}
	for _, s := range byAge(c.state.Scripts) {
		item := s.describe()
		for _, ofUpload := range []string{"entry_point", "deployment_id", "startup_time_ms", "limits"} {
			delete(item, ofUpload)
		}
		all = append(all, item)
	}
	return all, nil
}

func deleteScript(c *call, s *script) (any, error) {
	if c.URL.Query().Get("force") != "true" {
		if err := c.state.checkUnbound(s.Name, c.now); err != nil {
			return nil, err
		}
	}
	delete(c.state.Scripts, s.Name)
	return map[string]any{"id": s.Tag}, nil
}

// checkUnbound refuses a Worker to which another Worker is bound, or the Functions of a Pages
// project as last deployed.
func (st *state) checkUnbound(name string, now time.Time) error {
	var workers, projects []string
	for _, s := range byAge(st.Scripts) {
		if s.Name != name && slices.ContainsFunc(s.Bindings, func(b map[string]any) bool {
			return b["type"] == "service" && b["service"] == name
		}) {
			workers = append(workers, s.Name)
		}
	}
	for _, p := range byAge(st.Projects) {
		bound := slices.ContainsFunc(p.serving(now), func(d deployment) bool {
			services := child(d.Config, "services")
			for binding := range services {
				if str(child(services, binding), "service") == name {
					return true
				}
			}
			return false
		})
		if bound {
			projects = append(projects, p.Name)
		}
	}
	by, names := "Workers", workers
	if len(workers) == 0 {
		by, names = "Pages projects", projects
	}
	if len(names) == 0 {
		return nil
	}
	return refuse(http.StatusBadRequest, 10142, "Cannot delete service '%s' because it is still referenced by "+
		"service bindings in %s '%s'. Please remove bindings pointing to it and try again.",
		name, by, strings.Join(names, "', '"))
}

// describe returns the Worker as the answer to an upload shows it.
func (s *script) describe() map[string]any {
	out := map[string]any{
		"created_on": s.Created, "modified_on": s.Modified, "id": s.Name, "tag": s.Tag,
		"tags": nil, "tail_consumers": nil, "logpush": false, "usage_model": "standard",
	}
	maps.Copy(out, s.Settings)
	if observability := child(out, "observability"); child(observability, "logs") != nil {
		logs := map[string]any{"enabled": nil, "head_sampling_rate": nil, "persist": nil, "invocation_logs": nil}
		maps.Copy(logs, child(observability, "logs"))
		observability = maps.Clone(observability)
		observability["logs"] = logs
		out["observability"] = observability
	}
	delete(out, "annotations")
	maps.Copy(out, map[string]any{
		"entry_point": s.Entry, "deployment_id": strings.ReplaceAll(s.ID, "-", ""), "has_assets": false, "has_modules": true,
		"etag": s.Etag, "handlers": []string{"fetch"}, "last_deployed_from": s.From, "startup_time_ms": 2,
	})
	return out
}
