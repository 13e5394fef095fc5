package cloudflare

import (
	"slices"
	"time"
)

// Project is a Pages project as it is at one moment.
type Project struct {
	ID, Name, Subdomain, ProductionBranch string

	Created             time.Time
	Production, Preview Config
	// Deployments has the newest first.
	Deployments []Deployment
	// Domains are its own, beside the subdomain.
	Domains []string
}

// Config is what a Pages project has set for one environment.
type Config struct {
	Services           map[string]Service
	Vars               map[string]string
	Secrets            map[string]Secret
	WranglerConfigHash string
}

// Service is the target of a service binding.
type Service struct{ Service, Environment, Entrypoint string }

// Deployment is one of a Pages project.
type Deployment struct {
	ID, Environment, Branch string

	Created time.Time
}

// Script is a Worker as it is at one moment.
type Script struct {
	Name, MainModule, CompatibilityDate string

	Created, Modified time.Time
	// Uploads counts how often it was uploaded.
	Uploads  int
	Modules  map[string]string
	Vars     map[string]string
	Secrets  map[string]Secret
	Services map[string]Service
}

// Projects returns the Pages projects in the order in which they were made.
func (c *Cloud) Projects() []Project {
	var out []Project
	c.look(func(s *state) {
		for _, p := range inOrder(s.Projects) {
			out = append(out, p.snapshot())
		}
	})
	return out
}

// Scripts returns the Workers in the order in which they were made.
func (c *Cloud) Scripts() []Script {
	var out []Script
	c.look(func(s *state) {
		for _, w := range inOrder(s.Scripts) {
			out = append(out, w.snapshot())
		}
	})
	return out
}

// look shows f the state. Where that cannot be read there is nothing to see.
func (c *Cloud) look(f func(*state)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load() == nil {
		f(c.store.State())
	}
}

func (p *project) snapshot() Project {
	out := Project{
		ID: p.ID, Name: p.Name, Subdomain: p.Subdomain, ProductionBranch: p.ProductionBranch, Created: p.Created,
		Production: snapshotConfig(p.Configs["production"]), Preview: snapshotConfig(p.Configs["preview"]),
	}
	for _, d := range slices.Backward(p.Deployments) {
		out.Deployments = append(out.Deployments, d.snapshot())
	}
	for _, d := range p.Domains {
		out.Domains = append(out.Domains, d.Name)
	}
	return out
}

func snapshotConfig(config map[string]any) Config {
	out := Config{
		Services: map[string]Service{}, Vars: map[string]string{}, Secrets: map[string]Secret{},
		WranglerConfigHash: word(config, "wrangler_config_hash"),
	}
	services := child(config, "services")
	for name := range services {
		out.Services[name] = snapshotService(child(services, name))
	}
	vars := child(config, "env_vars")
	for name := range vars {
		if v := child(vars, name); word(v, "type") == "secret_text" {
			out.Secrets[name] = Secret(word(v, "sealed"))
		} else {
			out.Vars[name] = word(v, "value")
		}
	}
	return out
}

func snapshotService(m map[string]any) Service {
	return Service{word(m, "service"), word(m, "environment"), word(m, "entrypoint")}
}

func (d deployment) snapshot() Deployment {
	return Deployment{d.ID, d.Environment, d.Branch, d.Created}
}

func (s *script) snapshot() Script {
	out := Script{
		Name: s.Name, MainModule: s.Entry, CompatibilityDate: word(s.Settings, "compatibility_date"),
		Created: s.Created, Modified: s.Modified, Uploads: s.Uploads,
		Modules: map[string]string{}, Vars: map[string]string{}, Secrets: map[string]Secret{}, Services: map[string]Service{},
	}
	for _, m := range s.Modules {
		out.Modules[m.Name] = string(m.Content)
	}
	for _, b := range s.Bindings {
		switch name := word(b, "name"); b["type"] {
		case "plain_text":
			out.Vars[name] = word(b, "text")
		case "secret_text":
			out.Secrets[name] = Secret(word(b, "sealed"))
		case "service":
			out.Services[name] = snapshotService(b)
		}
	}
	return out
}
