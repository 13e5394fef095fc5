package stack

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/pages"
)

// newSite declares the command that deploys the site, if the stack does, and exports its
// last result.
//
// It runs after bind, since a binding serves from the next deployment on, and again with
// each change of the content or of the project's settings.
//
// Deployments go with the project alone: one that is replaced or taken out leaves them, as
// others may have made some. The delete command of states deletes nothing.
func newSite(ctx *pulumi.Context, cfg *Config, w *world, names *names, p *Pages, bind *bindCommand) error {
	if cfg.Site == nil {
		return nil
	}
	outdated, err := bind.outdates(ctx, w.project)
	if err != nil {
		return err
	}
	command := pagesCommand{
		run: pages.Command("deploy"), remove: pages.Command("undeploy"),
		// The settings come first, since only a wait tells what they depend on, and there is none
		// behind what a preview does not know. A plan holds the dependencies too.
		request: pulumix.Cast[pulumi.StringOutput](pulumix.Apply4Err(bind.settings, p.Project.Name, p.createdOn, names.Owner, cfg.deployRequest)),
		mark:    pages.EnvDrift, drift: siteDrift(w.project, names.OwnerName, outdated, time.Now()),
	}
	if w.project != nil {
		command.reason = fmt.Sprintf("the site is deployed again: the Pages project %q serves %s", cfg.PagesProject, command.drift)
	}
	deploy, err := newPagesCommand(ctx, cfg, p, "site", command, pulumi.DependsOn([]pulumi.Resource{bind.resource}))
	if err != nil {
		return err
	}
	ctx.Export("siteUrl", p.URL)
	// The result is no secret, but a secret in the environment makes it one.
	stdout := pulumi.Unsecret(deploy.Stdout).(pulumi.StringOutput)
	ctx.Export("deployment", pulumix.Cast[pulumi.MapOutput](pulumix.ApplyErr(stdout, func(line string) (map[string]any, error) {
		return decode[map[string]any]("deploy", line)
	})))
	return nil
}

// deployRequest returns the standard input of the deploy command.
func (c *Config) deployRequest(settings, project, createdOn, owner string) (string, error) {
	b, err := json.Marshal(pages.DeployRequest{
		AccountID: c.AccountID,
		Project:   project,
		CreatedOn: createdOn,
		Owner:     owner,
		Site:      c.Site.Folder,
		Digest:    c.Site.Digest,
		Flags:     c.CompatibilityFlags,
		Settings:  settings,
		Overwrite: c.OverwriteSite,

		Functions:    c.Site.Functions,
		FunctionsEnv: c.Site.FunctionsEnv,
		PublicFiles:  c.Site.PublicFiles,
		NoIndex:      c.Site.NoIndex,
	})
	return string(b), err
}

// siteDrift returns the drift mark of what production serves in place of a deployment of the
// owner that has the bindings, or "". A binding serves from the next deployment on, and a run
// may set it without the site, or after it (--target, --exclude).
func siteDrift(project *cloudflare.Project, owner string, outdated bool, now time.Time) string {
	if project == nil || project.CanonicalDeployment == nil {
		return markDrift("no deployment", now)
	}
	serving := *project.CanonicalDeployment
	switch {
	case owner == "":
		return ""
	case !pages.IsOurs(serving, owner):
		return markDrift(fmt.Sprintf("a deployment that this stack did not make: %s of %s", serving.ID, serving.CreatedOn), now)
	case outdated:
		return markDrift("a deployment that is older than its bindings", now)
	}
	return ""
}
