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
	"migrations":          anyObject,
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

// uploadFields are the fields of an upload's metadata. There are no assets, since a client
// would have to upload them first. wrangler 4.164 sends the last three, which are in no
// reference.
var uploadFields = func() fields {
	fs := maps.Clone(settingFields)
	maps.Copy(fs, fields{
		"main_module": text, "body_part": text, "keep_bindings": listOf(text), "keep_assets": boolean,
		"code_update_strategy": anyObject, "package_dependencies": listOf(anyObject),
		"streaming_tail_consumers": orNull(listOf(anyObject)),
	})
	return fs
}()

// set merges the settings in metadata that can be read back.
func (s *script) set(metadata map[string]any) {
	settings := map[string]any{}
	for name, v := range metadata {
		if settingFields[name] != nil && name != "bindings" && name != "migrations" {
			settings[name] = v
		}
	}
	merge(s.Settings, settings, 0)
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
	annotations := map[string]any{"workers/triggered_by": s.Trigger}
	maps.Copy(annotations, child(s.Settings, "annotations"))
	out["annotations"] = annotations
	out["bindings"] = showBindings(s.Bindings)
	return out, nil
}

func patchSettings(c *call, s *script) (any, error) {
	settings, rest, err := c.form("settings", settingFields)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, invalid("%s: unknown part", rest[0].Name)
	}
	if _, ok := settings["bindings"]; ok {
		if s.Bindings, err = c.bind(s, s.Bindings, settings); err != nil {
			return nil, err
		}
	}
	s.set(settings)
	if err := s.changed(c, "settings"); err != nil {
		return nil, err
	}
	return getSettings(c, s)
}
