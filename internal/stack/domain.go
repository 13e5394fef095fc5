package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	cfapi "portfolio-infra/internal/cloudflare"
)

// Domain is a domain of the site's own.
type Domain struct {
	Name string
	// ZoneID is the zone of the DNS record; "" if somebody else makes the record.
	ZoneID string
}

// DomainArgs are the inputs of [newDomain].
type DomainArgs struct {
	Domain
	// Names are those of the state; see [newSince].
	Names      *names
	Cloudflare *cfapi.Client
}

const (
	domainToken = "cloudflare:index/pagesDomain:PagesDomain"
	recordToken = "cloudflare:index/dnsRecord:DnsRecord"
)

// newDomain declares the domain and its DNS record. It returns what a record of somebody
// else has to be, and what the domain waits for. Both have the domain in their resource
// names, so that a new domain serves before the old one goes.
func newDomain(ctx *pulumi.Context, p *Pages, args *DomainArgs) (record, status pulumi.StringOutput, err error) {
	if _, err := p.bound(ctx); err != nil {
		return record, status, err
	}
	since, err := args.newSince(ctx)
	if err != nil {
		return record, status, err
	}
	free, err1 := registerHook(ctx, "domain is free", true, func(hook *pulumi.ResourceHookArgs) error {
		if ctx.DryRun() && stateHas(ctx, domainToken, args.Name) {
			return nil // a replacement: the run deletes the old one first
		}
		project, _ := unwrap(hook.NewInputs["projectName"]).V.(string)
		began, err := since(ctx.Context())
		if err != nil {
			return err
		}
		return args.beforeCreate(ctx.Context(), ctx.DryRun(), project, began)
	})
	recordFree, err2 := registerHook(ctx, "record is free", true, func(hook *pulumi.ResourceHookArgs) error {
		if ctx.DryRun() && stateHas(ctx, recordToken, "dns-"+args.Name) {
			return nil
		}
		content, _ := unwrap(hook.NewInputs["content"]).V.(string)
		began, err := since(ctx.Context())
		if err != nil {
			return err
		}
		return args.beforeCreateRecord(ctx.Context(), ctx.DryRun(), content, began)
	})
	if err := errors.Join(err1, err2); err != nil {
		return record, status, err
	}
	domain, err := cloudflare.NewPagesDomain(ctx, args.Name, &cloudflare.PagesDomainArgs{
		AccountId:   pulumi.String(args.Cloudflare.AccountID),
		ProjectName: p.Project.Name,
		Name:        pulumi.String(args.Name),
		// After bind, which adds one that is gone.
	}, append(childOptions(p, false), pulumi.DependsOn([]pulumi.Resource{p.bind}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: free}))...)
	if err != nil {
		return record, status, err
	}
	statusAfter := func(made pulumi.IDOutput) pulumi.StringOutput {
		return pulumix.Cast[pulumi.StringOutput](pulumix.Apply2Err(made, p.Project.Name, func(_ pulumi.ID, project string) (string, error) {
			return args.status(ctx, project)
		}))
	}
	if args.ZoneID == "" {
		return pulumi.Sprintf("make this DNS record: CNAME %s %s", args.Name, p.Project.Subdomain), statusAfter(domain.ID()), nil
	}
	dns, err := cloudflare.NewDnsRecord(ctx, "dns-"+args.Name, &cloudflare.DnsRecordArgs{
		ZoneId:  pulumi.String(args.ZoneID),
		Name:    pulumi.String(args.Name),
		Type:    pulumi.String("CNAME"),
		Content: p.Project.Subdomain,
		Proxied: pulumi.Bool(true),
		Ttl:     pulumi.Float64(1), // automatic, as it must be for a proxied record
	}, append(childOptions(p, false), pulumi.DependsOn([]pulumi.Resource{domain}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: recordFree}))...)
	if err != nil {
		return record, status, err
	}
	record = pulumix.Cast[pulumi.StringOutput](pulumix.Apply2Err(dns.ID(), p.Project.Subdomain, func(_ pulumi.ID, target string) (string, error) {
		return fmt.Sprintf("CNAME %s %s", args.Name, target), args.warnOfRecord(ctx, target)
	}))
	return record, statusAfter(dns.ID()), nil
}

// status says that the domain serves the site, or what it waits for, which it warns of: a
// domain that stays pending or fails is no change of a resource.
func (args *DomainArgs) status(ctx *pulumi.Context, project string) (string, error) {
	found, err := args.Cloudflare.Domain(ctx.Context(), project, args.Name)
	switch {
	case err != nil:
		return "unknown", ctx.Log.Warn(fmt.Sprintf("the status of the domain %q cannot be read: %v", args.Name, err), nil)
	case found == nil:
		return "missing", nil // a preview, which says so
	}
	waiting := found.Waiting()
	if waiting == "" {
		return found.Status, nil
	}
	return waiting, ctx.Log.Warn(fmt.Sprintf("the domain %q does not serve the site yet; it is %s", args.Name, waiting), nil)
}

// warnOfRecord warns if the DNS record is gone or leads elsewhere. Unlike the domain it has
// an ID of its own, so only a refresh repairs it.
func (args *DomainArgs) warnOfRecord(ctx *pulumi.Context, target string) error {
	records, err := args.Cloudflare.Records(ctx.Context(), args.ZoneID, args.Name)
	if err != nil {
		return ctx.Log.Warn(fmt.Sprintf("the DNS record of %q cannot be read: %v", args.Name, err), nil)
	}
	if slices.ContainsFunc(records, func(r cfapi.Record) bool { return r.Type == "CNAME" && r.Content == target }) {
		return nil
	}
	return ctx.Log.Warn(fmt.Sprintf("the DNS record of %q was changed or deleted: run `pulumi up --refresh`", args.Name), nil)
}

// ensure adds the domain to the project again where it is gone: it was deleted by hand, or
// its project was.
func (args *DomainArgs) ensure(ctx context.Context, project string) error {
	found, err := args.Cloudflare.Domain(ctx, project, args.Name)
	if err == nil && found == nil {
		err = args.Cloudflare.AddDomain(ctx, project, args.Name)
	}
	if err != nil {
		return fmt.Errorf("adding the domain %q to the Pages project %q again: %w", args.Name, project, err)
	}
	return nil
}

// newSince keeps in the state since when the stack wants the domain, and returns a function
// that waits for it. A domain and a DNS record bear no mark. So what is older than that is
// somebody else's, and what is newer and not in the state is an orphan. The clocks of
// Cloudflare and of this machine are assumed to agree.
//
// A state of an early version has the domain among its names, which were checked then.
func (args *DomainArgs) newSince(ctx *pulumi.Context) (func(context.Context) (time.Time, error), error) {
	began := time.Now()
	if before := args.Names.Before; before["domain"] == args.Name && before["adopt"] == "" {
		began = time.Time{}
	}
	input, err := unknownInPreview(ctx, began.UTC().Format(time.RFC3339Nano), "")
	if err != nil {
		return nil, err
	}
	stash, err := pulumi.NewStash(ctx, "since-"+args.Name, &pulumi.StashArgs{Input: input}, pulumi.IgnoreChanges([]string{"input"}))
	if err != nil {
		return nil, err
	}
	return func(c context.Context) (time.Time, error) {
		result, err := internals.UnsafeAwaitOutput(c, stash.Output)
		if err != nil {
			return time.Time{}, err
		}
		if !result.Known && ctx.DryRun() {
			return began, nil
		}
		text, _ := result.Value.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			err = fmt.Errorf("config key domain: this run leaves out the stash that says since when the stack wants %q, "+
				"and nothing was changed: run `pulumi up` without --target and --exclude", args.Name)
		}
		return at, err
	}, nil
}

// isOlder reports whether something was created before a time. What does not say when
// counts as older.
func isOlder(createdOn string, than time.Time) bool {
	at, err := time.Parse(time.RFC3339, createdOn)
	return err != nil || at.Before(than)
}

// beforeCreate runs when the state has no domain. What the project has is a conflict if it
// is older than the wish of this stack, and else an orphan: it is deleted and created again.
func (args *DomainArgs) beforeCreate(ctx context.Context, dryRun bool, project string, since time.Time) error {
	if project == "" {
		return nil // a preview that creates the project
	}
	switch found, err := args.Cloudflare.Domain(ctx, project, args.Name); {
	case err != nil:
		return fmt.Errorf("looking for the domain %q before adding it: %w", args.Name, err)
	case found != nil && isOlder(found.CreatedOn, since):
		return domainConflict(args.Cloudflare, project, args.Name)
	case found == nil || dryRun:
		return nil
	}
	if err := args.Cloudflare.DeleteDomain(ctx, project, args.Name); err != nil {
		return fmt.Errorf("deleting the domain %q that an interrupted run left: %w", args.Name, err)
	}
	return nil
}

// beforeCreateRecord does the same for the DNS record, which is an orphan only if it leads
// to the project.
func (args *DomainArgs) beforeCreateRecord(ctx context.Context, dryRun bool, content string, since time.Time) error {
	records, err := args.Cloudflare.Records(ctx, args.ZoneID, args.Name)
	if err != nil {
		return fmt.Errorf("looking for a DNS record of %q before making it: %w", args.Name, err)
	}
	for _, r := range records {
		switch {
		case !stops(r):
		case r.Type != "CNAME" || r.Content != content || isOlder(r.CreatedOn, since):
			return recordConflict(args.ZoneID, args.Name, r)
		case dryRun:
		default:
			if err := args.Cloudflare.DeleteRecord(ctx, args.ZoneID, r.ID); err != nil {
				return fmt.Errorf("deleting the DNS record of %q that an interrupted run left: %w", args.Name, err)
			}
		}
	}
	return nil
}

// stops reports whether a record keeps the name from having a CNAME record that the
// clients of the site use. Cloudflare flattens a CNAME record beside others such as TXT
// and MX at a zone's apex; elsewhere the API refuses it.
// https://developers.cloudflare.com/dns/cname-flattening/
func stops(r cfapi.Record) bool { return r.Type == "A" || r.Type == "AAAA" || r.Type == "CNAME" }

// checkRecordFree refuses a new name that leads elsewhere than to target, the project.
func (d Domain) checkRecordFree(ctx context.Context, client *cfapi.Client, target string) error {
	if d.ZoneID == "" {
		return nil
	}
	records, err := client.Records(ctx, d.ZoneID, d.Name)
	if err != nil {
		return fmt.Errorf("looking for DNS records of %q: %w", d.Name, err)
	}
	for _, r := range records {
		if stops(r) && r.Content != target {
			return recordConflict(d.ZoneID, d.Name, r)
		}
	}
	return nil
}

func domainConflict(client *cfapi.Client, project, name string) error {
	return fmt.Errorf("config key domain: the Pages project %q has the domain %q already, and this stack did not add it; it was not changed: "+
		"remove it in the dashboard, or, to manage it here, run `pulumi import cloudflare:index/pagesDomain:PagesDomain %s %s/%s/%s`",
		project, name, name, client.AccountID, project, name)
}

func recordConflict(zone, name string, r cfapi.Record) error {
	return fmt.Errorf("config key domain: the zone has a DNS record %q already (%s %s), and this stack did not make it; it was not changed: "+
		"delete it, or choose another domain, or, to manage it here, run `pulumi import cloudflare:index/dnsRecord:DnsRecord dns-%s %s/%s` "+
		"and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`", name, r.Type, r.Content, name, zone, r.ID)
}

var (
	checkDomain = pattern(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`, "a domain name in lowercase letters, such as www.example.com")
	checkZone   = rule(cfapi.IsAccountID, "32 hexadecimal digits, as the dashboard shows on the domain's overview")
)

// domain reads the site's domain. There is none by default.
func (r *reader) domain(key, zoneKey string) *Domain {
	d := &Domain{Name: r.text(key), ZoneID: r.text(zoneKey)}
	if d.ZoneID != "" {
		r.check(zoneKey, d.ZoneID, checkZone)
	}
	switch {
	case d.Name != "":
		r.check(key, d.Name, checkDomain)
		return d
	case d.ZoneID != "":
		r.problem(zoneKey, "set without the config key %s: set both, or run `pulumi config rm %s`", key, zoneKey)
	}
	return nil
}
