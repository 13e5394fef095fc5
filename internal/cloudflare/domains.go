package cloudflare

import (
	"context"
	"net/http"

	"portfolio-infra/internal/rest"
)

// codeDomainNotFound is the code for a domain that is not a project's.
const codeDomainNotFound = "8000021"

const (
	domainNotFound = "check the config keys accountId, pagesProject and domain"
	zoneNotFound   = "check the config key zoneId, which the dashboard shows on the domain's overview, and that the API token may edit the zone's DNS"
)

// HasDomain reports whether a Pages project has a domain of its own. A missing project
// has none.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/domains/methods/get/
func (c *Client) HasDomain(ctx context.Context, project, domain string) (bool, error) {
	_, err := get[object](ctx, c, domainNotFound, "/pages/projects/%s/domains/%s", project, domain)
	if rest.StatusIs(err, http.StatusNotFound) && rest.Code(err) == codeDomainNotFound || IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// DeleteDomain takes a domain from a Pages project.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/domains/methods/delete/
func (c *Client) DeleteDomain(ctx context.Context, project, domain string) error {
	err := c.write(ctx, domainNotFound, http.MethodDelete, nil, "/pages/projects/%s/domains/%s", project, domain)
	if rest.Code(err) == codeDomainNotFound {
		return nil
	}
	return err
}

// Record is the part of a DNS record that the stack reads.
type Record struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Content string `json:"content"`
}

// Records lists the DNS records of a name.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/list/
func (c *Client) Records(ctx context.Context, zone, name string) ([]Record, error) {
	var r result[[]Record]
	err := c.rest(zoneNotFound).Do(ctx, http.MethodGet, rest.Path("/zones/%s/dns_records?name=%s", zone, name), nil, &r)
	return r.value, err
}

// DeleteRecord deletes a DNS record.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/delete/
func (c *Client) DeleteRecord(ctx context.Context, zone, id string) error {
	err := c.rest(zoneNotFound).DoIdempotent(ctx, http.MethodDelete, rest.Path("/zones/%s/dns_records/%s", zone, id), nil, new(object))
	if rest.StatusIs(err, http.StatusNotFound) {
		return nil
	}
	return err
}
