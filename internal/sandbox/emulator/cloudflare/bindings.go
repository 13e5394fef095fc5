package cloudflare

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// bindingFields are the fields that a Worker's binding has beside its name and
// its type. See
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

// checkBinding refuses a binding of a form that the API does not document.
func checkBinding(index int, b map[string]any) error {
	name, kind := word(b, "name"), word(b, "type")
	if name == "" {
		return refuse(http.StatusBadRequest, 10052, "Binding at index %d must have a name.", index)
	}
	fs, known := bindingFields[kind]
	if !known || !identifier.MatchString(name) {
		return refuse(http.StatusBadRequest, 10021, "binding %s of type %s is invalid", name, kind)
	}
	for _, field := range slices.Sorted(maps.Keys(fs)) {
		if field, must := strings.CutSuffix(field, "!"); must && b[field] == nil {
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

func inUse(name string) error {
	return refuse(http.StatusBadRequest, 10053,
		"Binding name '%s' already in use. Please use a different name and try again.", name)
}

// binding returns the index of the binding of that name, or -1.
func (s *script) binding(name string) int {
	return slices.IndexFunc(s.Bindings, func(b map[string]any) bool { return b["name"] == name })
}

// secretFields are the fields that are never shown, by type of binding.
var secretFields = map[string][]string{"secret_text": {"text"}, "secret_key": {"key_base64", "key_jwk"}}

// shut is a binding as it is kept: what it must not tell is replaced.
func shut(b map[string]any) map[string]any {
	out := maps.Clone(b)
	for _, field := range secretFields[word(b, "type")] {
		if value, is := out[field].(string); is {
			out["sealed"] = string(seal(value))
		}
		delete(out, field)
	}
	return out
}

// open is a binding as it is shown.
func open(b map[string]any) map[string]any {
	out := maps.Clone(b)
	delete(out, "sealed")
	return out
}

// bind makes the Worker's bindings: those of the metadata, with what they
// inherit from the Worker as it was, and what it says to keep.
func (c *call) bind(s, before *script, meta map[string]any) ([]map[string]any, error) {
	old := func(name string) map[string]any {
		if before == nil {
			return nil
		}
		if i := before.binding(name); i >= 0 {
			return before.Bindings[i]
		}
		return nil
	}
	out := []map[string]any{}
	taken := map[string]bool{}
	list, _ := meta["bindings"].([]any)
	for i, v := range list {
		b := v.(map[string]any)
		if err := checkBinding(i, b); err != nil {
			return nil, err
		}
		name := word(b, "name")
		if taken[name] {
			return nil, inUse(name)
		}
		taken[name] = true
		switch b["type"] {
		case "inherit":
			from := word(b, "old_name")
			if from == "" {
				from = name
			}
			b = maps.Clone(old(from))
			if b == nil && c.URL.Query().Get("bindings_inherit") == "strict" {
				return nil, refuse(http.StatusBadRequest, 10057,
					"inherit binding '%s' is invalid: the previous version has no binding named '%s'", name, from)
			}
			if b == nil {
				continue
			}
			b["name"] = name
		case "service":
			if err := c.state.reachable(s.Name, b); err != nil {
				return nil, err
			}
		}
		out = append(out, shut(b))
	}
	keep, _ := meta["keep_bindings"].([]any)
	if c.cloud.KeepSecrets {
		keep = append(keep, "secret_text", "secret_key")
	}
	if before != nil {
		for _, b := range before.Bindings {
			if slices.Contains(keep, b["type"]) && !taken[word(b, "name")] {
				out = append(out, b)
			}
		}
	}
	return out, nil
}

// reachable refuses a service binding to a Worker that is neither there nor the
// one that is being uploaded.
func (st *state) reachable(self string, b map[string]any) error {
	name, target, environment := word(b, "name"), word(b, "service"), word(b, "environment")
	if _, is := st.Scripts[target]; is || target == self {
		return nil
	}
	if environment != "" {
		return refuse(http.StatusBadRequest, 10144, "Could not resolve service binding '%s'. Target environment '%s' "+
			"not found for target script '%s'. Please verify the target and try again.", name, environment, target)
	}
	return refuse(http.StatusBadRequest, 10143, "Could not resolve service binding '%s'. Target script '%s' not found. "+
		"Please verify the target script and try again.", name, target)
}
