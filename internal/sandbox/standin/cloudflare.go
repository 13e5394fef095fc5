package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// kind is one resource type of the stand-in for cloudflare.
type kind interface {
	// importKeys returns the inputs that make up an import's ID. The last one is the
	// resource's ID, or "" if the API makes it. A change of an input in replaceKeys replaces
	// the resource.
	importKeys() []string
	replaceKeys() []string
	// path returns the API's path of the resource with that ID. m has the other import keys.
	path(m property.Map, id string) string
	// put creates the resource, or updates it if there is a state. It returns the ID and the
	// new state. preview returns the state that a preview shows.
	put(ctx context.Context, api *rest.Client, id string, inputs, state property.Map) (string, property.Map, error)
	preview(inputs, state property.Map) property.Map
	// read returns the inputs and the state from what exists.
	read(ctx context.Context, api *rest.Client, path string, inputs, state property.Map) (property.Map, property.Map, error)
}

// Cloudflare takes the place of the plugin "cloudflare", for PagesProject, PagesDomain,
// DnsRecord, WorkersScript and WorkersScriptSubdomain.
func Cloudflare(process Process) p.Provider {
	kinds := map[string]kind{
		"cloudflare:index/pagesProject:PagesProject":                     project{},
		"cloudflare:index/pagesDomain:PagesDomain":                       domain{},
		"cloudflare:index/dnsRecord:DnsRecord":                           record{},
		"cloudflare:index/workersScript:WorkersScript":                   worker{process},
		"cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": subdomain{},
	}
	var api *rest.Client
	return p.Provider{
		Configure: func(_ context.Context, r p.ConfigureRequest) error {
			var err error
			api, err = newAPI(process, text(r.Args, "apiToken"), text(r.Args, "baseUrl"))
			return err
		},
		Check: func(_ context.Context, r p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: sensitive(r.Inputs)}, only(r.Urn.Type().String(), slices.Collect(maps.Keys(kinds))...)
		},
		Diff: func(_ context.Context, r p.DiffRequest) (p.DiffResponse, error) {
			k, old, inputs := kinds[r.Urn.Type().String()], r.OldInputs, r.Inputs
			if _, ok := k.(worker); ok {
				old, inputs = change(r.State, old, inputs)
			}
			d := diff(old, inputs, k.replaceKeys()...)
			delete(d.DetailedDiff, "deploymentConfigs") // the real plugin's diff names no property
			return d, nil
		},
		Create: func(ctx context.Context, r p.CreateRequest) (p.CreateResponse, error) {
			k := kinds[r.Urn.Type().String()]
			if r.DryRun {
				return p.CreateResponse{Properties: k.preview(r.Properties, property.Map{})}, nil
			}
			id, state, err := k.put(ctx, api, "", r.Properties, property.Map{})
			return p.CreateResponse{ID: id, Properties: state}, err
		},
		Read: func(ctx context.Context, r p.ReadRequest) (p.ReadResponse, error) {
			return read(ctx, api, kinds[r.Urn.Type().String()], r)
		},
		Update: func(ctx context.Context, r p.UpdateRequest) (p.UpdateResponse, error) {
			k := kinds[r.Urn.Type().String()]
			if r.DryRun {
				return p.UpdateResponse{Properties: k.preview(r.Inputs, r.State)}, nil
			}
			_, state, err := k.put(ctx, api, r.ID, r.Inputs, r.State)
			return p.UpdateResponse{Properties: state}, err
		},
		// As in the real plugin, it is an error if the resource is already gone.
		Delete: func(ctx context.Context, r p.DeleteRequest) error {
			path := kinds[r.Urn.Type().String()].path(r.Properties, r.ID)
			return api.Do(ctx, http.MethodDelete, path, nil, nil)
		},
	}
}

// read serves a refresh, and an import, whose ID has several parts.
func read(ctx context.Context, api *rest.Client, k kind, r p.ReadRequest) (p.ReadResponse, error) {
	id, inputs, keys := r.ID, r.Inputs, k.importKeys()
	if text(r.Properties, keys[0]) == "" {
		parts := strings.Split(r.ID, "/")
		if len(parts) != len(keys) || slices.Contains(parts, "") {
			return p.ReadResponse{}, fmt.Errorf("the ID %q has not %d parts, as in account/name", r.ID, len(keys))
		}
		inputs = property.Map{}
		for i, key := range keys {
			if key != "" {
				inputs = inputs.Set(key, property.New(parts[i]))
			}
		}
		id = parts[len(parts)-1]
	}
	inputs, state, err := k.read(ctx, api, k.path(inputs, id), inputs, r.Properties)
	if rest.StatusIs(err, http.StatusNotFound) {
		return p.ReadResponse{}, nil
	}
	return p.ReadResponse{ID: id, Inputs: inputs, Properties: state}, err
}

// only refuses resource types that a stand-in does not know.
func only(have string, known ...string) error {
	if slices.Contains(known, have) {
		return nil
	}
	return fmt.Errorf("the stand-in does not know %s: install the real plugin", have)
}

// sensitive marks as secret what the real plugin does: the text of each binding, also of plain
// variables.
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

// newAPI returns a client that uses the provider's config, or else its environment.
func newAPI(process Process, token, baseURL string) (*rest.Client, error) {
	token = cmp.Or(token, process.Getenv("CLOUDFLARE_API_TOKEN"))
	if token == "" {
		return nil, errors.New("cloudflare: no apiToken: set cloudflare:apiToken or CLOUDFLARE_API_TOKEN")
	}
	return &rest.Client{
		Service:          "Cloudflare",
		BaseURL:          cmp.Or(baseURL, process.Getenv("CLOUDFLARE_BASE_URL"), "https://api.cloudflare.com/client/v4"),
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
