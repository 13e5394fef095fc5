package cloudflare

import (
	"context"
	"net/http"
	"strconv"

	"portfolio-infra/internal/rest"
)

// Deployment is the part of a deployment of a Pages project that the stack reads.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/get/
type Deployment struct {
	ID          string `json:"id"`
	CreatedOn   string `json:"created_on"`  // RFC 3339
	Environment string `json:"environment"` // see [Environments]
	// URL is the deployment's own address, which never serves another deployment.
	URL string `json:"url"`
	// Aliases are further addresses. A later deployment may take them over.
	Aliases     []string `json:"aliases"`
	LatestStage Stage    `json:"latest_stage"`
	Trigger     struct {
		Metadata struct {
			CommitMessage string `json:"commit_message"`
		} `json:"metadata"`
	} `json:"deployment_trigger"`
}

// Stage is a step of a deployment.
type Stage struct {
	// Name is "queued", "initialize", "clone_repo", "build" or "deploy".
	Name string `json:"name"`
	// Status is "idle", "active", "success", "failure" or "canceled".
	Status string `json:"status"`
}

// Message returns the commit message of the deployment.
func (d Deployment) Message() string { return d.Trigger.Metadata.CommitMessage }

// Live reports whether the deployment has succeeded.
func (d Deployment) Live() bool {
	return d.LatestStage.Name == "deploy" && d.LatestStage.Status == "success"
}

// Failed reports whether the deployment has ended without success.
func (d Deployment) Failed() bool {
	return d.LatestStage.Status == "failure" || d.LatestStage.Status == "canceled"
}

// DeploymentsPerPage is the number of deployments on a page of [Client.Deployments]. It is the
// API's default, and assumed to be its maximum.
const DeploymentsPerPage = 25

// Deployments lists one page of a project's deployments, the newest first. The first page is 1.
// An empty environment means both.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/list/
func (c *Client) Deployments(ctx context.Context, project, environment string, page int) ([]Deployment, error) {
	format := "/pages/projects/%s/deployments?page=%s&per_page=%s"
	segments := []string{project, strconv.Itoa(page), strconv.Itoa(DeploymentsPerPage)}
	if environment != "" {
		format, segments = format+"&env=%s", append(segments, environment)
	}
	return get[[]Deployment](ctx, c, projectNotFound, format, segments...)
}

// AllDeployments lists a project's deployments of both environments, the newest first.
func (c *Client) AllDeployments(ctx context.Context, project string) ([]Deployment, error) {
	return allPages(DeploymentsPerPage, func(d Deployment) string { return d.ID }, func(number int) ([]Deployment, error) {
		return c.Deployments(ctx, project, "", number)
	})
}

// Deployment returns one deployment. If it is missing, [IsNotFound] is true for the error.
func (c *Client) Deployment(ctx context.Context, project, id string) (Deployment, error) {
	return get[Deployment](ctx, c, deploymentNotFound, "/pages/projects/%s/deployments/%s", project, id)
}

// CreateDeployment creates a deployment. The form is multipart: a manifest of paths and asset
// keys, and further files. A second call creates a second deployment.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/create/
func (c *Client) CreateDeployment(ctx context.Context, project string, form rest.Body) (Deployment, error) {
	r := c.rest(projectNotFound)
	r.AttemptTimeout = uploadTimeout
	var created result[Deployment]
	err := r.Do(ctx, http.MethodPost, c.path("/pages/projects/%s/deployments", project), form, &created)
	return created.value, err
}

// DeleteDeployment deletes a deployment, even one that is a branch's alias. It is no error if the
// deployment is missing.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/methods/delete/
func (c *Client) DeleteDeployment(ctx context.Context, project, id string) error {
	err := c.write(ctx, deploymentNotFound, http.MethodDelete, nil, "/pages/projects/%s/deployments/%s?force=true", project, id)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// IsActiveDeployment reports whether a deployment was not deleted because production serves it.
func IsActiveDeployment(err error) bool { return rest.Code(err) == codeActiveDeployment }

// IsUnknownError reports whether the API says that it does not know what went wrong. The call may
// have taken effect.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
func IsUnknownError(err error) bool { return rest.Code(err) == codeUnknownError }

// DeploymentLog returns the last line of a deployment's log, or "".
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/subresources/history/subresources/logs/methods/get/
func (c *Client) DeploymentLog(ctx context.Context, project, id string) (string, error) {
	// Without a size the API returns only the first lines. Wrangler sends this one.
	got, err := get[struct {
		Data []struct {
			Line string `json:"line"`
		} `json:"data"`
	}](ctx, c, deploymentNotFound, "/pages/projects/%s/deployments/%s/history/logs?size=10000000", project, id)
	if err != nil || len(got.Data) == 0 {
		return "", err
	}
	return got.Data[len(got.Data)-1].Line, nil
}
