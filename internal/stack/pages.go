package stack

import (
	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Pages is the site and its service bindings.
type Pages struct {
	pulumi.ResourceState

	Project *cloudflare.PagesProject
	// URL is where the site is served: the project's own host name, which is the
	// project's name unless somebody else has that.
	URL pulumi.StringOutput
	// Binding is what the bind command said last.
	Binding pulumi.MapOutput
}

// newPages declares the Pages project, without deploymentConfigs, and what is
// patched into it.
func newPages(ctx *pulumi.Context, cfg Config, api *API) (*Pages, error) {
	p := &Pages{}
	if err := ctx.RegisterComponentResource("portfolio:index:Pages", "pages", p); err != nil {
		return nil, err
	}
	hook, err := ctx.RegisterResourceHook("project is free", projectGuard(ctx, cfg), nil)
	if err != nil {
		return nil, err
	}
	p.Project, err = cloudflare.NewPagesProject(ctx, cfg.PagesProject, &cloudflare.PagesProjectArgs{
		AccountId:        pulumi.String(cfg.AccountID),
		Name:             pulumi.String(cfg.PagesProject),
		ProductionBranch: pulumi.String(cfg.ProductionBranch),
	}, append(part(p, cfg.Protect), pulumi.DependsOn([]pulumi.Resource{api.Worker}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}}))...)
	if err != nil {
		return nil, err
	}
	p.URL = pulumi.Sprintf("https://%s", p.Project.Subdomain)
	if p.Binding, err = newBindings(ctx, cfg, p, api); err != nil {
		return nil, err
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"url": p.URL, "binding": p.Binding})
}
