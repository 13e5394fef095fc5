package tidbcloud

import (
	"net/http"
	"slices"
	"strconv"
)

// listProjects shows all projects of the organization, by api.Project of
// pkg/tidbcloud/v1beta1/iam.swagger.json in https://github.com/tidbcloud/tidbcloud-cli.
// That a key of the whole organization sees them all is assumed.
func (c *Cloud) listProjects(_ *state, r *http.Request) (any, error) {
	p, err := parsePage(r, maxPageSize)
	if err != nil {
		return nil, err
	}
	number := func(id string) int { return slices.Index(c.projects(), id) + 1 }
	part, next := cut(p, c.projects(), number)
	projects := []map[string]any{}
	for _, id := range part {
		projects = append(projects, map[string]any{"id": id, "org_id": c.organization(), "name": "project" + strconv.Itoa(number(id))})
	}
	return map[string]any{"projects": projects, "nextPageToken": next}, nil
}
