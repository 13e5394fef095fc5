package cloudflare

import (
	"context"
	"net/http"
)

// Environments are those that a Pages project has, the one with the production
// branch first.
// https://developers.cloudflare.com/pages/configuration/preview-deployments/
var Environments = []string{"production", "preview"}

// Project is a Pages project, as far as the stack looks at it.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/get/
type Project struct {
	Name             string   `json:"name"`
	CreatedOn        string   `json:"created_on"`
	ProductionBranch string   `json:"production_branch"`
	Subdomain        string   `json:"subdomain"`
	Domains          []string `json:"domains"`
	// CanonicalDeployment is the newest one of production. The API's
	// latest_deployment is of any environment, and may have failed.
	CanonicalDeployment *Deployment                 `json:"canonical_deployment"`
	DeploymentConfigs   map[string]DeploymentConfig `json:"deployment_configs"`

	all map[string]any // everything that the API tells, see [Project.Altered]
}

// Deployment is one deployment of a Pages project.
type Deployment struct {
	ID string `json:"id"`
	// CreatedOn is a time as in RFC 3339.
	CreatedOn string `json:"created_on"`
}

// DeploymentConfig is what the deployments of one environment are made with, as far
// as the stack looks at it.
type DeploymentConfig struct {
	Services map[string]*Service `json:"services"`
	// WranglerConfigHash is there if the project was deployed with a Wrangler file
	// that has pages_build_output_dir. Each such deployment takes its bindings from
	// that file alone.
	// https://developers.cloudflare.com/pages/functions/wrangler-configuration/#source-of-truth
	WranglerConfigHash string `json:"wrangler_config_hash"`
}

// Service is a service binding: what a Pages Function reaches under a name.
// https://developers.cloudflare.com/pages/functions/bindings/#service-bindings
type Service struct {
	// Service is the Worker's name.
	Service string `json:"service"`
	// Environment is the Worker's, and always stated: the Pulumi provider deletes a
	// binding without one at its next update.
	Environment string `json:"environment"`
	// Entrypoint is a named export of the Worker; empty is the default export.
	Entrypoint string `json:"entrypoint,omitempty"`
}

// Project reads one project. Its absence is an error, see [IsNotFound].
func (c *Client) Project(ctx context.Context, name string) (Project, error) {
	return get[Project](ctx, c, findProject, "/pages/projects/%s", name)
}

// CreateProject makes a project.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/create/
func (c *Client) CreateProject(ctx context.Context, name, productionBranch string) error {
	in := map[string]string{"name": name, "production_branch": productionBranch}
	return c.rest(findAccount).Do(ctx, http.MethodPost, c.path("/pages/projects"), in, &envelope[any]{})
}

// Deployments lists the newest deployments of a project; no more than one page.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/list/
func (c *Client) Deployments(ctx context.Context, project string) ([]Deployment, error) {
	return get[[]Deployment](ctx, c, findProject, "/pages/projects/%s/deployments", project)
}

// DeleteProject deletes a project. One that is gone already is no error.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/delete/
func (c *Client) DeleteProject(ctx context.Context, name string) error {
	err := c.write(ctx, findProject, http.MethodDelete, nil, "/pages/projects/%s", name)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// PatchServices changes service bindings, by environment and name, in one call. A nil
// service is deleted, any other is set whole, and those not named stay.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/edit/
func (c *Client) PatchServices(ctx context.Context, project string, patch map[string]map[string]*Service) error {
	configs := map[string]any{}
	for environment, services := range patch {
		configs[environment] = map[string]any{"services": services}
	}
	in := map[string]any{"deployment_configs": configs}
	return c.write(ctx, findProject, http.MethodPatch, in, "/pages/projects/%s", project)
}
