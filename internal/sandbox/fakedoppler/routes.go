package fakedoppler

import (
	"net/http"
	"net/url"
)

// route is what answers one method of one path.
type route struct {
	kind   kind
	handle func(*call) (answer, error)
}

// routes are all that is emulated, by path and method.
var routes = map[string]map[string]route{
	"/v3/me":                     {http.MethodGet: {reads, getMe}},
	"/v3/configs/config/secret":  {http.MethodGet: {secretReads, getSecret}},
	"/v3/configs/config/secrets": {http.MethodPost: {writes, postSecrets}},
}

// match finds the route of a call, or refuses what is not emulated and names it.
func match(r *http.Request) (route, error) {
	methods, is := routes[r.URL.EscapedPath()]
	if !is {
		return route{}, refuse(http.StatusNotFound, "the emulator has no %s %s", r.Method, r.URL.EscapedPath())
	}
	out, is := methods[r.Method]
	if !is {
		return route{}, refuse(http.StatusMethodNotAllowed, "the emulator has no %s %s", r.Method, r.URL.EscapedPath())
	}
	return out, nil
}

// params reads the query string into the variables of its parameters. Any other
// parameter, and one that comes twice, is refused.
func (c *call) params(into map[string]*string) error {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "the query string cannot be read: %v", err)
	}
	for name, values := range query {
		v, is := into[name]
		if !is {
			return refuse(http.StatusBadRequest, "%s %s has no parameter %q", c.Method, c.URL.Path, name)
		}
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, "the parameter %q comes twice", name)
		}
		*v = values[0]
	}
	return nil
}
