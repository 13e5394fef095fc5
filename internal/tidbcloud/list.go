package tidbcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"portfolio-infra/internal/rest"
)

// maxPages bounds a list. The rate limit would end one with more pages anyway.
const maxPages = 100

// page is a page of any list.
type page struct {
	Clusters      []Cluster `json:"clusters"`
	Branches      []Branch  `json:"branches"`
	SQLUsers      []SQLUser `json:"sqlUsers"`
	Projects      []project `json:"projects"`
	NextPageToken string    `json:"nextPageToken"`
}

// list reads all pages of a list as one. A page token that repeats is an error.
func list(ctx context.Context, api *rest.Client, path string) (page, error) {
	var all page
	query := url.Values{"pageSize": {"100"}}
	used := map[string]bool{}
	for range maxPages {
		var p page
		if err := api.Do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &p); err != nil {
			return page{}, err
		}
		all.Clusters = append(all.Clusters, p.Clusters...)
		all.Branches = append(all.Branches, p.Branches...)
		all.SQLUsers = append(all.SQLUsers, p.SQLUsers...)
		all.Projects = append(all.Projects, p.Projects...)
		if p.NextPageToken == "" {
			return all, nil
		}
		if used[p.NextPageToken] {
			return page{}, errors.New("the API repeats a page token")
		}
		used[p.NextPageToken] = true
		query.Set("pageToken", p.NextPageToken)
	}
	return page{}, fmt.Errorf("the list has more than %d pages", maxPages)
}
