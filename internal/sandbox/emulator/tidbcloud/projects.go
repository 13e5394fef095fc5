package tidbcloud

import (
	"net/http"
	"slices"
	"strconv"
)

// Project is a project as the IAM API shows it, by api.Project of pkg/tidbcloud/
// v1beta1/iam.swagger.json in https://github.com/tidbcloud/tidbcloud-cli.
type Project struct {
	ID              string `json:"id"`
	OrgID           string `json:"org_id"`
	Name            string `json:"name"`
	ClusterCount    int    `json:"cluster_count"`
	UserCount       int    `json:"user_count"`
	CreateTimestamp string `json:"create_timestamp"`
	AWSCMEKEnabled  bool   `json:"aws_cmek_enabled"`
}

// listProjects shows all projects of the organization. That a key of the whole
// organization sees them all is assumed.
func (c *Cloud) listProjects(s *state, r *http.Request) (any, error) {
	p, err := parsePage(r, maxPageSize)
	if err != nil {
		return nil, err
	}
	var projects []Project
	for i, id := range c.projects() {
		project := Project{ID: id, OrgID: c.organization(), Name: "project" + strconv.Itoa(i+1), UserCount: 1, CreateTimestamp: "1688460316"}
		for _, rec := range s.Clusters {
			if rec.Cluster.Labels[labelProject] == id {
				project.ClusterCount++
			}
		}
		projects = append(projects, project)
	}
	part, next := cut(p, projects, func(p Project) int { return slices.Index(c.projects(), p.ID) + 1 })
	return map[string]any{"projects": part, "nextPageToken": next}, nil
}
