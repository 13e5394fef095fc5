package cloudflare

import "maps"

// settingFields are the fields of the metadata that can be changed without an upload, and read
// back.
var settingFields = fields{
	"annotations":         object(fields{"workers/message": text, "workers/tag": text}),
	"bindings":            listOf(anyObject), // see checkBinding
	"compatibility_date":  date,
	"compatibility_flags": listOf(text),
	"limits":              object(fields{"cpu_ms": count, "subrequests": count}),
	"logpush":             boolean,
	"observability": object(fields{
		"enabled!": boolean, "head_sampling_rate": orNull(rate), "redact_query_string": boolean,
		"logs": orNull(object(fields{
			"enabled!": boolean, "invocation_logs": orNull(boolean), "head_sampling_rate": orNull(rate),
			"persist": orNull(boolean), "destinations": orNull(listOf(text)),
		})),
		"traces": orNull(object(nullable(fields{
			"enabled": boolean, "head_sampling_rate": rate, "persist": boolean,
			"destinations": listOf(text), "propagation_policy": oneOf("authenticated", "accept"),
		}))),
	}),
	"placement": object(fields{
		"mode": orNull(oneOf("smart", "off", "targeted")), "region": text, "host": text, "hostname": text,
	}),
	"tags":           orNull(listOf(text)),
	"tail_consumers": orNull(listOf(object(fields{"service!": text, "environment": text, "namespace": text}))),
	"usage_model":    oneOf("standard", "bundled", "unbound"),
}

// uploadFields are the fields of an upload's metadata. wrangler 4.164 sends the last three, which
// are in no reference.
var uploadFields = func() fields {
	fs := maps.Clone(settingFields)
	maps.Copy(fs, fields{
		"main_module!": text, "keep_bindings": listOf(text),
		"code_update_strategy": anyObject, "package_dependencies": listOf(anyObject),
		"streaming_tail_consumers": orNull(listOf(anyObject)),
	})
	return fs
}()

// set merges the settings in metadata that can be read back.
func (v *version) set(metadata map[string]any) {
	settings := map[string]any{}
	for name, value := range metadata {
		if settingFields[name] != nil && name != "bindings" {
			settings[name] = value
		}
	}
	merge(v.Settings, settings, 0)
}

// getSettings shows no secrets. A setting that was not set has its default.
func getSettings(c *call, s *script) (any, error) {
	out := map[string]any{
		"compatibility_date": "", "compatibility_flags": []string{}, "logpush": false,
		"placement": map[string]any{}, "tags": []string{}, "tail_consumers": []string{}, "usage_model": "standard",
	}
	maps.Copy(out, s.Settings)
	if placement := child(out, "placement"); placement["mode"] == "smart" {
		out["placement"] = map[string]any{"mode": "smart", "status": "SUCCESS", "last_analyzed_at": c.now}
	}
	out["bindings"] = showBindings(s.Bindings)
	return out, nil
}

func patchSettings(c *call, s *script) (any, error) {
	settings, rest, err := c.form("settings", settingFields)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, invalid("%s: unknown part, or not emulated", rest[0].Name)
	}
	if _, ok := settings["bindings"]; ok {
		if s.Bindings, err = c.bind(s, settings); err != nil {
			return nil, err
		}
	}
	s.set(settings)
	s.changed(c)
	return getSettings(c, s)
}
