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
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	Number           int            `json:"number"`
	Subdomain        string         `json:"subdomain"`
	Created          time.Time      `json:"created"`
	ProductionBranch string         `json:"production_branch"`
	BuildConfig      map[string]any `json:"build_config"`
	Source           map[string]any `json:"source,omitempty"`
	// Configs are the deployment_configs, as far as they were set.
	Configs map[string]map[string]any `json:"configs"`
	// Deployments are in the order in which they were made.
	Deployments []deployment `json:"deployments"`
	Domains     []domain     `json:"domains"`
}

func (p *project) order() int { return p.Number }

var projectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$`)

var (
	buildConfig = fields{
		"build_caching": orNull(boolean), "build_command": orNull(text), "destination_dir": orNull(text),
		"root_dir": orNull(text), "web_analytics_tag": orNull(text), "web_analytics_token": orNull(text),
	}
	source = fields{
		"type": oneOf("github", "gitlab"),
		"config": object(fields{
			"deployments_enabled": orNull(boolean), "owner": orNull(text), "owner_id": orNull(text),
			"path_excludes": orNull(listOf(text)), "path_includes": orNull(listOf(text)),
			"pr_comments_enabled":     orNull(boolean),
			"preview_branch_excludes": orNull(listOf(text)), "preview_branch_includes": orNull(listOf(text)),
			"preview_deployment_setting":     orNull(oneOf("all", "none", "custom")),
			"production_branch":              orNull(text),
			"production_deployments_enabled": orNull(boolean), "repo_id": orNull(text), "repo_name": orNull(text),
		}),
	}
	projectFields = fields{
		"name": text, "production_branch": text, "build_config": orNull(object(buildConfig)),
		"deployment_configs": object(fields{"production": object(configFields), "preview": object(configFields)}),
		"source":             object(source),
	}
)

func (c *call) project() (*project, error) {
	p, ok := c.state.Projects[c.PathValue("project")]
	if !ok {
		return nil, refuse(http.StatusNotFound, 8000007,
			"Project not found. The specified project name does not match any of your existing projects.")
	}
	return p, nil
}

func listProjects(c *call) (reply, error) {
	return list(c, inOrder(c.state.Projects), 10, (*project).describe)
}

func getProject(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	return reply{result: p.describe()}, nil
}

func createProject(c *call) (reply, error) {
	body, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := object(required(projectFields, "name", "production_branch"))(body); err != nil {
		return reply{}, invalid("%v", err)
	}
	name := word(body, "name")
	if !projectName.MatchString(name) {
		return reply{}, invalid("name: at most 58 lowercase letters, digits and dashes, no dash first or last")
	}
	if _, is := c.state.Projects[name]; is {
		return reply{}, refuse(http.StatusConflict, 8000002,
			"A project with this name already exists. Choose a different project name.")
	}
	p := &project{
		ID: newUUID(), Name: name, Number: c.state.number(), Subdomain: c.cloud.subdomain(name), Created: c.now,
		BuildConfig: map[string]any{},
		Configs:     map[string]map[string]any{"production": {}, "preview": {}},
		Deployments: []deployment{}, Domains: []domain{},
	}
	if err := p.apply(c.state, body); err != nil {
		return reply{}, err
	}
	c.state.Projects[name] = p
	return reply{result: p.describe()}, nil
}

func patchProject(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	body, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := object(projectFields)(body); err != nil {
		return reply{}, invalid("%v", err)
	}
	if name, is := body["name"]; is && name != p.Name {
		return reply{}, invalid("name: a project cannot be renamed")
	}
	if err := p.apply(c.state, body); err != nil {
		return reply{}, err
	}
	return reply{result: p.describe()}, nil
}

// apply merges a checked body into the project.
func (p *project) apply(s *state, body map[string]any) error {
	if branch, is := body["production_branch"]; is {
		if branch == "" {
			return invalid("production_branch: must not be empty")
		}
		p.ProductionBranch = word(body, "production_branch")
	}
	if v, is := body["build_config"]; is && v == nil {
		p.BuildConfig = map[string]any{}
	}
	merge(p.BuildConfig, child(body, "build_config"), 0)
	if src := child(body, "source"); src != nil {
		if p.Source == nil {
			p.Source = map[string]any{}
		}
		merge(p.Source, src, 1)
	}
	configs := child(body, "deployment_configs")
	for _, environment := range slices.Sorted(maps.Keys(configs)) {
		patch := child(configs, environment)
		if err := s.checkServices(patch); err != nil {
			return err
		}
		sealVars(patch)
		merge(p.Configs[environment], patch, 1)
	}
	return nil
}

func deleteProject(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	if len(p.Domains) > 0 {
		return reply{}, refuse(http.StatusBadRequest, 8000028, "Must delete custom domains before deleting project")
	}
	delete(c.state.Projects, p.Name)
	return reply{}, nil
}

// subdomain is a project's own under pages.dev. The names there are global: one
// that another account holds gets a suffix.
func (c *Cloud) subdomain(name string) string {
	taken := c.Taken
	if taken == nil {
		taken = []string{"app", "blog", "docs", "www"}
	}
	if slices.Contains(taken, name) {
		sum := sha256.Sum256([]byte(c.account() + name))
		name += "-" + hex.EncodeToString(sum[:])[:3]
	}
	return name + ".pages.dev"
}

// describe is the project as the API shows it.
func (p *project) describe() map[string]any {
	build := map[string]any{"web_analytics_tag": nil, "web_analytics_token": nil}
	maps.Copy(build, p.BuildConfig)
	domains := []string{p.Subdomain}
	for _, d := range p.Domains {
		domains = append(domains, d.Name)
	}
	var latest, canonical any
	functions := false
	for _, d := range p.Deployments {
		latest = p.describeDeployment(d)
		functions = d.Functions
		if d.Environment == "production" {
			canonical = latest
		}
	}
	out := map[string]any{
		"id": p.ID, "name": p.Name, "subdomain": p.Subdomain, "domains": domains,
		"build_config": build,
		"deployment_configs": map[string]any{
			"production": p.describeConfig("production"), "preview": p.describeConfig("preview"),
		},
		"latest_deployment": latest, "canonical_deployment": canonical,
		"created_on": p.Created, "production_branch": p.ProductionBranch,
		"production_script_name": fmt.Sprintf("pages-worker--%d-production", p.Number),
		"preview_script_name":    fmt.Sprintf("pages-worker--%d-preview", p.Number),
		"uses_functions":         functions, "framework": "", "framework_version": "",
	}
	if p.Source != nil {
		out["source"] = p.Source
	}
	return out
}
