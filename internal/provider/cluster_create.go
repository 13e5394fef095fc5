package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// createOrAdopt finds or makes the cluster that Create is about, without waiting for it to
// become usable. It never asks for a second one: see the package's comment.
func createOrAdopt(ctx context.Context, api *tidbcloud.Client, resource string, want ClusterArgs) (*tidbcloud.Cluster, error) {
	all, err := existing(ctx, api)
	if err != nil {
		return nil, err
	}
	if found, err := orphanOf(ctx, api, all, want); found != nil || err != nil {
		return found, err
	}
	if found, err := conflictOf(all, resource, want); found != nil || err != nil {
		return found, err
	}
	if err := offered(ctx, api, want.Region); err != nil {
		return nil, err
	}
	made, err := api.CreateCluster(ctx, tidbcloud.CreateClusterRequest{
		DisplayName:   want.DisplayName,
		Region:        want.Region,
		Labels:        want.labels(),
		SpendingLimit: want.SpendingLimitMonthly,
	})
	switch {
	case rest.Ambiguous(err):
		if made, err = recall(ctx, api, want, err); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	return made, giveWay(ctx, api, made, want)
}

// foresee is createOrAdopt in a preview: it reads, and tells what a run would fail for.
// An orphan is none of its business, because in a preview of a replacement that is
// the cluster which will be deleted first.
func foresee(ctx context.Context, api *tidbcloud.Client, resource string, want ClusterArgs) error {
	err := obstacle(ctx, api, resource, want)
	if rest.Retryable(err) && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("not looking for clusters that are in the way: %v", err)
		return nil
	}
	return err
}

// obstacle reads what is in the way of a cluster, and returns it as an error.
func obstacle(ctx context.Context, api *tidbcloud.Client, resource string, want ClusterArgs) error {
	all, err := existing(ctx, api)
	if err != nil {
		return err
	}
	for _, cluster := range all {
		if cluster.Labels[OwnerLabel] == want.Owner {
			return nil
		}
	}
	if found, err := conflictOf(all, resource, want); found != nil || err != nil {
		return err
	}
	return offered(ctx, api, want.Region)
}

// offered refuses a region that the organization cannot use, before anything is
// asked for. It is advice: a list with nothing on it says nothing, and without a list
// TiDB Cloud itself has to say.
func offered(ctx context.Context, api *tidbcloud.Client, region string) error {
	regions, err := api.ListRegions(ctx)
	if rest.StatusIs(err, 404) {
		p.GetLogger(ctx).Warningf("not checking whether TiDB Cloud offers region %q: %v", region, err)
		return nil
	}
	if err != nil {
		return err
	}
	if len(regions) > 0 && !slices.Contains(regions, region) {
		return fmt.Errorf("region %q is not among those that TiDB Cloud offers: %s; set region to one of them", region, strings.Join(regions, ", "))
	}
	return nil
}

// existing lists the clusters that are not being deleted.
func existing(ctx context.Context, api *tidbcloud.Client) ([]tidbcloud.Cluster, error) {
	all, err := api.ListClusters(ctx)
	if err != nil {
		return nil, err
	}
	var living []tidbcloud.Cluster
	for _, cluster := range all {
		if !cluster.State.Deleting() {
			living = append(living, cluster)
		}
	}
	return living, nil
}

// orphanOf returns the cluster that bears the owner's label, or nil. It is of a run
// that died between asking for a cluster and recording it.
func orphanOf(ctx context.Context, api *tidbcloud.Client, all []tidbcloud.Cluster, want ClusterArgs) (*tidbcloud.Cluster, error) {
	var ours []tidbcloud.Cluster
	for _, listed := range all {
		if listed.Labels[OwnerLabel] != want.Owner {
			continue
		}
		// A list may lag behind a delete, such as the one before a replacement.
		live, err := find(ctx, api, listed.ID)
		if err != nil {
			return nil, err
		}
		if live != nil && !live.State.Deleting() {
			ours = append(ours, *live)
		}
	}
	switch {
	case len(ours) == 0:
		return nil, nil
	case len(ours) > 1:
		return nil, fmt.Errorf("%d clusters bear the label %s=%s: %s; delete all but one, or their labels, in the TiDB Cloud console",
			len(ours), OwnerLabel, want.Owner, names(ours))
	case ours[0].Region != want.Region:
		return nil, fmt.Errorf("cluster %s is an orphan of an earlier run (its label %s is %s), but not in %s; "+
			"set region to %s to keep it, or delete it in the TiDB Cloud console", names(ours), OwnerLabel, want.Owner, want.Region, ours[0].Region)
	}
	p.GetLogger(ctx).Infof("taking over cluster %s, an orphan of an earlier run", names(ours))
	return &ours[0], nil
}

// conflictOf returns the cluster to adopt, or nil, or an error if one that is not to
// be adopted has the name.
func conflictOf(all []tidbcloud.Cluster, resource string, want ClusterArgs) (*tidbcloud.Cluster, error) {
	var found []tidbcloud.Cluster
	for _, cluster := range all {
		if cluster.DisplayName == want.DisplayName && cluster.Labels[OwnerLabel] != want.Owner {
			found = append(found, cluster)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	first := found[0]
	adopt := want.Adopt != nil && *want.Adopt
	owner := first.Labels[OwnerLabel]
	if adopt && len(found) == 1 && owner == "" && first.Region == want.Region {
		return &first, nil
	}
	reason := "it is not this stack's"
	switch {
	case len(found) > 1:
		reason = "there is more than one of that name"
	case owner != "":
		reason = fmt.Sprintf("by its label %s it belongs to %q", OwnerLabel, owner)
	case adopt:
		reason = "it cannot be adopted in another region than " + want.Region
	}
	return nil, fmt.Errorf("cluster %s exists already and is left untouched: %s; to manage it here, run `pulumi import tidbcloud:index:Cluster %s %s` "+
		"(or set adopt: true, if it bears no owner label), or choose another displayName", names(found), reason, resource, first.ID)
}

// nameTaken refuses to give a cluster the name of another one, which TiDB Cloud may
// allow (assumed). Like foresee it does without a list that TiDB Cloud cannot give.
func nameTaken(ctx context.Context, api *tidbcloud.Client, cluster tidbcloud.Cluster, name string) error {
	all, err := existing(ctx, api)
	if rest.Retryable(err) && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("not looking for another cluster of the name %q: %v", name, err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.DisplayName == name && other.ID != cluster.ID {
			return fmt.Errorf("cluster %s is not renamed: cluster %s has the name %s already, and its label %s is %q; choose another displayName",
				&cluster, names([]tidbcloud.Cluster{other}), name, OwnerLabel, other.Labels[OwnerLabel])
		}
	}
	return nil
}

// recallWaits are the waits before the looks that follow an ambiguous answer. A list
// may lag behind a create.
var recallWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// recall looks whether a POST with an ambiguous answer made a cluster. If it shows
// nothing there may still be one later, so it does not ask again: the next run
// begins with the same look.
func recall(ctx context.Context, api *tidbcloud.Client, want ClusterArgs, ambiguous error) (*tidbcloud.Cluster, error) {
	for _, wait := range recallWaits {
		p.GetLogger(ctx).InfoStatusf("no clear answer to the request for cluster %s, looking for it in %s", want.DisplayName, seconds(wait))
		if err := rest.Sleep(ctx, wait); err != nil {
			break
		}
		all, err := existing(ctx, api)
		if err != nil {
			continue
		}
		if found, err := orphanOf(ctx, api, all, want); found != nil || err != nil {
			return found, err
		}
	}
	return nil, fmt.Errorf("%w; no such cluster is to be seen so far, and the next `pulumi up` looks again before it asks for one", ambiguous)
}

// giveWay looks for another run that asked for the same cluster in the same moment.
// The later one of the two deletes the cluster it has just made.
func giveWay(ctx context.Context, api *tidbcloud.Client, made *tidbcloud.Cluster, want ClusterArgs) error {
	all, err := existing(ctx, api)
	if err != nil {
		// The id is at hand, and that counts for more than a rare race.
		p.GetLogger(ctx).Warningf("not looking for runs at the same time: %v", err)
		return nil
	}
	this := *made
	for _, listed := range all {
		if listed.ID == made.ID {
			this = listed // the answer to the POST may leave out the time
		}
	}
	for _, other := range all {
		rival := other.DisplayName == want.DisplayName || other.Labels[OwnerLabel] == want.Owner
		if !rival || other.ID == made.ID || !earlier(other, this) {
			continue
		}
		// A list may lag behind a delete, such as the one before a replacement.
		live, err := find(ctx, api, other.ID)
		if err != nil {
			p.GetLogger(ctx).Warningf("not looking whether cluster %s was made at the same time: %v", names([]tidbcloud.Cluster{other}), err)
			continue
		}
		if live == nil || live.State.Deleting() {
			continue
		}
		owner := other.Labels[OwnerLabel]
		if owner == "" {
			owner = "somebody without an owner label"
		}
		err = fmt.Errorf("cluster %s was made in the same moment by %s and came first; run again when that is done, or choose another displayName",
			names([]tidbcloud.Cluster{other}), owner)
		if gone := api.DeleteCluster(ctx, made.ID); gone != nil {
			return fmt.Errorf("%w; and the cluster of this run is still there: %w", err, gone)
		}
		return err
	}
	return nil
}

// earlier orders clusters by the time of their creation, then by id.
func earlier(a, b tidbcloud.Cluster) bool {
	at, err1 := time.Parse(time.RFC3339, a.CreateTime)
	bt, err2 := time.Parse(time.RFC3339, b.CreateTime)
	if err1 == nil && err2 == nil && !at.Equal(bt) {
		return at.Before(bt)
	}
	return a.ID < b.ID
}

// names lists clusters for people.
func names(clusters []tidbcloud.Cluster) string {
	all := make([]string, len(clusters))
	for i, c := range clusters {
		all[i] = fmt.Sprintf("%s in %s", c.String(), c.Region)
	}
	return strings.Join(all, ", ")
}
