package site

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// program is what miniflare.mjs runs.
type program struct {
	// Directory has the files of a site, with _headers and _redirects. If empty, there are
	// only Workers, and the first one answers.
	Directory string `json:"directory"`
	// Routes is the text of _routes.json.
	Routes  json.RawMessage `json:"routes"`
	Workers []worker        `json:"workers,omitempty"`
	// SQL is the address of the database over HTTP. Port is the site's port on this machine.
	SQL  string `json:"sql"`
	Port string `json:"port"`

	// missing has a line for each thing that a Worker of the program lacks.
	missing []string
}

// worker is a Worker of a program, in Miniflare's terms.
type worker struct {
	Name  string   `json:"name"`
	Date  string   `json:"date"`
	Flags []string `json:"flags,omitempty"`
	// Modules begin with the main module.
	Modules  []module           `json:"modules"`
	Vars     map[string]string  `json:"vars,omitempty"`
	Services map[string]service `json:"services,omitempty"`
}

type module struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Content []byte `json:"content"`
}

type service struct {
	Name       string `json:"name"`
	Entrypoint string `json:"entrypoint,omitempty"`
}

// functions is the name of the Worker with a site's Functions. No script can have it.
const functions = "Functions"

// everywhere takes the place of a missing _routes.json.
var everywhere = json.RawMessage(`{"include":["/*"],"exclude":[]}`)

// newProgram returns the program with a site's Functions and all Workers that they are bound
// to.
func newProgram(site cloudflare.Site, scripts []cloudflare.Script, reveal func(cloudflare.Secret) (string, bool)) (program, error) {
	p := program{Routes: everywhere}
	if site.Routes != nil {
		p.Routes = site.Routes
	}
	if !json.Valid(p.Routes) {
		return p, errors.New("the site's _routes.json is not JSON")
	}
	if site.Worker == nil {
		return p, nil
	}
	reachable := reachableScripts(site.Services, scripts)
	add := func(shown, name string, code cloudflare.Worker, config cloudflare.Config) {
		w := newWorker(name, code)
		maps.Copy(w.Vars, config.Vars)
		for _, name := range slices.Sorted(maps.Keys(config.Secrets)) {
			value, ok := reveal(config.Secrets[name])
			if !ok {
				p.missing = append(p.missing, fmt.Sprintf("%s lacks its secret %s, whose value is not in the stack's state: run `make up` while this serves", shown, name))
				continue
			}
			w.Vars[name] = value
		}
		for _, name := range slices.Sorted(maps.Keys(config.Services)) {
			to := config.Services[name]
			if _, ok := reachable[to.Service]; !ok {
				p.missing = append(p.missing, fmt.Sprintf("%s lacks its binding %s: there is no Worker %s", shown, name, to.Service))
				continue
			}
			if to.Entrypoint == "default" { // workerd knows the default export without a name only
				to.Entrypoint = ""
			}
			w.Services[name] = service{to.Service, to.Entrypoint}
		}
		p.Workers = append(p.Workers, w)
	}
	add("the site "+site.Project, functions, *site.Worker, site.Config)
	for _, name := range slices.Sorted(maps.Keys(reachable)) {
		add("the Worker "+name, name, reachable[name].Worker, reachable[name].Config)
	}
	return p, nil
}

// reachableScripts returns the Workers that are bound, directly or through other Workers.
func reachableScripts(from map[string]cloudflare.Service, scripts []cloudflare.Script) map[string]cloudflare.Script {
	reachable := map[string]cloudflare.Script{}
	var visit func(map[string]cloudflare.Service)
	visit = func(from map[string]cloudflare.Service) {
		for _, to := range from {
			i := slices.IndexFunc(scripts, func(s cloudflare.Script) bool { return s.Name == to.Service })
			if _, seen := reachable[to.Service]; i >= 0 && !seen {
				reachable[to.Service] = scripts[i]
				visit(scripts[i].Services)
			}
		}
	}
	visit(from)
	return reachable
}

// defaultDate is the compatibility date of a Worker without one.
// https://developers.cloudflare.com/workers/configuration/compatibility-dates/
const defaultDate = "2021-11-02"

// sourceMap is the type of a part that is not a module.
const sourceMap = "application/source-map"

func newWorker(name string, code cloudflare.Worker) worker {
	w := worker{
		Name: name, Date: cmp.Or(code.CompatibilityDate, defaultDate), Flags: code.CompatibilityFlags,
		Vars: map[string]string{}, Services: map[string]service{},
	}
	for _, m := range code.Modules {
		switch next := (module{m.Name, moduleType(m), m.Content}); {
		case m.Name == code.MainModule:
			w.Modules = slices.Insert(w.Modules, 0, next)
		case m.Type != sourceMap:
			w.Modules = append(w.Modules, next)
		}
	}
	return w
}

// moduleType returns Miniflare's name for the type of a module.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
func moduleType(m emulator.Part) string {
	switch m.Type {
	case "text/plain":
		return "Text"
	case "application/octet-stream":
		return "Data"
	case "application/wasm":
		return "CompiledWasm"
	case "application/json":
		return "JSON"
	case "application/javascript":
		return "CommonJS"
	default:
		return "ESModule"
	}
}
