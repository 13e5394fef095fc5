package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
)

var scriptName = regexp.MustCompile(`^[a-z0-9_][a-z0-9-_]{0,62}$`)

// settingFields are those fields of the metadata that can be changed without an
// upload; their values, but for the bindings, can be read back.
var settingFields = fields{
	"annotations":         object(fields{"workers/message": text, "workers/tag": text}),
	"bindings":            listOf(anyObject), // bind looks at them closely
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
		"traces": orNull(object(fields{
			"enabled": orNull(boolean), "head_sampling_rate": orNull(rate), "persist": orNull(boolean),
			"destinations": orNull(listOf(text)), "propagation_policy": orNull(oneOf("authenticated", "accept")),
		})),
	}),
	"placement": object(fields{
		"mode": orNull(oneOf("smart", "off", "targeted")), "region": text, "host": text, "hostname": text,
	}),
	"tags":           orNull(listOf(text)),
	"tail_consumers": orNull(listOf(object(fields{"service!": text, "environment": text, "namespace": text}))),
	"usage_model":    oneOf("standard", "bundled", "unbound"),
}

// uploadFields are the fields of an upload's metadata.
var uploadFields = func() fields {
	fs := maps.Clone(settingFields)
	maps.Copy(fs, fields{
		"main_module": text, "body_part": text,
		"keep_bindings": listOf(text), "keep_assets": boolean,
		"assets": object(fields{"jwt": text, "config": object(fields{
			"_headers": text, "_redirects": text, "serve_directly": boolean,
			"html_handling":      oneOf("auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"),
			"not_found_handling": oneOf("none", "404-page", "single-page-application"),
			"run_worker_first": func(v any) error {
				if boolean(v) == nil || listOf(text)(v) == nil {
					return nil
				}
				return fmt.Errorf("must be true, false or a list of strings")
			},
		})}),
	})
	return fs
}()

// readable are the settings that can be read back.
func readable(metadata map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range metadata {
		if settingFields[k] != nil && k != "bindings" && k != "migrations" {
			out[k] = v
		}
	}
	return out
}

// moduleTypes are what a module may be, and whether it is an ES module.
var moduleTypes = map[string]bool{
	"application/javascript+module": true, "text/javascript+module": true,
	"text/x-python": true, "text/x-python-requirement": false,
	"application/javascript": false, "text/javascript": false,
	"application/wasm": false, "application/octet-stream": false, "text/plain": false,
	"application/source-map": false, "application/json": false,
}

func putScript(c *call) (reply, error) {
	name := c.PathValue("script")
	if !scriptName.MatchString(name) {
		return reply{}, refuse(http.StatusBadRequest, 10016, "workers.api.error.invalid_script_name")
	}
	if c.state.Subdomain == "" {
		return reply{}, refuse(http.StatusForbidden, 10063, "You need a workers.dev subdomain in order to proceed. "+
			"Please go to the dashboard and open the Workers menu. Opening the Workers landing page for the first time "+
			"will create a workers.dev subdomain automatically.")
	}
	parts, err := c.parts()
	if err != nil {
		return reply{}, err
	}
	meta, modules, err := metadata(parts, "metadata")
	if err != nil {
		return reply{}, err
	}
	if err := object(uploadFields)(meta); err != nil {
		return reply{}, invalid("metadata: %v", err)
	}
	before := c.state.Scripts[name]
	after := &script{Name: name, Tag: randomHex(16), Created: c.now}
	if before != nil {
		*after = *before
	} else {
		after.Number = c.state.number()
	}
	after.Settings = map[string]any{}
	merge(after.Settings, readable(meta), 0)
	if err := after.take(meta, modules); err != nil {
		return reply{}, err
	}
	if after.Bindings, err = c.bind(after, before, meta); err != nil {
		return reply{}, err
	}
	after.Uploads++
	after.changed(c, "upload")
	c.state.Scripts[name] = after
	return reply{result: after.describe()}, nil
}

// take takes the code of an upload over.
func (s *script) take(meta map[string]any, modules []module) error {
	main, isModule := meta["main_module"]
	body, isBody := meta["body_part"]
	_, s.Assets = meta["assets"]
	s.Assets = s.Assets || meta["keep_assets"] == true
	switch {
	case isModule && isBody:
		return invalid("metadata: main_module and body_part exclude each other")
	case isModule:
		s.Entry, s.Service = main.(string), false
	case isBody:
		s.Entry, s.Service = body.(string), true
	case s.Assets:
		s.Entry, s.Service = "", false
	default:
		return invalid("metadata: main_module or body_part must be there")
	}
	var entry *module
	sum := sha256.New()
	for i, m := range modules {
		mediaType, _, err := mime.ParseMediaType(m.Type)
		if _, known := moduleTypes[mediaType]; err != nil || !known {
			return invalid("%s: the type of this part is not one that a module can have", m.Name)
		}
		if m.Name == s.Entry {
			entry = &modules[i]
		}
		fmt.Fprintf(sum, "%s\n%s\n%d\n", m.Name, m.Type, len(m.Content))
		sum.Write(m.Content)
	}
	if s.Entry != "" && entry == nil {
		return refuse(http.StatusBadRequest, 10021, "Uncaught Error: No such module %q.", s.Entry)
	}
	if entry != nil {
		mediaType, _, _ := mime.ParseMediaType(entry.Type)
		if moduleTypes[mediaType] == s.Service {
			return refuse(http.StatusBadRequest, 10021,
				"%s: the main module must be an ES module, the body part a script", s.Entry)
		}
	}
	s.Modules = slices.Clone(modules)
	s.Etag = hex.EncodeToString(sum.Sum(nil))
	return nil
}
