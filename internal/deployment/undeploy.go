package deployment

import (
	"context"
	"fmt"

	"portfolio-infra/internal/cloudflare"
)

// undeploy deletes the project's deployments except for the live one, which goes with the
// project. Cloudflare may refuse to delete a project with more than 100.
// https://developers.cloudflare.com/pages/platform/known-issues/#delete-a-project-with-a-high-number-of-deployments
func (d *deployer) undeploy(ctx context.Context) error {
	project, err := d.project(ctx)
	if cloudflare.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	live := ""
	if project.CanonicalDeployment != nil {
		live = project.CanonicalDeployment.ID
	}
	deleted := 0
	for page := 1; ; {
		list, err := d.client.Deployments(ctx, d.Project, "", page)
		if cloudflare.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listing the deployments of the Pages project %s: %w", d.Project, err)
		}
		kept := 0
		for _, one := range list {
			if one.ID == live {
				kept++
				continue
			}
			err := d.client.DeleteDeployment(ctx, d.Project, one.ID)
			if cloudflare.IsActiveDeployment(err) {
				kept++
				continue
			}
			if err != nil {
				return fmt.Errorf("deleting a deployment of the Pages project %s: %w", d.Project, err)
			}
			if deleted++; deleted%cloudflare.DeploymentsPerPage == 0 {
				fmt.Fprintf(d.log, "deleted %d deployments\n", deleted)
			}
		}
		if len(list) < cloudflare.DeploymentsPerPage {
			return nil
		}
		if kept == len(list) {
			page++ // else the next ones have moved to this page
		}
	}
}
