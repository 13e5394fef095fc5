package standin

import (
	"context"
	"net/http"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// project is PagesProject.
type project struct{}

var _ kind = project{}

// apiProject is the part of the API's answer that the stack needs.
type apiProject struct {
	Result struct {
		Name             string   `json:"name"`
		Subdomain        string   `json:"subdomain"`
		Domains          []string `json:"domains"`
		CreatedOn        string   `json:"created_on"`
		ProductionBranch string   `json:"production_branch"`
		Configs          map[string]struct {
			Vars map[string]struct {
				Type  string `json:"type"`
				Value string `json:"value"`
			} `json:"env_vars"`
		} `json:"deployment_configs"`
	} `json:"result"`
}

// configs returns the variables and secrets of each environment. In a refresh and an import,
// the real plugin reads those that somebody set into deploymentConfigs, and makes the values
// secret.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/pages_project/schema.go, 297
func (a apiProject) configs(inputs property.Map) property.Map {
	all := map[string]property.Value{}
	for environment, config := range a.Result.Configs {
		vars := map[string]property.Value{}
		for name, v := range config.Vars {
			vars[name] = property.New(map[string]property.Value{"type": property.New(v.Type), "value": property.New(v.Value).WithSecret(true)})
		}
		if len(vars) > 0 {
			all[environment] = property.New(map[string]property.Value{"envVars": property.New(vars)})
		}
	}
	if len(all) == 0 {
		return inputs
	}
	return inputs.Set("deploymentConfigs", property.New(all))
}

func (a apiProject) state(inputs property.Map) property.Map {
	domains := make([]property.Value, 0, len(a.Result.Domains))
	for _, d := range a.Result.Domains {
		domains = append(domains, property.New(d))
	}
	return with(inputs, map[string]property.Value{
		"name":             property.New(a.Result.Name),
		"subdomain":        property.New(a.Result.Subdomain),
		"domains":          property.New(domains),
		"createdOn":        property.New(a.Result.CreatedOn),
		"productionBranch": property.New(a.Result.ProductionBranch),
	})
}

func (project) importKeys() []string    { return []string{"accountId", "name"} }
func (p project) replaceKeys() []string { return p.importKeys() }

func (project) path(m property.Map, name string) string {
	return rest.Path("/accounts/%s/pages/projects/%s", text(m, "accountId"), name)
}

func (project) preview(inputs, state property.Map) property.Map {
	if state.Len() == 0 {
		return unknown(inputs, "subdomain", "domains", "createdOn")
	}
	return with(state, inputs.AsMap())
}

func (p project) put(ctx context.Context, api *rest.Client, _ string, inputs, state property.Map) (string, property.Map, error) {
	name, branch := text(inputs, "name"), text(inputs, "productionBranch")
	in := map[string]any{}
	if branch != text(state, "productionBranch") {
		in["production_branch"] = branch
	}
	method, path := http.MethodPatch, p.path(inputs, name)
	if state.Len() == 0 {
		method, path, in["name"] = http.MethodPost, rest.Path("/accounts/%s/pages/projects", text(inputs, "accountId")), name
	}
	var got apiProject
	err := api.Do(ctx, method, path, in, &got)
	return name, got.state(inputs), err
}

func (project) read(ctx context.Context, api *rest.Client, path string, inputs, _ property.Map) (_, _ property.Map, err error) {
	var got apiProject
	err = api.Do(ctx, http.MethodGet, path, nil, &got)
	inputs = got.configs(inputs.Set("productionBranch", property.New(got.Result.ProductionBranch)))
	return inputs, got.state(inputs), err
}
