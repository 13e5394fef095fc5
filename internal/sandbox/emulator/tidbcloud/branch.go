package tidbcloud

import (
	"maps"
	"regexp"
	"strings"
	"time"
)

// branchID is the form of a branch's ID, as in
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/branch/describe_test.go.
var branchID = regexp.MustCompile(`^bran-[a-z2-7]{26}$`)

// The states that a branch has beside CREATING and ACTIVE. By the API's description DELETED
// means that it is being deleted.
const (
	stateRestoring = "RESTORING"
	stateDeleted   = "DELETED"
)

// annotationPassword is TiDB Cloud's own annotation. The test of ticloud that is named above has
// it.
const annotationPassword = labelReserved + "has-set-password"

// Branch is a branch as the API shows it.
type Branch struct {
	Name              string            `json:"name"`
	BranchID          string            `json:"branchId"`
	DisplayName       string            `json:"displayName"`
	ClusterID         string            `json:"clusterId"`
	ParentID          string            `json:"parentId"`
	ParentDisplayName string            `json:"parentDisplayName"`
	ParentTimestamp   time.Time         `json:"parentTimestamp"`
	State             string            `json:"state"`
	Endpoints         Endpoints         `json:"endpoints"`
	UserPrefix        string            `json:"userPrefix"`
	Annotations       map[string]string `json:"annotations,omitempty"`
	CreateTime        time.Time         `json:"createTime"`
	UpdateTime        time.Time         `json:"updateTime"`
}

// branchRecord is a branch, with what the API does not show.
type branchRecord struct {
	Seq int `json:"seq"`
	// Branch lacks what viewBranch adds: the state and the endpoint.
	Branch  Branch    `json:"branch"`
	Deleted time.Time `json:"deleted,omitzero"`
	// Reset is when the branch was last reset, or zero.
	Reset time.Time `json:"reset,omitzero"`
	// HeldState is the argument of SetState.
	HeldState string `json:"stuck,omitempty"`
	// Root is the only SQL user that is known of, but for those of InheritUsers.
	Root userRecord `json:"root"`
	// Inherited are the users that came along, see Cloud.InheritUsers. No call lists them.
	Inherited []userRecord `json:"inherited,omitempty"`
}

// copied returns the moment of which the branch is a copy.
func (b *branchRecord) copied() time.Time {
	if !b.Reset.IsZero() {
		return b.Reset
	}
	return b.Branch.ParentTimestamp
}

func (c *Cloud) branchState(s *state, b *branchRecord) string {
	switch {
	case b.HeldState != "":
		return b.HeldState
	case !b.Deleted.IsZero():
		return stateDeleted
	case s.now.Before(b.Branch.CreateTime.Add(c.createTime())):
		return stateCreating
	case s.now.Before(b.Reset.Add(c.createTime())):
		return stateRestoring
	default:
		return stateActive
	}
}

// viewBranch returns the branch as a GET shows it.
func (c *Cloud) viewBranch(s *state, parent *clusterRecord, b *branchRecord) Branch {
	br := b.Branch
	br.State = c.branchState(s, b)
	br.ParentDisplayName = parent.Cluster.DisplayName
	if br.State == stateCreating {
		br.UserPrefix = ""
		return br
	}
	public := &br.Endpoints.Public
	if c.Endpoint != nil {
		public.Host, public.Port = c.Endpoint(br.BranchID)
	} else {
		public.Host, public.Port = parent.Cluster.Region.gateway(), 4000
	}
	if c.NoAnnotations {
		br.Annotations = nil
		return br
	}
	br.Annotations = map[string]string{annotationPassword: "false"}
	maps.Copy(br.Annotations, b.Branch.Annotations)
	if b.Root.Hash != "" {
		br.Annotations[annotationPassword] = "true"
	}
	return br
}

// inherit gives the branch its parent's users.
func (c *Cloud) inherit(parent *clusterRecord, b *branchRecord) error {
	for _, u := range b.Inherited { // before a reset
		if err := c.sql().DropUser(b.Branch.BranchID, u.User.UserName); err != nil {
			return err
		}
	}
	b.Inherited = nil
	if !c.InheritUsers {
		return nil
	}
	of, to := parent.Cluster.fullName(""), b.Branch.UserPrefix+"."
	for _, u := range parent.Users[1:] { // but root
		u.User.UserName = to + strings.TrimPrefix(u.User.UserName, of)
		if role, prefixed := strings.CutPrefix(u.User.BuiltinRole, of); prefixed && of != "" {
			u.User.BuiltinRole = to + role
		}
		b.Inherited = append(b.Inherited, u)
	}
	return c.putInherited(b)
}

// putInherited creates the inherited users on the branch's SQL server.
func (c *Cloud) putInherited(b *branchRecord) error {
	for _, u := range b.Inherited {
		if err := c.putUser(b.Branch.BranchID, u, ""); err != nil {
			return err
		}
	}
	return nil
}

func newBranchID() string { return "bran-" + randomString("abcdefghijklmnopqrstuvwxyz234567", 26) }
