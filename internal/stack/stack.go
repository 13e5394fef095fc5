package stack

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
)

// Program is the Pulumi program with what it takes from its process, so that several can
// run in one. The zero value takes the process's own.
type Program struct {
	// Getenv looks up environment variables. Nil is [os.Getenv].
	Getenv func(string) string
	// HTTP makes the calls to Cloudflare. Nil is the default client.
	HTTP *http.Client
	// Dir is the project's folder, to which the paths in the configuration are
	// relative. Empty is the working directory, where Pulumi runs a program.
	Dir string
}

// Run declares the stack in this process's environment.
func Run(ctx *pulumi.Context) error { return Program{}.Run(ctx) }

// Run declares the stack. It registers nothing if the configuration has a mistake.
func (p Program) Run(ctx *pulumi.Context) error {
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	p.Dir = cmp.Or(p.Dir, ".")
	cfg, err := p.loadConfig(ctx)
	if err != nil {
		return err
	}
	if err := checkProvider(ctx, p.Dir); err != nil {
		return err
	}
	if err := cfg.Worker.Script.write(p.Dir); err != nil {
		return err
	}
	if cfg.Doppler != (Doppler{}) {
		if err := checkDoppler(ctx.Context(), p.Getenv("PATH")); err != nil {
			return err
		}
	}
	l, err := readLive(ctx.Context(), cfg.Cloudflare, cfg.Pages.Name, cfg.Worker.Name)
	if err != nil {
		return err
	}
	if err := checkStep(l.worker, cfg.TiDB.Rotation); err != nil {
		return err
	}
	if err := checkWranglerFile(ctx, cfg.Pages.Bindings, cfg.Site, l); err != nil {
		return err
	}
	cfg.Names.Live, cfg.Worker.Live, cfg.Pages.Live = l, l.worker, l.project
	if cfg.Names.Owner, err = newOwner(ctx); err != nil {
		return err
	}
	names, err := newNames(ctx, "names", &cfg.Names)
	if err != nil {
		return err
	}
	if err := cfg.Names.checkMark(ctx, names.OwnerName); err != nil {
		return err
	}
	if cfg.Site != nil {
		cfg.Site.Live, cfg.Site.Owner, cfg.Site.OwnerName = l.project, names.Owner, names.OwnerName
		if err := cfg.Site.check(ctx); err != nil {
			return err
		}
	}
	owner := names.Owner
	cfg.TiDB.Owner, cfg.TiDB.Live = owner, l.worker
	tidb, err := newTiDB(ctx, "database", &cfg.TiDB)
	if err != nil {
		return err
	}
	cfg.Worker.Owner, cfg.Worker.DatabaseURL, cfg.Worker.Rotation, cfg.Worker.Schema = owner, tidb.URL, tidb.Rotation, tidb.Schema
	worker, err := newWorker(ctx, "api", &cfg.Worker)
	if err != nil {
		return err
	}
	if cfg.Doppler != (Doppler{}) {
		if err := newDoppler(ctx, "doppler", &DopplerArgs{cfg.Doppler, tidb.URL}, pulumi.Parent(tidb)); err != nil {
			return err
		}
	}
	cfg.Pages.Worker, cfg.Pages.Owner, cfg.Pages.Names = worker.Script, names.OwnerName, &cfg.Names
	cfg.Pages.Kept = func(c context.Context) error {
		return names.requireKept(c, ctx.DryRun(), "pagesProject", cfg.Pages.Name)
	}
	if d := cfg.Domain; d != nil {
		d.Names = names
		// With another project the engine moves the domain there.
		if names.Before["domain"] == d.Name && names.Before["pagesProject"] == cfg.Pages.Name {
			cfg.Pages.Domain = d
		}
	}
	if cfg.Pages.Key, err = newDigestKey(ctx, cfg.Pages.Hidden || len(cfg.Pages.Secrets) > 0); err != nil {
		return err
	}
	pages, err := newPages(ctx, "pages", &cfg.Pages)
	if err != nil {
		return err
	}
	if cfg.Site != nil {
		cfg.Site.Settings = cfg.Pages.settings()
		deployed, err := newSite(ctx, pages, cfg.Site)
		if err != nil {
			return err
		}
		ctx.Export("siteUrl", pages.URL)
		ctx.Export("deployment", deployed)
	}
	if cfg.Domain != nil {
		record, status, err := newDomain(ctx, pages, cfg.Domain)
		if err != nil {
			return err
		}
		ctx.Export("domainStatus", status)
		ctx.Export("siteUrl", pulumi.String("https://"+cfg.Domain.Name))
		ctx.Export("dnsRecord", record)
	}
	ctx.Export("pagesUrl", pages.URL)
	ctx.Export("pagesProject", pages.Project.Name)
	ctx.Export("worker", worker.Script.ScriptName)
	ctx.Export("binding", pages.Binding)
	ctx.Export("databaseUrl", tidb.URL)
	ctx.Export("migrationUrl", tidb.MigrationURL)
	ctx.Export("clusterId", tidb.Cluster.ID())
	ctx.Export("clusterHost", tidb.Cluster.Host)
	ctx.Export("clusterPort", tidb.Cluster.Port)
	ctx.Export("clusterUserPrefix", tidb.Cluster.UserPrefix)
	ctx.Export("clusterRegion", tidb.Cluster.Region)
	return nil
}

// childOptions returns the options that the children of components have in common.
//
// A resource that is replaced under the same name (`pulumi up --replace`) must be
// deleted first, or the delete would hit the new one. `pulumi import` puts a resource
// directly below the stack, where the alias finds it.
func childOptions(parent pulumi.Resource, protect bool) []pulumi.ResourceOption {
	return []pulumi.ResourceOption{
		pulumi.Parent(parent),
		pulumi.Protect(protect),
		pulumi.DeleteBeforeReplace(true),
		pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}}),
	}
}

// registerHook registers a resource hook. Its name is kept in the state, so it stays.
// https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
func registerHook(ctx *pulumi.Context, name string, onDryRun bool, f pulumi.ResourceHookFunction) ([]*pulumi.ResourceHook, error) {
	hook, err := ctx.RegisterResourceHook(name, f, &pulumi.ResourceHookOptions{OnDryRun: onDryRun})
	return []*pulumi.ResourceHook{hook}, err
}

// checkWranglerFile refuses a project that takes its bindings from a Wrangler file and
// lacks ours. That file may name only a Worker that exists. So before the first upload
// this is a warning, and bind refuses after it. Otherwise it says that the Wrangler file of a
// site is not read.
func checkWranglerFile(ctx *pulumi.Context, bindings binding.Wanted, site *SiteArgs, l live) error {
	warnings, err := wranglerWarnings(bindings, site, l)
	for _, warning := range warnings {
		err = errors.Join(err, ctx.Log.Warn(warning, nil))
	}
	return err
}

func wranglerWarnings(bindings binding.Wanted, site *SiteArgs, l live) ([]string, error) {
	if l.project != nil {
		err := binding.CheckWranglerFile(*l.project, bindings)
		if err != nil && l.worker == nil {
			return []string{err.Error()}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	if site == nil {
		return nil, nil
	}
	return site.wranglerFiles, nil
}
