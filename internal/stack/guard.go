package stack

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// A guard runs when the engine is about to create a resource, so exactly when
// the state has none, and never in a preview. It looks at what stands there
// already: a left-over of a run that died, or a stranger's.
// https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/

// projectGuard lets an empty Pages project be removed, so that it is made anew,
// and refuses any other.
func projectGuard(ctx *pulumi.Context, cfg Config) pulumi.ResourceHookFunction {
	return func(*pulumi.ResourceHookArgs) error {
		client := cfg.Cloudflare.client(cfg.AccountID)
		return guardProject(ctx.Context(), client, cfg.PagesProject)
	}
}

func guardProject(ctx context.Context, client *cloudflare.Client, name string) error {
	project, err := client.Project(ctx, name)
	if cloudflare.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for a Pages project %q before making it: %w", name, err)
	}
	deployments, err := client.Deployments(ctx, name)
	if err != nil {
		return fmt.Errorf("looking for deployments of the Pages project %q: %w", name, err)
	}
	if why := inUse(project, deployments); why != "" {
		return fmt.Errorf("a Pages project %q exists already and is not this stack's (%s); it was left as it is: "+
			"choose another name (config key pagesProject), or manage it here: "+
			"pulumi import cloudflare:index/pagesProject:PagesProject %s %s/%s", name, why, name, client.AccountID, name)
	}
	if err := client.DeleteProject(ctx, name); err != nil {
		return fmt.Errorf("removing the empty Pages project %q that an interrupted run left: %w", name, err)
	}
	return nil
}

// inUse says what shows that a person uses the project, or "".
func inUse(p cloudflare.Project, deployments []cloudflare.Deployment) string {
	if len(deployments) > 0 || p.LatestDeployment != nil {
		return "it has deployments"
	}
	if p.Source != nil {
		return "it builds from a repository"
	}
	if p.BuildConfig != (cloudflare.BuildConfig{}) {
		return "it has build settings"
	}
	for _, domain := range p.Domains {
		if domain != p.Subdomain {
			return "it has the domain " + domain
		}
	}
	for _, env := range cloudflare.Environments {
		config := p.DeploymentConfigs[env]
		if len(config.Services) > 0 {
			return "it has service bindings"
		}
		for kind := range config.Others {
			if kind != "limits" && kind != "placement" {
				return "it has " + kind
			}
		}
	}
	return ""
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
	return fmt.Errorf("a Worker %q exists already and is not this stack's; it was left as it is: "+
		"choose another name (config key worker), or manage it here: "+
		"pulumi import cloudflare:index/workersScript:WorkersScript %s %s/%s", name, name, client.AccountID, name)
}

// declaredOwner finds the owner among the inputs of the Worker that is to be made.
// The provider makes the text of each variable a secret, and a hook gets it as such.
func declaredOwner(inputs resource.PropertyMap) string {
	bindings, _ := plain(inputs["bindings"]).V.([]resource.PropertyValue)
	for _, b := range bindings {
		o, _ := plain(b).V.(resource.PropertyMap)
		if name, _ := plain(o["name"]).V.(string); name == varOwner {
			owner, _ := plain(o["text"]).V.(string)
			return owner
		}
	}
	return ""
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
