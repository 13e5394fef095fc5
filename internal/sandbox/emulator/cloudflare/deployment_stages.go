package cloudflare

import (
	"cmp"
	"time"
)

// defaultDeployTime is the default of [Cloud.DeployTime].
const defaultDeployTime = 500 * time.Millisecond

func (c *Cloud) deployTime() time.Duration { return max(0, cmp.Or(c.DeployTime, defaultDeployTime)) }

// stage returns the stage that a deployment has reached. It is queued for half of its time,
// and then being deployed. Only the names and the end are known; see
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/deploy.ts
func (d deployment) stage(now time.Time) (name, status string) {
	switch {
	case now.Before(d.Created.Add(d.Ended.Sub(d.Created) / 2)):
		return "queued", "active"
	case now.Before(d.Ended):
		return "deploy", "active"
	case d.Failure != "":
		return "deploy", "failure"
	default:
		return "deploy", "success"
	}
}

func (d deployment) succeeded(now time.Time) bool {
	_, status := d.stage(now)
	return status == "success"
}

// stages returns the latest stage and all stages as the API shows them. Nothing is cloned or
// built.
func (d deployment) stages(now time.Time) (latest map[string]any, all []map[string]any) {
	stage := func(name, status string, started, ended any) map[string]any {
		return map[string]any{"name": name, "started_on": started, "ended_on": ended, "status": status}
	}
	queued, deploy := stage("queued", "active", d.Created, nil), stage("deploy", "idle", nil, nil)
	latest = queued
	if name, status := d.stage(now); name == "deploy" {
		deploy["status"], latest = status, deploy
		if status != "active" {
			deploy["ended_on"] = d.Ended
		}
	}
	return latest, []map[string]any{
		queued, stage("initialize", "idle", nil, nil), stage("clone_repo", "idle", nil, nil),
		stage("build", "idle", nil, nil), deploy,
	}
}

// getLogs returns a deployment's log, the newest line last. The texts are assumed.
// https://developers.cloudflare.com/api/resources/pages/subresources/projects/subresources/deployments/subresources/history/subresources/logs/
func getLogs(c *call, p *project, i int) (any, error) {
	d := p.Deployments[i]
	lines := []map[string]any{{"ts": d.Created, "line": "Uploading... "}}
	switch _, status := d.stage(c.now); status {
	case "failure":
		lines = append(lines, map[string]any{"ts": d.Ended, "line": "Error: " + d.Failure})
	case "success":
		lines = append(lines, map[string]any{"ts": d.Ended, "line": "Success: Your site was deployed!"})
	}
	return map[string]any{"total": len(lines), "includes_container_logs": false, "data": lines}, nil
}
