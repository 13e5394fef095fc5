package cloudflare

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// script is a Worker.
type script struct {
	Name     string    `json:"name"`
	Tag      string    `json:"tag"`
	Number   int       `json:"number"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	// Uploads counts the PUTs.
	Uploads int `json:"uploads"`
	// Version is new with each change, Trigger says of what kind that was.
	Version string `json:"version"`
	Trigger string `json:"trigger"`
	From    string `json:"from"`
	// Settings are those parts of the metadata that can be read back.
	Settings map[string]any   `json:"settings"`
	Bindings []map[string]any `json:"bindings"`
	// Entry names the module that is run; Service says that it is a service
	// worker, which has no modules.
	Entry   string   `json:"entry"`
	Service bool     `json:"service,omitempty"`
	Modules []module `json:"modules"`
	Etag    string   `json:"etag"`
	Assets  bool     `json:"assets,omitempty"`
	// Enabled and Previews are its place under workers.dev.
	Enabled  bool `json:"enabled"`
	Previews bool `json:"previews"`
}

func (s *script) order() int { return s.Number }

// startup is how long every Worker takes to start, in milliseconds.
const startup = 2

func notFound(code int) error {
	return refuse(http.StatusNotFound, code, "This Worker does not exist on your account.")
}

// script returns the call's Worker, or refuses with the code for a missing one.
func (c *call) script(missing int) (*script, error) {
	s, ok := c.state.Scripts[c.PathValue("script")]
	if !ok {
		return nil, notFound(missing)
	}
	return s, nil
}

func listScripts(c *call) (reply, error) {
	list := []any{}
	for _, s := range inOrder(c.state.Scripts) {
		out := s.describe()
		delete(out, "entry_point")
		delete(out, "startup_time_ms")
		out["deployment_id"], out["routes"] = "", nil
		list = append(list, out)
	}
	return reply{result: list}, nil
}

func getService(c *call) (reply, error) {
	s, err := c.script(10090)
	if err != nil {
		return reply{}, err
	}
	return reply{result: map[string]any{
		"id": s.Name, "created_on": s.Created, "modified_on": s.Modified,
		"default_environment": map[string]any{
			"environment": "production", "created_on": s.Created, "modified_on": s.Modified,
			"script": s.describe(),
		},
	}}, nil
}

func deleteScript(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	if c.URL.Query().Get("force") != "true" {
		if err := c.state.free(s.Name); err != nil {
			return reply{}, err
		}
	}
	delete(c.state.Scripts, s.Name)
	return reply{result: map[string]any{"id": s.Tag}}, nil
}

// free refuses a Worker that is bound by another one, or by the functions of a
// Pages project as they were last deployed.
func (st *state) free(name string) error {
	held := func(by string, names []string) error {
		return refuse(http.StatusBadRequest, 10142, "Cannot delete service '%s' because it is still referenced by "+
			"service bindings in %s '%s'. Please remove bindings pointing to it and try again.",
			name, by, strings.Join(names, "', '"))
	}
	var names []string
	for _, s := range inOrder(st.Scripts) {
		if s.Name != name && slices.ContainsFunc(s.Bindings, func(b map[string]any) bool {
			return b["type"] == "service" && b["service"] == name
		}) {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		return held("Workers", names)
	}
	for _, p := range inOrder(st.Projects) {
		last := map[string]deployment{}
		for _, d := range p.Deployments {
			last[d.Environment] = d
		}
		for _, d := range last {
			services := child(d.Config, "services")
			for binding := range services {
				if word(child(services, binding), "service") == name && !slices.Contains(names, p.Name) {
					names = append(names, p.Name)
				}
			}
		}
	}
	if len(names) > 0 {
		return held("Pages projects", names)
	}
	return nil
}

// getSubdomain answers an account without one as it is published:
// https://github.com/cloudflare/wrangler-legacy/issues/2039
func getSubdomain(c *call) (reply, error) {
	if c.state.Subdomain == "" {
		return reply{}, refuse(http.StatusNotFound, 10007, "workers.api.error.script_not_found")
	}
	return reply{result: map[string]any{"subdomain": c.state.Subdomain}}, nil
}

func putSubdomain(c *call) (reply, error) {
	body, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := object(fields{"subdomain!": text})(body); err != nil {
		return reply{}, invalid("%v", err)
	}
	if c.state.Subdomain != "" && word(body, "subdomain") != c.state.Subdomain {
		return reply{}, refuse(http.StatusConflict, 10036, "Account already has an associated subdomain.")
	}
	c.state.Subdomain = word(body, "subdomain")
	return getSubdomain(c)
}

func getScriptSubdomain(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	return s.place(), nil
}

func postScriptSubdomain(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	body, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := object(fields{"enabled!": boolean, "previews_enabled": boolean})(body); err != nil {
		return reply{}, invalid("%v", err)
	}
	s.Enabled = body["enabled"] == true
	s.Previews = s.Enabled
	if v, is := body["previews_enabled"]; is {
		s.Previews = v == true
	}
	return s.place(), nil
}

// deleteScriptSubdomain is what the official provider does when its resource goes.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/subdomain/methods/delete/
func deleteScriptSubdomain(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	s.Enabled, s.Previews = false, false
	return s.place(), nil
}

func (s *script) place() reply {
	return reply{result: map[string]any{"enabled": s.Enabled, "previews_enabled": s.Previews}}
}

// describe is the Worker as an upload answers.
func (s *script) describe() map[string]any {
	out := map[string]any{
		"created_on": s.Created, "modified_on": s.Modified, "id": s.Name, "tag": s.Tag,
		"tags": nil, "tail_consumers": nil, "logpush": false, "usage_model": "standard",
	}
	maps.Copy(out, s.Settings)
	if o := child(out, "observability"); o != nil {
		out["observability"] = withLogs(o)
	}
	delete(out, "annotations")
	maps.Copy(out, map[string]any{
		"entry_point": s.Entry, "deployment_id": s.Version, "has_assets": s.Assets, "has_modules": !s.Service,
		"etag": s.Etag, "handlers": s.handlers(), "last_deployed_from": s.From, "startup_time_ms": startup,
	})
	return out
}

// withLogs shows what is not said about logs as null.
func withLogs(observability map[string]any) map[string]any {
	logs := child(observability, "logs")
	if logs == nil {
		return observability
	}
	shown := map[string]any{"enabled": nil, "head_sampling_rate": nil, "persist": nil, "invocation_logs": nil}
	maps.Copy(shown, logs)
	out := maps.Clone(observability)
	out["logs"] = shown
	return out
}

var handlerName = regexp.MustCompile(`(?:^|[^.\w])(email|fetch|queue|scheduled|tail|test|trace)\s*[(:]`)

// handlers are the events that the entry seems to handle.
func (s *script) handlers() []string {
	out := []string{}
	i := slices.IndexFunc(s.Modules, func(m module) bool { return m.Name == s.Entry })
	if i < 0 {
		return out
	}
	for _, match := range handlerName.FindAllSubmatch(s.Modules[i].Content, -1) {
		out = append(out, string(match[1]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// changed notes a change: what triggered it, and by whose hand.
func (s *script) changed(c *call, trigger string) {
	s.Modified, s.Version, s.Trigger, s.From = c.now, randomHex(16), trigger, "api"
	if strings.HasPrefix(c.UserAgent(), "wrangler/") {
		s.From = "wrangler"
	}
}

func getSettings(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	return reply{result: s.describeSettings()}, nil
}

func patchSettings(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	parts, err := c.parts()
	if err != nil {
		return reply{}, err
	}
	settings, rest, err := metadata(parts, "settings")
	if err != nil {
		return reply{}, err
	}
	if len(rest) > 0 {
		return reply{}, invalid("%s: only the part settings is taken here", rest[0].Name)
	}
	if err := object(settingFields)(settings); err != nil {
		return reply{}, invalid("settings: %v", err)
	}
	if _, is := settings["bindings"]; is {
		bound, err := c.bind(s, s, settings)
		if err != nil {
			return reply{}, err
		}
		s.Bindings = bound
	}
	merge(s.Settings, readable(settings), 0)
	s.changed(c, "settings")
	return reply{result: s.describeSettings()}, nil
}

// describeSettings are the settings as the API shows them: without secrets, and
// without limits where none were set.
func (s *script) describeSettings() map[string]any {
	out := map[string]any{
		"compatibility_date": "", "compatibility_flags": []string{}, "logpush": false,
		"placement": map[string]any{}, "tags": []string{}, "tail_consumers": []string{}, "usage_model": "standard",
	}
	maps.Copy(out, s.Settings)
	notes := map[string]any{"workers/triggered_by": s.Trigger}
	maps.Copy(notes, child(s.Settings, "annotations"))
	out["annotations"] = notes
	shown := []any{}
	for _, b := range s.Bindings {
		shown = append(shown, open(b))
	}
	out["bindings"] = shown
	return out
}
