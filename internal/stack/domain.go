package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	cfapi "portfolio-infra/internal/cloudflare"
)

// newDomain declares the site's domain and its DNS record, if there is one. It exports what a
// record of somebody else has to be, and what the domain waits for. Both have the domain in
// their resource names, so that a new domain serves before the old one goes.
func newDomain(ctx *pulumi.Context, cfg *Config, w *world, names *names, pages *Pages, bind *bindCommand) error {
	if cfg.Domain == "" {
		return nil
	}
	if _, err := bind.output(ctx); err != nil {
		return err
	}
	since, err := newSince(ctx, cfg, names)
	if err != nil {
		return err
	}
	// free is an ownership check with the input that names what it leads to.
	free := func(hook, token, name string, leadsTo resource.PropertyKey,
		check func(c context.Context, target string, since time.Time) error,
	) (*pulumi.ResourceHookBinding, error) {
		hooks, err := registerHook(ctx, hook, true, func(args *pulumi.ResourceHookArgs) error {
			if ctx.DryRun() && stateHas(ctx, token, name) {
				return nil // a replacement: the run deletes the old one first
			}
			began, err := since(ctx.Context())
			if err != nil {
				return err
			}
			return check(ctx.Context(), textOf(args.NewInputs, leadsTo), began)
		})
		return &pulumi.ResourceHookBinding{BeforeCreate: hooks}, err
	}
	domainFree, err1 := free("domain is free", domainToken, cfg.Domain, "projectName", func(c context.Context, project string, since time.Time) error {
		return clearDomain(c, cfg, w.api, ctx.DryRun(), project, since)
	})
	recordFree, err2 := free("record is free", recordToken, recordName(cfg.Domain), "content", func(c context.Context, content string, since time.Time) error {
		return clearRecord(c, cfg, w.api, ctx.DryRun(), content, since)
	})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	domain, err := cloudflare.NewPagesDomain(ctx, cfg.Domain, &cloudflare.PagesDomainArgs{
		AccountId:   pulumi.String(cfg.AccountID),
		ProjectName: pages.Project.Name,
		Name:        pulumi.String(cfg.Domain),
		// After bind, which adds one that is gone.
	}, append(childOptions(pages, false), pulumi.DependsOn([]pulumi.Resource{bind.resource}), pulumi.ResourceHooks(domainFree))...)
	if err != nil {
		return err
	}
	made, record := domain.ID(), pulumi.Sprintf("make this DNS record: CNAME %s %s", cfg.Domain, pages.Project.Subdomain)
	if cfg.ZoneID != "" {
		dns, err := cloudflare.NewDnsRecord(ctx, recordName(cfg.Domain), &cloudflare.DnsRecordArgs{
			ZoneId:  pulumi.String(cfg.ZoneID),
			Name:    pulumi.String(cfg.Domain),
			Type:    pulumi.String("CNAME"),
			Content: pages.Project.Subdomain,
			Proxied: pulumi.Bool(true),
			Ttl:     pulumi.Float64(1), // automatic, as it must be for a proxied record
		}, append(childOptions(pages, false), pulumi.DependsOn([]pulumi.Resource{domain}), pulumi.ResourceHooks(recordFree))...)
		if err != nil {
			return err
		}
		made, record = dns.ID(), pulumix.Cast[pulumi.StringOutput](pulumix.Apply2Err(dns.ID(), pages.Project.Subdomain, func(_ pulumi.ID, target string) (string, error) {
			return fmt.Sprintf("CNAME %s %s", cfg.Domain, target), warnOfRecord(ctx, cfg, w.api, target)
		}))
	}
	ctx.Export("domainStatus", pulumix.Cast[pulumi.StringOutput](pulumix.Apply2Err(made, pages.Project.Name, func(_ pulumi.ID, project string) (string, error) {
		return domainStatus(ctx, w.api, project, cfg.Domain)
	})))
	ctx.Export("siteUrl", pulumi.String("https://"+cfg.Domain))
	ctx.Export("dnsRecord", record)
	return nil
}

// domainStatus says that the domain serves the site, or what it waits for, which it warns
// of: a domain that stays pending or fails is no change of a resource.
func domainStatus(ctx *pulumi.Context, api *cfapi.Client, project, name string) (string, error) {
	found, err := api.Domain(ctx.Context(), project, name)
	switch {
	case err != nil:
		return "unknown", ctx.Log.Warn(fmt.Sprintf("the status of the domain %q cannot be read: %v", name, err), nil)
	case found == nil:
		return "missing", nil // a preview, which says so
	}
	waiting := found.Waiting()
	if waiting == "" {
		return found.Status, nil
	}
	return waiting, ctx.Log.Warn(fmt.Sprintf("the domain %q does not serve the site yet; it is %s", name, waiting), nil)
}

// warnOfRecord warns if the DNS record is gone or leads elsewhere. Unlike the domain it has
// an ID of its own, so only a refresh repairs it.
func warnOfRecord(ctx *pulumi.Context, cfg *Config, api *cfapi.Client, target string) error {
	records, err := api.Records(ctx.Context(), cfg.ZoneID, cfg.Domain)
	if err != nil {
		return ctx.Log.Warn(fmt.Sprintf("the DNS record of %q cannot be read: %v", cfg.Domain, err), nil)
	}
	if slices.ContainsFunc(records, func(r cfapi.Record) bool { return r.Type == "CNAME" && r.Content == target }) {
		return nil
	}
	return ctx.Log.Warn(fmt.Sprintf("the DNS record of %q was changed or deleted: run `pulumi up --refresh`", cfg.Domain), nil)
}
