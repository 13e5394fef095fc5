package cloudflare

import (
	"context"
	"net/http"
	"strconv"

	"portfolio-infra/internal/rest"
)

// Deployment is one deployment of a Pages project.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/get/
type Deployment struct {
	ID string `json:"id"`
	// CreatedOn is a time as in RFC 3339.
	CreatedOn string `json:"created_on"`
	// Environment is "production" or "preview".
	Environment string `json:"environment"`
	// URL is the deployment's own address. It never serves another one.
	URL string `json:"url"`
	// Aliases are further addresses.
	Aliases     []string `json:"aliases"`
	LatestStage struct {
		// Name is "queued", "initialize", "clone_repo", "build" or "deploy".
		Name string `json:"name"`
		// Status is "idle", "active", "success", "failure" or "canceled".
		Status string `json:"status"`
	} `json:"latest_stage"`
	Trigger struct {
		Metadata struct {
			CommitMessage string `json:"commit_message"`
		} `json:"metadata"`
	} `json:"deployment_trigger"`
}

// CreateDeployment deploys. form is a multipart form: a manifest of paths and asset
// keys, and what belongs to it. A second call makes a second deployment.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/create/
func (c *Client) CreateDeployment(ctx context.Context, project string, form rest.Body) (Deployment, error) {
	var e envelope[Deployment]
	err := c.rest(findProject).Do(ctx, http.MethodPost, c.path("/pages/projects/%s/deployments", project), form, &e)
	return e.Result, err
}

// Deployment reads one deployment.
func (c *Client) Deployment(ctx context.Context, project, id string) (Deployment, error) {
	return get[Deployment](ctx, c, findProject, "/pages/projects/%s/deployments/%s", project, id)
}

// DeploymentLog returns the last line of a deployment's log, or "".
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/subresources/history/subresources/logs/methods/get/
func (c *Client) DeploymentLog(ctx context.Context, project, id string) (string, error) {
	got, err := get[struct {
		Data []struct {
			Line string `json:"line"`
		} `json:"data"`
	}](ctx, c, findProject, "/pages/projects/%s/deployments/%s/history/logs", project, id)
	if err != nil || len(got.Data) == 0 {
		return "", err
	}
	return got.Data[len(got.Data)-1].Line, nil
}

// Deployments lists one page of 25 deployments of a project, the newest first. The first
// page is 1; the one after the last is empty.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/list/
func (c *Client) Deployments(ctx context.Context, project string, page int) ([]Deployment, error) {
	return get[[]Deployment](ctx, c, findProject, "/pages/projects/%s/deployments?page=%s", project, strconv.Itoa(page))
}

// DeleteDeployment deletes a deployment, also one that a branch has as its alias. One
// that is gone already is no error.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/delete/
func (c *Client) DeleteDeployment(ctx context.Context, project, id string) error {
	err := c.write(ctx, findProject, http.MethodDelete, nil, "/pages/projects/%s/deployments/%s?force=true", project, id)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// Message returns the commit message that the deployment was made with.
func (d Deployment) Message() string { return d.Trigger.Metadata.CommitMessage }
