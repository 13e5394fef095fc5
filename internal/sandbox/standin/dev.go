package standin

import (
	"context"
	"net/http"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// dev is WorkersScriptSubdomain. It makes the calls of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.22.0/internal/services/workers_script_subdomain/resource.go
type dev struct{}

var _ kind = dev{}

func devPath(inputs property.Map) string {
	return workerPath(text(inputs, "accountId"), text(inputs, "scriptName")) + "/subdomain"
}

func (dev) diff(r p.DiffRequest) p.DiffResponse {
	return diff(r.OldInputs, r.Inputs, "accountId", "scriptName")
}

func (dev) post(ctx context.Context, api *rest.Client, inputs property.Map) error {
	in := map[string]any{"enabled": flag(inputs, "enabled"), "previews_enabled": flag(inputs, "previewsEnabled")}
	return api.Do(ctx, http.MethodPost, devPath(inputs), in, nil)
}

func flag(m property.Map, key string) bool { return m.Get(key).IsBool() && m.Get(key).AsBool() }

func (d dev) create(ctx context.Context, api *rest.Client, r p.CreateRequest) (p.CreateResponse, error) {
	if r.DryRun {
		return p.CreateResponse{Properties: r.Properties}, nil
	}
	return p.CreateResponse{ID: text(r.Properties, "scriptName"), Properties: r.Properties}, d.post(ctx, api, r.Properties)
}

func (dev) read(ctx context.Context, api *rest.Client, r p.ReadRequest) (p.ReadResponse, error) {
	var got struct {
		Result struct {
			Enabled         bool `json:"enabled"`
			PreviewsEnabled bool `json:"previews_enabled"`
		} `json:"result"`
	}
	err := api.Do(ctx, http.MethodGet, devPath(r.Inputs), nil, &got)
	if rest.StatusIs(err, http.StatusNotFound) {
		return p.ReadResponse{}, nil
	}
	inputs := with(r.Inputs, map[string]property.Value{
		"enabled": property.New(got.Result.Enabled), "previewsEnabled": property.New(got.Result.PreviewsEnabled),
	})
	return p.ReadResponse{ID: r.ID, Inputs: inputs, Properties: inputs}, err
}

func (d dev) update(ctx context.Context, api *rest.Client, r p.UpdateRequest) (p.UpdateResponse, error) {
	if r.DryRun {
		return p.UpdateResponse{Properties: r.Inputs}, nil
	}
	return p.UpdateResponse{Properties: r.Inputs}, d.post(ctx, api, r.Inputs)
}

func (dev) delete(ctx context.Context, api *rest.Client, r p.DeleteRequest) error {
	return remove(ctx, api, devPath(r.Properties))
}
