package provider

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// essentialSince is when new Essential clusters stopped having branches.
// https://docs.pingcap.com/tidbcloud/branch-overview/#limitations-and-quotas
var essentialSince = time.Date(2026, 7, 14, 0, 0, 0, 0, time.UTC)

// createOrAdoptBranch creates the branch of a state, with a new password, or adopts an orphan, whose
// password it does not know. It does not wait until clients can connect. It never sends a second
// POST, see the package comment.
func createOrAdoptBranch(ctx context.Context, api *tidbcloud.Client, resource string, state *BranchState) (adopted bool, err error) {
	want := state.BranchArgs
	parent, err := findParent(ctx, api, want.ClusterID)
	if err != nil {
		return false, err
	}
	state.Organization = parent.Labels[tidbcloud.LabelOrganization]
	orphan, err := findBranchOrphan(ctx, api, resource, want)
	if orphan != nil {
		p.GetLogger(ctx).Infof("adopting branch %s, an orphan of an earlier run", orphan)
		state.setLive(*orphan)
	}
	if orphan != nil || err != nil {
		return true, err
	}
	state.setPassword()
	annotations := map[string]string{}
	maps.Copy(annotations, want.Annotations)
	annotations[OwnerLabel] = want.Owner
	created, err := api.CreateBranch(ctx, want.ClusterID, tidbcloud.Branch{
		DisplayName: want.DisplayName, Annotations: annotations, ParentTimestamp: orZero(want.ParentTimestamp),
	}, state.Password)
	adopted = rest.Ambiguous(err)
	if adopted {
		created, err = lookAgain(ctx, "branch", want.DisplayName, err, func() (*tidbcloud.Branch, error) {
			return findBranchOrphan(ctx, api, resource, want)
		})
	}
	if err != nil {
		return false, explainLimit(ctx, api, err)
	}
	state.setLive(*created)
	return adopted, resolveConcurrentBranch(ctx, api, *created, want)
}

// previewBranch returns the error that a run would fail with, as far as reads can tell.
func previewBranch(ctx context.Context, api *tidbcloud.Client, resource string, want BranchArgs) error {
	if want.ClusterID == "" {
		return nil // a preview may not know it yet
	}
	_, err := findParent(ctx, api, want.ClusterID)
	if err == nil {
		_, err = findBranchOrphan(ctx, api, resource, want)
	}
	if rest.Retryable(err) && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("not checking for conflicting branches: %v", err)
		return nil
	}
	return err
}

// findParent returns the cluster of a new branch. It refuses one that can have no branches.
func findParent(ctx context.Context, api *tidbcloud.Client, id string) (*tidbcloud.Cluster, error) {
	parent, err := findCluster(ctx, api, id)
	switch {
	case err != nil:
		return nil, err
	case gone(parent):
		return nil, fmt.Errorf("clusterId: %w; check the ID in the TiDB Cloud console", missingImport(id))
	}
	created, err := time.Parse(time.RFC3339, parent.CreateTime)
	if err == nil && strings.EqualFold(parent.Plan, "Essential") && !created.Before(essentialSince) {
		return nil, fmt.Errorf("clusterId: cluster %s can have no branches, since it is an Essential cluster created since %s; use a Starter cluster, or a cluster of its own instead of a branch, then run it again",
			parent, essentialSince.Format(time.DateOnly))
	}
	return parent, nil
}

// rivals returns the branches of a cluster that stand in the way of a new one: those of the
// owner, and others of the same name.
func rivals(ctx context.Context, api *tidbcloud.Client, want BranchArgs) (ours, others []tidbcloud.Branch, err error) {
	all, err := api.ListBranches(ctx, want.ClusterID)
	if err != nil {
		return nil, nil, err
	}
	for _, listed := range all {
		if listed.State.Deleting() {
			continue
		}
		// The list may lack the annotations, and may lag behind a delete.
		live, err := findBranch(ctx, api, want.ClusterID, listed.ID)
		switch {
		case err != nil:
			return nil, nil, err
		case live == nil || live.State.Deleting():
		case want.owns(*live):
			ours = append(ours, *live)
		case live.DisplayName == want.DisplayName:
			others = append(others, *live)
		}
	}
	return ours, others, nil
}

// owns reports whether a live branch was made for the owner. Where TiDB Cloud keeps no
// annotations, only a name that contains the owner tells.
func (want BranchArgs) owns(live tidbcloud.Branch) bool {
	switch owner := live.Annotations[OwnerLabel]; {
	case want.Owner == "": // a preview may not know it yet
		return false
	case owner != "":
		return owner == want.Owner
	}
	return live.DisplayName == want.DisplayName && strings.Contains(live.DisplayName, want.Owner)
}

// findBranchOrphan returns the branch that an earlier run created and did not record, or nil. A
// branch of somebody else with the wanted name is an error.
func findBranchOrphan(ctx context.Context, api *tidbcloud.Client, resource string, want BranchArgs) (*tidbcloud.Branch, error) {
	ours, others, err := rivals(ctx, api, want)
	switch {
	case err != nil:
		return nil, err
	case len(ours) == 1:
		return &ours[0], nil
	case len(ours) > 1:
		return nil, fmt.Errorf("%d branches of cluster %s belong to %s: %s; delete all but one in the TiDB Cloud console, then run it again",
			len(ours), want.ClusterID, want.Owner, describeBranches(ours))
	case len(others) > 0:
		return nil, fmt.Errorf("branch %s of cluster %s exists already and was left unchanged: it does not belong to this stack; "+
			"to manage it here, run `pulumi import tidbcloud:index:Branch %s %s/%s`, or choose another displayName",
			describeBranches(others), want.ClusterID, resource, want.ClusterID, others[0].ID)
	}
	return nil, nil
}

// resolveConcurrentBranch looks for a run that created the same branch at the same time. The
// later of the two deletes its own branch.
func resolveConcurrentBranch(ctx context.Context, api *tidbcloud.Client, created tidbcloud.Branch, want BranchArgs) error {
	ours, others, err := rivals(ctx, api, want)
	if err != nil {
		// The ID must get into the state, which matters more than a rare race.
		p.GetLogger(ctx).Warningf("not checking for concurrent runs: %v", err)
		return nil
	}
	all := append(ours, others...)
	for _, b := range all {
		if b.ID == created.ID {
			created = b // the answer to the POST may lack the time
		}
	}
	for _, other := range all {
		if other.ID == created.ID || !earlier(other.CreateTime, other.ID, created.CreateTime, created.ID) {
			continue
		}
		err := fmt.Errorf("branch %s was created at the same time by another run, which was first; run this again when that run has ended, or choose another displayName", &other)
		if deleteErr := api.DeleteBranch(ctx, want.ClusterID, created.ID); deleteErr != nil {
			return fmt.Errorf("%w; this run's own branch still exists: %w", err, deleteErr)
		}
		return err
	}
	return nil
}
