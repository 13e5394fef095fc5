package tidbcloud

import (
	"crypto/rand"
	"math/big"
	"regexp"
	"strconv"
	"time"
)

// The states of a Starter cluster.
const (
	stateCreating = "CREATING"
	stateActive   = "ACTIVE"
	stateDeleting = "DELETING"
)

// states are all that the API knows, those of other plans included.
var states = []string{
	stateCreating, stateDeleting, stateActive, "RESTORING", "MAINTENANCE", "DELETED", "INACTIVE",
	"UPGRADING", "IMPORTING", "MODIFYING", "PAUSING", "PAUSED", "RESUMING",
}

// clusterID is the form of a cluster's id. Real ones need 64 bits and more than
// the 53 that a float has.
var clusterID = regexp.MustCompile(`^[1-9][0-9]{18,19}$`)

// Cluster is a cluster as the API shows it.
type Cluster struct {
	Name                  string            `json:"name"`
	ClusterID             string            `json:"clusterId"`
	DisplayName           string            `json:"displayName"`
	Region                Region            `json:"region"`
	SpendingLimit         *SpendingLimit    `json:"spendingLimit,omitempty"`
	AutomatedBackupPolicy *BackupPolicy     `json:"automatedBackupPolicy,omitempty"`
	Endpoints             Endpoints         `json:"endpoints"`
	EncryptionConfig      *EncryptionConfig `json:"encryptionConfig,omitempty"`
	HighAvailabilityType  string            `json:"highAvailabilityType"`
	Version               string            `json:"version"`
	CreatedBy             string            `json:"createdBy"`
	UserPrefix            string            `json:"userPrefix"`
	State                 string            `json:"state"`
	Labels                map[string]string `json:"labels"`
	Annotations           map[string]string `json:"annotations"`
	CreateTime            time.Time         `json:"createTime"`
	UpdateTime            time.Time         `json:"updateTime"`
	AuditLogConfig        *AuditLogConfig   `json:"auditLogConfig,omitempty"`
	ClusterPlan           string            `json:"clusterPlan"`
	ServicePlan           string            `json:"servicePlan"`
}

// SpendingLimit is in US cents; 0 makes a free cluster.
type SpendingLimit struct {
	Monthly int32 `json:"monthly"`
}

// BackupPolicy has its StartTime as HH:mm in UTC.
type BackupPolicy struct {
	StartTime     string `json:"startTime"`
	RetentionDays int32  `json:"retentionDays"`
}

// EncryptionConfig is kept and has no effect.
type EncryptionConfig struct {
	EnhancedEncryptionEnabled bool `json:"enhancedEncryptionEnabled"`
}

// AuditLogConfig is kept and has no effect.
type AuditLogConfig struct {
	Enabled    bool `json:"enabled"`
	Unredacted bool `json:"unredacted"`
}

// Endpoints is where a cluster is reached.
type Endpoints struct {
	Public  PublicEndpoint   `json:"public"`
	Private *PrivateEndpoint `json:"private,omitempty"`
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

// PrivateEndpoint is there for show. It has the part of its region's provider.
type PrivateEndpoint struct {
	Host     string       `json:"host"`
	Port     int          `json:"port"`
	AWS      *PrivateLink `json:"aws,omitempty"`
	Alicloud *PrivateLink `json:"alicloud,omitempty"`
}

// PrivateLink is a provider's private endpoint service.
type PrivateLink struct {
	ServiceName      string   `json:"serviceName"`
	AvailabilityZone []string `json:"availabilityZone"`
}

// stateOf tells the cluster's state by its times.
func (c *Cloud) stateOf(rec *record, now time.Time) string {
	switch {
	case rec.Stuck != "":
		return rec.Stuck
	case !rec.Deleted.IsZero():
		return stateDeleting
	case now.Before(rec.Cluster.CreateTime.Add(c.createTime())):
		return stateCreating
	default:
		return stateActive
	}
}

// view returns the cluster as the API shows it now. It shares maps and slices with
// the record.
func (c *Cloud) view(rec *record, now time.Time) Cluster {
	cl := rec.Cluster
	cl.State = c.stateOf(rec, now)
	cl.Annotations = map[string]string{
		"tidb.cloud/available-features": "DISABLE_PUBLIC_LB,DELEGATE_USER",
		"tidb.cloud/has-set-password":   strconv.FormatBool(rec.Users[0].Hash != ""),
	}
	if cl.State == stateCreating {
		cl.UserPrefix = ""
		return cl
	}
	// A cluster that became ACTIVE was updated by that.
	if ready := cl.CreateTime.Add(c.createTime()); cl.UpdateTime.Before(ready) && !now.Before(ready) {
		cl.UpdateTime = ready
	}
	cl.Endpoints.Public.Host, cl.Endpoints.Public.Port = c.endpoint(cl)
	cl.Endpoints.Private = privateEndpoint(cl.Region)
	return cl
}

func (c *Cloud) endpoint(cl Cluster) (host string, port int) {
	if c.Endpoint != nil {
		return c.Endpoint(cl.ClusterID)
	}
	return "gateway01." + cl.Region.domain(), 4000
}

func privateEndpoint(re Region) *PrivateEndpoint {
	p := &PrivateEndpoint{Host: "gateway01-privatelink." + re.domain(), Port: 4000}
	link := &PrivateLink{AvailabilityZone: []string{re.code() + "-a"}}
	if re.CloudProvider == "alicloud" {
		link.ServiceName = "com.aliyuncs.privatelink." + re.code() + ".epsrv-0000000000000000"
		p.Alicloud = link
	} else {
		link.ServiceName = "com.amazonaws.vpce." + re.code() + ".vpce-svc-00000000000000000"
		p.AWS = link
	}
	return p
}

// domain is the domain of the region's SQL endpoints.
func (r Region) domain() string {
	return r.code() + ".prod." + r.CloudProvider + ".tidbcloud.com"
}

// newClusterID makes an id of 20 digits, as real ones have.
func newClusterID() string {
	return "10" + randomString("0123456789", 18)
}

// newUserPrefix makes a prefix such as 3pTAoNNegb47Uc8.
func newUserPrefix() string {
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	return randomString(base58[:9], 1) + randomString(base58, 14)
}

func randomString(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		at, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // never fails
		b[i] = alphabet[at.Int64()]
	}
	return string(b)
}
