package site

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// program is what miniflare.mjs runs.
type program struct {
	// Site is the name of the project. What runs is replaced by the next program of that name.
	Site string `json:"site"`
	// Directory has the files of a site, with _headers and _redirects. If empty, there are
	// only Workers, and the first one answers.
	Directory string `json:"directory"`
	// Routes is the text of _routes.json.
	Routes  json.RawMessage `json:"routes"`
	Workers []worker        `json:"workers,omitempty"`
	// SQL is the address of the database over HTTP. Hosts and Port are where this machine serves
	// the site.
	SQL   string   `json:"sql"`
	Hosts []string `json:"hosts"`
	Port  string   `json:"port"`
	// Missing has a line for each thing that a Worker of the program lacks.
	Missing []string `json:"missing,omitempty"`
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

// newProgram returns the program with a site's Functions and all Workers that they are bound to,
// directly or through other Workers.
func newProgram(site cloudflare.Site, scripts []cloudflare.Script, reveal func(cloudflare.Secret) (string, bool)) (program, error) {
	p := program{Site: site.Project, Routes: everywhere}
	if site.Routes != nil {
		p.Routes = site.Routes
	}
	if !json.Valid(p.Routes) {
		return p, errors.New("the site's _routes.json is not JSON")
	}
	added := map[string]bool{}
	var add func(shown, name string, code cloudflare.Worker, config cloudflare.Config)
	add = func(shown, name string, code cloudflare.Worker, config cloudflare.Config) {
		added[name] = true
		w := newWorker(name, code)
		p.Workers = append(p.Workers, w)
		lacks := func(format string, args ...any) {
			p.Missing = append(p.Missing, shown+" lacks its "+fmt.Sprintf(format, args...))
		}
		maps.Copy(w.Vars, config.Vars)
		for _, name := range slices.Sorted(maps.Keys(config.Secrets)) {
			if value, ok := reveal(config.Secrets[name]); ok {
				w.Vars[name] = value
			} else {
				lacks("secret %s, whose value is not in the stack's state: run `make up` while this serves", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(config.Services)) {
			to := config.Services[name]
			i := slices.IndexFunc(scripts, func(s cloudflare.Script) bool { return s.Name == to.Service })
			if i < 0 {
				lacks("binding %s: there is no Worker %s", name, to.Service)
				continue
			}
			if to.Entrypoint == "default" { // workerd knows the default export without a name only
				to.Entrypoint = ""
			}
			w.Services[name] = service{to.Service, to.Entrypoint}
			if !added[to.Service] {
				add("the Worker "+to.Service, to.Service, scripts[i].Worker, scripts[i].Config)
			}
		}
	}
	if site.Worker != nil {
		add("the site "+site.Project, functions, *site.Worker, site.Config)
	}
	return p, nil
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
		switch next := (module{m.Name, cmp.Or(moduleTypes[m.Type], "ESModule"), m.Content}); {
		case m.Name == code.MainModule:
			w.Modules = slices.Insert(w.Modules, 0, next)
		case m.Type != sourceMap:
			w.Modules = append(w.Modules, next)
		}
	}
	return w
}

// moduleTypes has Miniflare's names for the types of modules. All others are ES modules.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
var moduleTypes = map[string]string{
	"text/plain":               "Text",
	"application/octet-stream": "Data",
	"application/wasm":         "CompiledWasm",
	"application/json":         "JSON",
	"application/javascript":   "CommonJS",
}
