package cloudflare

import "portfolio-infra/internal/sandbox/emulator"

// Project is a snapshot of a Pages project.
type Project struct {
	Name, ProductionBranch string

	Production, Preview Config
	// Deployments begin with the oldest, Domains are the project's own.
	Deployments []Deployment
	Domains     []string
}

// Deployment is a deployment of a Pages project.
type Deployment struct{ ID, Environment, Branch, CommitMessage string }

// Record is a snapshot of a DNS record.
type Record struct {
	Name, Type, Content string

	Proxied bool
}

// Config is the config of a Pages project for one environment.
type Config struct {
	Services map[string]Service
	Vars     map[string]string
	Secrets  map[string]Secret
}

// Service is the target of a service binding.
type Service struct{ Service, Environment, Entrypoint string }

// Script is a snapshot of a Worker.
type Script struct {
	Name string

	Worker
	Config
}

// Worker is the code of a Worker or of a Pages project's Functions.
type Worker struct {
	MainModule string
	Modules    []emulator.Part
	// The settings of Functions are those of their bundle, or else those of the project.
	CompatibilityDate  string
	CompatibilityFlags []string
}

// Module returns the content of a module, or "".
func (w Worker) Module(name string) string {
	for _, m := range w.Modules {
		if m.Name == name {
			return string(m.Content)
		}
	}
	return ""
}

// Projects returns the Pages projects, the oldest first.
func (c *Cloud) Projects() (out []Project) {
	c.read(func(s *state) {
		for _, p := range byAge(s.Projects) {
			out = append(out, p.snapshot())
		}
	})
	return out
}

func (p *project) snapshot() Project {
	out := Project{
		Name: p.Name, ProductionBranch: p.ProductionBranch,
		Production: snapshotConfig(p.Configs["production"]), Preview: snapshotConfig(p.Configs["preview"]),
	}
	for _, d := range p.Deployments {
		out.Deployments = append(out.Deployments, Deployment{d.ID, d.Environment, d.Branch, d.Commit.Message})
	}
	for _, d := range p.Domains {
		out.Domains = append(out.Domains, d.Name)
	}
	return out
}

// Records returns the DNS records, the oldest first.
func (c *Cloud) Records() (out []Record) {
	c.read(func(s *state) {
		for _, r := range s.Records {
			out = append(out, Record{r.Name, r.Type, r.Content, r.Proxied})
		}
	})
	return out
}

// Scripts returns the Workers, the oldest first.
func (c *Cloud) Scripts() (out []Script) {
	c.read(func(s *state) {
		for _, w := range byAge(s.Scripts) {
			out = append(out, w.snapshot())
		}
	})
	return out
}

func newConfig() Config {
	return Config{map[string]Service{}, map[string]string{}, map[string]Secret{}}
}

func snapshotConfig(config map[string]any) Config {
	out := newConfig()
	services := child(config, "services")
	for name := range services {
		out.Services[name] = snapshotService(child(services, name))
	}
	vars := child(config, "env_vars")
	for name := range vars {
		if v := child(vars, name); str(v, "type") == "secret_text" {
			out.Secrets[name] = Secret(str(v, "sealed"))
		} else {
			out.Vars[name] = str(v, "value")
		}
	}
	return out
}

func (s *script) snapshot() Script { return Script{s.Name, s.worker(), s.config()} }

func (v *version) config() Config {
	out := newConfig()
	for _, b := range v.Bindings {
		switch name := str(b, "name"); b["type"] {
		case "plain_text":
			out.Vars[name] = str(b, "text")
		case "secret_text":
			out.Secrets[name] = Secret(str(b, "sealed"))
		case "service":
			out.Services[name] = snapshotService(b)
		}
	}
	return out
}

func (v *version) worker() Worker {
	return Worker{v.Entry, v.Modules, str(v.Settings, "compatibility_date"), texts(v.Settings, "compatibility_flags")}
}

func snapshotService(m map[string]any) Service {
	return Service{str(m, "service"), str(m, "environment"), str(m, "entrypoint")}
}
