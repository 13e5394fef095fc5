package tidbcloud

import (
	"context"
	"fmt"
	"net/http"
)

// ListRegions lists the names of the regions that the organization may use, such as
// regions/aws-ap-northeast-1.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_ListRegions
func (c *Client) ListRegions(ctx context.Context) ([]string, error) {
	var answer struct {
		Regions []wireRegion `json:"regions"`
	}
	if err := c.clustersAPI().Do(ctx, http.MethodGet, "/regions", nil, &answer); err != nil {
		return nil, fmt.Errorf("listing regions: %w", err)
	}
	names := make([]string, len(answer.Regions))
	for i, region := range answer.Regions {
		names[i] = region.Name
	}
	return names, nil
}
