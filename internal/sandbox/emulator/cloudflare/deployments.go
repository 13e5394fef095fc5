package cloudflare

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// deployment is a deployment of a Pages project.
type deployment struct {
	ID          string    `json:"id"`
	Environment string    `json:"environment"`
	Branch      string    `json:"branch"`
	Created     time.Time `json:"created"`
	// Ended is when its last stage ends; see stage.
	Ended time.Time `json:"ended"`
	// Failure is the last line of the log if the deployment fails.
	Failure string `json:"failure,omitempty"`
	// Config is the project's config at the time of the deployment, with its secrets. The
	// deployment's Functions have these bindings.
	Config map[string]any `json:"config"`
	Commit commit         `json:"commit"`
	// Files has the parts that were uploaded with the deployment, such as its manifest: the
	// keys of their contents, by name.
	Files map[string]string `json:"files"`
	// Broken reports whether no key in the manifest is that of its content. Such a
	// deployment succeeds and answers 500 to each request.
	Broken bool `json:"broken,omitempty"`
}

// commit is the commit that a client says it deploys.
type commit struct {
	Hash    string `json:"hash"`
	Message string `json:"message"`
	Dirty   bool   `json:"dirty"`
}

// newDeployment returns a deployment of the project as it is now. The default branch is the
// production branch.
func (c *Cloud) newDeployment(p *project, branch string) deployment {
	d := deployment{ID: newUUID(), Environment: "preview", Branch: cmp.Or(branch, p.ProductionBranch), Created: c.now()}
	if d.Branch == p.ProductionBranch {
		d.Environment = "production"
	}
	d.Ended = d.Created
	d.Config = p.config(d.Environment)
	return d
}

// AddDeployment deploys a branch of a project and returns the deployment's ID. The deployment
// has succeeded and has no files. The default is the production branch.
func (c *Cloud) AddDeployment(name, branch string) (id string, err error) {
	err = c.update(func(s *state) error {
		p, ok := s.Projects[name]
		if !ok {
			return fmt.Errorf("there is no project %q", name)
		}
		d := c.newDeployment(p, branch)
		p.Deployments = append(p.Deployments, d)
		id = d.ID
		return nil
	})
	return id, err
}

func listDeployments(c *call, p *project) (any, error) {
	env := c.URL.Query().Get("env")
	if env != "" && env != "production" && env != "preview" {
		return nil, invalid("env: must be one of production, preview")
	}
	var newest []deployment
	for _, d := range slices.Backward(p.Deployments) {
		if env == "" || env == d.Environment {
			newest = append(newest, d)
		}
	}
	return list(c, newest, 25, func(d deployment) map[string]any { return c.describeDeployment(p, d) })
}

// withDeployment passes the call's deployment to h, by its index.
func withDeployment(h func(*call, *project, int) (any, error)) handler {
	return withProject(func(c *call, p *project) (any, error) {
		i := slices.IndexFunc(p.Deployments, func(d deployment) bool { return d.ID == c.PathValue("deployment") })
		if i < 0 {
			return nil, refuse(http.StatusNotFound, 8000009,
				"The deployment ID you have specified does not exist. Update the deployment ID and try again.")
		}
		return h(c, p, i)
	})
}

func getDeployment(c *call, p *project, i int) (any, error) {
	return c.describeDeployment(p, p.Deployments[i]), nil
}

// deleteDeployment refuses to delete the live deployment. The latest of a branch has an alias,
// and deleting it needs force=true:
// https://github.com/cloudflare/workers-sdk/pull/13444
// https://github.com/cloudflare/cloudflare-docs/issues/22193
// The message for the live one is assumed.
func deleteDeployment(c *call, p *project, i int) (any, error) {
	d := p.Deployments[i]
	if live := p.latest("production", "", c.now); live >= 0 && p.Deployments[live].ID == d.ID {
		return nil, refuse(http.StatusBadRequest, 8000034, "You cannot delete the active production deployment.")
	}
	aliased := d.Environment == "preview" && p.latest("preview", d.Branch, c.now) == i
	if aliased && c.URL.Query().Get("force") != "true" {
		return nil, refuse(http.StatusBadRequest, 8000035,
			"You cannot delete an aliased deployment without a `?force=true` parameter in the API request URL.")
	}
	p.Deployments = slices.Delete(p.Deployments, i, i+1)
	return nil, nil
}

// latest returns the index of the newest deployment that serves an environment, or -1. An
// empty branch means any.
func (p *project) latest(environment, branch string, now time.Time) int {
	for i, d := range slices.Backward(p.Deployments) {
		if d.Environment == environment && (branch == "" || branch == d.Branch) && d.succeeded(now) {
			return i
		}
	}
	return -1
}

// serving returns the newest deployments that serve an environment.
func (p *project) serving(now time.Time) (all []deployment) {
	for _, environment := range []string{"production", "preview"} {
		if i := p.latest(environment, "", now); i >= 0 {
			all = append(all, p.Deployments[i])
		}
	}
	return all
}

// deploymentURL returns a deployment's own address.
func (c *Cloud) deploymentURL(p *project, d deployment) string {
	if c.DeploymentURL != nil {
		return c.DeploymentURL(p.Name, d.ID)
	}
	return fmt.Sprintf("https://%s.%s", d.ID[:8], p.Subdomain)
}

var notInAlias = regexp.MustCompile(`[^a-z0-9-]+`)

// aliases returns a deployment's other addresses: that of its branch, or the domains of the
// project.
// https://developers.cloudflare.com/pages/configuration/preview-deployments/#preview-aliases
func (p *project) aliases(d deployment) (all []string) {
	if d.Environment == "preview" {
		branch := notInAlias.ReplaceAllString(strings.ToLower(d.Branch), "-")
		return []string{fmt.Sprintf("https://%s.%s", branch, p.Subdomain)}
	}
	for _, d := range p.Domains {
		all = append(all, "https://"+d.Name)
	}
	return all
}

// describeDeployment returns a deployment as the API shows it.
func (c *call) describeDeployment(p *project, d deployment) map[string]any {
	config := showConfig(d.Config)
	vars := config["env_vars"]
	if vars == nil {
		vars = map[string]any{}
	}
	latest, stages := d.stages(c.now)
	return map[string]any{
		"id": d.ID, "short_id": d.ID[:8], "project_id": p.ID, "project_name": p.Name,
		"environment": d.Environment, "url": c.cloud.deploymentURL(p, d),
		"created_on": d.Created, "modified_on": d.Created,
		"latest_stage": latest, "stages": stages,
		"deployment_trigger": map[string]any{
			"type": "ad_hoc",
			"metadata": map[string]any{
				"branch": d.Branch, "commit_hash": d.Commit.Hash, "commit_message": d.Commit.Message,
				"commit_dirty": d.Commit.Dirty,
			},
		},
		"build_config": buildConfig, "env_vars": vars,
		"compatibility_date":        config["compatibility_date"],
		"compatibility_flags":       config["compatibility_flags"],
		"build_image_major_version": config["build_image_major_version"],
		"usage_model":               config["usage_model"],
		"aliases":                   p.aliases(d), "is_skipped": false,
		"production_branch": p.ProductionBranch, "uses_functions": d.usesFunctions(),
	}
}

// usesFunctions reports whether the deployment has Functions. A deployment without files is
// taken to have some.
func (d deployment) usesFunctions() bool { return d.Files == nil || d.Files[workerBundle] != "" }
