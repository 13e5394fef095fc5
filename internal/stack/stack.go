package stack

import (
	"cmp"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Run declares the stack. It registers nothing if a check fails before the names.
func (p Program) Run(ctx *pulumi.Context) error {
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	p.Dir = cmp.Or(p.Dir, ".")
	cfg, err := p.loadConfig(ctx)
	if err != nil {
		return err
	}
	if err := p.prepare(ctx, cfg); err != nil {
		return err
	}
	w, err := readWorld(ctx.Context(), cfg.client(p.HTTP), cfg.PagesProject, cfg.Worker)
	if err != nil {
		return err
	}
	if err := checkStep(w.worker, cfg.Rotation); err != nil {
		return err
	}
	if err := checkWranglerFile(ctx, cfg, w); err != nil {
		return err
	}
	names, err := newNames(ctx, cfg, w)
	if err != nil {
		return err
	}
	if err := checkMark(ctx, cfg, w, names.OwnerName); err != nil {
		return err
	}
	if err := checkDeployment(ctx, cfg, w, names.OwnerName); err != nil {
		return err
	}
	database, err := newDatabase(ctx, cfg, w, names.Owner)
	if err != nil {
		return err
	}
	worker, err := newWorker(ctx, cfg, w, names.Owner, database)
	if err != nil {
		return err
	}
	if err := newDoppler(ctx, cfg, database); err != nil {
		return err
	}
	pages, err := newPages(ctx, cfg, w, names, worker)
	if err != nil {
		return err
	}
	bound, err := newBinding(ctx, cfg, w, names, worker, pages)
	if err != nil {
		return err
	}
	if err := newSite(ctx, cfg, w, names, pages, bound); err != nil {
		return err
	}
	if err := newDomain(ctx, cfg, w, names, pages, bound); err != nil {
		return err
	}
	ctx.Export("pagesUrl", pages.URL)
	ctx.Export("pagesProject", pages.Project.Name)
	ctx.Export("worker", worker.Script.ScriptName)
	ctx.Export("binding", bound.Result)
	database.export(ctx)
	return nil
}

// prepare checks what the run needs of the machine and of other stacks, and writes the bundled
// Worker.
func (p Program) prepare(ctx *pulumi.Context, cfg *Config) error {
	if err := checkProvider(ctx, p.Dir); err != nil {
		return err
	}
	if err := cfg.Script.write(p.Dir); err != nil {
		return err
	}
	if e := cfg.Environment; e != nil && e.Copy != nil {
		if err := e.Copy.findParent(ctx); err != nil {
			return err
		}
	}
	if cfg.Doppler == (Doppler{}) {
		return nil
	}
	return checkDoppler(ctx.Context(), p.Getenv("PATH"))
}
