package tidbcloud

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// Organizations lists the ids of the organizations whose projects the API key sees:
// the key's own. The API has no call that names it, but each project does.
//
// The path is that of the description which the official CLI is generated from,
// pkg/tidbcloud/v1beta1/iam in https://github.com/tidbcloud/tidbcloud-cli.
func (c *Client) Organizations(ctx context.Context) ([]string, error) {
	all, err := pages(func(query string) ([]string, string, error) {
		var page struct {
			Projects []struct {
				OrgID string `json:"org_id"`
			} `json:"projects"`
			NextPageToken string `json:"nextPageToken"`
		}
		err := c.usersAPI().Do(ctx, http.MethodGet, "/projects?"+query, nil, &page)
		var ids []string
		for _, project := range page.Projects {
			if project.OrgID != "" {
				ids = append(ids, project.OrgID)
			}
		}
		return ids, page.NextPageToken, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
