package cloudflare

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"
)

// UnmarshalJSON reads the members that the stack knows, and keeps all of them for
// [Project.Altered].
func (p *Project) UnmarshalJSON(b []byte) error {
	type known Project
	if err := json.Unmarshal(b, (*known)(p)); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // there may be one that no Go type holds
	return d.Decode(&p.all)
}

// Altered names a setting that the project would not have if it had only been made,
// with that production branch and nothing else, or returns "". What it does not know
// counts as set: a person may have done it.
//
// Not all that belongs to a project is in its description. Deploy hooks and the
// access policy of previews are not, and the published API does not list them.
//
// The members are those of the official client's model, and what a new project has
// is the default there: always_use_latest_compatibility_date false,
// build_image_major_version 3, fail_open true. That the compatibility date is the day
// of the creation is assumed.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.22.0/internal/services/pages_project/schema.go
func (p Project) Altered(productionBranch string) string {
	created, _ := time.Parse(time.RFC3339, p.CreatedOn)
	made := map[string]any{
		"domains":           []any{p.Subdomain},
		"production_branch": productionBranch,
	}
	for _, name := range []string{"id", "name", "subdomain", "created_on", "production_script_name", "preview_script_name",
		"deployment_configs"} {
		made[name] = p.all[name]
	}
	if name := differs(p.all, made); name != "" {
		return name
	}
	configs, _ := p.all["deployment_configs"].(map[string]any)
	for _, environment := range slices.Sorted(maps.Keys(configs)) {
		config, _ := configs[environment].(map[string]any)
		if name := differs(config, map[string]any{
			"build_image_major_version": json.Number("3"),
			"compatibility_date":        created.UTC().Format(time.DateOnly),
			"fail_open":                 true,
			"usage_model":               "standard",
		}); name != "" {
			return environment + "." + name
		}
	}
	return ""
}

// differs names a member that is neither as it is made nor empty, or false where it is
// made true.
func differs(members map[string]any, made map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		v := members[name]
		if !reflect.DeepEqual(v, made[name]) && (!empty(v) || v == false && made[name] == true) {
			return name
		}
	}
	return ""
}

// empty tells whether a JSON value says nothing, down to the last member.
func empty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if !empty(member) {
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
