package cloudflare

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"portfolio-infra/internal/rest"
)

// Environments are the environments of a Pages project, production first.
// https://developers.cloudflare.com/pages/configuration/preview-deployments/
var Environments = []string{"production", "preview"}

// Project is a Pages project, as far as the stack reads it.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/get/
type Project struct {
	Name      string `json:"name"`
	CreatedOn string `json:"created_on"` // RFC 3339
	Subdomain string `json:"subdomain"`
	// Domains has the subdomain and the project's own domains.
	Domains []string `json:"domains"`
	// ProductionBranch is the branch that is deployed to production.
	ProductionBranch string `json:"production_branch"`
	// CanonicalDeployment is production's newest. The API's latest_deployment may be of another
	// environment, and may have failed.
	CanonicalDeployment *Deployment                 `json:"canonical_deployment"`
	DeploymentConfigs   map[string]DeploymentConfig `json:"deployment_configs"`

	all map[string]any // all properties, see [Project.Altered]
}

// DeploymentConfig has the settings of one environment, as far as the stack reads them.
type DeploymentConfig struct {
	Services map[string]*Service `json:"services"`
	// EnvVars are the variables of the Functions, by name.
	EnvVars map[string]*EnvVar `json:"env_vars"`
	// CompatibilityDate and CompatibilityFlags are those of the Functions.
	CompatibilityDate  string   `json:"compatibility_date"` // such as 2026-01-31
	CompatibilityFlags []string `json:"compatibility_flags"`
	// WranglerConfigHash is set if the project was deployed with a Wrangler file that has
	// pages_build_output_dir. Each such deployment takes its bindings from that file alone.
	// https://developers.cloudflare.com/pages/functions/wrangler-configuration/#source-of-truth
	WranglerConfigHash string `json:"wrangler_config_hash"`
}

// Service is a service binding: the Worker that a Pages Function reaches by a name.
// https://developers.cloudflare.com/pages/functions/bindings/#service-bindings
type Service struct {
	// Service is the Worker's name.
	Service string `json:"service"`
	// Environment is the Worker's. It is never empty, since the next update of the Pulumi
	// provider deletes a binding without one.
	Environment string `json:"environment"`
	// Entrypoint is a named export of the Worker; empty is the default export.
	Entrypoint string `json:"entrypoint,omitempty"`
}

// EnvVar is a variable of the Functions. The API does not return the value of a secret.
// https://developers.cloudflare.com/pages/functions/bindings/#environment-variables
type EnvVar struct {
	Type  string `json:"type"` // "plain_text" or "secret_text"
	Value string `json:"value"`
}

// ConfigPatch changes the settings of one environment. A nil service or variable is deleted, and
// any other replaced. What is not in the patch stays.
type ConfigPatch struct {
	Services           map[string]*Service `json:"services,omitempty"`
	EnvVars            map[string]*EnvVar  `json:"env_vars,omitempty"`
	CompatibilityDate  string              `json:"compatibility_date,omitempty"`
	CompatibilityFlags []string            `json:"compatibility_flags,omitzero"`
}

// BoundTo returns the names of the Workers that the project is bound to, sorted.
func (p Project) BoundTo() []string {
	names := map[string]bool{}
	for _, config := range p.DeploymentConfigs {
		for _, s := range config.Services {
			if s != nil {
				names[s.Service] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Project returns one project. If it is missing, [IsNotFound] is true for the error.
func (c *Client) Project(ctx context.Context, name string) (Project, error) {
	return get[Project](ctx, c, projectNotFound, "/pages/projects/%s", name)
}

// projectsPerPage is the number of projects on a page. The API refuses more with code 8000024, and
// wrangler asks for as many.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/projects.ts
const projectsPerPage = 10

// Projects lists the account's Pages projects.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/list/
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	return allPages(projectsPerPage, func(p Project) string { return p.Name }, func(number int) ([]Project, error) {
		return get[[]Project](ctx, c, accountNotFound, "/pages/projects?page=%s&per_page=%s", strconv.Itoa(number), strconv.Itoa(projectsPerPage))
	})
}

// allPages reads a list page by page, until one has less than size items. An item that is new moves
// another one to the next page, where it does not count.
func allPages[T any](size int, id func(T) string, read func(number int) ([]T, error)) (all []T, err error) {
	seen := map[string]bool{}
	for number := 1; ; number++ {
		page, err := read(number)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, item := range page {
			if !seen[id(item)] {
				seen[id(item)], all = true, append(all, item)
			}
		}
		switch {
		case len(page) < size:
			return all, nil
		case len(all) == before:
			return nil, fmt.Errorf("page %d of a list of Cloudflare's has nothing new, so the list has no end", number)
		}
	}
}

// CreateProject creates a project.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/create/
func (c *Client) CreateProject(ctx context.Context, name, productionBranch string) error {
	in := map[string]string{"name": name, "production_branch": productionBranch}
	return c.rest(accountNotFound).Do(ctx, http.MethodPost, c.path("/pages/projects"), in, new(rest.Object))
}

// DeleteProject deletes a project. It is no error if the project is missing.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/delete/
func (c *Client) DeleteProject(ctx context.Context, name string) error {
	err := c.write(ctx, projectNotFound, http.MethodDelete, nil, "/pages/projects/%s", name)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// PatchConfigs changes the settings of environments in one call.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/edit/
func (c *Client) PatchConfigs(ctx context.Context, project string, patch map[string]ConfigPatch) error {
	in := map[string]any{"deployment_configs": patch}
	return c.write(ctx, projectNotFound, http.MethodPatch, in, "/pages/projects/%s", project)
}
