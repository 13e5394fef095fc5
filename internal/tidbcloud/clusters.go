package tidbcloud

import (
	"context"
	"fmt"
	"net/http"

	"portfolio-infra/internal/rest"
)

// ListClusters lists all clusters that the API key can see.
//
// The API can filter, but how to write a label key with dots and slashes is not documented. A
// filter that silently finds nothing would lead to a second cluster, so callers choose from the
// list.
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

// CreateCluster creates a cluster from the DisplayName, which need not be unique, and the
// Region, Labels and SpendingLimit of want. [LabelProject] chooses its project; without it
// TiDB Cloud does. It returns the cluster as it is at first, mostly CREATING.
//
// If [rest.Ambiguous] is true for the error, the cluster may exist all the same: list before
// you create again.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_CreateCluster
func (c *Client) CreateCluster(ctx context.Context, want Cluster) (*Cluster, error) {
	in := wireCluster{
		DisplayName: want.DisplayName, Region: wireRegion{want.Region}, Labels: want.Labels, SpendingLimit: wireSpendingLimit{want.SpendingLimit},
	}
	var created Cluster
	if err := c.clustersAPI().Do(ctx, http.MethodPost, "/clusters", in, &created); err != nil {
		return nil, fmt.Errorf("creating cluster %q: %w", want.DisplayName, err)
	}
	return &created, nil
}

// RenameCluster sets the display name.
func (c *Client) RenameCluster(ctx context.Context, id, name string) error {
	return c.updateCluster(ctx, id, "displayName", wireCluster{DisplayName: name})
}

// SetClusterLabels sets the labels. They should include those that stay, also those under
// tidb.cloud/. It is not documented whether the API removes the others, and the official CLI
// calls these "to be added or updated". So read the result.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
func (c *Client) SetClusterLabels(ctx context.Context, id string, labels map[string]string) error {
	return c.updateCluster(ctx, id, "labels", wireCluster{Labels: labels})
}

// SetSpendingLimit sets the monthly limit in US cents, 1 or more. Both official clients send
// this mask, and the CLI refuses to send 0.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/spending_limit.go
// https://github.com/tidbcloud/terraform-provider-tidbcloud/blob/main/internal/provider/serverless_cluster_resource.go
func (c *Client) SetSpendingLimit(ctx context.Context, id string, cents int) error {
	return c.updateCluster(ctx, id, "spendingLimit.monthly", wireCluster{SpendingLimit: wireSpendingLimit{cents}})
}

// SetAuthorizedNetworks replaces the ranges of addresses that may connect.
func (c *Client) SetAuthorizedNetworks(ctx context.Context, id string, networks []Network) error {
	public := wireEndpoint{AuthorizedNetworks: networks}
	return c.updateCluster(ctx, id, "endpoints.public.authorizedNetworks", wireCluster{Endpoints: wireEndpoints{public}})
}

// EnablePublicEndpoint switches the public endpoint on. The official CLI sends this mask.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
func (c *Client) EnablePublicEndpoint(ctx context.Context, id string) error {
	public := wireEndpoint{Disabled: new(bool)}
	return c.updateCluster(ctx, id, "endpoints.public.disabled", wireCluster{Endpoints: wireEndpoints{public}})
}

// updateCluster updates the one field that the mask names. Values are absolute, so the call may
// be repeated.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_PartialUpdateCluster
func (c *Client) updateCluster(ctx context.Context, id, mask string, cluster wireCluster) error {
	in := struct {
		Cluster    wireCluster `json:"cluster"`
		UpdateMask string      `json:"updateMask"`
	}{cluster, mask}
	err := c.clustersAPI().DoIdempotent(ctx, http.MethodPatch, rest.Path("/clusters/%s", id), in, new(rest.Object))
	if err != nil {
		return fmt.Errorf("updating %s of cluster %s: %w", mask, id, err)
	}
	return nil
}

// DeleteCluster begins to delete a cluster and all its data; see [Client.WaitUntilGone]. A
// missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_DeleteCluster
func (c *Client) DeleteCluster(ctx context.Context, id string) error {
	if err := c.clustersAPI().DoIdempotent(ctx, http.MethodDelete, rest.Path("/clusters/%s", id), nil, new(rest.Object)); err != nil {
		return fmt.Errorf("deleting cluster %s: %w", id, err)
	}
	return nil
}
