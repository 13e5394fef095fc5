package stack

import (
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/cloudflare"
)

const (
	domainToken = "cloudflare:index/pagesDomain:PagesDomain"
	recordToken = "cloudflare:index/dnsRecord:DnsRecord"
)

// recordName is the name of the DNS record's resource.
func recordName(domain string) string { return "dns-" + domain }

// isOlder reports whether something was created before a time. What does not say when
// counts as older.
func isOlder(createdOn string, than time.Time) bool {
	at, err := time.Parse(time.RFC3339, createdOn)
	return err != nil || at.Before(than)
}

// clearDomain runs when the state has no domain. If the project has it, and had it before
// this stack wanted it, that is a conflict. If it is newer, it is an orphan: it is deleted
// and created again.
func clearDomain(ctx context.Context, cfg *Config, api *cloudflare.Client, dryRun bool, project string, since time.Time) error {
	if project == "" {
		return nil // a preview that creates the project
	}
	switch found, err := api.Domain(ctx, project, cfg.Domain); {
	case err != nil:
		return fmt.Errorf("looking for the domain %q before adding it: %w", cfg.Domain, err)
	case found != nil && isOlder(found.CreatedOn, since):
		return fmt.Errorf("config key domain: the Pages project %q has the domain %q already, and this stack did not add it; it was not changed: "+
			"remove it in the dashboard, or, to manage it here, run `pulumi import %s %s %s/%s/%s`",
			project, cfg.Domain, domainToken, cfg.Domain, cfg.AccountID, project, cfg.Domain)
	case found == nil || dryRun:
		return nil
	}
	if err := api.DeleteDomain(ctx, project, cfg.Domain); err != nil {
		return fmt.Errorf("deleting the domain %q that an interrupted run left: %w", cfg.Domain, err)
	}
	return nil
}

// clearRecord does the same for the DNS record, which is an orphan only if it leads to the
// project.
func clearRecord(ctx context.Context, cfg *Config, api *cloudflare.Client, dryRun bool, content string, since time.Time) error {
	records, err := api.Records(ctx, cfg.ZoneID, cfg.Domain)
	if err != nil {
		return fmt.Errorf("looking for a DNS record of %q before making it: %w", cfg.Domain, err)
	}
	for _, r := range records {
		leads := r.Type == "CNAME" && (r.Content == content || content == "") // a preview may not know
		switch {
		case !stops(r):
		case !leads || isOlder(r.CreatedOn, since):
			return recordConflict(cfg, r)
		case dryRun:
		default:
			if err := api.DeleteRecord(ctx, cfg.ZoneID, r.ID); err != nil {
				return fmt.Errorf("deleting the DNS record of %q that an interrupted run left: %w", cfg.Domain, err)
			}
		}
	}
	return nil
}

// stops reports whether a record keeps the name from having a CNAME record that the
// clients of the site use. Cloudflare flattens a CNAME record beside others such as TXT
// and MX at a zone's apex; elsewhere the API refuses it.
// https://developers.cloudflare.com/dns/cname-flattening/
func stops(r cloudflare.Record) bool { return r.Type == "A" || r.Type == "AAAA" || r.Type == "CNAME" }

func recordConflict(cfg *Config, r cloudflare.Record) error {
	return fmt.Errorf("config key domain: the zone has a DNS record %q already (%s %s), and this stack did not make it; it was not changed: "+
		"delete it, or choose another domain, or, to manage it here, run `pulumi import %s %s %s/%s` "+
		"and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`",
		cfg.Domain, r.Type, r.Content, recordToken, recordName(cfg.Domain), cfg.ZoneID, r.ID)
}

// ensureDomain adds the domain to the project again where it is gone: it was deleted by
// hand, or its project was.
func ensureDomain(ctx context.Context, api *cloudflare.Client, project, name string) error {
	found, err := api.Domain(ctx, project, name)
	if err == nil && found == nil {
		err = api.AddDomain(ctx, project, name)
	}
	if err != nil {
		return fmt.Errorf("adding the domain %q to the Pages project %q again: %w", name, project, err)
	}
	return nil
}
