package tidbcloud

import (
	"crypto/rand"
	"regexp"
	"time"
)

// The states that a cluster has unless SetState holds it in one.
const (
	stateCreating = "CREATING"
	stateActive   = "ACTIVE"
	stateDeleting = "DELETING"
)

// clusterID is the form of a cluster's ID. Real IDs need 64 bits, and a JSON number that is
// read as a float has only 53.
var clusterID = regexp.MustCompile(`^[1-9][0-9]{18,19}$`)

// Cluster is a cluster as the API shows it.
type Cluster struct {
	Name          string            `json:"name"`
	ClusterID     string            `json:"clusterId"`
	DisplayName   string            `json:"displayName"`
	Region        Region            `json:"region"`
	SpendingLimit SpendingLimit     `json:"spendingLimit"`
	Endpoints     Endpoints         `json:"endpoints"`
	Version       string            `json:"version"`
	UserPrefix    string            `json:"userPrefix"`
	State         string            `json:"state"`
	Labels        map[string]string `json:"labels"`
	CreateTime    time.Time         `json:"createTime"`
	UpdateTime    time.Time         `json:"updateTime"`
	ClusterPlan   string            `json:"clusterPlan"`
	ServicePlan   string            `json:"servicePlan"`
}

// SpendingLimit is in US cents a month. 0 means a free cluster.
type SpendingLimit struct {
	Monthly int32 `json:"monthly"`
}

// Endpoints are the addresses of a cluster.
type Endpoints struct {
	Public PublicEndpoint `json:"public"`
}

// PublicEndpoint has an empty host and port 0 until the cluster is ACTIVE.
type PublicEndpoint struct {
	Host               string    `json:"host"`
	Port               int       `json:"port"`
	Disabled           bool      `json:"disabled"`
	AuthorizedNetworks []Network `json:"authorizedNetworks"`
}

// Network is a range of IPv4 addresses that may connect.
type Network struct {
	StartIPAddress string `json:"startIpAddress"`
	EndIPAddress   string `json:"endIpAddress"`
	DisplayName    string `json:"displayName"`
}

// stateOf returns the cluster's state, which follows from its times.
func (c *Cloud) stateOf(s *state, rec *clusterRecord) string {
	switch {
	case rec.HeldState != "":
		return rec.HeldState
	case !rec.Deleted.IsZero():
		return stateDeleting
	case s.now.Before(rec.Cluster.CreateTime.Add(c.createTime())):
		return stateCreating
	default:
		return stateActive
	}
}

// view returns the cluster as the API shows it. It shares maps and slices with the
// record.
func (c *Cloud) view(s *state, rec *clusterRecord) Cluster {
	cl := rec.Cluster
	cl.State = c.stateOf(s, rec)
	if cl.State == stateCreating {
		cl.UserPrefix = ""
		return cl
	}
	// Becoming ACTIVE counts as an update.
	if active := cl.CreateTime.Add(c.createTime()); cl.UpdateTime.Before(active) && !s.now.Before(active) {
		cl.UpdateTime = active
	}
	public := &cl.Endpoints.Public
	if c.Endpoint != nil {
		public.Host, public.Port = c.Endpoint(cl.ClusterID)
	} else {
		public.Host, public.Port = cl.Region.gateway(), 4000
	}
	return cl
}

// newClusterID returns an ID of 20 digits, as real ones have.
func newClusterID() string {
	return "10" + randomString("0123456789", 18)
}

// fullName returns the full name of a user or role on the cluster.
func (cl Cluster) fullName(name string) string {
	if cl.UserPrefix == "" {
		return name
	}
	return cl.UserPrefix + "." + name
}

// newUserPrefix returns a prefix such as 3pTAoNNegb47Uc8, or "" if the plan has none.
func newUserPrefix(plan string) string {
	if plan == "Essential" {
		return ""
	}
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	return randomString(base58[:9], 1) + randomString(base58, 14)
}

func randomString(alphabet string, n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}
