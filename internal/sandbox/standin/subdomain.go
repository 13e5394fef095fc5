package standin

import (
	"context"
	"net/http"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// subdomain is WorkersScriptSubdomain. It makes the calls of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/workers_script_subdomain/resource.go
type subdomain struct{}

var _ kind = subdomain{}

func (subdomain) importKeys() []string  { return worker{}.importKeys() }
func (subdomain) replaceKeys() []string { return worker{}.replaceKeys() }

func (subdomain) path(m property.Map, name string) string {
	return worker{}.path(m, name) + "/subdomain"
}

func (subdomain) preview(inputs, _ property.Map) property.Map { return inputs }

func (s subdomain) put(ctx context.Context, api *rest.Client, _ string, inputs, _ property.Map) (string, property.Map, error) {
	name := text(inputs, "scriptName")
	flag := func(key string) bool { return inputs.Get(key).IsBool() && inputs.Get(key).AsBool() }
	in := map[string]any{"enabled": flag("enabled"), "previews_enabled": flag("previewsEnabled")}
	return name, inputs, api.Do(ctx, http.MethodPost, s.path(inputs, name), in, nil)
}

func (subdomain) read(ctx context.Context, api *rest.Client, path string, inputs, _ property.Map) (_, _ property.Map, err error) {
	var got struct {
		Result struct {
			Enabled         bool `json:"enabled"`
			PreviewsEnabled bool `json:"previews_enabled"`
		} `json:"result"`
	}
	err = api.Do(ctx, http.MethodGet, path, nil, &got)
	inputs = with(inputs, map[string]property.Value{
		"enabled": property.New(got.Result.Enabled), "previewsEnabled": property.New(got.Result.PreviewsEnabled),
	})
	return inputs, inputs, err
}
