package tidbcloud

import (
	"context"
	"fmt"
	"net/http"

	"portfolio-infra/internal/rest"
)

// ListClusters lists all clusters that the API key can see.
//
// The API can filter, but its grammar for label keys with dots and slashes is
// not documented, and a filter that silently finds nothing would lead to a second
// cluster. So callers choose from the whole list.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_ListClusters
func (c *Client) ListClusters(ctx context.Context) ([]Cluster, error) {
	all, err := list(ctx, c.clustersAPI(), "/clusters")
	if err != nil {
		return nil, fmt.Errorf("listing clusters: %w", err)
	}
	return all.Clusters, nil
}

// GetCluster returns one cluster. A missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_GetCluster
func (c *Client) GetCluster(ctx context.Context, id string) (*Cluster, error) {
	var cluster Cluster
	if err := c.clustersAPI().Do(ctx, http.MethodGet, rest.Path("/clusters/%s", id), nil, &cluster); err != nil {
		return nil, fmt.Errorf("reading cluster %s: %w", id, err)
	}
	if cluster.ID != id {
		return nil, fmt.Errorf("reading cluster %s: the API returned cluster %s", id, cluster.ID)
	}
	return &cluster, nil
}

// CreateClusterRequest asks for a new cluster.
type CreateClusterRequest struct {
	// DisplayName need not be unique.
	DisplayName string
	// Region is a region's name, such as regions/aws-ap-northeast-1.
	Region string
	// Labels are stored with the cluster. [LabelProject] chooses its project;
	// without it TiDB Cloud does.
	Labels map[string]string
	// SpendingLimit is in US cents a month, 1 or more. nil leaves it to TiDB Cloud
	// (free).
	SpendingLimit *int
}

// CreateCluster creates a cluster and returns it as it is at first, mostly
// [StateCreating]. If [rest.Ambiguous] is true for the error the cluster may exist
// all the same: list before you create again.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_CreateCluster
func (c *Client) CreateCluster(ctx context.Context, req CreateClusterRequest) (*Cluster, error) {
	in := map[string]any{"displayName": req.DisplayName, "region": wireRegion{req.Region}}
	if len(req.Labels) > 0 {
		in["labels"] = req.Labels
	}
	if req.SpendingLimit != nil {
		in["spendingLimit"] = wireSpendingLimit{*req.SpendingLimit}
	}
	var created Cluster
	if err := c.clustersAPI().Do(ctx, http.MethodPost, "/clusters", in, &created); err != nil {
		return nil, fmt.Errorf("creating cluster %q: %w", req.DisplayName, err)
	}
	return &created, nil
}

// RenameCluster sets the display name.
func (c *Client) RenameCluster(ctx context.Context, id, name string) error {
	return c.updateCluster(ctx, id, "displayName", map[string]any{"displayName": name})
}

// SetClusterLabels sets labels. Pass back those that should stay, tidb.cloud/ ones
// too. Whether one that is left out is removed is not documented, and the official CLI
// calls them labels "to be added or updated": read back the result.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
func (c *Client) SetClusterLabels(ctx context.Context, id string, labels map[string]string) error {
	return c.updateCluster(ctx, id, "labels", map[string]any{"labels": labels})
}

// SetSpendingLimit sets the monthly limit, in US cents, 1 or more. The mask is that
// of both official clients, and the CLI refuses to send 0.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/spending_limit.go
// https://github.com/tidbcloud/terraform-provider-tidbcloud/blob/main/internal/provider/serverless_cluster_resource.go
func (c *Client) SetSpendingLimit(ctx context.Context, id string, cents int) error {
	return c.updateCluster(ctx, id, "spendingLimit.monthly", map[string]any{"spendingLimit": wireSpendingLimit{cents}})
}

// SetAuthorizedNetworks replaces the ranges of addresses that may connect.
func (c *Client) SetAuthorizedNetworks(ctx context.Context, id string, networks []Network) error {
	var in wireEndpoints
	in.Public.AuthorizedNetworks = networks
	return c.updateCluster(ctx, id, "endpoints.public.authorizedNetworks", map[string]any{"endpoints": in})
}

// updateClusterRequest updates the one field of the cluster that the mask names.
type updateClusterRequest struct {
	Cluster    map[string]any `json:"cluster"`
	UpdateMask string         `json:"updateMask"`
}

// updateCluster updates one field. The values are absolute, so a call whose response is
// lost can be repeated.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_PartialUpdateCluster
func (c *Client) updateCluster(ctx context.Context, id, mask string, cluster map[string]any) error {
	err := c.clustersAPI().DoIdempotent(ctx, http.MethodPatch, rest.Path("/clusters/%s", id), updateClusterRequest{cluster, mask}, new(object))
	if err != nil {
		return fmt.Errorf("updating %s of cluster %s: %w", mask, id, err)
	}
	return nil
}

// DeleteCluster begins to delete a cluster and all its data; see
// [Client.WaitUntilGone]. A missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_DeleteCluster
func (c *Client) DeleteCluster(ctx context.Context, id string) error {
	if err := c.clustersAPI().DoIdempotent(ctx, http.MethodDelete, rest.Path("/clusters/%s", id), nil, new(object)); err != nil {
		return fmt.Errorf("deleting cluster %s: %w", id, err)
	}
	return nil
}
