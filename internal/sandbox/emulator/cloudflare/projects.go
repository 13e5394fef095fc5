package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// project is a Pages project.
type project struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Number           int       `json:"number"`
	Subdomain        string    `json:"subdomain"`
	Created          time.Time `json:"created"`
	ProductionBranch string    `json:"production_branch"`
	// Configs has those deployment_configs that were set.
	Configs map[string]map[string]any `json:"configs"`
	Domains []domain                  `json:"domains"`
	// Deployments begin with the oldest.
	Deployments []deployment `json:"deployments"`
}

func (p *project) age() int { return p.Number }

var projectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$`)

// buildConfig is that of each project, since nothing is built.
var buildConfig = map[string]any{"web_analytics_tag": nil, "web_analytics_token": nil}

// projectFields are the fields of a project that can change.
var projectFields = fields{
	"production_branch":  text,
	"deployment_configs": object(fields{"production": object(configFields), "preview": object(configFields)}),
}

// withProject passes the call's project to h.
func withProject(h func(*call, *project) (any, error)) handler {
	return func(c *call) (any, error) {
		p, ok := c.state.Projects[c.PathValue("project")]
		if !ok {
			return nil, refuse(http.StatusNotFound, 8000007,
				"Project not found. The specified project name does not match any of your existing projects.")
		}
		return h(c, p)
	}
}

func listProjects(c *call) (any, error) {
	return list(c, byAge(c.state.Projects), 10, func(p *project) map[string]any { return p.describe(c) })
}

func getProject(c *call, p *project) (any, error) { return p.describe(c), nil }

func createProject(c *call) (any, error) {
	required := maps.Clone(projectFields)
	required["name!"], required["production_branch!"] = text, text
	body, err := c.body(required)
	if err != nil {
		return nil, err
	}
	name := str(body, "name")
	if !projectName.MatchString(name) {
		return nil, invalid("name: at most 58 lowercase letters, digits and dashes, no dash first or last")
	}
	if c.state.Projects[name] != nil {
		return nil, refuse(http.StatusConflict, 8000002,
			"A project with this name already exists. Choose a different project name.")
	}
	p := &project{
		ID: newUUID(), Name: name, Number: c.state.number(), Subdomain: c.cloud.subdomain(name), Created: c.now,
		Configs:     map[string]map[string]any{"production": {}, "preview": {}},
		Deployments: []deployment{},
	}
	c.state.Projects[name] = p
	return p.patch(c, body)
}

func patchProject(c *call, p *project) (any, error) {
	body, err := c.body(projectFields)
	if err != nil {
		return nil, err
	}
	return p.patch(c, body)
}

// patch merges a checked body into the project.
func (p *project) patch(c *call, body map[string]any) (any, error) {
	if branch, ok := body["production_branch"]; ok {
		if branch == "" {
			return nil, invalid("production_branch: must not be empty")
		}
		p.ProductionBranch = str(body, "production_branch")
	}
	configs := child(body, "deployment_configs")
	for _, environment := range slices.Sorted(maps.Keys(configs)) {
		config := child(configs, environment)
		if err := c.state.checkServices(config); err != nil {
			return nil, err
		}
		c.cloud.sealSecrets(config)
		merge(p.Configs[environment], config, 1)
	}
	return p.describe(c), nil
}

// maxDeployments is the most deployments with which a project can be deleted.
// https://developers.cloudflare.com/pages/platform/known-issues/#delete-a-project-with-a-high-number-of-deployments
const maxDeployments = 100

func deleteProject(c *call, p *project) (any, error) {
	if len(p.Deployments) > maxDeployments { // https://github.com/cloudflare/workers-sdk/issues/12780
		return nil, refuse(http.StatusBadRequest, 8000076,
			"Your project has too many deployments to be deleted, follow this guide to delete them: https://cfl.re/3CXesln")
	}
	if len(p.Domains) > 0 { // https://github.com/cloudflare/cloudflare-docs/issues/2271
		return nil, refuse(http.StatusBadRequest, 8000028, "Must delete custom domains before deleting project")
	}
	delete(c.state.Projects, p.Name)
	return nil, nil
}

// takenNames are names under pages.dev that other accounts have.
var takenNames = []string{"app", "blog", "docs", "www"}

// subdomain returns a project's subdomain of pages.dev. A name that is taken gets a suffix.
func (c *Cloud) subdomain(name string) string {
	if slices.Contains(takenNames, name) {
		sum := sha256.Sum256([]byte(c.account() + name))
		name += "-" + hex.EncodeToString(sum[:])[:3]
	}
	return name + ".pages.dev"
}

// describe returns the project as the API shows it.
func (p *project) describe(c *call) map[string]any {
	var latest, canonical any
	functions := false
	if n := len(p.Deployments); n > 0 {
		latest = c.describeDeployment(p, p.Deployments[n-1])
	}
	if i := p.latest("production", "", c.now); i >= 0 {
		canonical = c.describeDeployment(p, p.Deployments[i])
	}
	for _, d := range p.Deployments {
		functions = functions || d.usesFunctions()
	}
	domains := []string{p.Subdomain}
	for _, d := range p.Domains {
		domains = append(domains, d.Name)
	}
	return map[string]any{
		"id": p.ID, "name": p.Name, "subdomain": p.Subdomain, "domains": domains,
		"build_config": buildConfig,
		"deployment_configs": map[string]any{
			"production": showConfig(p.config("production")), "preview": showConfig(p.config("preview")),
		},
		"latest_deployment": latest, "canonical_deployment": canonical,
		"created_on": p.Created, "production_branch": p.ProductionBranch,
		"production_script_name": fmt.Sprintf("pages-worker--%d-production", p.Number),
		"preview_script_name":    fmt.Sprintf("pages-worker--%d-preview", p.Number),
		"uses_functions":         functions, "framework": "", "framework_version": "",
	}
}
