package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	cfapi "portfolio-infra/internal/cloudflare"
)

// projectHooks check the project before it is created, and create one again that was
// deleted by hand before it is updated: the provider updates only what exists. Where no
// update is due, [createdOn] does that.
func projectHooks(ctx *pulumi.Context, cfg *Config, api *cfapi.Client, names *names) (*pulumi.ResourceHookBinding, error) {
	beforeCreate, err1 := registerHook(ctx, "project is free", true, func(*pulumi.ResourceHookArgs) error {
		if err := names.requireKept(ctx.Context(), ctx.DryRun(), "pagesProject", cfg.PagesProject); err != nil {
			return err
		}
		return checkNewProject(ctx, cfg, api, names.OwnerName)
	})
	beforeUpdate, err2 := registerHook(ctx, "project is there", false, func(*pulumi.ResourceHookArgs) error {
		_, err := ensureProject(ctx.Context(), cfg, api)
		return err
	})
	return &pulumi.ResourceHookBinding{BeforeCreate: beforeCreate, BeforeUpdate: beforeUpdate}, errors.Join(err1, err2)
}

// checkNewProject runs when the state has no project, or is to replace it. It deletes an
// orphan, so that it is created again, and refuses any other project.
//
// Two stacks that begin together may both find their names free. The Worker, which comes
// before the project, bears the mark of the one that uploaded last; the other one stops
// here. One case is left: the later one looked at the Worker before the earlier one's upload,
// and its own upload takes effect after the earlier one has passed this check. Then both go
// on, and the later one deletes the empty project of the earlier one.
func checkNewProject(ctx *pulumi.Context, cfg *Config, api *cfapi.Client, owner string) error {
	script, err := ifExists(api.Script(ctx.Context(), cfg.Worker))
	if err != nil {
		return fmt.Errorf("reading the owner of the Worker before creating the Pages project %q: %w", cfg.PagesProject, err)
	}
	if err := markConflict(cfg.Worker, script, owner, ctx.Project(), ctx.Stack()); err != nil {
		return err
	}
	if ctx.DryRun() && stateHas(ctx, projectToken, cfg.PagesProject) {
		return nil // a replacement: the run deletes the old one first
	}
	return clearProject(ctx.Context(), cfg, api, ctx.DryRun())
}

// clearProject deletes an orphan, and refuses any other project.
func clearProject(ctx context.Context, cfg *Config, api *cfapi.Client, dryRun bool) error {
	project, err := ifExists(api.Project(ctx, cfg.PagesProject))
	switch {
	case err != nil:
		return fmt.Errorf("looking for a Pages project %q before creating it: %w", cfg.PagesProject, err)
	case project == nil:
		return nil
	}
	deployments, err := api.Deployments(ctx, cfg.PagesProject, "", 1)
	if err != nil {
		return fmt.Errorf("listing the deployments of the Pages project %q: %w", cfg.PagesProject, err)
	}
	altered := project.Altered(cfg.ProductionBranch)
	switch {
	case len(deployments) > 0:
		return projectConflict(api, cfg.PagesProject, "it has deployments")
	case altered != "":
		return projectConflict(api, cfg.PagesProject, "a new one would not have its "+altered)
	case cfg.Adopt:
		// The name was not checked, so the project may predate this stack.
		return projectConflict(api, cfg.PagesProject, "it is empty; delete it if an interrupted run left it")
	case dryRun:
		return nil
	}
	if err := api.DeleteProject(ctx, cfg.PagesProject); err != nil {
		return fmt.Errorf("deleting the empty Pages project %q that an interrupted run left: %w", cfg.PagesProject, err)
	}
	return nil
}

// ensureProject returns the project, which it creates again where it was deleted.
func ensureProject(ctx context.Context, cfg *Config, api *cfapi.Client) (*cfapi.Project, error) {
	project, err := ifExists(api.Project(ctx, cfg.PagesProject))
	if project == nil && err == nil {
		if err = api.CreateProject(ctx, cfg.PagesProject, cfg.ProductionBranch); err == nil {
			project, err = ifExists(api.Project(ctx, cfg.PagesProject))
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("creating the Pages project %q again where it was deleted: %w", cfg.PagesProject, err)
	case project == nil:
		return nil, fmt.Errorf("the Pages project %q was created and cannot be read yet: run it again", cfg.PagesProject)
	}
	return project, nil
}

// createdOn returns when the project was created. It is part of the commands' requests, so
// that they run again on a new project. Until a refresh the state may have the time of a
// project that was deleted by hand since. So what Cloudflare says counts, if it is later. If
// there was no project when the run began, it is read again after its creation.
func createdOn(ctx *pulumi.Context, cfg *Config, w *world, declared *cloudflare.PagesProject) pulumi.StringOutput {
	if w.project == nil && ctx.DryRun() {
		unknown := pulumi.UnsafeUnknownOutput([]pulumi.Resource{declared})
		return unknown.ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
	}
	created := pulumix.ApplyErr(declared.CreatedOn, func(recorded string) (string, error) {
		project := w.project
		if project == nil {
			var err error
			if project, err = ensureProject(ctx.Context(), cfg, w.api); err != nil {
				return "", err
			}
		}
		if later(project.CreatedOn, recorded) {
			return project.CreatedOn, nil
		}
		return recorded, nil
	})
	return pulumix.Cast[pulumi.StringOutput](created)
}

// later reports whether the time a, as in RFC 3339, is after b.
func later(a, b string) bool {
	at, err1 := time.Parse(time.RFC3339, a)
	bt, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && (err2 != nil || at.After(bt))
}
