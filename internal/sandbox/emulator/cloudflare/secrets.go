package cloudflare

import (
	"net/http"
	"slices"
)

func listSecrets(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	list := []any{}
	for _, b := range s.Bindings {
		if secretFields[word(b, "type")] != nil {
			list = append(list, map[string]any{"name": b["name"], "type": b["type"]})
		}
	}
	return reply{result: list}, nil
}

func putSecret(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	b, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := checkBinding(0, b); err != nil {
		return reply{}, err
	}
	name, kind := word(b, "name"), word(b, "type")
	if secretFields[kind] == nil {
		return reply{}, invalid("type: must be one of secret_key, secret_text")
	}
	i := s.binding(name)
	switch {
	case i < 0:
		s.Bindings = append(s.Bindings, shut(b))
	case secretFields[word(s.Bindings[i], "type")] == nil:
		return reply{}, inUse(name)
	default:
		s.Bindings[i] = shut(b)
	}
	s.changed(c, "secret")
	return reply{result: map[string]any{"name": name, "type": kind}}, nil
}

func deleteSecret(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	i := s.binding(c.PathValue("secret"))
	if i < 0 || secretFields[word(s.Bindings[i], "type")] == nil {
		return reply{}, refuse(http.StatusNotFound, 10056, "Binding not found")
	}
	s.Bindings = slices.Delete(s.Bindings, i, i+1)
	s.changed(c, "secret")
	return reply{}, nil
}
