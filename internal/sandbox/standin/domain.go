package standin

import (
	"context"
	"net/http"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// domain is PagesDomain. It makes the calls of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/pages_domain/resource.go
type domain struct{}

var _ kind = domain{}

// apiDomain is the part of the API's answer that the stack needs.
type apiDomain struct {
	Result struct {
		DomainID  string `json:"domain_id"`
		Status    string `json:"status"`
		CreatedOn string `json:"created_on"`
		ZoneTag   string `json:"zone_tag"`
	} `json:"result"`
}

func (a apiDomain) state(inputs property.Map) property.Map {
	return with(inputs, map[string]property.Value{
		"domainId":  property.New(a.Result.DomainID),
		"status":    property.New(a.Result.Status),
		"createdOn": property.New(a.Result.CreatedOn),
		"zoneTag":   property.New(a.Result.ZoneTag),
	})
}

// importKeys has all inputs, so there is no update.
func (domain) importKeys() []string    { return []string{"accountId", "projectName", "name"} }
func (d domain) replaceKeys() []string { return d.importKeys() }

func (domain) path(m property.Map, name string) string {
	return rest.Path("/accounts/%s/pages/projects/%s/domains/%s", text(m, "accountId"), text(m, "projectName"), name)
}

func (domain) preview(inputs, _ property.Map) property.Map {
	return unknown(inputs, "domainId", "status", "createdOn", "zoneTag")
}

func (domain) put(ctx context.Context, api *rest.Client, _ string, inputs, _ property.Map) (string, property.Map, error) {
	name := text(inputs, "name")
	path := project{}.path(inputs, text(inputs, "projectName")) + "/domains"
	var got apiDomain
	err := api.Do(ctx, http.MethodPost, path, map[string]any{"name": name}, &got)
	return name, got.state(inputs), err
}

func (domain) read(ctx context.Context, api *rest.Client, path string, inputs, _ property.Map) (_, _ property.Map, err error) {
	var got apiDomain
	err = api.Do(ctx, http.MethodGet, path, nil, &got)
	return inputs, got.state(inputs), err
}
