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

// Connectable reports whether a client has all it needs to connect.
func (c *Cluster) Connectable() bool {
	return c.State == StateActive && c.Host != "" && c.Port != 0 && c.UserPrefix != ""
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
		SpendingLimit: w.SpendingLimit.Monthly, Networks: w.Endpoints.Public.AuthorizedNetworks,
		Host: w.Endpoints.Public.Host, Port: w.Endpoints.Public.Port, UserPrefix: w.UserPrefix,
		Version: w.Version, CreateTime: w.CreateTime,
	}
	return nil
}
