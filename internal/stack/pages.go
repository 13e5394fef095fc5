package stack

import (
	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Pages is the component portfolio:index:Pages: the project, its bindings, the site and its
// domain.
type Pages struct {
	pulumi.ResourceState

	Project *cloudflare.PagesProject
	// URL is the site's address: the host name that Cloudflare gave the project, which
	// is its name unless that was taken.
	URL pulumi.StringOutput

	createdOn pulumi.StringOutput // see [createdOn]
}

// newPages declares the Pages project, without deploymentConfigs: the bind command sets
// them. It comes after the Worker and is deleted before it, since Cloudflare does not
// delete a Worker that a deployed site is bound to.
func newPages(ctx *pulumi.Context, cfg *Config, w *world, names *names, worker *Worker) (*Pages, error) {
	p := &Pages{}
	if err := ctx.RegisterComponentResource("portfolio:index:Pages", "pages", p); err != nil {
		return nil, err
	}
	hooks, err := projectHooks(ctx, cfg, w.api, names)
	if err != nil {
		return nil, err
	}
	p.Project, err = cloudflare.NewPagesProject(ctx, cfg.PagesProject, &cloudflare.PagesProjectArgs{
		AccountId:        pulumi.String(cfg.AccountID),
		Name:             pulumi.String(cfg.PagesProject),
		ProductionBranch: pulumi.String(cfg.ProductionBranch),
	}, append(childOptions(p, cfg.Protect), pulumi.DependsOn([]pulumi.Resource{worker.Script}), pulumi.ResourceHooks(hooks),
		// A refresh or an import reads other people's variables and secrets into them, and
		// each run after it would send an empty change.
		pulumi.IgnoreChanges([]string{"deploymentConfigs"}))...)
	if err != nil {
		return nil, err
	}
	p.URL = pulumi.Sprintf("https://%s", p.Project.Subdomain)
	p.createdOn = createdOn(ctx, cfg, w, p.Project)
	return p, nil
}
