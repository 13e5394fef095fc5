package standin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// worker is WorkersScript.
type worker struct{}

var _ kind = worker{}

// computed are the members of the state that an upload answers.
var computed = []string{"etag", "createdOn", "modifiedOn"}

func workerPath(account, name string) string {
	return rest.Path("/accounts/%s/workers/scripts/%s", account, name)
}

func (worker) diff(r p.DiffRequest) p.DiffResponse {
	return diff(r.OldInputs, r.Inputs, "accountId", "scriptName")
}

func (worker) create(ctx context.Context, api *rest.Client, r p.CreateRequest) (p.CreateResponse, error) {
	if r.DryRun {
		return p.CreateResponse{Properties: unknown(r.Properties, computed...)}, nil
	}
	state, err := put(ctx, api, r.Properties)
	return p.CreateResponse{ID: text(r.Properties, "scriptName"), Properties: state}, err
}

func (worker) update(ctx context.Context, api *rest.Client, r p.UpdateRequest) (p.UpdateResponse, error) {
	if r.DryRun {
		return p.UpdateResponse{Properties: unknown(r.Inputs, computed...)}, nil
	}
	state, err := put(ctx, api, r.Inputs)
	return p.UpdateResponse{Properties: state}, err
}

func (worker) delete(ctx context.Context, api *rest.Client, r p.DeleteRequest) error {
	return remove(ctx, api, workerPath(text(r.Properties, "accountId"), r.ID))
}

// put uploads the script as the inputs say and returns the new state.
func put(ctx context.Context, api *rest.Client, inputs property.Map) (property.Map, error) {
	script, err := content(inputs)
	if err != nil {
		return property.Map{}, err
	}
	var got struct {
		Etag       string `json:"etag"`
		CreatedOn  string `json:"created_on"`
		ModifiedOn string `json:"modified_on"`
	}
	path := workerPath(text(inputs, "accountId"), text(inputs, "scriptName"))
	if err := upload(ctx, api, path, metadata(inputs), text(inputs, "mainModule"), script, &got); err != nil {
		return property.Map{}, err
	}
	return with(inputs, map[string]property.Value{
		"etag": property.New(got.Etag), "createdOn": property.New(got.CreatedOn), "modifiedOn": property.New(got.ModifiedOn),
	}), nil
}

// content reads the script, which must be the one that was hashed.
func content(inputs property.Map) ([]byte, error) {
	b, err := os.ReadFile(text(inputs, "contentFile"))
	if err != nil {
		return nil, fmt.Errorf("reading contentFile: %w", err)
	}
	if have := hash(b); have != text(inputs, "contentSha256") {
		return nil, fmt.Errorf("contentSha256 is not the hash of contentFile, %s", have)
	}
	return b, nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// metadata is the first part of the upload.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
func metadata(inputs property.Map) map[string]any {
	m := map[string]any{
		"main_module":        text(inputs, "mainModule"),
		"compatibility_date": text(inputs, "compatibilityDate"),
		"usage_model":        "standard",
		"logpush":            false,
		"bindings":           bindings(inputs),
	}
	if kinds := list(inputs, "keepBindings"); len(kinds) > 0 {
		m["keep_bindings"] = kinds
	}
	if flags := list(inputs, "compatibilityFlags"); len(flags) > 0 {
		m["compatibility_flags"] = flags
	}
	if o := inputs.Get("observability"); o.IsMap() && o.AsMap().Get("enabled").IsBool() {
		m["observability"] = map[string]any{"enabled": o.AsMap().Get("enabled").AsBool()}
	}
	return m
}

// binding is a variable as the API takes and answers it.
type binding struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
}

func bindings(inputs property.Map) []binding {
	all := []binding{}
	v := inputs.Get("bindings")
	if !v.IsArray() {
		return all
	}
	for _, item := range v.AsArray().All {
		m := item.AsMap()
		all = append(all, binding{Type: text(m, "type"), Name: text(m, "name"), Text: text(m, "text")})
	}
	return all
}

func (worker) read(ctx context.Context, api *rest.Client, r p.ReadRequest) (p.ReadResponse, error) {
	account, name, inputs := text(r.Properties, "accountId"), r.ID, r.Inputs
	imported := account == ""
	if imported {
		var err error
		if account, name, err = splitID(r.ID); err != nil {
			return p.ReadResponse{}, err
		}
		inputs = property.NewMap(map[string]property.Value{"accountId": property.New(account), "scriptName": property.New(name)})
	}
	err := api.Do(ctx, http.MethodGet, rest.Path("/accounts/%s/workers/services/%s", account, name), nil, nil)
	if rest.StatusIs(err, http.StatusNotFound) {
		return p.ReadResponse{}, nil
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	var settings struct {
		Result settings `json:"result"`
	}
	if err := api.Do(ctx, http.MethodGet, workerPath(account, name)+"/settings", nil, &settings); err != nil {
		return p.ReadResponse{}, err
	}
	module, script, err := download(ctx, api, workerPath(account, name)+"/content/v2")
	if err != nil {
		return p.ReadResponse{}, err
	}
	inputs = settings.Result.over(inputs)
	if module != text(inputs, "mainModule") {
		inputs = inputs.Set("mainModule", property.New(module))
	}
	if h := hash(script); h != text(inputs, "contentSha256") {
		inputs = inputs.Set("contentSha256", property.New(h))
	}
	return p.ReadResponse{ID: name, Inputs: inputs, Properties: with(r.Properties, inputs.AsMap())}, nil
}

// settings is what the API tells of an uploaded script.
type settings struct {
	Bindings          []binding `json:"bindings"`
	CompatibilityDate string    `json:"compatibility_date"`
	Observability     *struct {
		Enabled bool `json:"enabled"`
	} `json:"observability"`
}

// over returns the inputs with what the API tells put over them. As in the real plugin
// a binding stays as the state has it, gone or changed, but for a secret that is gone;
// and of those that the state has not, secrets are left out.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.22.0/internal/services/workers_script/custom.go
func (s settings) over(inputs property.Map) property.Map {
	var all []property.Value
	known := map[string]bool{}
	if v := inputs.Get("bindings"); v.IsArray() {
		for _, item := range v.AsArray().All {
			b := binding{Type: text(item.AsMap(), "type"), Name: text(item.AsMap(), "name")}
			known[b.Type+" "+b.Name] = true
			if b.Type != "secret_text" || slices.ContainsFunc(s.Bindings, func(l binding) bool { return l.Type == b.Type && l.Name == b.Name }) {
				all = append(all, item)
			}
		}
	}
	for _, b := range s.Bindings {
		if b.Type != "secret_text" && !known[b.Type+" "+b.Name] {
			all = append(all, property.New(map[string]property.Value{
				"type": property.New(b.Type), "name": property.New(b.Name), "text": property.New(b.Text),
			}))
		}
	}
	inputs = inputs.Set("bindings", property.New(all)).Set("compatibilityDate", property.New(s.CompatibilityDate))
	if s.Observability != nil {
		inputs = inputs.Set("observability", property.New(map[string]property.Value{"enabled": property.New(s.Observability.Enabled)}))
	}
	return inputs
}
