package stack

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// A guard runs when the engine is about to create a resource, so exactly when
// the state has none, in a preview as well. It looks once more at what stands there,
// right before the write: a left-over of a run that died, or a stranger's.
// https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/

// projectGuard lets a Pages project that was only just made be removed, so that it is
// made anew, and refuses any other.
func projectGuard(ctx *pulumi.Context, cfg Config) pulumi.ResourceHookFunction {
	return func(*pulumi.ResourceHookArgs) error {
		return guardProject(ctx.Context(), cfg, ctx.DryRun())
	}
}

func guardProject(ctx context.Context, cfg Config, dryRun bool) error {
	client, name := cfg.Cloudflare.client(cfg.AccountID), cfg.PagesProject
	project, err := client.Project(ctx, name)
	if cloudflare.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for a Pages project %q before making it: %w", name, err)
	}
	deployments, err := client.Deployments(ctx, name, "", 1)
	if err != nil {
		return fmt.Errorf("looking for deployments of the Pages project %q: %w", name, err)
	}
	altered := project.Altered(cfg.ProductionBranch)
	switch {
	case len(deployments) > 0:
		return conflictingProject(client, name, "it has deployments")
	case altered != "":
		return conflictingProject(client, name, "a new one does not have its "+altered)
	case cfg.Adopt:
		// The names were not looked at, so it may have been there before this stack.
		return conflictingProject(client, name, "it is empty: if an interrupted run left it, delete it")
	case dryRun:
		return nil
	}
	if err := client.DeleteProject(ctx, name); err != nil {
		return fmt.Errorf("removing the empty Pages project %q that an interrupted run left: %w", name, err)
	}
	return nil
}

// workerGuard lets a Worker of this very stack be written over, and refuses any
// other: the upload would replace it without a word.
func workerGuard(ctx *pulumi.Context, cfg Config) pulumi.ResourceHookFunction {
	return func(args *pulumi.ResourceHookArgs) error {
		client := cfg.Cloudflare.client(cfg.AccountID)
		return guardWorker(ctx.Context(), client, cfg.Worker, declaredOwner(args.NewInputs))
	}
}

func guardWorker(ctx context.Context, client *cloudflare.Client, name, owner string) error {
	script, err := client.Script(ctx, name)
	if cloudflare.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for a Worker %q before making it: %w", name, err)
	}
	if owner != "" && script.Var(varOwner) == owner {
		return nil
	}
	return conflictingWorker(client, name)
}

// declaredOwner finds the owner among the inputs of the Worker that is to be made.
// The provider makes the text of each variable a secret, and a hook gets it as such.
func declaredOwner(inputs resource.PropertyMap) (owner string) {
	eachBinding(inputs, func(name string, b resource.PropertyMap) {
		if name == varOwner {
			owner, _ = plain(b["text"]).V.(string)
		}
	})
	return owner
}

// eachBinding calls f with each of the Worker's bindings among its inputs.
func eachBinding(inputs resource.PropertyMap, f func(name string, b resource.PropertyMap)) {
	bindings, _ := plain(inputs["bindings"]).V.([]resource.PropertyValue)
	for _, b := range bindings {
		o, _ := plain(b).V.(resource.PropertyMap)
		if name, is := plain(o["name"]).V.(string); is {
			f(name, o)
		}
	}
}

// plain takes what wraps a value off.
func plain(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}
