package provider

import (
	"fmt"
	"regexp"
	"slices"

	"portfolio-infra/internal/tidbcloud"
)

const (
	// OwnerLabel is the cluster label with the owner. By it a run finds the orphan of one
	// that died after its POST.
	OwnerLabel = "pulumi.com/owner"

	// FreeOwner is the owner label of a cluster that a stack has released, since the API
	// removes no label. It is as good as none.
	FreeOwner = "free"

	// MadeForLabel is the cluster label with the owner that the cluster was made for; it
	// changes with the owner. An adopted or imported cluster lacks it: users on it may
	// predate this stack, and it is not this stack's to delete.
	MadeForLabel = "pulumi.com/made-for"
)

var ownerPattern = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

func validOwner(owner string) bool { return ownerPattern.MatchString(owner) && owner != FreeOwner }

// ownerOf returns whom a cluster's label gives as its owner, "" if it is nobody.
func ownerOf(c tidbcloud.Cluster) string {
	if owner := c.Labels[OwnerLabel]; owner != FreeOwner {
		return owner
	}
	return ""
}

// released reports whether a stack has released the cluster and nobody has adopted it since.
func released(c tidbcloud.Cluster) bool { return c.Labels[OwnerLabel] == FreeOwner }

// checkOwner refuses a cluster whose owner label names somebody else: another stack has
// adopted it since the last run.
func checkOwner(live tidbcloud.Cluster, owners ...string) error {
	owner := ownerOf(live)
	if owner == "" || slices.Contains(owners, owner) {
		return nil
	}
	return fmt.Errorf("cluster %s was left unchanged: its label %s says that it belongs to %q now; to forget it here, %s", &live, OwnerLabel, owner, forget)
}

// madeFor reports whether a live cluster was made for the stack that wants it. Whom an
// imported one was made for is somebody else, unless it is the wanted owner.
func (recorded ClusterState) madeFor(live tidbcloud.Cluster, want ClusterArgs) bool {
	made := live.Labels[MadeForLabel]
	return made != "" && (made == want.Owner || made == recorded.Owner && !recorded.Imported)
}
