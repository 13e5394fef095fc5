package cloudflare

import "net/http"

// getAccountSubdomain answers an account without a subdomain as in
// https://github.com/cloudflare/wrangler-legacy/issues/2039
func getAccountSubdomain(c *call) (any, error) {
	if c.state.Subdomain == "" {
		return nil, refuse(http.StatusNotFound, 10007, "workers.api.error.script_not_found")
	}
	return map[string]any{"subdomain": c.state.Subdomain}, nil
}

func putAccountSubdomain(c *call) (any, error) {
	body, err := c.body(fields{"subdomain!": text})
	if err != nil {
		return nil, err
	}
	c.state.Subdomain = str(body, "subdomain")
	return getAccountSubdomain(c)
}

func getSubdomain(_ *call, s *script) (any, error) {
	return map[string]any{"enabled": s.Enabled, "previews_enabled": s.Previews}, nil
}

func postSubdomain(c *call, s *script) (any, error) {
	body, err := c.body(fields{"enabled!": boolean, "previews_enabled": boolean})
	if err != nil {
		return nil, err
	}
	s.Enabled = body["enabled"] == true
	s.Previews = s.Enabled
	if v, ok := body["previews_enabled"]; ok {
		s.Previews = v == true
	}
	return getSubdomain(c, s)
}

// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/subdomain/methods/delete/
func deleteSubdomain(c *call, s *script) (any, error) {
	s.Enabled, s.Previews = false, false
	return getSubdomain(c, s)
}
