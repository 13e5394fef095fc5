package cloudflare

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// bindingFields are the fields of each type of binding, besides name and type: what the stack
// and wrangler's variables are, and a namespace for what else somebody may bind to a Worker.
// https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/#bindings
var bindingFields = map[string]fields{
	"inherit":      {},
	"json":         {"json!": anything},
	"kv_namespace": {"namespace_id!": text},
	"plain_text":   {"text!": text},
	"secret_text":  {"text!": text},
	"service":      {"service!": text, "environment": text, "entrypoint": text},
}

// checkBinding refuses a binding that is not emulated.
func checkBinding(index int, b map[string]any) error {
	name, kind := str(b, "name"), str(b, "type")
	if name == "" {
		return refuse(http.StatusBadRequest, 10052, "Binding at index %d must have a name.", index)
	}
	fs, known := bindingFields[kind]
	if !known {
		return refuse(http.StatusBadRequest, 10021, "binding %s of type %s is unknown, or not emulated", name, kind)
	}
	if !identifier.MatchString(name) {
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
func (v *version) binding(name string) int {
	return slices.IndexFunc(v.Bindings, func(b map[string]any) bool { return b["name"] == name })
}

func isSecret(b map[string]any) bool { return b["type"] == "secret_text" }

// sealSecret returns the binding in the form that the state has.
func (c *Cloud) sealSecret(b map[string]any) map[string]any {
	value, ok := b["text"].(string)
	if !isSecret(b) || !ok {
		return b
	}
	return map[string]any{"name": b["name"], "type": b["type"], "sealed": string(c.seal(value))}
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
// inherits, and its own that it keeps.
func (c *call) bind(s *script, metadata map[string]any) ([]map[string]any, error) {
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
			i := s.binding(name)
			if i < 0 && c.URL.Query().Get("bindings_inherit") == "strict" {
				return nil, refuse(http.StatusBadRequest, 10057,
					"inherit binding '%s' is invalid: the previous version has no binding named '%[1]s'", name)
			}
			if i < 0 {
				continue
			}
			b = s.Bindings[i]
		case "service":
			if err := c.state.checkService(s.Name, b); err != nil {
				return nil, err
			}
		}
		bindings = append(bindings, c.cloud.sealSecret(b))
	}
	keep, _ := metadata["keep_bindings"].([]any)
	if c.cloud.KeepSecrets {
		keep = append(keep, "secret_text")
	}
	for _, b := range s.Bindings {
		if slices.Contains(keep, b["type"]) && !named[str(b, "name")] {
			bindings = append(bindings, b)
		}
	}
	return bindings, nil
}

// checkService refuses a service binding to a Worker that does not exist, unless it is the one
// being uploaded.
func (st *state) checkService(self string, b map[string]any) error {
	target := str(b, "service")
	if st.Scripts[target] != nil || target == self {
		return nil
	}
	return refuse(http.StatusBadRequest, 10143, "Could not resolve service binding '%s'. Target script '%s' not found. "+
		"Please verify the target script and try again.", str(b, "name"), target)
}
