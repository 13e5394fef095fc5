package cloudflare

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// domain is one of a Pages project's own. It stays as it was when it was added:
// nobody proves that it is theirs.
type domain struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)

func listDomains(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	return list(c, p.Domains, 25, domain.describe)
}

func addDomain(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	body, err := c.decode()
	if err != nil {
		return reply{}, err
	}
	if err := object(fields{"name!": text})(body); err != nil {
		return reply{}, invalid("%v", err)
	}
	name := word(body, "name")
	if !domainName.MatchString(name) || strings.HasSuffix(name, ".pages.dev") {
		return reply{}, invalid("name: must be a domain of your own")
	}
	for _, other := range c.state.Projects {
		if slices.ContainsFunc(other.Domains, func(d domain) bool { return d.Name == name }) {
			return reply{}, refuse(http.StatusBadRequest, 8000018, "You have already added this custom domain. "+
				"Select another custom domain or check your project configuration.")
		}
	}
	d := domain{ID: newUUID(), Name: name, Created: c.now}
	p.Domains = append(p.Domains, d)
	return reply{result: d.describe()}, nil
}

func (c *call) domain() (*project, int, error) {
	p, err := c.project()
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(p.Domains, func(d domain) bool { return d.Name == c.PathValue("domain") })
	if i < 0 {
		return nil, 0, refuse(http.StatusNotFound, 8000021, "The domain you have requested does not exist. "+
			"Add a custom domain to your Pages project before continuing.")
	}
	return p, i, nil
}

func getDomain(c *call) (reply, error) {
	p, i, err := c.domain()
	if err != nil {
		return reply{}, err
	}
	return reply{result: p.Domains[i].describe()}, nil
}

func deleteDomain(c *call) (reply, error) {
	p, i, err := c.domain()
	if err != nil {
		return reply{}, err
	}
	p.Domains = slices.Delete(p.Domains, i, i+1)
	return reply{}, nil
}

func (d domain) describe() map[string]any {
	return map[string]any{
		"id": d.ID, "domain_id": d.ID, "name": d.Name, "status": "initializing", "created_on": d.Created,
		"verification_data":     map[string]any{"status": "pending"},
		"validation_data":       map[string]any{"status": "initializing", "method": "http"},
		"certificate_authority": "google", "zone_tag": "",
	}
}
