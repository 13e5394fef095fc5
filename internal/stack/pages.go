package stack

import (
	"fmt"

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
func newPages(ctx *pulumi.Context, cfg Config, l live, api *API) (*Pages, error) {
	p := &Pages{}
	if err := ctx.RegisterComponentResource("portfolio:index:Pages", "pages", p); err != nil {
		return nil, err
	}
	free, err := ctx.RegisterResourceHook("project is free", projectGuard(ctx, cfg), &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	remade, err := ctx.RegisterResourceHook("project is there", makeProjectAgain(ctx, cfg), nil)
	if err != nil {
		return nil, err
	}
	p.Project, err = cloudflare.NewPagesProject(ctx, cfg.PagesProject, &cloudflare.PagesProjectArgs{
		AccountId:        pulumi.String(cfg.AccountID),
		Name:             pulumi.String(cfg.PagesProject),
		ProductionBranch: pulumi.String(cfg.ProductionBranch),
	}, append(part(p, cfg.Protect), pulumi.DependsOn([]pulumi.Resource{api.Worker}),
		// A refresh or an import reads variables and secrets that somebody set into
		// them, and each run after it would send an empty change.
		pulumi.IgnoreChanges([]string{"deploymentConfigs"}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{
			BeforeCreate: []*pulumi.ResourceHook{free}, BeforeUpdate: []*pulumi.ResourceHook{remade},
		}))...)
	if err != nil {
		return nil, err
	}
	p.URL = pulumi.Sprintf("https://%s", p.Project.Subdomain)
	if p.Binding, err = newBindings(ctx, cfg, l, p, api); err != nil {
		return nil, err
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"url": p.URL, "binding": p.Binding})
}

// makeProjectAgain makes a project that was deleted by hand before it is updated, since
// the provider can change only one that is there. Where no update is due, bind does it.
func makeProjectAgain(ctx *pulumi.Context, cfg Config) pulumi.ResourceHookFunction {
	return func(*pulumi.ResourceHookArgs) error {
		client := cfg.Cloudflare.client(cfg.AccountID)
		found, err := there(client.Project(ctx.Context(), cfg.PagesProject))
		if found == nil && err == nil {
			err = client.CreateProject(ctx.Context(), cfg.PagesProject, cfg.ProductionBranch)
		}
		if err != nil {
			return fmt.Errorf("making the Pages project %q again where it was deleted: %w", cfg.PagesProject, err)
		}
		return nil
	}
}
