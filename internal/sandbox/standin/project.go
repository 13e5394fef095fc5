package standin

import (
	"context"
	"net/http"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// project is PagesProject.
type project struct{}

var _ kind = project{}

// apiProject is what the API answers, as far as the stack needs it.
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

// configs are the variables and secrets of each environment. The real plugin reads them
// into deploymentConfigs where somebody set some, in a refresh and in an import.
func (a apiProject) configs(inputs property.Map) property.Map {
	all := map[string]property.Value{}
	for environment, config := range a.Result.Configs {
		vars := map[string]property.Value{}
		for name, v := range config.Vars {
			vars[name] = property.New(map[string]property.Value{"type": property.New(v.Type), "value": property.New(v.Value)})
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

func projectPath(account, name string) string {
	return rest.Path("/accounts/%s/pages/projects/%s", account, name)
}

func (project) diff(r p.DiffRequest) p.DiffResponse {
	d := diff(r.OldInputs, r.Inputs, "accountId", "name")
	delete(d.DetailedDiff, "deploymentConfigs") // the real one's diff names no property
	return d
}

func (project) create(ctx context.Context, api *rest.Client, r p.CreateRequest) (p.CreateResponse, error) {
	if r.DryRun {
		return p.CreateResponse{Properties: unknown(r.Properties, "subdomain", "domains", "createdOn")}, nil
	}
	in := map[string]any{
		"name":              text(r.Properties, "name"),
		"production_branch": text(r.Properties, "productionBranch"),
	}
	var got apiProject
	err := api.Do(ctx, http.MethodPost, rest.Path("/accounts/%s/pages/projects", text(r.Properties, "accountId")), in, &got)
	if err != nil {
		return p.CreateResponse{}, err
	}
	return p.CreateResponse{ID: got.Result.Name, Properties: got.state(r.Properties)}, nil
}

func (project) read(ctx context.Context, api *rest.Client, r p.ReadRequest) (p.ReadResponse, error) {
	account, name, inputs := text(r.Properties, "accountId"), r.ID, r.Inputs
	if account == "" {
		var err error
		if account, name, err = splitID(r.ID); err != nil {
			return p.ReadResponse{}, err
		}
		inputs = property.NewMap(map[string]property.Value{"accountId": property.New(account), "name": property.New(name)})
	}
	var got apiProject
	err := api.Do(ctx, http.MethodGet, projectPath(account, name), nil, &got)
	if rest.StatusIs(err, http.StatusNotFound) {
		return p.ReadResponse{}, nil
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	inputs = got.configs(inputs.Set("productionBranch", property.New(got.Result.ProductionBranch)))
	return p.ReadResponse{ID: name, Properties: got.state(inputs), Inputs: inputs}, nil
}

func (project) update(ctx context.Context, api *rest.Client, r p.UpdateRequest) (p.UpdateResponse, error) {
	if r.DryRun {
		return p.UpdateResponse{Properties: with(r.State, r.Inputs.AsMap())}, nil
	}
	in := map[string]any{}
	if branch := text(r.Inputs, "productionBranch"); branch != text(r.State, "productionBranch") {
		in["production_branch"] = branch
	}
	var got apiProject
	err := api.Do(ctx, http.MethodPatch, projectPath(text(r.Inputs, "accountId"), r.ID), in, &got)
	return p.UpdateResponse{Properties: got.state(r.Inputs)}, err
}

func (project) delete(ctx context.Context, api *rest.Client, r p.DeleteRequest) error {
	return remove(ctx, api, projectPath(text(r.Properties, "accountId"), r.ID))
}

// remove deletes. To the real plugin it is an error, too, that it is gone already.
func remove(ctx context.Context, api *rest.Client, path string) error {
	return api.Do(ctx, http.MethodDelete, path, nil, nil)
}

// unknown returns the state of a preview: the inputs, and members that are known
// only afterwards.
func unknown(inputs property.Map, keys ...string) property.Map {
	for _, key := range keys {
		inputs = inputs.Set(key, property.New(property.Computed))
	}
	return inputs
}
