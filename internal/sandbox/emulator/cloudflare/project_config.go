package cloudflare

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// configFields are the fields of a deployment config.
var configFields = nullable(fields{
	"compatibility_date":   date,
	"compatibility_flags":  listOf(text),
	"wrangler_config_hash": text,
	"env_vars":             mapOf(fields{"type!": oneOf("plain_text", "secret_text"), "value!": text}),
	// checkServices refuses one without a service.
	"services": mapOf(nullable(fields{"service": text, "environment": text, "entrypoint": text})),
})

// checkServices refuses service bindings to anything but a Worker of the account. It does not
// look at existing bindings.
func (s *state) checkServices(config map[string]any) error {
	services := child(config, "services")
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if services[name] == nil {
			continue
		}
		service := str(child(services, name), "service")
		if s.Scripts[service] == nil {
			return refuse(http.StatusBadRequest, 8000022,
				"Invalid Service name (%s). Check your Service name and try again.", service)
		}
	}
	return nil
}

// sealSecrets replaces the value of each secret.
func (c *Cloud) sealSecrets(config map[string]any) {
	vars := child(config, "env_vars")
	for name := range vars {
		if v := child(vars, name); str(v, "type") == "secret_text" {
			vars[name] = map[string]any{"type": "secret_text", "sealed": string(c.seal(str(v, "value")))}
		}
	}
}

// setFromFile makes a Wrangler file the source of an environment's settings. Bindings that are
// not in the file are removed. That secrets stay is assumed.
// https://developers.cloudflare.com/pages/functions/wrangler-configuration/#source-of-truth
func (p *project) setFromFile(environment, hash string, worker *Worker, bindings []map[string]any) error {
	config := p.Configs[environment]
	services, vars := map[string]any{}, map[string]any{}
	for name, v := range child(config, "env_vars") {
		if str(v.(map[string]any), "type") == "secret_text" {
			vars[name] = v
		}
	}
	for _, b := range bindings {
		switch name := str(b, "name"); b["type"] {
		case "service":
			service := maps.Clone(b)
			delete(service, "name")
			delete(service, "type")
			services[name] = service
		case "plain_text":
			vars[name] = map[string]any{"type": "plain_text", "value": b["text"]}
		default:
			return invalid("%s: binding %s of type %s is unknown, or not emulated", workerBundle, name, b["type"])
		}
	}
	config["services"], config["env_vars"], config["wrangler_config_hash"] = services, vars, hash
	if worker.CompatibilityDate != "" {
		config["compatibility_date"] = worker.CompatibilityDate
	}
	if worker.CompatibilityFlags != nil {
		config["compatibility_flags"] = worker.CompatibilityFlags
	}
	return nil
}

// config returns the config of an environment with its defaults, which are those of
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/pages_project/schema.go;
// the compatibility date is assumed.
func (p *project) config(environment string) map[string]any {
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
	return out
}

// showConfig returns a config as the API shows it, without its secrets.
func showConfig(config map[string]any) map[string]any {
	out := maps.Clone(config)
	if vars := child(out, "env_vars"); vars != nil {
		shown := maps.Clone(vars)
		for name := range vars {
			if str(child(vars, name), "type") == "secret_text" {
				shown[name] = map[string]any{"type": "secret_text", "value": ""}
			}
		}
		out["env_vars"] = shown
	}
	return out
}
