package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

const (
	projectType = "cloudflare:index/pagesProject:PagesProject"
	workerType  = "cloudflare:index/workersScript:WorkersScript"
	devType     = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
)

// kind is one resource type of the stand-in for cloudflare.
type kind interface {
	diff(p.DiffRequest) p.DiffResponse
	create(context.Context, *rest.Client, p.CreateRequest) (p.CreateResponse, error)
	read(context.Context, *rest.Client, p.ReadRequest) (p.ReadResponse, error)
	update(context.Context, *rest.Client, p.UpdateRequest) (p.UpdateResponse, error)
	delete(context.Context, *rest.Client, p.DeleteRequest) error
}

// Cloudflare takes the place of the plugin "cloudflare", for PagesProject,
// WorkersScript and WorkersScriptSubdomain.
func Cloudflare() p.Provider {
	kinds := map[string]kind{projectType: project{}, workerType: worker{}, devType: dev{}}
	var api *rest.Client
	return p.Provider{
		Configure: func(_ context.Context, r p.ConfigureRequest) error {
			var err error
			api, err = newAPI(text(r.Args, "apiToken"), text(r.Args, "baseUrl"))
			return err
		},
		Check: func(_ context.Context, r p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: sensitive(r.Inputs)}, only(r.Urn.Type().String(), projectType, workerType, devType)
		},
		Diff: func(_ context.Context, r p.DiffRequest) (p.DiffResponse, error) {
			return kinds[r.Urn.Type().String()].diff(r), nil
		},
		Create: func(ctx context.Context, r p.CreateRequest) (p.CreateResponse, error) {
			return kinds[r.Urn.Type().String()].create(ctx, api, r)
		},
		Read: func(ctx context.Context, r p.ReadRequest) (p.ReadResponse, error) {
			return kinds[r.Urn.Type().String()].read(ctx, api, r)
		},
		Update: func(ctx context.Context, r p.UpdateRequest) (p.UpdateResponse, error) {
			return kinds[r.Urn.Type().String()].update(ctx, api, r)
		},
		Delete: func(ctx context.Context, r p.DeleteRequest) error {
			return kinds[r.Urn.Type().String()].delete(ctx, api, r)
		},
	}
}

// sensitive makes secrets of what the real plugin makes some of: the text of each
// binding, of plain variables too.
func sensitive(inputs property.Map) property.Map {
	bindings := inputs.Get("bindings")
	if !bindings.IsArray() {
		return inputs
	}
	var all []property.Value
	for _, item := range bindings.AsArray().All {
		if item.IsMap() {
			item = property.New(item.AsMap().Set("text", item.AsMap().Get("text").WithSecret(true))).WithSecret(item.Secret())
		}
		all = append(all, item)
	}
	return inputs.Set("bindings", property.New(all).WithSecret(bindings.Secret()))
}

// newAPI returns a client with the provider's config, or else its environment.
func newAPI(token, baseURL string) (*rest.Client, error) {
	token = cmp.Or(token, os.Getenv("CLOUDFLARE_API_TOKEN"))
	if token == "" {
		return nil, errors.New("cloudflare: no apiToken: set cloudflare:apiToken or CLOUDFLARE_API_TOKEN")
	}
	return &rest.Client{
		Service:          "Cloudflare",
		BaseURL:          cmp.Or(baseURL, os.Getenv("CLOUDFLARE_BASE_URL"), "https://api.cloudflare.com/client/v4"),
		Header:           http.Header{"Authorization": {"Bearer " + token}},
		RequestIDHeaders: []string{"Cf-Ray"},
		DecodeError: func(_ int, _ http.Header, body []byte) (string, string) {
			var e struct {
				Errors []struct {
					Code    json.Number
					Message string
				}
			}
			if json.Unmarshal(body, &e) != nil || len(e.Errors) == 0 {
				return "", ""
			}
			return e.Errors[0].Code.String(), e.Errors[0].Message
		},
	}, nil
}

// splitID reads the ID of an import, "account/name".
func splitID(id string) (account, name string, err error) {
	account, name, ok := strings.Cut(id, "/")
	if !ok || account == "" || name == "" {
		return "", "", fmt.Errorf("the ID %q is not of the form <account_id>/<name>", id)
	}
	return account, name, nil
}
