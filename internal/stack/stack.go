package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
)

// Run declares the stack. It registers nothing if the configuration has a
// mistake.
func Run(ctx *pulumi.Context) error {
	cfg, err := loadConfig(ctx)
	if err != nil {
		return err
	}
	if err := checkDoppler(ctx.Context(), cfg); err != nil {
		return err
	}
	l, err := look(ctx.Context(), cfg)
	if err != nil {
		return err
	}
	if err := refuseWranglerFile(ctx, cfg, l); err != nil {
		return err
	}
	owner, err := newOwner(ctx)
	if err != nil {
		return err
	}
	if owner, err = newNames(ctx, cfg, l, owner); err != nil {
		return err
	}
	database, err := newDatabase(ctx, cfg, owner)
	if err != nil {
		return err
	}
	api, err := newAPI(ctx, cfg, l, owner, database)
	if err != nil {
		return err
	}
	if err := writeDoppler(ctx, cfg, database); err != nil {
		return err
	}
	pages, err := newPages(ctx, cfg, l, api)
	if err != nil {
		return err
	}
	ctx.Export("pagesUrl", pages.URL)
	ctx.Export("pagesProject", pages.Project.Name)
	ctx.Export("worker", api.Worker.ScriptName)
	ctx.Export("binding", pages.Binding)
	ctx.Export("databaseUrl", database.URL)
	ctx.Export("migrationUrl", database.MigrationURL)
	ctx.Export("clusterId", database.Cluster.ID())
	ctx.Export("clusterHost", database.Cluster.Host)
	ctx.Export("clusterPort", database.Cluster.Port)
	ctx.Export("clusterUserPrefix", database.Cluster.UserPrefix)
	ctx.Export("clusterRegion", database.Cluster.Region)
	return nil
}

// refuseWranglerFile refuses a project that takes its bindings from a Wrangler file and
// lacks ours. That file may only name a Worker that exists, so until ours does this is a
// warning, and bind refuses in the end.
func refuseWranglerFile(ctx *pulumi.Context, cfg Config, l live) error {
	if l.project == nil {
		return nil
	}
	err := binding.CheckWranglerFile(*l.project, cfg.Wanted)
	if err != nil && l.worker == nil {
		return ctx.Log.Warn(err.Error(), nil)
	}
	return err
}
