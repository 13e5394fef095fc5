package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// DeployResult is what deploy did, as one line of JSON.
type DeployResult struct {
	ID string `json:"id"`
	// URL is the deployment's own address. Alias is that of its branch, or "".
	URL   string `json:"url"`
	Alias string `json:"alias"`
	// Created is an RFC 3339 time.
	Created string `json:"created"`
	// Files is the number of files that are served. Uploaded is how many of them Cloudflare
	// did not have yet.
	Files    int `json:"files"`
	Uploaded int `json:"uploaded"`
}

// deployer carries out one request.
type deployer struct {
	client *cloudflare.Client
	// http fetches the deployment's own pages.
	http *http.Client
	log  io.Writer
	// since is the earliest creation time of a deployment that may be adopted.
	since time.Time
	DeployRequest
}

// adoptable reports whether the request would make the same deployment, and the drift mark is
// not newer than it.
func (d *deployer) adoptable(made cloudflare.Deployment) bool {
	at, err := time.Parse(time.RFC3339, made.CreatedOn)
	return d.makes(made) && (err != nil || !at.Before(d.since))
}

func (d *deployer) deploy(ctx context.Context) (DeployResult, error) {
	project, err := d.project(ctx)
	if err != nil {
		return DeployResult{}, err
	}
	// bind, which ran before, has set the date.
	date := project.DeploymentConfigs[production].CompatibilityDate
	site, err := Read(ctx, Folder{
		Site:         d.Site,
		Functions:    d.Functions,
		FunctionsEnv: d.FunctionsEnv,
		Public:       d.PublicFiles,
		Runtime:      bundle.Runtime{Date: date, Flags: d.Flags},
		NoIndex:      d.NoIndex,
	})
	if err == nil {
		defer site.Close()
		err = site.missing
	}
	var functions *FunctionsError
	switch {
	case errors.As(err, &functions):
		return DeployResult{}, fmt.Errorf("config key %s: %w", functions.Key, functions)
	case err != nil:
		return DeployResult{}, fmt.Errorf("config key site: %s: %w", d.Site, err)
	}
	if site.Digest != d.Digest {
		return DeployResult{}, fmt.Errorf("config key site: %s has changed since the preview: run it again", d.Site)
	}
	if !d.Overwrite {
		if err := CheckConflict(project, d.Owner); err != nil {
			return DeployResult{}, err
		}
	}
	result := DeployResult{Files: len(site.assets)}
	created, err := d.adopt(ctx, project)
	if err != nil {
		return DeployResult{}, err
	}
	if created == nil {
		if created, result.Uploaded, err = d.create(ctx, site, project); err != nil {
			return DeployResult{}, err
		}
	}
	live, err := d.wait(ctx, *created)
	if err != nil {
		return DeployResult{}, err
	}
	if err := d.probe(ctx, live, site); err != nil {
		return DeployResult{}, err
	}
	result.ID, result.URL, result.Created = live.ID, live.URL, live.CreatedOn
	for _, alias := range live.Aliases {
		if strings.HasSuffix(alias, ".pages.dev") {
			result.Alias = alias
			break
		}
	}
	return result, nil
}

func (d *deployer) project(ctx context.Context) (cloudflare.Project, error) {
	project, err := d.client.Project(ctx, d.Project)
	if err != nil {
		err = fmt.Errorf("reading the Pages project %s: %w", d.Project, err)
	}
	return project, err
}

// CheckConflict returns an error if production serves a deployment that the owner's stack did
// not make, whatever it served before. A rollback to an older deployment of the stack is no
// conflict.
func CheckConflict(project cloudflare.Project, owner string) error {
	live := project.CanonicalDeployment
	if live == nil || IsOurs(*live, owner) {
		return nil
	}
	return fmt.Errorf("config key site: the Pages project %s serves a deployment that this stack did not make (%s of %s), and nothing was changed: "+
		"to replace it, run `pulumi config set overwriteSite true`, which holds until you remove it; "+
		"to keep it, run `pulumi config rm site`, after which this stack deploys no site and deletes no deployment",
		project.Name, live.ID, live.CreatedOn)
}

// production is the environment that a project's own address serves.
const production = "production"

// adopt returns the deployment that the request would make, if a run made it and died before
// recording it, and otherwise nil. The deployment is either live or on its way. One that was
// live and no longer is must be made again.
func (d *deployer) adopt(ctx context.Context, project cloudflare.Project) (*cloudflare.Deployment, error) {
	if live := project.CanonicalDeployment; live != nil && d.adoptable(*live) {
		return live, nil
	}
	newest, err := d.client.Deployments(ctx, d.Project, production, 1)
	if err != nil {
		return nil, fmt.Errorf("listing the deployments of the Pages project %s: %w", d.Project, err)
	}
	if len(newest) == 0 || !d.adoptable(newest[0]) || newest[0].Failed() {
		return nil, nil
	}
	if !newest[0].Live() {
		return &newest[0], nil
	}
	// Either it became live after the project was read, or somebody rolled back to an
	// earlier one.
	if project, err = d.project(ctx); err != nil {
		return nil, err
	}
	if live := project.CanonicalDeployment; live == nil || live.ID != newest[0].ID {
		return nil, nil
	}
	return &newest[0], nil
}

// create uploads the files that Cloudflare does not have and creates the deployment.
func (d *deployer) create(ctx context.Context, site *Site, project cloudflare.Project) (_ *cloudflare.Deployment, uploaded int, err error) {
	form, err := d.form(ctx, site, project)
	if err != nil {
		return nil, 0, err
	}
	u := newUploader(d.client, d.Project, d.log)
	if uploaded, err = u.upload(ctx, site.assets); err != nil {
		return nil, 0, fmt.Errorf("uploading to the Pages project %s: %w", d.Project, err)
	}
	for try := 1; ; try++ {
		created, err := d.client.CreateDeployment(ctx, d.Project, form)
		if err == nil {
			return &created, uploaded, nil
		}
		err = fmt.Errorf("deploying to the Pages project %s: %w", d.Project, err)
		if !rest.Ambiguous(err) && !cloudflare.IsUnknownError(err) || rest.Sleep(ctx, createPause) != nil {
			return nil, 0, err
		}
		project, readErr := d.project(ctx)
		if readErr != nil {
			return nil, 0, err
		}
		found, findErr := d.adopt(ctx, project)
		switch {
		case found != nil:
			return found, uploaded, nil
		case findErr != nil || try == createTries:
			return nil, 0, err
		}
		fmt.Fprintf(d.log, "trying again: %v\n", err)
	}
}

const (
	// createTries limits the tries to create a deployment, as in wrangler.
	createTries = 3
	// createPause is how long a deployment whose response was lost may take to be listed.
	// Assumed.
	createPause = 3 * time.Second
)
