package standin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// worker is WorkersScript.
type worker struct{ process Process }

var _ kind = worker{}

func (worker) importKeys() []string    { return []string{"accountId", "scriptName"} }
func (w worker) replaceKeys() []string { return w.importKeys() }

func (worker) path(m property.Map, name string) string {
	return rest.Path("/accounts/%s/workers/scripts/%s", text(m, "accountId"), name)
}

func (worker) preview(inputs, _ property.Map) property.Map {
	return unknown(inputs, "etag", "createdOn", "modifiedOn")
}

func (w worker) put(ctx context.Context, api *rest.Client, _ string, inputs, _ property.Map) (string, property.Map, error) {
	name := text(inputs, "scriptName")
	script, err := w.content(inputs)
	if err != nil {
		return "", property.Map{}, err
	}
	var got struct {
		Etag       string `json:"etag"`
		CreatedOn  string `json:"created_on"`
		ModifiedOn string `json:"modified_on"`
	}
	if err := upload(ctx, api, w.path(inputs, name), metadata(inputs), text(inputs, "mainModule"), script, &got); err != nil {
		return "", property.Map{}, err
	}
	state := with(inputs, planned(inputs, property.Map{}).AsMap())
	return name, state.Set("etag", property.New(got.Etag)).Set("createdOn", property.New(got.CreatedOn)).Set("modifiedOn", property.New(got.ModifiedOn)), nil
}

// content reads the script and checks that it is the one that was hashed.
func (w worker) content(inputs property.Map) ([]byte, error) {
	b, err := os.ReadFile(w.process.path(text(inputs, "contentFile")))
	if err != nil {
		return nil, fmt.Errorf("reading contentFile: %w", err)
	}
	if have := hash(b); have != text(inputs, "contentSha256") {
		return nil, fmt.Errorf("contentSha256 is not the hash of contentFile, %s", have)
	}
	return b, nil
}

func hash(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// metadata is the first part of the upload.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
func metadata(inputs property.Map) map[string]any {
	m := map[string]any{
		"main_module":        text(inputs, "mainModule"),
		"compatibility_date": text(inputs, "compatibilityDate"),
		"bindings":           bindings(inputs),
	}
	if kinds := texts(inputs, "keepBindings"); len(kinds) > 0 {
		m["keep_bindings"] = kinds
	}
	if flags := texts(inputs, "compatibilityFlags"); len(flags) > 0 {
		m["compatibility_flags"] = flags
	}
	for key, v := range planned(inputs, property.Map{}).All {
		m[snake(key)] = toJSON(v)
	}
	return m
}

// binding is a variable, as in the API's requests and answers.
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

func (worker) read(ctx context.Context, api *rest.Client, path string, inputs, state property.Map) (_, _ property.Map, err error) {
	services := rest.Path("/accounts/%s/workers/services/%s", text(inputs, "accountId"), text(inputs, "scriptName"))
	if err := api.Do(ctx, http.MethodGet, services, nil, nil); err != nil {
		return inputs, state, err
	}
	var got struct {
		Result settings `json:"result"`
	}
	if err := api.Do(ctx, http.MethodGet, path+"/settings", nil, &got); err != nil {
		return inputs, state, err
	}
	module, script, err := download(ctx, api, path+"/content/v2")
	live := got.Result.recorded(state)
	inputs = got.Result.over(inputs, live).Set("mainModule", property.New(module)).Set("contentSha256", property.New(hash(script)))
	return inputs, with(with(state, inputs.AsMap()), live.AsMap()), err
}
