package tidbcloud

import (
	"context"
	"fmt"
	"slices"
)

type project struct {
	OrgID string `json:"org_id"`
}

// Organizations lists the IDs of the organizations whose projects the API key can see. That is
// the key's own: the API has no call that names it, but each project does.
//
// The path is from the description that the official CLI is generated from,
// pkg/tidbcloud/v1beta1/iam in https://github.com/tidbcloud/tidbcloud-cli.
func (c *Client) Organizations(ctx context.Context) ([]string, error) {
	all, err := list(ctx, c.usersAPI(), "/projects")
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	var ids []string
	for _, p := range all.Projects {
		if p.OrgID != "" {
			ids = append(ids, p.OrgID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
