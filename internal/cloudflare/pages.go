package cloudflare

import (
	"context"
	"encoding/json"
	"net/http"
)

// Environments are those that a Pages project has, the one with the production
// branch first.
// https://developers.cloudflare.com/pages/configuration/preview-deployments/
var Environments = []string{"production", "preview"}

// Project is a Pages project, as far as the stack looks at it.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/get/
type Project struct {
	Name              string                      `json:"name"`
	CreatedOn         string                      `json:"created_on"`
	Subdomain         string                      `json:"subdomain"`
	Domains           []string                    `json:"domains"`
	Source            any                         `json:"source"`
	BuildConfig       BuildConfig                 `json:"build_config"`
	LatestDeployment  *Deployment                 `json:"latest_deployment"`
	DeploymentConfigs map[string]DeploymentConfig `json:"deployment_configs"`
}

// BuildConfig is how Cloudflare builds a project, as far as a person sets it.
type BuildConfig struct {
	BuildCommand   string `json:"build_command"`
	DestinationDir string `json:"destination_dir"`
	RootDir        string `json:"root_dir"`
}

// Deployment is one deployment of a Pages project.
type Deployment struct {
	ID string `json:"id"`
	// CreatedOn is a time as in RFC 3339.
	CreatedOn string `json:"created_on"`
}

// DeploymentConfig is what the deployments of one environment are made with. Of
// the many kinds of bindings only the service bindings are read in full.
type DeploymentConfig struct {
	Services           map[string]*Service `json:"services"`
	WranglerConfigHash string              `json:"wrangler_config_hash"`
	// Others holds whatever else a person may have set: variables and bindings of
	// each other kind, by kind and name.
	Others map[string]map[string]json.RawMessage `json:"-"`
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
	return get[Project](ctx, c, "/pages/projects/%s", name)
}

// Deployments lists the newest deployments of a project; no more than one page.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/list/
func (c *Client) Deployments(ctx context.Context, project string) ([]Deployment, error) {
	return get[[]Deployment](ctx, c, "/pages/projects/%s/deployments", project)
}

// DeleteProject deletes a project. One that is gone already is no error.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/delete/
func (c *Client) DeleteProject(ctx context.Context, name string) error {
	err := c.write(ctx, http.MethodDelete, nil, "/pages/projects/%s", name)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// ServicesPatch is a change of one environment's service bindings: a nil
// service is deleted, any other is set whole, and those not named stay.
type ServicesPatch struct {
	Services map[string]*Service `json:"services"`
	// WranglerConfigHash is sent back as it was read, as wrangler does.
	WranglerConfigHash string `json:"wrangler_config_hash,omitempty"`
}

// PatchServices changes service bindings, by environment, in one call.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/methods/edit/
func (c *Client) PatchServices(ctx context.Context, project string, patch map[string]ServicesPatch) error {
	in := map[string]any{"deployment_configs": patch}
	return c.write(ctx, http.MethodPatch, in, "/pages/projects/%s", project)
}
