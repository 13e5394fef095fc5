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

// esModule is the type of a main module, and moduleTypes are those of any module.
const esModule = "application/javascript+module"

var moduleTypes = []string{
	esModule, "application/javascript", "application/wasm", "application/octet-stream", "text/plain", "application/json",
	"application/source-map",
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
	s := c.state.Scripts[name]
	if s == nil {
		s = &script{Name: name, Tag: randomHex(16), Number: c.state.number(), Created: c.now}
		c.state.Scripts[name] = s
	}
	v, err := c.readVersion(s)
	if err != nil {
		return nil, err
	}
	s.run(c, v)
	return s.describe(), nil
}

// readVersion reads the upload of a version of s.
func (c *call) readVersion(s *script) (version, error) {
	metadata, modules, err := c.form("metadata", uploadFields)
	if err != nil {
		return version{}, err
	}
	v := version{ID: newUUID(), Settings: map[string]any{}, Entry: str(metadata, "main_module"), Modules: modules}
	if err := v.checkCode(); err != nil {
		return version{}, err
	}
	if v.Bindings, err = c.bind(s, metadata); err != nil {
		return version{}, err
	}
	v.set(metadata)
	return v, c.cloud.checkStart(v)
}

// moduleType returns the type of a module, without its parameters.
func moduleType(m emulator.Part) (string, error) {
	mediaType, _, _ := mime.ParseMediaType(m.Type)
	if !slices.Contains(moduleTypes, mediaType) {
		return "", invalid("%s: unknown type of module, or not emulated", m.Name)
	}
	return mediaType, nil
}

// checkCode checks the modules and sets the Etag.
func (v *version) checkCode() error {
	sum := sha256.New()
	found := false
	for _, m := range v.Modules {
		mediaType, err := moduleType(m)
		if err != nil {
			return err
		}
		if m.Name == v.Entry {
			found = true
			if mediaType != esModule {
				return refuse(http.StatusBadRequest, 10021, "%s: the main module must be an ES module", v.Entry)
			}
		}
		fmt.Fprintf(sum, "%s\n%s\n%d\n", m.Name, m.Type, len(m.Content))
		sum.Write(m.Content)
	}
	if !found {
		return refuse(http.StatusBadRequest, 10021, "Uncaught Error: No such module %q.", v.Entry)
	}
	v.Etag = hex.EncodeToString(sum.Sum(nil))
	return nil
}
