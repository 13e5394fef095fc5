package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"

	"portfolio-infra/internal/sandbox/emulator"
)

var scriptName = regexp.MustCompile(`^[a-z0-9_][a-z0-9-_]{0,62}$`)

// isESModule has the types that a module can have, and whether each is an ES module.
var isESModule = map[string]bool{
	"application/javascript+module": true, "text/javascript+module": true,
	"text/x-python": true, "text/x-python-requirement": false,
	"application/javascript": false, "text/javascript": false,
	"application/wasm": false, "application/octet-stream": false, "text/plain": false,
	"application/source-map": false, "application/json": false,
}

// form reads a form. The part of that name is a JSON object with these fields.
func (c *call) form(name string, fs fields) (metadata map[string]any, rest []emulator.Part, err error) {
	parts, err := emulator.ReadForm(c.Request)
	if errors.Is(err, http.ErrNotMultipart) {
		return nil, nil, refuse(http.StatusBadRequest, 10001, "Content-Type must be 'multipart/form-data'")
	}
	if err != nil {
		return nil, nil, invalid("%v", err)
	}
	i := slices.IndexFunc(parts, func(p emulator.Part) bool { return p.Name == name })
	if i < 0 {
		return nil, nil, invalid("%s: part is missing", name)
	}
	if mediaType, _, _ := mime.ParseMediaType(parts[i].Type); parts[i].Type != "" && mediaType != "application/json" {
		return nil, nil, invalid("%s: must be of type application/json", name)
	}
	if err := json.Unmarshal(parts[i].Content, &metadata); err != nil || metadata == nil {
		return nil, nil, invalid("%s: must be a JSON object", name)
	}
	if err := object(fs)(metadata); err != nil {
		return nil, nil, invalid("%s: %v", name, err)
	}
	return metadata, slices.Delete(parts, i, i+1), nil
}

func putScript(c *call) (any, error) {
	name := c.PathValue("script")
	if !scriptName.MatchString(name) {
		return nil, refuse(http.StatusBadRequest, 10016, "workers.api.error.invalid_script_name")
	}
	if c.state.Subdomain == "" {
		return nil, refuse(http.StatusForbidden, 10063, "You need a workers.dev subdomain in order to proceed. "+
			"Please go to the dashboard and open the Workers menu. Opening the Workers landing page for the first time "+
			"will create a workers.dev subdomain automatically.")
	}
	metadata, modules, err := c.form("metadata", uploadFields)
	if err != nil {
		return nil, err
	}
	s := c.state.Scripts[name]
	if s == nil {
		s = &script{Name: name, Tag: randomHex(16), Number: c.state.number(), Created: c.now}
		c.state.Scripts[name] = s
	}
	if err := s.setCode(metadata, modules); err != nil {
		return nil, err
	}
	if s.Bindings, err = c.bind(s, s.Bindings, metadata); err != nil {
		return nil, err
	}
	s.Settings = map[string]any{}
	s.set(metadata)
	if err := c.cloud.checkStart(s); err != nil {
		return nil, err
	}
	if err := s.changed(c, "upload"); err != nil {
		return nil, err
	}
	return s.describe(), nil
}

// setCode replaces the Worker's code.
func (s *script) setCode(metadata map[string]any, modules []emulator.Part) error {
	main, body := str(metadata, "main_module"), str(metadata, "body_part")
	if (main == "") == (body == "") {
		return invalid("metadata: either main_module or body_part is required")
	}
	s.Entry, s.Service = main+body, body != ""
	s.Modules = modules
	sum := sha256.New()
	found := false
	for _, m := range modules {
		mediaType, _, _ := mime.ParseMediaType(m.Type)
		isES, known := isESModule[mediaType]
		if !known {
			return invalid("%s: not a type of module", m.Name)
		}
		if m.Name == s.Entry {
			found = true
			if isES == s.Service {
				return refuse(http.StatusBadRequest, 10021,
					"%s: the main module must be an ES module, the body part a script", s.Entry)
			}
		}
		fmt.Fprintf(sum, "%s\n%s\n%d\n", m.Name, m.Type, len(m.Content))
		sum.Write(m.Content)
	}
	if !found {
		return refuse(http.StatusBadRequest, 10021, "Uncaught Error: No such module %q.", s.Entry)
	}
	s.Etag = hex.EncodeToString(sum.Sum(nil))
	return nil
}
