package standin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

// record is DnsRecord. It makes the calls of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/dns_record/resource.go
type record struct{}

var _ kind = record{}

// apiRecord is the part of the API's request that the stack needs.
type apiRecord struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"`
	Content string  `json:"content"`
	TTL     float64 `json:"ttl"`
	Proxied bool    `json:"proxied"`
	Comment *string `json:"comment,omitempty"`
}

// liveRecord is the API's answer.
type liveRecord struct {
	Result struct {
		apiRecord
		ID         string `json:"id"`
		Proxiable  bool   `json:"proxiable"`
		CreatedOn  string `json:"created_on"`
		ModifiedOn string `json:"modified_on"`
	} `json:"result"`
}

func (l liveRecord) state(inputs property.Map) property.Map {
	return with(inputs, map[string]property.Value{
		"proxied":    property.New(l.Result.Proxied),
		"proxiable":  property.New(l.Result.Proxiable),
		"createdOn":  property.New(l.Result.CreatedOn),
		"modifiedOn": property.New(l.Result.ModifiedOn),
	})
}

// over returns the inputs, overwritten by the live record. A name without its zone stays as it
// is, and proxied has a default.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/dns_record/resource.go
func (l liveRecord) over(inputs property.Map) property.Map {
	r := l.Result
	if name := text(inputs, "name"); name == "" || !strings.HasPrefix(r.Name, name+".") && name != "@" {
		inputs = inputs.Set("name", property.New(r.Name))
	}
	inputs = inputs.Set("type", property.New(r.Type)).Set("content", property.New(r.Content)).Set("ttl", property.New(r.TTL))
	if r.Proxied || inputs.Get("proxied").IsBool() {
		inputs = inputs.Set("proxied", property.New(r.Proxied))
	}
	if r.Comment == nil {
		return inputs.Delete("comment")
	}
	return inputs.Set("comment", property.New(*r.Comment))
}

// importKeys has no ID: the API makes a record's ID.
func (record) importKeys() []string  { return []string{"zoneId", ""} }
func (record) replaceKeys() []string { return []string{"zoneId", "type"} }

func (record) path(m property.Map, id string) string {
	return rest.Path("/zones/%s/dns_records/%s", text(m, "zoneId"), id)
}

func (record) preview(inputs, state property.Map) property.Map {
	if state.Len() == 0 {
		return unknown(inputs, "createdOn", "modifiedOn", "proxiable")
	}
	return unknown(with(state, inputs.AsMap()), "modifiedOn")
}

func (r record) put(ctx context.Context, api *rest.Client, id string, inputs, _ property.Map) (string, property.Map, error) {
	in := apiRecord{Name: text(inputs, "name"), Type: text(inputs, "type"), Content: text(inputs, "content")}
	if v := inputs.Get("ttl"); v.IsNumber() {
		in.TTL = v.AsNumber()
	}
	if v := inputs.Get("proxied"); v.IsBool() {
		in.Proxied = v.AsBool()
	}
	if v := inputs.Get("comment"); v.IsString() {
		comment := v.AsString()
		in.Comment = &comment
	}
	method, path := http.MethodPut, r.path(inputs, id)
	if id == "" {
		if in.Proxied && in.TTL != 1 {
			return "", property.Map{}, errors.New("ttl must be set to 1 when `proxied` is true")
		}
		method, path = http.MethodPost, rest.Path("/zones/%s/dns_records", text(inputs, "zoneId"))
	}
	var got liveRecord
	err := api.Do(ctx, method, path, in, &got)
	return got.Result.ID, got.state(inputs), err
}

func (record) read(ctx context.Context, api *rest.Client, path string, inputs, _ property.Map) (_, _ property.Map, err error) {
	var got liveRecord
	err = api.Do(ctx, http.MethodGet, path, nil, &got)
	inputs = got.over(inputs)
	return inputs, got.state(inputs), err
}
