package tidbcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"portfolio-infra/internal/rest"
)

// State is the state of a cluster.
type State string

// States of Starter and Essential clusters. Any other means a cluster that is busy.
const (
	StateActive   State = "ACTIVE"
	StateCreating State = "CREATING"
	StateInactive State = "INACTIVE"
	StateDeleting State = "DELETING"
	StateDeleted  State = "DELETED"
)

// Deleting reports whether a cluster in this state is being deleted or is deleted.
func (s State) Deleting() bool { return s == StateDeleting || s == StateDeleted }

// Labels that TiDB Cloud sets itself: the IDs of what a cluster belongs to. The project's
// can be chosen for a new cluster; neither can be changed later.
const (
	LabelProject      = "tidb.cloud/project"
	LabelOrganization = "tidb.cloud/organization"
)

// Cluster is a cluster as the API returns it. Any field but ID may be empty.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_GetCluster
type Cluster struct {
	ID            string
	DisplayName   string
	Region        string // such as regions/aws-ap-northeast-1
	State         State
	Labels        map[string]string
	SpendingLimit int // US cents a month; 0 is the free plan
	Networks      []Network
	EndpointOff   bool   // the public endpoint is switched off: nobody can connect
	Host          string // empty until the cluster is ACTIVE, like Port and UserPrefix
	Port          int
	UserPrefix    string // begins each user name, see [FullName]; some clusters have none
	Plan          string // such as Starter or Essential
	Version       string
	CreateTime    string // RFC 3339
}

// Network is a range of IPv4 addresses that may connect.
type Network struct {
	DisplayName    string `json:"displayName"`
	StartIPAddress string `json:"startIpAddress"`
	EndIPAddress   string `json:"endIpAddress"`
}

// Connectable reports whether a client has all it needs to connect, and may.
func (c *Cluster) Connectable() bool {
	return c.State == StateActive && c.Host != "" && c.Port != 0 && c.PrefixKnown() && !c.EndpointOff
}

// PrefixKnown reports whether UserPrefix is final. A Starter cluster without one has it
// later; Essential clusters made since 2026-06-30 have an endpoint and no prefix (assumed,
// from a report: the documentation still gives each cluster one,
// https://docs.pingcap.com/tidbcloud/select-cluster-tier/#user-name-prefix).
func (c *Cluster) PrefixKnown() bool {
	return c.UserPrefix != "" || strings.EqualFold(c.Plan, "Essential") && c.Host != ""
}

// String returns the name and the ID.
func (c *Cluster) String() string { return fmt.Sprintf("%q (%s)", c.DisplayName, c.ID) }

type wireRegion struct {
	Name string `json:"name"`
}

type wireSpendingLimit struct {
	Monthly int `json:"monthly"`
}

type wireEndpoints struct {
	Public struct {
		Host               string    `json:"host,omitempty"`
		Port               int       `json:"port,omitempty"`
		Disabled           bool      `json:"disabled,omitempty"`
		AuthorizedNetworks []Network `json:"authorizedNetworks"`
	} `json:"public"`
}

// UnmarshalJSON decodes the API's shape. A cluster without an ID is an error, which makes
// the result of a write ambiguous, like any unreadable response.
func (c *Cluster) UnmarshalJSON(data []byte) error {
	var w struct {
		Name          string            `json:"name"`
		ClusterID     string            `json:"clusterId"`
		DisplayName   string            `json:"displayName"`
		Region        wireRegion        `json:"region"`
		State         State             `json:"state"`
		Labels        map[string]string `json:"labels"`
		SpendingLimit wireSpendingLimit `json:"spendingLimit"`
		Endpoints     wireEndpoints     `json:"endpoints"`
		UserPrefix    string            `json:"userPrefix"`
		ServicePlan   string            `json:"servicePlan"`
		ClusterPlan   string            `json:"clusterPlan"`
		Version       string            `json:"version"`
		CreateTime    string            `json:"createTime"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	id := cmp.Or(w.ClusterID, strings.TrimPrefix(w.Name, "clusters/"))
	if id == "" {
		return errors.New("a cluster without an ID")
	}
	*c = Cluster{
		ID: id, DisplayName: w.DisplayName, Region: w.Region.Name, State: w.State, Labels: w.Labels,
		SpendingLimit: w.SpendingLimit.Monthly, Networks: w.Endpoints.Public.AuthorizedNetworks, EndpointOff: w.Endpoints.Public.Disabled,
		Host: w.Endpoints.Public.Host, Port: w.Endpoints.Public.Port, UserPrefix: w.UserPrefix, Plan: cmp.Or(w.ServicePlan, w.ClusterPlan),
		Version: w.Version, CreateTime: w.CreateTime,
	}
	return nil
}

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

// EnablePublicEndpoint switches the public endpoint on. The mask is that of the official CLI.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
func (c *Client) EnablePublicEndpoint(ctx context.Context, id string) error {
	on := map[string]any{"public": map[string]any{"disabled": false}}
	return c.updateCluster(ctx, id, "endpoints.public.disabled", map[string]any{"endpoints": on})
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
