package provider

import (
	"fmt"
	"regexp"
	"slices"

	"portfolio-infra/internal/tidbcloud"
)

const (
	// OwnerLabel is the cluster label with the owner. By it a run finds an orphan.
	OwnerLabel = "pulumi.com/owner"

	// FreeOwner is the owner label of a released cluster. It means the same as no label, which
	// the API cannot remove.
	FreeOwner = "free"

	// MadeForLabel is the cluster label with the owner that the cluster was made for. If the
	// stack gets another owner, so does the label. A cluster that somebody else made has no
	// label, or somebody else's.
	MadeForLabel = "pulumi.com/made-for"
)

var ownerPattern = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

func validOwner(owner string) bool { return ownerPattern.MatchString(owner) && owner != FreeOwner }

// ownerOf returns the owner of a cluster by its label, or "".
func ownerOf(c tidbcloud.Cluster) string {
	if owner := c.Labels[OwnerLabel]; owner != FreeOwner {
		return owner
	}
	return ""
}

// released reports whether a stack released the cluster and nobody has adopted it since.
func released(c tidbcloud.Cluster) bool { return c.Labels[OwnerLabel] == FreeOwner }

// checkOwner refuses a cluster with another owner: another stack has adopted it since the last run.
func checkOwner(live tidbcloud.Cluster, owners ...string) error {
	owner := ownerOf(live)
	if owner == "" || slices.Contains(owners, owner) {
		return nil
	}
	return fmt.Errorf("cluster %s was left unchanged: its label %s says that it belongs to %q now; to leave it to %q, %s", &live, OwnerLabel, owner, owner, forget)
}

// madeFor reports whether a live cluster was made for the stack. An imported one was not, unless the
// label has the wanted owner.
func (recorded ClusterState) madeFor(live tidbcloud.Cluster, want ClusterArgs) bool {
	made := live.Labels[MadeForLabel]
	return made != "" && (made == want.Owner || made == recorded.Owner && !recorded.Imported)
}
