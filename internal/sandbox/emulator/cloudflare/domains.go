package cloudflare

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// domain is a custom domain of a Pages project.
type domain struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)

func addDomain(c *call, p *project) (any, error) {
	body, err := c.body(fields{"name!": text})
	if err != nil {
		return nil, err
	}
	name := str(body, "name")
	if !domainName.MatchString(name) || strings.HasSuffix(name, ".pages.dev") {
		return nil, invalid("name: must be a domain of your own")
	}
	for _, other := range c.state.Projects {
		if slices.ContainsFunc(other.Domains, func(d domain) bool { return d.Name == name }) {
			return nil, refuse(http.StatusBadRequest, 8000018, "You have already added this custom domain. "+
				"Select another custom domain or check your project configuration.")
		}
	}
	d := domain{ID: newUUID(), Name: name, Created: c.now}
	p.Domains = append(p.Domains, d)
	return c.describeDomain(p, d), nil
}

// withDomain passes the call's domain to h, by its index.
func withDomain(h func(*call, *project, int) (any, error)) handler {
	return withProject(func(c *call, p *project) (any, error) {
		i := slices.IndexFunc(p.Domains, func(d domain) bool { return d.Name == c.PathValue("domain") })
		if i < 0 {
			return nil, refuse(http.StatusNotFound, 8000021, "The domain you have requested does not exist. "+
				"Add a custom domain to your Pages project before continuing.")
		}
		return h(c, p, i)
	})
}

func getDomain(c *call, p *project, i int) (any, error) {
	return c.describeDomain(p, p.Domains[i]), nil
}

func deleteDomain(_ *call, p *project, i int) (any, error) {
	p.Domains = slices.Delete(p.Domains, i, i+1)
	return nil, nil
}

// describeDomain returns a domain as the API shows it. It is assumed to be active as soon as a
// record in a zone of the account leads to the project. No other proof of ownership is
// emulated.
func (c *call) describeDomain(p *project, d domain) map[string]any {
	status, verification := "initializing", "pending"
	if slices.ContainsFunc(c.state.Records, func(r record) bool {
		return r.Type == "CNAME" && r.Name == d.Name && r.Content == p.Subdomain
	}) {
		status, verification = "active", "active"
	}
	zone := ""
	if inZone(d.Name) {
		zone = DefaultZoneID
	}
	return map[string]any{
		"id": d.ID, "domain_id": d.ID, "name": d.Name, "status": status, "created_on": d.Created,
		"verification_data":     map[string]any{"status": verification},
		"validation_data":       map[string]any{"status": status, "method": "http"},
		"certificate_authority": "google", "zone_tag": zone,
	}
}
