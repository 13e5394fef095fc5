package cloudflare

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// UnmarshalJSON decodes the fields, and keeps all properties for [Project.Altered].
func (p *Project) UnmarshalJSON(b []byte) error {
	type known Project
	if err := json.Unmarshal(b, (*known)(p)); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // a float64 cannot hold every number
	return d.Decode(&p.all)
}

// Altered returns the name of a setting that differs from that of a new project with the
// production branch, or "". An unknown property counts as altered.
//
// The response has neither deploy hooks nor the access policy of previews, and the published API
// does not list them.
//
// The properties and the defaults are from the official client's model:
// always_use_latest_compatibility_date false, build_image_major_version 3, fail_open true. No
// source says which compatibility date a new project has. It is assumed that both environments
// have the same one, since the client that creates the project sends none.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/pages_project/schema.go
func (p Project) Altered(productionBranch string) string {
	fresh := map[string]any{
		"domains":           []any{p.Subdomain},
		"production_branch": productionBranch,
	}
	for _, name := range []string{"id", "name", "subdomain", "created_on", "production_script_name", "preview_script_name",
		"deployment_configs"} {
		fresh[name] = p.all[name]
	}
	if name := differs(p.all, fresh); name != "" {
		return name
	}
	configs, _ := p.all["deployment_configs"].(map[string]any)
	date := func(environment string) any {
		config, _ := configs[environment].(map[string]any)
		return config["compatibility_date"]
	}
	for _, environment := range slices.Sorted(maps.Keys(configs)) {
		config, _ := configs[environment].(map[string]any)
		if name := differs(config, map[string]any{
			"build_image_major_version": json.Number("3"),
			"compatibility_date":        date(otherEnvironment[environment]),
			"fail_open":                 true,
			"usage_model":               "standard",
		}); name != "" {
			return environment + "." + name
		}
	}
	return ""
}

var otherEnvironment = map[string]string{"production": "preview", "preview": "production"}

// differs returns the name of a property that is neither fresh nor empty, or that is false but
// true when it is fresh. Without one it returns "".
func differs(properties, fresh map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		v := properties[name]
		if !reflect.DeepEqual(v, fresh[name]) && (!empty(v) || v == false && fresh[name] == true) {
			return name
		}
	}
	return ""
}

// empty reports whether a JSON value is null, false, "", an empty list, or an object of
// nothing else.
func empty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, property := range v {
			if !empty(property) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	default:
		return v == nil || v == "" || v == false
	}
}
