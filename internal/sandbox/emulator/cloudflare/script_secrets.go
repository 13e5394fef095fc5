package cloudflare

import (
	"net/http"
	"slices"
)

func listSecrets(_ *call, s *script) (any, error) {
	secrets := []any{}
	for _, b := range s.Bindings {
		if isSecret(b) {
			secrets = append(secrets, map[string]any{"name": b["name"], "type": b["type"]})
		}
	}
	return secrets, nil
}

func putSecret(c *call, s *script) (any, error) {
	b, err := c.decode()
	if err != nil {
		return nil, err
	}
	if err := checkBinding(0, b); err != nil {
		return nil, err
	}
	if !isSecret(b) {
		return nil, invalid("type: must be secret_text")
	}
	name := str(b, "name")
	switch i := s.binding(name); {
	case i < 0:
		s.Bindings = append(s.Bindings, c.cloud.sealSecret(b))
	case isSecret(s.Bindings[i]):
		s.Bindings[i] = c.cloud.sealSecret(b)
	default:
		return nil, nameInUse(name)
	}
	s.changed(c)
	return map[string]any{"name": name, "type": b["type"]}, nil
}

func deleteSecret(c *call, s *script) (any, error) {
	i := s.binding(c.PathValue("secret"))
	if i < 0 || !isSecret(s.Bindings[i]) {
		return nil, refuse(http.StatusNotFound, 10056, "Binding not found")
	}
	s.Bindings = slices.Delete(s.Bindings, i, i+1)
	s.changed(c)
	return nil, nil
}
