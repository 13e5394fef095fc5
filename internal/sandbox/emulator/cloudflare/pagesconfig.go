package cloudflare

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// configFields are the fields of a deployment config. Any may be null in a
// PATCH, and so may be any entry of its maps.
var configFields = nullable(fields{
	"always_use_latest_compatibility_date": boolean,
	"build_image_major_version":            count,
	"compatibility_date":                   date,
	"compatibility_flags":                  listOf(text),
	"fail_open":                            boolean,
	"limits":                               object(fields{"cpu_ms": orNull(count)}),
	"placement":                            object(fields{"mode": orNull(text)}),
	"usage_model":                          oneOf("standard", "bundled", "unbound"),
	"wrangler_config_hash":                 text,

	"env_vars":                  entries(fields{"type!": oneOf("plain_text", "secret_text"), "value!": text}),
	"ai_bindings":               entries(fields{"project_id": orNull(text)}),
	"analytics_engine_datasets": entries(fields{"dataset!": text}),
	"browsers":                  entries(fields{}),
	"d1_databases":              entries(fields{"id!": text}),
	"durable_object_namespaces": entries(fields{
		"namespace_id": text, "class_name": text, "service": text, "environment": text,
	}),
	"hyperdrive_bindings": entries(fields{"id!": text}),
	"kv_namespaces":       entries(fields{"namespace_id!": text}),
	"mtls_certificates":   entries(fields{"certificate_id!": text}),
	"queue_producers":     entries(fields{"name!": text}),
	"r2_buckets":          entries(fields{"name!": text, "jurisdiction": orNull(text)}),
	// A service that is not named is refused in words of its own.
	"services":           entries(fields{"service": orNull(text), "environment": orNull(text), "entrypoint": orNull(text)}),
	"vectorize_bindings": entries(fields{"index_name!": text}),
})

func nullable(fs fields) fields {
	for k, s := range fs {
		fs[k] = orNull(s)
	}
	return fs
}

func entries(fs fields) shape { return mapOf(orNull(object(fs))) }

// checkServices refuses a service binding that names no Worker of the account.
// A binding that is already there is not looked at again.
func (s *state) checkServices(config map[string]any) error {
	services := child(config, "services")
	for _, name := range slices.Sorted(maps.Keys(services)) {
		binding := child(services, name)
		if binding == nil {
			continue
		}
		service := word(binding, "service")
		if _, is := s.Scripts[service]; !is {
			return refuse(http.StatusBadRequest, 8000022,
				"Invalid Service name (%s). Check your Service name and try again.", service)
		}
	}
	return nil
}

// sealVars puts what is kept of each secret in the place of its value.
func sealVars(config map[string]any) {
	vars := child(config, "env_vars")
	for name := range vars {
		if v := child(vars, name); word(v, "type") == "secret_text" {
			vars[name] = map[string]any{"type": "secret_text", "sealed": string(seal(word(v, "value")))}
		}
	}
}

// describeConfig is the config as the API shows it: what was set, over what
// holds for a new project, without secrets. What holds there are the defaults of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.22.0/internal/services/pages_project/schema.go;
// the compatibility date is assumed.
func (p *project) describeConfig(environment string) map[string]any {
	out := map[string]any{
		"always_use_latest_compatibility_date": false,
		"build_image_major_version":            3,
		"compatibility_date":                   p.Created.Format(time.DateOnly),
		"compatibility_flags":                  []string{},
		"env_vars":                             nil,
		"fail_open":                            true,
		"usage_model":                          "standard",
	}
	maps.Copy(out, p.Configs[environment])
	if vars := child(out, "env_vars"); vars != nil {
		shown := map[string]any{}
		for name, v := range vars {
			if word(child(vars, name), "type") == "secret_text" {
				v = map[string]any{"type": "secret_text", "value": ""}
			}
			shown[name] = v
		}
		out["env_vars"] = shown
	}
	return out
}
