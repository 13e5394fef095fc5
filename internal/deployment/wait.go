package deployment

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

const (
	// waitTime is how long a deployment may take to become live. Assumed.
	waitTime = 10 * time.Minute
	// probeTime is how long a live deployment may take to answer: the certificate of a new
	// project's host name takes minutes. Assumed.
	probeTime = 5 * time.Minute
	// noWayTime is how long pages.dev itself may be out of reach. Assumed.
	noWayTime = 10 * time.Second
	// failTime is how long a deployment that answers may do so with a 5xx. Assumed.
	failTime = time.Minute
	// probeTimeout limits each request.
	probeTimeout = 15 * time.Second
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

// probe fetches the deployment's first page. A deployment that can serve none of its pages
// is a success to the API.
//
// No kind of error tells a new host name that is not served yet, which is waited for, from a
// runner that may not reach it: the former too has no DNS record for a while, or no
// certificate. What tells them apart is pages.dev itself: where it cannot be reached either,
// by whatever error, there is no way out, and a warning takes the place of the check.
// https://developers.cloudflare.com/pages/get-started/git-integration/ ("DNS errors")
func (d *deployer) probe(ctx context.Context, live cloudflare.Deployment) error {
	start := time.Now()
	for pause := time.Second; ; pause = min(2*pause, maxPause) {
		status, err := d.fetch(ctx, live.URL)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("fetching %s: %w; run it again", live.URL, ctx.Err())
		case err == nil && status < http.StatusInternalServerError:
			return nil
		case err == nil && time.Since(start) > failTime:
			return d.failed(ctx, live, fmt.Errorf("%s answers with status %d", live.URL, status))
		case err != nil && time.Since(start) > probeTime:
			return d.failed(ctx, live, fmt.Errorf("%s does not answer: %w", live.URL, err))
		case err != nil && !d.hasWay(ctx, live.URL) && time.Since(start) > noWayTime:
			fmt.Fprintf(d.log, "warning: nobody checked that %s serves its pages, since this machine reaches neither it nor %s: %v\n", live.URL, pagesDev, err)
			return nil
		case err == nil:
			err = fmt.Errorf("status %d", status)
		}
		fmt.Fprintf(d.log, "waiting for %s: %v\n", live.URL, err)
		if rest.Sleep(ctx, pause) != nil {
			return fmt.Errorf("fetching %s: %w; run it again", live.URL, ctx.Err())
		}
	}
}

// pagesDev is the address below which each deployment has its own, and which answers with a
// page on Cloudflare Pages (assumed).
const pagesDev = "https://pages.dev"

// hasWay reports whether there may be a way to a deployment's address, since there is one to
// pages.dev, or it is not below that.
func (d *deployer) hasWay(ctx context.Context, address string) bool {
	if u, err := url.Parse(address); err != nil || !strings.HasSuffix(u.Hostname(), ".pages.dev") {
		return true
	}
	_, err := d.fetch(ctx, pagesDev)
	return err == nil
}

// fetch returns the status of a page.
func (d *deployer) fetch(ctx context.Context, address string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := d.http.Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
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
