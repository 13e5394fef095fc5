package cloudflare

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// deployment is one of a Pages project. It has succeeded.
type deployment struct {
	ID          string    `json:"id"`
	Environment string    `json:"environment"`
	Branch      string    `json:"branch"`
	Created     time.Time `json:"created"`
	// Config is the project's at that time, as the API showed it. The deployment's
	// Functions have its bindings.
	Config map[string]any `json:"config"`
}

// AddDeployment deploys a branch of a project as an upload of files would, and
// returns the deployment's ID. The default is the production branch.
func (c *Cloud) AddDeployment(name, branch string) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return "", err
	}
	err = c.store.Update(func(s *state) error {
		p, ok := s.Projects[name]
		if !ok {
			return fmt.Errorf("there is no project %q", name)
		}
		d := deployment{ID: newUUID(), Environment: "preview", Branch: cmp.Or(branch, p.ProductionBranch), Created: c.now()}
		if d.Branch == p.ProductionBranch {
			d.Environment = "production"
		}
		d.Config = p.describeConfig(d.Environment)
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
	return list(c, newest, 25, p.describeDeployment)
}

func getDeployment(c *call, p *project) (any, error) {
	for _, d := range p.Deployments {
		if d.ID == c.PathValue("deployment") {
			return p.describeDeployment(d), nil
		}
	}
	return nil, refuse(http.StatusNotFound, 8000009,
		"The deployment ID you have specified does not exist. Update the deployment ID and try again.")
}

// describeDeployment returns a deployment as the API shows it.
func (p *project) describeDeployment(d deployment) map[string]any {
	build := map[string]any{}
	for name := range buildConfig {
		build[name] = p.BuildConfig[name]
	}
	vars := d.Config["env_vars"]
	if vars == nil {
		vars = map[string]any{}
	}
	var aliases []string
	if d.Environment == "preview" {
		aliases = []string{fmt.Sprintf("https://%s.%s", d.Branch, p.Subdomain)}
	}
	stage := func(name, status string, started, ended any) map[string]any {
		return map[string]any{"name": name, "started_on": started, "ended_on": ended, "status": status}
	}
	deployed := stage("deploy", "success", nil, d.Created)
	return map[string]any{
		"id": d.ID, "short_id": d.ID[:8], "project_id": p.ID, "project_name": p.Name,
		"environment": d.Environment, "url": fmt.Sprintf("https://%s.%s", d.ID[:8], p.Subdomain),
		"created_on": d.Created, "modified_on": d.Created,
		"latest_stage": deployed,
		"stages": []any{
			stage("queued", "active", d.Created, nil), stage("initialize", "idle", nil, nil),
			stage("clone_repo", "idle", nil, nil), stage("build", "idle", nil, nil), deployed,
		},
		"deployment_trigger": map[string]any{
			"type": "ad_hoc",
			"metadata": map[string]any{
				"branch": d.Branch, "commit_hash": "", "commit_message": "", "commit_dirty": false,
			},
		},
		"build_config": build, "env_vars": vars,
		"compatibility_date":        d.Config["compatibility_date"],
		"compatibility_flags":       d.Config["compatibility_flags"],
		"build_image_major_version": d.Config["build_image_major_version"],
		"usage_model":               d.Config["usage_model"],
		"aliases":                   aliases, "is_skipped": false,
		"production_branch": p.ProductionBranch, "uses_functions": true,
	}
}
