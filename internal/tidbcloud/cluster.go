package tidbcloud

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// State is the state of a cluster.
type State string

// States of Starter and Essential clusters. Any other means a cluster that is busy.
const (
	StateActive   State = "ACTIVE"
	StateInactive State = "INACTIVE"
	StateDeleting State = "DELETING"
	StateDeleted  State = "DELETED"
)

// Deleting reports whether a cluster in this state is being deleted or is deleted.
func (s State) Deleting() bool { return s == StateDeleting || s == StateDeleted }

// Labels that TiDB Cloud sets: the IDs of the project and the organization that a cluster
// belongs to. A request for a new cluster may choose the project. Neither can change later.
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

// Network is a range of IPv4 addresses that may connect. The Pulumi provider has the same
// type, with other methods.
type Network struct {
	DisplayName    string `json:"displayName" pulumi:"displayName"`
	StartIPAddress string `json:"startIpAddress" pulumi:"startIpAddress"`
	EndIPAddress   string `json:"endIpAddress" pulumi:"endIpAddress"`
}

// Connectable reports whether clients can connect.
func (c *Cluster) Connectable() bool {
	return c.State == StateActive && c.Host != "" && c.Port != 0 && c.PrefixKnown() && !c.EndpointOff
}

// PrefixKnown reports whether UserPrefix is final. A Starter cluster gets its prefix late. An
// Essential cluster that was created since 2026-06-30 has an endpoint and no prefix (assumed,
// from a report; by the documentation each cluster has one,
// https://docs.pingcap.com/tidbcloud/select-cluster-tier/#user-name-prefix).
func (c *Cluster) PrefixKnown() bool {
	return c.UserPrefix != "" || strings.EqualFold(c.Plan, "Essential") && c.Host != ""
}

// String returns the name and the ID.
func (c *Cluster) String() string { return fmt.Sprintf("%q (%s)", c.DisplayName, c.ID) }

// wireCluster is a cluster in the API's shape. A request has just the fields that are set.
type wireCluster struct {
	Name          string            `json:"name,omitzero"`
	ClusterID     string            `json:"clusterId,omitzero"`
	DisplayName   string            `json:"displayName,omitzero"`
	Region        wireRegion        `json:"region,omitzero"`
	State         State             `json:"state,omitzero"`
	Labels        map[string]string `json:"labels,omitzero"`
	SpendingLimit wireSpendingLimit `json:"spendingLimit,omitzero"`
	Endpoints     wireEndpoints     `json:"endpoints,omitzero"`
	UserPrefix    string            `json:"userPrefix,omitzero"`
	ServicePlan   string            `json:"servicePlan,omitzero"`
	ClusterPlan   string            `json:"clusterPlan,omitzero"`
	Version       string            `json:"version,omitzero"`
	CreateTime    string            `json:"createTime,omitzero"`
}

type wireRegion struct {
	Name string `json:"name"`
}

type wireSpendingLimit struct {
	Monthly int `json:"monthly"`
}

type wireEndpoints struct {
	Public wireEndpoint `json:"public,omitzero"`
}

type wireEndpoint struct {
	Host               string    `json:"host,omitzero"`
	Port               int       `json:"port,omitzero"`
	Disabled           *bool     `json:"disabled,omitzero"`
	AuthorizedNetworks []Network `json:"authorizedNetworks,omitzero"`
}

// UnmarshalJSON decodes the API's shape. A cluster without an ID is an error. After a write that
// is an ambiguous result, like any unreadable response.
func (c *Cluster) UnmarshalJSON(data []byte) error {
	var w wireCluster
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	id := cmp.Or(w.ClusterID, strings.TrimPrefix(w.Name, "clusters/"))
	if id == "" {
		return errors.New("a cluster without an ID")
	}
	public := w.Endpoints.Public
	*c = Cluster{
		ID: id, DisplayName: w.DisplayName, Region: w.Region.Name, State: w.State, Labels: w.Labels, SpendingLimit: w.SpendingLimit.Monthly,
		Networks: public.AuthorizedNetworks, EndpointOff: public.Disabled != nil && *public.Disabled, Host: public.Host, Port: public.Port,
		UserPrefix: w.UserPrefix, Plan: cmp.Or(w.ServicePlan, w.ClusterPlan), Version: w.Version, CreateTime: w.CreateTime,
	}
	return nil
}
