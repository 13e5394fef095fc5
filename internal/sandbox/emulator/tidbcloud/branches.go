package tidbcloud

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The limits of https://docs.pingcap.com/tidbcloud/branch-overview/#limitations-and-quotas and of
// the release notes of 2026-06-02. The texts of the errors are assumed.
const (
	maxBranches  = 5   // in an organization, by default
	maxStarters  = 100 // clusters and branches together
	maxParentGiB = 100
)

// essentialSince is when new Essential clusters stopped having branches.
var essentialSince = time.Date(2026, 7, 14, 0, 0, 0, 0, time.UTC)

// How far back a branch can begin, on free and on paid clusters.
const (
	freeHistory = 24 * time.Hour
	paidHistory = 14 * 24 * time.Hour
)

// listBranches shows no annotations: that a list shows less than a GET, whose view is FULL by
// default, is assumed, so that no client relies on the list.
func (c *Cloud) listBranches(s *state, r *http.Request) (any, error) {
	p, err := parsePage(r, 10)
	if err != nil {
		return nil, err
	}
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, err
	}
	part, next := cut(p, rec.Branches, func(b branchRecord) int { return b.Seq })
	branches := []Branch{}
	for i := range part {
		br := c.viewBranch(s, rec, &part[i])
		br.Annotations = nil
		branches = append(branches, br)
	}
	return map[string]any{"branches": branches, "nextPageToken": next, "totalSize": len(rec.Branches)}, nil
}

type createBranchRequest struct {
	DisplayName     string            `json:"displayName"`
	Annotations     map[string]string `json:"annotations"`
	ParentTimestamp *time.Time        `json:"parentTimestamp"`
	RootPassword    *string           `json:"rootPassword"`
}

func (c *Cloud) createBranch(s *state, r *http.Request) (any, error) {
	var in createBranchRequest
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	rec, err := c.activeCluster(s, r)
	if err == nil {
		err = in.check(s, rec.Cluster)
	}
	if err == nil {
		err = c.checkBranchLimits(s, rec)
	}
	if err != nil {
		return nil, err
	}
	b := c.newBranch(s, rec.Cluster, in)
	if err := c.sql().CreateBranch(rec.Cluster.ClusterID, b.Branch.BranchID, b.copied()); err != nil {
		return nil, err
	}
	if in.RootPassword != nil {
		if err := c.setPassword(b.Branch.BranchID, &b.Root, *in.RootPassword); err != nil {
			return nil, err
		}
	}
	if err := c.inherit(rec, &b); err != nil {
		return nil, err
	}
	rec.Branches = append(rec.Branches, b)
	return c.viewBranch(s, rec, &b), nil
}

// check checks a request for a branch of a cluster. That names have up to 64 characters is what
// ticloud lets its user type (internal/cli/serverless/branch/create.go).
func (in createBranchRequest) check(s *state, parent Cluster) error {
	if n := len(in.DisplayName); n == 0 || n > 64 {
		return badRequest("displayName %q must have 1 to 64 characters", in.DisplayName)
	}
	for key, value := range in.Annotations {
		if strings.HasPrefix(key, labelReserved) || !labelKey.MatchString(key) {
			return badRequest("annotation %q cannot be set to %q", key, value)
		}
	}
	if in.RootPassword != nil {
		if err := checkPassword(*in.RootPassword); err != nil {
			return err
		}
	}
	history := paidHistory
	if isFree(parent) {
		history = freeHistory
	}
	if at := in.ParentTimestamp; at != nil && (at.After(s.now) || at.Before(s.now.Add(-history)) || at.Before(parent.CreateTime)) {
		return badRequest("parentTimestamp %s is not within the last %s of cluster %s", at.Format(time.RFC3339), history, parent.ClusterID)
	}
	return nil
}

func (c *Cloud) checkBranchLimits(s *state, parent *clusterRecord) error {
	branches := 0
	for _, rec := range s.Clusters {
		branches += len(rec.Branches)
	}
	limit := cmp.Or(c.MaxBranches, maxBranches)
	switch {
	case parent.StorageGiB > maxParentGiB:
		return badRequest("cluster %s stores %d GiB; a branch can be created of at most %d GiB", parent.Cluster.ClusterID, parent.StorageGiB, maxParentGiB)
	case parent.Cluster.ServicePlan == "Essential" && !parent.Cluster.CreateTime.Before(essentialSince):
		return badRequest("an Essential cluster cannot have branches")
	case branches >= limit:
		return badRequest("the organization has reached its quota: the maximum number of branches is %d", limit)
	}
	return s.checkStarters()
}

// checkStarters refuses one more cluster or branch.
func (s *state) checkStarters() error {
	n := len(s.Clusters)
	for _, rec := range s.Clusters {
		n += len(rec.Branches)
	}
	if n >= maxStarters {
		return badRequest("the organization has reached its quota: the maximum number of Starter clusters and branches is %d", maxStarters)
	}
	return nil
}

func (c *Cloud) newBranch(s *state, parent Cluster, in createBranchRequest) branchRecord {
	id, at := newBranchID(), s.now.UTC()
	if in.ParentTimestamp != nil {
		at = in.ParentTimestamp.UTC().Truncate(time.Second)
	}
	prefix := newUserPrefix("")
	return branchRecord{
		Seq: s.nextSeq(),
		Branch: Branch{
			Name: fmt.Sprintf("clusters/%s/branches/%s", parent.ClusterID, id), BranchID: id, DisplayName: in.DisplayName,
			ClusterID: parent.ClusterID, ParentID: parent.ClusterID, ParentTimestamp: at, UserPrefix: prefix, Annotations: in.Annotations,
			Endpoints:  Endpoints{Public: PublicEndpoint{AuthorizedNetworks: parent.Endpoints.Public.AuthorizedNetworks}},
			CreateTime: s.timestamp(), UpdateTime: s.timestamp(),
		},
		Root: userRecord{Seq: s.nextSeq(), User: User{UserName: prefix + ".root", AuthMethod: authMethod, BuiltinRole: roleAdmin}},
	}
}

func (c *Cloud) getBranch(s *state, r *http.Request) (any, error) {
	if view := r.URL.Query().Get("view"); view != "" && view != "FULL" {
		return nil, badRequest("view %q is not FULL: another is not emulated", view)
	}
	rec, b, err := c.findBranch(s, r)
	if err != nil {
		return nil, err
	}
	return c.viewBranch(s, rec, b), nil
}

func (c *Cloud) deleteBranch(s *state, r *http.Request) (any, error) {
	rec, b, err := c.findBranch(s, r)
	if err != nil {
		return nil, err
	}
	if b.Deleted.IsZero() {
		b.Deleted, b.Branch.UpdateTime, b.HeldState = s.now.UTC(), s.timestamp(), ""
		if err := c.sql().DeleteCluster(b.Branch.BranchID); err != nil {
			return nil, err
		}
	}
	return c.viewBranch(s, rec, b), nil
}

// resetBranch answers POST …/branches/{branch}:reset. A segment of a pattern cannot have a name
// and a text. That the reset keeps root's password is assumed.
func (c *Cloud) resetBranch(s *state, r *http.Request) (any, error) {
	id, ok := strings.CutSuffix(r.PathValue("branch"), ":reset")
	if !ok {
		return nil, notFound("%s %s: no such operation", r.Method, r.URL.Path)
	}
	r.SetPathValue("branch", id)
	rec, b, err := c.activeBranch(s, r)
	if err != nil {
		return nil, err
	}
	b.Reset, b.Branch.UpdateTime = s.now.UTC(), s.timestamp()
	if err := c.sql().CreateBranch(rec.Cluster.ClusterID, b.Branch.BranchID, b.copied()); err != nil {
		return nil, err
	}
	return c.viewBranch(s, rec, b), c.inherit(rec, b)
}

func (c *Cloud) updateBranchUser(s *state, r *http.Request) (any, error) {
	var in struct {
		Password string `json:"password"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	_, b, err := c.activeBranch(s, r)
	if err == nil {
		err = checkPassword(in.Password)
	}
	switch name := r.PathValue("user"); {
	case err != nil:
		return nil, err
	case name != b.Root.User.UserName:
		return nil, notFound("user %q not found", name)
	}
	return map[string]any{"username": b.Root.User.UserName}, c.setPassword(b.Branch.BranchID, &b.Root, in.Password)
}

// findBranch finds the branch that a request's path names.
func (c *Cloud) findBranch(s *state, r *http.Request) (*clusterRecord, *branchRecord, error) {
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, nil, err
	}
	id := r.PathValue("branch")
	if !branchID.MatchString(id) {
		return nil, nil, badRequest("branch ID %q is not bran- and 26 letters and digits", id)
	}
	i := slices.IndexFunc(rec.Branches, func(b branchRecord) bool { return b.Branch.BranchID == id })
	if i < 0 {
		return nil, nil, notFound("branch %s of cluster %s not found", id, rec.Cluster.ClusterID)
	}
	return rec, &rec.Branches[i], nil
}

// activeBranch finds the branch that a request's path names. It must be ACTIVE.
func (c *Cloud) activeBranch(s *state, r *http.Request) (*clusterRecord, *branchRecord, error) {
	rec, b, err := c.findBranch(s, r)
	if err != nil {
		return nil, nil, err
	}
	if st := c.branchState(s, b); st != stateActive {
		return nil, nil, badRequest("branch %s is %s, not ACTIVE", b.Branch.BranchID, st)
	}
	return rec, b, nil
}
