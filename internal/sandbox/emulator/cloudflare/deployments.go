package cloudflare

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// deployment is one of a Pages project. It is done at once, and well.
type deployment struct {
	ID          string    `json:"id"`
	Environment string    `json:"environment"`
	Branch      string    `json:"branch"`
	Created     time.Time `json:"created"`
	// Functions says that it has a Worker of its own, with the bindings of Config.
	Functions bool `json:"functions"`
	// Config is the project's at that time, as the API showed it.
	Config map[string]any `json:"config"`
}

// deploy makes a deployment of the branch with the project's present config.
func (p *project) deploy(branch string, now time.Time) deployment {
	d := deployment{ID: newUUID(), Environment: "preview", Branch: branch, Created: now, Functions: true}
	if branch == p.ProductionBranch {
		d.Environment = "production"
	}
	d.Config = p.describeConfig(d.Environment)
	p.Deployments = append(p.Deployments, d)
	return d
}

// AddDeployment deploys a branch of a project, as an upload of its files would.
// No branch means the production branch.
func (c *Cloud) AddDeployment(name, branch string) (Deployment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return Deployment{}, err
	}
	var d deployment
	err := c.store.Update(func(s *state) error {
		p, ok := s.Projects[name]
		if !ok {
			return fmt.Errorf("there is no project %q", name)
		}
		if branch == "" {
			branch = p.ProductionBranch
		}
		d = p.deploy(branch, c.now())
		return nil
	})
	return d.snapshot(), err
}

func listDeployments(c *call) (reply, error) {
	p, err := c.project()
	if err != nil {
		return reply{}, err
	}
	env := c.URL.Query().Get("env")
	if env != "" && env != "production" && env != "preview" {
		return reply{}, invalid("env: must be one of production, preview")
	}
	var all []deployment
	for _, d := range slices.Backward(p.Deployments) {
		if env == "" || env == d.Environment {
			all = append(all, d)
		}
	}
	return list(c, all, 25, p.describeDeployment)
}

func (c *call) deployment() (*project, deployment, error) {
	p, err := c.project()
	if err != nil {
		return nil, deployment{}, err
	}
	i := slices.IndexFunc(p.Deployments, func(d deployment) bool { return d.ID == c.PathValue("deployment") })
	if i < 0 {
		return nil, deployment{}, refuse(http.StatusNotFound, 8000009,
			"The deployment ID you have specified does not exist. Update the deployment ID and try again.")
	}
	return p, p.Deployments[i], nil
}

func getDeployment(c *call) (reply, error) {
	p, d, err := c.deployment()
	if err != nil {
		return reply{}, err
	}
	return reply{result: p.describeDeployment(d)}, nil
}

func retryDeployment(c *call) (reply, error) {
	p, d, err := c.deployment()
	if err != nil {
		return reply{}, err
	}
	return reply{result: p.describeDeployment(p.deploy(d.Branch, c.now))}, nil
}

// describeDeployment is the deployment as the API shows it.
func (p *project) describeDeployment(d deployment) map[string]any {
	build := map[string]any{}
	for k := range buildConfig {
		build[k] = p.BuildConfig[k]
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
		"production_branch": p.ProductionBranch, "uses_functions": d.Functions,
	}
}
