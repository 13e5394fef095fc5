package cloudflare

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// bindingFields are the fields of each type of binding, besides name and type.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/#bindings
var bindingFields = map[string]fields{
	"ai":                 {"staging": boolean},
	"analytics_engine":   {"dataset!": text},
	"assets":             {},
	"browser":            {},
	"d1":                 {"id": text, "database_id": text},
	"data_blob":          {"part!": text},
	"dispatch_namespace": {"namespace!": text, "outbound": anyObject},
	"durable_object_namespace": {
		"class_name": text, "environment": text, "namespace_id": text, "script_name": text, "dispatch_namespace": text,
	},
	"hyperdrive":       {"id!": text},
	"images":           {},
	"inherit":          {"old_name": text, "version_id": text},
	"json":             {"json!": anything},
	"kv_namespace":     {"namespace_id!": text},
	"mtls_certificate": {"certificate_id!": text},
	"pipelines":        {"pipeline!": text},
	"plain_text":       {"text!": text},
	"queue":            {"queue_name!": text},
	"r2_bucket":        {"bucket_name!": text, "jurisdiction": text},
	"ratelimit":        {"namespace_id!": text, "simple!": anyObject},
	"secret_key": {
		"algorithm!": anything, "format!": text, "usages!": listOf(text), "key_base64": text, "key_jwk": anything,
	},
	"secret_text":          {"text!": text},
	"secrets_store_secret": {"store_id!": text, "secret_name!": text},
	"send_email": {
		"allowed_destination_addresses": listOf(text), "allowed_sender_addresses": listOf(text),
		"destination_address": text,
	},
	"service":          {"service!": text, "environment": text, "entrypoint": text},
	"text_blob":        {"part!": text},
	"vectorize":        {"index_name!": text},
	"version_metadata": {},
	"vpc_service":      {"service_id!": text},
	"wasm_module":      {"part!": text},
	"worker_loader":    {},
	"workflow":         {"workflow_name!": text, "class_name": text, "script_name": text},
}

// checkBinding refuses a binding that the API does not document.
func checkBinding(index int, b map[string]any) error {
	name, kind := str(b, "name"), str(b, "type")
	if name == "" {
		return refuse(http.StatusBadRequest, 10052, "Binding at index %d must have a name.", index)
	}
	fs, known := bindingFields[kind]
	if !known || !identifier.MatchString(name) {
		return refuse(http.StatusBadRequest, 10021, "binding %s of type %s is invalid", name, kind)
	}
	for _, field := range slices.Sorted(maps.Keys(fs)) {
		if field, required := strings.CutSuffix(field, "!"); required && b[field] == nil {
			return refuse(http.StatusBadRequest, 10021,
				"binding %s of type %s must have a %s specified", name, kind, field)
		}
	}
	all := maps.Clone(fs)
	all["name"], all["type"] = text, text
	if err := object(all)(b); err != nil {
		return refuse(http.StatusBadRequest, 10021, "binding %s of type %s is invalid: %v", name, kind, err)
	}
	return nil
}

func nameInUse(name string) error {
	return refuse(http.StatusBadRequest, 10053,
		"Binding name '%s' already in use. Please use a different name and try again.", name)
}

// binding returns the index of the binding with that name, or -1.
func (s *script) binding(name string) int { return bindingIndex(s.Bindings, name) }

func bindingIndex(bindings []map[string]any, name string) int {
	return slices.IndexFunc(bindings, func(b map[string]any) bool { return b["name"] == name })
}

// secretFields are the fields that the API never shows, by type of binding.
var secretFields = map[string][]string{"secret_text": {"text"}, "secret_key": {"key_base64", "key_jwk"}}

func isSecret(b map[string]any) bool { return secretFields[str(b, "type")] != nil }

// sealSecret returns the binding in the form that the state has.
func (c *Cloud) sealSecret(b map[string]any) map[string]any {
	b = maps.Clone(b)
	for _, field := range secretFields[str(b, "type")] {
		if value, ok := b[field].(string); ok {
			b["sealed"] = string(c.seal(value))
		}
		delete(b, field)
	}
	return b
}

// showBindings returns bindings without their secrets.
func showBindings(bindings []map[string]any) []any {
	shown := []any{}
	for _, b := range bindings {
		b = maps.Clone(b)
		delete(b, "sealed")
		shown = append(shown, b)
	}
	return shown
}

// bind returns the bindings that s has after an upload or a PATCH: those that it names or
// inherits, and those of old that it keeps.
func (c *call) bind(s *script, old []map[string]any, metadata map[string]any) ([]map[string]any, error) {
	bindings := []map[string]any{}
	named := map[string]bool{}
	list, _ := metadata["bindings"].([]any)
	for i, v := range list {
		b := v.(map[string]any)
		if err := checkBinding(i, b); err != nil {
			return nil, err
		}
		name := str(b, "name")
		if named[name] {
			return nil, nameInUse(name)
		}
		named[name] = true
		switch b["type"] {
		case "inherit":
			from := cmp.Or(str(b, "old_name"), name)
			i := bindingIndex(old, from)
			if i < 0 && c.URL.Query().Get("bindings_inherit") == "strict" {
				return nil, refuse(http.StatusBadRequest, 10057,
					"inherit binding '%s' is invalid: the previous version has no binding named '%s'", name, from)
			}
			if i < 0 {
				continue
			}
			b = maps.Clone(old[i])
			b["name"] = name
		case "service":
			if err := c.state.checkService(s.Name, b); err != nil {
				return nil, err
			}
		}
		bindings = append(bindings, c.cloud.sealSecret(b))
	}
	keep, _ := metadata["keep_bindings"].([]any)
	if c.cloud.KeepSecrets {
		keep = append(keep, "secret_text", "secret_key")
	}
	for _, b := range old {
		if slices.Contains(keep, b["type"]) && !named[str(b, "name")] {
			bindings = append(bindings, b)
		}
	}
	return bindings, nil
}

// checkService refuses a service binding to a Worker that does not exist, unless it is the one
// being uploaded.
func (st *state) checkService(self string, b map[string]any) error {
	name, target, environment := str(b, "name"), str(b, "service"), str(b, "environment")
	switch {
	case st.Scripts[target] != nil || target == self:
		return nil
	case environment != "":
		return refuse(http.StatusBadRequest, 10144, "Could not resolve service binding '%s'. Target environment '%s' "+
			"not found for target script '%s'. Please verify the target and try again.", name, environment, target)
	default:
		return refuse(http.StatusBadRequest, 10143, "Could not resolve service binding '%s'. Target script '%s' not found. "+
			"Please verify the target script and try again.", name, target)
	}
}
