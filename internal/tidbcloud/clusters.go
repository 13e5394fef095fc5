package tidbcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"portfolio-infra/internal/rest"
)

// State is where a cluster is in its life.
type State string

// States of Starter and Essential clusters. Others mean a cluster that is busy.
const (
	StateActive   State = "ACTIVE"
	StateCreating State = "CREATING"
	StateInactive State = "INACTIVE"
	StateDeleting State = "DELETING"
	StateDeleted  State = "DELETED"
)

// Deleting tells whether a cluster in this state is being deleted or is deleted.
func (s State) Deleting() bool { return s == StateDeleting || s == StateDeleted }

// Labels that TiDB Cloud sets itself: the ids of what a cluster belongs to. The one
// of the project can be chosen for a new cluster; neither can be changed later.
const (
	LabelProject      = "tidb.cloud/project"
	LabelOrganization = "tidb.cloud/organization"
)

// Cluster is a cluster as the API tells it. Any field but ID may be empty.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_GetCluster
type Cluster struct {
	ID            string
	DisplayName   string
	Region        string // such as regions/aws-ap-northeast-1
	State         State
	Labels        map[string]string
	SpendingLimit int // US cents a month; 0 is the free plan
	Networks      []Network
	Host          string // empty until the cluster is ACTIVE, like Port and UserPrefix
	Port          int
	UserPrefix    string // begins each user name: UserPrefix + "." + name
	Version       string
	CreateTime    string // RFC 3339
}

// Network is a range of IPv4 addresses that may connect.
type Network struct {
	DisplayName    string `json:"displayName"`
	StartIPAddress string `json:"startIpAddress"`
	EndIPAddress   string `json:"endIpAddress"`
}

// Connectable tells whether a client has all it needs to connect.
func (c *Cluster) Connectable() bool {
	return c.State == StateActive && c.Host != "" && c.Port != 0 && c.UserPrefix != ""
}

// String names the cluster for people, by its name and its id.
func (c *Cluster) String() string { return fmt.Sprintf("%q (%s)", c.DisplayName, c.ID) }

// wireCluster is the API's shape of a cluster, for both ways.
type wireCluster struct {
	Name          string             `json:"name,omitempty"`
	ClusterID     string             `json:"clusterId,omitempty"`
	DisplayName   string             `json:"displayName,omitempty"`
	Region        *wireRegion        `json:"region,omitempty"`
	State         State              `json:"state,omitempty"`
	Labels        map[string]string  `json:"labels,omitempty"`
	SpendingLimit *wireSpendingLimit `json:"spendingLimit,omitempty"`
	Endpoints     *wireEndpoints     `json:"endpoints,omitempty"`
	UserPrefix    string             `json:"userPrefix,omitempty"`
	Version       string             `json:"version,omitempty"`
	CreateTime    string             `json:"createTime,omitempty"`
}

type wireRegion struct {
	Name string `json:"name"`
}

type wireSpendingLimit struct {
	Monthly int `json:"monthly"`
}

type wireEndpoints struct {
	Public wirePublic `json:"public"`
}

type wirePublic struct {
	Host               string    `json:"host,omitempty"`
	Port               int       `json:"port,omitempty"`
	AuthorizedNetworks []Network `json:"authorizedNetworks"`
}

// UnmarshalJSON reads the API's shape and refuses a cluster without an id. An
// answer to a write that fails here counts as ambiguous, like any unreadable one.
func (c *Cluster) UnmarshalJSON(data []byte) error {
	var w wireCluster
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*c = Cluster{
		ID:          w.ClusterID,
		DisplayName: w.DisplayName,
		State:       w.State,
		Labels:      w.Labels,
		UserPrefix:  w.UserPrefix,
		Version:     w.Version,
		CreateTime:  w.CreateTime,
	}
	if c.ID == "" {
		c.ID = strings.TrimPrefix(w.Name, "clusters/")
	}
	if c.ID == "" {
		return errors.New("a cluster without an id")
	}
	if w.Region != nil {
		c.Region = w.Region.Name
	}
	if w.SpendingLimit != nil {
		c.SpendingLimit = w.SpendingLimit.Monthly
	}
	if w.Endpoints != nil {
		c.Host, c.Port = w.Endpoints.Public.Host, w.Endpoints.Public.Port
		c.Networks = w.Endpoints.Public.AuthorizedNetworks
	}
	return nil
}

// CreateClusterRequest is what a cluster is made of.
type CreateClusterRequest struct {
	// DisplayName has 4 to 64 letters, digits and hyphens, and begins and ends
	// with a letter or digit. It need not be unique.
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

// object is an answer of which only the shape counts: every write that succeeds is
// answered by one, so anything else comes from something in between.
type object map[string]any

// maxPages bounds a list. The rate limit would end one with more pages anyway.
const maxPages = 100

// ListClusters lists all clusters that the API key can see.
//
// The API can filter, but its grammar for label keys that hold dots and slashes is
// not documented, and a filter that silently finds nothing would lead to a second
// cluster. So callers choose from the whole list.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_ListClusters
func (c *Client) ListClusters(ctx context.Context) ([]Cluster, error) {
	all, err := pages(func(query string) ([]Cluster, string, error) {
		var page struct {
			Clusters      []Cluster `json:"clusters"`
			NextPageToken string    `json:"nextPageToken"`
		}
		err := c.clustersAPI().Do(ctx, http.MethodGet, "/clusters?"+query, nil, &page)
		return page.Clusters, page.NextPageToken, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing clusters: %w", err)
	}
	return all, nil
}

// pages collects all pages of a list. It ends with an error if the API goes round
// in circles.
func pages[T any](get func(query string) ([]T, string, error)) ([]T, error) {
	var all []T
	query := url.Values{"pageSize": {"100"}}
	seen := map[string]bool{}
	for range maxPages {
		items, next, err := get(query.Encode())
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		if seen[next] {
			return nil, errors.New("the API repeats a page token")
		}
		seen[next] = true
		query.Set("pageToken", next)
	}
	return nil, fmt.Errorf("the list has more than %d pages", maxPages)
}

// GetCluster returns one cluster. A missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_GetCluster
func (c *Client) GetCluster(ctx context.Context, id string) (*Cluster, error) {
	var cluster Cluster
	if err := c.clustersAPI().Do(ctx, http.MethodGet, rest.Path("/clusters/%s", id), nil, &cluster); err != nil {
		return nil, fmt.Errorf("reading cluster %s: %w", id, err)
	}
	if cluster.ID != id {
		return nil, fmt.Errorf("reading cluster %s: the API answered with cluster %s", id, cluster.ID)
	}
	return &cluster, nil
}

// CreateCluster asks for a new cluster and returns it as it is at first, mostly
// [StateCreating]. If [rest.Ambiguous] is true for the error there may be one all the
// same: list before you ask again.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_CreateCluster
func (c *Client) CreateCluster(ctx context.Context, n CreateClusterRequest) (*Cluster, error) {
	in := wireCluster{
		DisplayName: n.DisplayName,
		Region:      &wireRegion{n.Region},
		Labels:      n.Labels,
	}
	if n.SpendingLimit != nil {
		in.SpendingLimit = &wireSpendingLimit{*n.SpendingLimit}
	}
	var made Cluster
	if err := c.clustersAPI().Do(ctx, http.MethodPost, "/clusters", in, &made); err != nil {
		return nil, fmt.Errorf("creating cluster %q: %w", n.DisplayName, err)
	}
	return &made, nil
}

// RenameCluster sets the display name.
func (c *Client) RenameCluster(ctx context.Context, id, name string) error {
	return c.patchCluster(ctx, id, "displayName", map[string]any{"displayName": name})
}

// SetClusterLabels sets labels. Pass back those that shall stay, tidb.cloud/ ones
// too. Whether one that is left out goes is not documented, and the official CLI
// calls them labels "to be added or updated": read back what became of it.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
func (c *Client) SetClusterLabels(ctx context.Context, id string, labels map[string]string) error {
	return c.patchCluster(ctx, id, "labels", map[string]any{"labels": labels})
}

// SetSpendingLimit sets the monthly limit, in US cents, 1 or more. The mask is that
// of both official clients, and the CLI refuses to send 0.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/spending_limit.go
// https://github.com/tidbcloud/terraform-provider-tidbcloud/blob/main/internal/provider/serverless_cluster_resource.go
func (c *Client) SetSpendingLimit(ctx context.Context, id string, cents int) error {
	return c.patchCluster(ctx, id, "spendingLimit.monthly", map[string]any{"spendingLimit": wireSpendingLimit{cents}})
}

// SetAuthorizedNetworks replaces the ranges of addresses that may connect.
func (c *Client) SetAuthorizedNetworks(ctx context.Context, id string, networks []Network) error {
	return c.patchCluster(ctx, id, "endpoints.public.authorizedNetworks",
		map[string]any{"endpoints": wireEndpoints{wirePublic{AuthorizedNetworks: networks}}})
}

// patchCluster updates one field. The values are absolute, so a lost answer is
// followed by the same request.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_PartialUpdateCluster
func (c *Client) patchCluster(ctx context.Context, id, mask string, cluster map[string]any) error {
	in := map[string]any{"cluster": cluster, "updateMask": mask}
	if err := c.clustersAPI().DoIdempotent(ctx, http.MethodPatch, rest.Path("/clusters/%s", id), in, new(object)); err != nil {
		return fmt.Errorf("updating %s of cluster %s: %w", mask, id, err)
	}
	return nil
}

// DeleteCluster asks to delete a cluster and all its data; see
// [Client.WaitUntilGone]. A missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Cluster/operation/ClusterService_DeleteCluster
func (c *Client) DeleteCluster(ctx context.Context, id string) error {
	if err := c.clustersAPI().DoIdempotent(ctx, http.MethodDelete, rest.Path("/clusters/%s", id), nil, new(object)); err != nil {
		return fmt.Errorf("deleting cluster %s: %w", id, err)
	}
	return nil
}
