package tidbcloud

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"portfolio-infra/internal/rest"
)

// Branch is a branch of a cluster as the API returns it: a copy-on-write copy of the cluster's
// schema and rows at a moment, with an endpoint and users of its own. Any field but ID may be
// empty.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_GetBranch
type Branch struct {
	ID          string
	ClusterID   string
	DisplayName string
	State       State // RESTORING while it is reset; DELETED while it is being deleted
	// Annotations are those of the creator and TiDB Cloud's own, below tidb.cloud/. None can
	// change later.
	Annotations     map[string]string
	ParentTimestamp string // RFC 3339; empty or the time of creation if none was asked for
	EndpointOff     bool   // the public endpoint is switched off: nobody can connect
	Host            string // empty until the branch is ACTIVE, like Port and UserPrefix
	Port            int
	UserPrefix      string // the branch's own; the parent's users do not have it
	CreateTime      string // RFC 3339
}

// StateRestoring is the state of a branch that is being reset.
const StateRestoring State = "RESTORING"

// Connectable reports whether clients can connect. Each branch has a user prefix (assumed, as
// https://docs.pingcap.com/tidbcloud/select-cluster-tier/#user-name-prefix says of clusters).
func (b *Branch) Connectable() bool {
	return b.State == StateActive && b.Host != "" && b.Port != 0 && b.UserPrefix != "" && !b.EndpointOff
}

// String returns the name and the ID.
func (b *Branch) String() string { return fmt.Sprintf("%q (%s)", b.DisplayName, b.ID) }

// wireBranch is a branch in the API's shape. A request has just the fields that are set.
type wireBranch struct {
	Name            string            `json:"name,omitzero"`
	BranchID        string            `json:"branchId,omitzero"`
	ClusterID       string            `json:"clusterId,omitzero"`
	DisplayName     string            `json:"displayName,omitzero"`
	State           State             `json:"state,omitzero"`
	Annotations     map[string]string `json:"annotations,omitzero"`
	ParentTimestamp string            `json:"parentTimestamp,omitzero"`
	RootPassword    string            `json:"rootPassword,omitzero"`
	Endpoints       wireEndpoints     `json:"endpoints,omitzero"`
	UserPrefix      string            `json:"userPrefix,omitzero"`
	CreateTime      string            `json:"createTime,omitzero"`
}

// UnmarshalJSON decodes the API's shape. A branch without an ID is an error, as for [Cluster].
func (b *Branch) UnmarshalJSON(data []byte) error {
	var w wireBranch
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	_, named, _ := strings.Cut(w.Name, "/branches/")
	id := cmp.Or(w.BranchID, named)
	if id == "" {
		return errors.New("a branch without an ID")
	}
	public := w.Endpoints.Public
	*b = Branch{
		ID: id, ClusterID: w.ClusterID, DisplayName: w.DisplayName, State: w.State, Annotations: w.Annotations, ParentTimestamp: w.ParentTimestamp,
		EndpointOff: public.Disabled != nil && *public.Disabled, Host: public.Host, Port: public.Port, UserPrefix: w.UserPrefix, CreateTime: w.CreateTime,
	}
	return nil
}

// idPattern matches the IDs of clusters and branches, such as 10202848322613926203 and
// bran-fgwdnpasmrahnh5iozqawnmijq. A server may decode and clean a path before it looks at it.
// Then a branch ID with slashes and dots could lead to the parent.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][-_A-Za-z0-9]*$`)

// branchPath returns the path of a branch, with an end such as ":reset".
func branchPath(clusterID, id, end string) (string, error) {
	for _, id := range []string{clusterID, id} {
		if !idPattern.MatchString(id) {
			return "", fmt.Errorf("%q is not the ID of a cluster or branch", id)
		}
	}
	return rest.Path("/clusters/%s/branches/%s", clusterID, id) + end, nil
}
