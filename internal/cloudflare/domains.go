package cloudflare

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"portfolio-infra/internal/rest"
)

// codeDomainNotFound is the code for a domain that the project does not have.
const codeDomainNotFound = "8000021"

const (
	domainNotFound = "check the config keys accountId, pagesProject and domain"
	zoneNotFound   = "check the config key zoneId, which the dashboard shows on the domain's overview, and that the API token may edit the zone's DNS"
)

// Domain is a Pages project's own domain, as far as the stack reads it.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/domains/methods/get/
type Domain struct {
	Name      string `json:"name"`
	CreatedOn string `json:"created_on"` // RFC 3339
	// Status is initializing, pending, active, deactivated, blocked or error.
	Status string `json:"status"`
	// Validation is about the certificate, Verification about the owner of the domain.
	Validation struct {
		Status       string `json:"status"`
		Method       string `json:"method"` // http or txt
		ErrorMessage string `json:"error_message"`
		TXTName      string `json:"txt_name"`
		TXTValue     string `json:"txt_value"`
	} `json:"validation_data"`
	Verification struct {
		Status       string `json:"status"`
		ErrorMessage string `json:"error_message"`
	} `json:"verification_data"`
}

// DomainActive is the status of a domain that serves the site.
const DomainActive = "active"

// Waiting says what Cloudflare waits for, or why it refuses the domain. For an active domain it
// returns "".
func (d Domain) Waiting() string {
	if d.Status == DomainActive {
		return ""
	}
	reason := cmp.Or(d.Verification.ErrorMessage, d.Validation.ErrorMessage)
	switch v := d.Validation; {
	case reason != "":
	case v.Method == "txt" && v.TXTName != "":
		reason = fmt.Sprintf("a DNS record TXT %s %q", v.TXTName, v.TXTValue)
	default:
		reason = "a DNS record that leads to the project, or its certificate"
	}
	return d.Status + ": " + reason
}

// Domain returns a project's own domain. It returns nil if the project does not have the domain,
// or does not exist.
func (c *Client) Domain(ctx context.Context, project, domain string) (*Domain, error) {
	d, err := get[Domain](ctx, c, domainNotFound, "/pages/projects/%s/domains/%s", project, domain)
	if rest.StatusIs(err, http.StatusNotFound) && rest.Code(err) == codeDomainNotFound || IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// AddDomain adds a domain to a Pages project.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/domains/methods/create/
func (c *Client) AddDomain(ctx context.Context, project, domain string) error {
	in := map[string]string{"name": domain}
	return c.rest(domainNotFound).Do(ctx, http.MethodPost, c.path("/pages/projects/%s/domains", project), in, new(rest.Object))
}

// DeleteDomain removes a domain from a Pages project. It is no error if the project does not have
// it.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/domains/methods/delete/
func (c *Client) DeleteDomain(ctx context.Context, project, domain string) error {
	err := c.write(ctx, domainNotFound, http.MethodDelete, nil, "/pages/projects/%s/domains/%s", project, domain)
	if rest.Code(err) == codeDomainNotFound {
		return nil
	}
	return err
}

// Record is a DNS record, as far as the stack reads it.
type Record struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Content   string `json:"content"`
	CreatedOn string `json:"created_on"` // RFC 3339
}

// Records lists the DNS records of a name.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/list/
func (c *Client) Records(ctx context.Context, zone, name string) ([]Record, error) {
	var r result[[]Record]
	err := c.rest(zoneNotFound).Do(ctx, http.MethodGet, rest.Path("/zones/%s/dns_records?name=%s", zone, name), nil, &r)
	return r.value, err
}

// DeleteRecord deletes a DNS record. It is no error if the record is missing.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/delete/
func (c *Client) DeleteRecord(ctx context.Context, zone, id string) error {
	err := c.rest(zoneNotFound).DoIdempotent(ctx, http.MethodDelete, rest.Path("/zones/%s/dns_records/%s", zone, id), nil, new(rest.Object))
	if rest.StatusIs(err, http.StatusNotFound) {
		return nil
	}
	return err
}
