package site

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// program is what workerd runs: its configuration, the files and the environment of that.
type program struct {
	files map[string]string
	env   map[string]string
	// missing says what a Worker of it lacks, a line each.
	missing []string
}

// configFile is the name of the configuration among the files.
const configFile = "config.capnp"

// worker is one Worker of a program.
type worker struct {
	main    string
	modules []emulator.Part
	date    string
	flags   []string
	cloudflare.Config
}

// defaultDate is that of a Worker without a date.
// https://developers.cloudflare.com/workers/configuration/compatibility-dates/
const defaultDate = "2021-11-02"

// The services that this process serves for the Workers.
const (
	assetsService   = "assets"
	outboundService = "outbound"
)

// newProgram configures the Functions of a site and all Workers that they are bound to.
// Values of variables go by environment, since the configuration is a file. addresses are
// those of the services of this process.
// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
func newProgram(site cloudflare.Site, scripts []cloudflare.Script, reveal func(cloudflare.Secret) (string, bool), addresses map[string]string) program {
	p := program{files: map[string]string{}, env: map[string]string{}}
	reachable := reachableScripts(site.Services, scripts)
	var services []string
	add := func(name, service string, w worker) {
		services = append(services, p.worker(name, service, w, reachable, reveal))
	}
	add("the site "+site.Project, "site", worker{
		site.Worker.MainModule, site.Worker.Modules, site.Worker.CompatibilityDate, site.Worker.CompatibilityFlags, site.Config,
	})
	for _, name := range slices.Sorted(maps.Keys(reachable)) {
		s := reachable[name]
		w := worker{main: s.MainModule, date: s.CompatibilityDate, flags: s.CompatibilityFlags, Config: s.Config}
		for _, module := range slices.Sorted(maps.Keys(s.Modules)) {
			w.modules = append(w.modules, emulator.Part{Name: module, Content: []byte(s.Modules[module])})
		}
		add("the Worker "+name, scriptService(name), w)
	}
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		services = append(services, fmt.Sprintf("(name = %s, external = (address = %s, http = ()))", quote(name), quote(addresses[name])))
	}
	p.files[configFile] = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ` + strings.Join(services, ",\n    ") + `
  ],
  sockets = [(name = "http", http = (), service = "site")],
);
`
	return p
}

func scriptService(name string) string { return "worker-" + name }

// reachableScripts returns the Workers that are bound, directly or through each other.
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

// worker returns the service of a Worker, and adds its files and variables.
func (p *program) worker(shown, service string, w worker, reachable map[string]cloudflare.Script, reveal func(cloudflare.Secret) (string, bool)) string {
	var modules, bindings, flags []string
	// The first module is the one that runs.
	slices.SortStableFunc(w.modules, func(a, b emulator.Part) int {
		return cmp.Compare(boolInt(a.Name != w.main), boolInt(b.Name != w.main))
	})
	for i, m := range w.modules {
		file := fmt.Sprintf("%s-%d", path.Base(service), i)
		p.files[file] = string(m.Content)
		modules = append(modules, fmt.Sprintf("(name = %s, %s = embed %s)", quote(m.Name), moduleKind(m.Type), quote(file)))
	}
	variable := func(name, value string) {
		env := service + "." + name
		p.env[env] = value
		bindings = append(bindings, fmt.Sprintf("(name = %s, fromEnvironment = %s)", quote(name), quote(env)))
	}
	for _, name := range slices.Sorted(maps.Keys(w.Vars)) {
		variable(name, w.Vars[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.Secrets)) {
		if value, ok := reveal(w.Secrets[name]); ok {
			variable(name, value)
		} else {
			p.missing = append(p.missing, fmt.Sprintf("%s lacks its secret %s, whose value is not in the stack's state: run `make up` while this serves", shown, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		to := w.Services[name]
		if _, ok := reachable[to.Service]; !ok {
			p.missing = append(p.missing, fmt.Sprintf("%s lacks its binding %s: there is no Worker %s", shown, name, to.Service))
			continue
		}
		entrypoint := ""
		if to.Entrypoint != "" && to.Entrypoint != "default" { // workerd knows the default export without a name only
			entrypoint = ", entrypoint = " + quote(to.Entrypoint)
		}
		bindings = append(bindings, fmt.Sprintf("(name = %s, service = (name = %s%s))", quote(name), quote(scriptService(to.Service)), entrypoint))
	}
	if service == "site" {
		bindings = append(bindings, fmt.Sprintf(`(name = "ASSETS", service = %s)`, quote(assetsService)))
	}
	for _, flag := range w.flags {
		flags = append(flags, quote(flag))
	}
	return fmt.Sprintf("(name = %s, worker = (modules = [%s],\n      bindings = [%s],\n      compatibilityDate = %s, compatibilityFlags = [%s], globalOutbound = %s))",
		quote(service), strings.Join(modules, ", "), strings.Join(bindings, ", "),
		quote(cmp.Or(w.date, defaultDate)), strings.Join(flags, ", "), quote(outboundService))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// moduleKind returns what workerd calls a module of that content type.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
func moduleKind(contentType string) string {
	switch contentType {
	case "text/plain":
		return "text"
	case "application/octet-stream":
		return "data"
	case "application/wasm":
		return "wasm"
	case "application/json":
		return "json"
	case "application/javascript":
		return "commonJsModule"
	default:
		return "esModule"
	}
}

// quote makes a string of Cap'n Proto's text format.
// https://capnproto.org/language.html
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}
