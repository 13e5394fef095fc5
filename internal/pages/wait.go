package pages

import (
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

const (
	// waitTime is how long a deployment may take to become live. Assumed.
	waitTime = 10 * time.Minute
	// maxPause is the longest pause between two requests.
	maxPause = 16 * time.Second
)

// wait waits until the deployment is live.
func (d *deployer) wait(ctx context.Context, deployed cloudflare.Deployment) (cloudflare.Deployment, error) {
	start := time.Now()
	for pause := time.Second; !deployed.Live(); pause = min(2*pause, maxPause) {
		stage := deployed.LatestStage
		switch {
		case deployed.Failed():
			return deployed, d.failed(ctx, deployed, fmt.Errorf("its stage %s ended with %s", stage.Name, stage.Status))
		case time.Since(start) > waitTime:
			return deployed, d.failed(ctx, deployed, fmt.Errorf("it is not live after %s: its stage %s is %s", waitTime, stage.Name, stage.Status))
		}
		fmt.Fprintf(d.log, "deployment %s: stage %s is %s\n", deployed.ID, stage.Name, stage.Status)
		if err := rest.Sleep(ctx, pause); err != nil {
			return deployed, fmt.Errorf("waiting for the deployment %s of the Pages project %s: %w; run it again", deployed.ID, d.Project, err)
		}
		current, err := d.client.Deployment(ctx, d.Project, deployed.ID)
		if err != nil {
			return deployed, fmt.Errorf("waiting for a deployment of the Pages project %s: %w", d.Project, err)
		}
		deployed = current
	}
	return deployed, nil
}

// failed returns the error of a deployment, with the last line of its log.
func (d *deployer) failed(ctx context.Context, deployed cloudflare.Deployment, err error) error {
	line, logErr := d.client.DeploymentLog(ctx, d.Project, deployed.ID)
	switch {
	case logErr != nil:
		err = fmt.Errorf("%w; reading its log: %w", err, logErr)
	case line != "":
		err = fmt.Errorf("%w; the last line of its log: %s", err, line)
	}
	return fmt.Errorf("the deployment %s of the Pages project %s: %w; correct the site and run it again", deployed.ID, d.Project, err)
}
