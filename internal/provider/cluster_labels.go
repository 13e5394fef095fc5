package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/tidbcloud"
)

// labelAllowed reports whether a user may set a label key.
func labelAllowed(key string) bool {
	return key != "" && key != OwnerLabel && key != MadeForLabel && !strings.HasPrefix(key, "tidb.cloud/")
}

// labels are the labels of a new cluster.
func (c ClusterArgs) labels() map[string]string {
	all := map[string]string{}
	maps.Copy(all, c.Labels)
	all[OwnerLabel], all[MadeForLabel] = c.Owner, c.Owner
	if c.ProjectID != nil {
		all[tidbcloud.LabelProject] = *c.ProjectID
	}
	return all
}

// labelsFor returns the labels that a live cluster should have. It leaves out what the last run set
// and nobody wants any more. Labels that were never ours stay.
func labelsFor(live tidbcloud.Cluster, want ClusterArgs, recorded ClusterState) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, live.Labels)
	for key := range recorded.Labels {
		delete(labels, key)
	}
	maps.Copy(labels, want.Labels)
	if want.Owner != "" && ownerOf(live) != want.Owner {
		labels[OwnerLabel] = want.Owner
		if recorded.madeFor(live, want) {
			labels[MadeForLabel] = want.Owner // its SQL users are still ours
		}
	}
	return labels
}

// checkRemovedLabels returns an error with the labels that the inputs no longer have, but the
// cluster has.
func checkRemovedLabels(live tidbcloud.Cluster, want, recorded map[string]string) error {
	var kept []string
	for _, key := range slices.Sorted(maps.Keys(recorded)) {
		_, wanted := want[key]
		if _, exists := live.Labels[key]; exists && !wanted {
			kept = append(kept, key)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return fmt.Errorf("cluster %s still has labels that were removed from labels: %s; TiDB Cloud's API adds and updates labels, but seems to remove none: "+
		"remove them in its console, or put them back into labels", &live, strings.Join(kept, ", "))
}
