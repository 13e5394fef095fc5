package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// createOrAdopt returns a new or adopted cluster. It does not wait until clients can connect. It
// never sends a second POST, see the package comment.
func createOrAdopt(ctx context.Context, api *tidbcloud.Client, resource string, want ClusterArgs) (*tidbcloud.Cluster, error) {
	all, err := listClusters(ctx, api)
	if err != nil {
		return nil, err
	}
	if orphan, err := findOrphan(ctx, api, all, want); orphan != nil || err != nil {
		return orphan, err
	}
	if adopted, err := adoptOrConflict(all, resource, want); adopted != nil || err != nil {
		return adopted, err
	}
	if err := checkRegion(ctx, api, want.Region); err != nil {
		return nil, err
	}
	created, err := api.CreateCluster(ctx, tidbcloud.Cluster{
		DisplayName:   want.DisplayName,
		Region:        want.Region,
		Labels:        want.labels(),
		SpendingLimit: orZero(want.SpendingLimitMonthly),
	})
	if rest.Ambiguous(err) {
		created, err = lookAgain(ctx, "cluster", want.DisplayName, err, func() (*tidbcloud.Cluster, error) {
			all, err := listClusters(ctx, api)
			if err != nil {
				return nil, err
			}
			return findOrphan(ctx, api, all, want)
		})
	}
	if err != nil {
		return nil, explainLimit(ctx, api, err)
	}
	return created, resolveConcurrentCreate(ctx, api, created, want)
}

// previewCreate returns the error that a run would fail with, as far as reads can tell. It
// ignores orphans: in the preview of a replacement the old cluster looks like one.
func previewCreate(ctx context.Context, api *tidbcloud.Client, resource string, want ClusterArgs) error {
	all, err := listClusters(ctx, api)
	if err == nil {
		// A preview may not know the owner yet. Then there is no orphan.
		if slices.ContainsFunc(all, func(c tidbcloud.Cluster) bool { return want.Owner != "" && ownerOf(c) == want.Owner }) {
			return nil
		}
		adopted, conflict := adoptOrConflict(all, resource, want)
		if adopted != nil || conflict != nil {
			return conflict
		}
		err = checkRegion(ctx, api, want.Region)
	}
	if rest.Retryable(err) && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("not checking for conflicting clusters: %v", err)
		return nil
	}
	return err
}

// checkRegion refuses a region that the organization cannot use, before anything is written. If
// there is no list of regions, TiDB Cloud itself has to refuse it.
func checkRegion(ctx context.Context, api *tidbcloud.Client, region string) error {
	regions, err := api.ListRegions(ctx)
	switch {
	case rest.StatusIs(err, 404):
		p.GetLogger(ctx).Warningf("not checking whether TiDB Cloud offers region %q: %v", region, err)
		return nil
	case err != nil:
		return err
	case len(regions) > 0 && !slices.Contains(regions, region):
		return fmt.Errorf("region %q is not among those that TiDB Cloud offers: %s; set region to one of them", region, strings.Join(regions, ", "))
	}
	return nil
}

// findOrphan returns the cluster with the owner's label, or nil. An earlier run created it and
// died before it saved the ID.
func findOrphan(ctx context.Context, api *tidbcloud.Client, all []tidbcloud.Cluster, want ClusterArgs) (*tidbcloud.Cluster, error) {
	var ours []tidbcloud.Cluster
	for _, listed := range all {
		if ownerOf(listed) != want.Owner {
			continue
		}
		// A list may lag behind a delete, such as the one before a replacement.
		live, err := findCluster(ctx, api, listed.ID)
		if err != nil {
			return nil, err
		}
		if !gone(live) {
			ours = append(ours, *live)
		}
	}
	switch {
	case len(ours) == 0:
		return nil, nil
	case len(ours) > 1:
		return nil, fmt.Errorf("%d clusters have the label %s=%s: %s; delete all but one, or their labels, in the TiDB Cloud console",
			len(ours), OwnerLabel, want.Owner, describe(ours...))
	case ours[0].Region != want.Region:
		return nil, fmt.Errorf("cluster %s is an orphan of an earlier run (its label %s is %s), but not in %s; "+
			"set region to %s to keep it, or delete it in the TiDB Cloud console", describe(ours...), OwnerLabel, want.Owner, want.Region, ours[0].Region)
	}
	p.GetLogger(ctx).Infof("adopting cluster %s, an orphan of an earlier run", describe(ours...))
	return &ours[0], nil
}

// adoptOrConflict looks for other clusters of the wanted name. It returns the one to adopt, nil if
// there is none, or an error if it must not be adopted. A released cluster in another region
// does not count.
func adoptOrConflict(all []tidbcloud.Cluster, resource string, want ClusterArgs) (*tidbcloud.Cluster, error) {
	var found []tidbcloud.Cluster
	for _, cluster := range all {
		ours := want.Owner != "" && ownerOf(cluster) == want.Owner
		if cluster.DisplayName == want.DisplayName && !ours && !(released(cluster) && cluster.Region != want.Region) {
			found = append(found, cluster)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	first, adopt := found[0], orZero(want.Adopt)
	owner := ownerOf(first)
	reason, suggestion := "it does not belong to this stack", ""
	switch {
	case len(found) > 1:
		reason = "the name is not unique"
	case owner != "":
		reason = fmt.Sprintf("its label %s says that it belongs to %q", OwnerLabel, owner)
	case first.Region != want.Region && adopt:
		reason = "only a cluster in " + want.Region + " can be adopted"
	case first.Region != want.Region:
	case !adopt:
		suggestion = "set adopt: true (in this repository `pulumi config set adopt true`), "
	case first.State == tidbcloud.StateActive && first.EndpointOff:
		return nil, fmt.Errorf("cluster %s was not adopted: %w", describe(first), &tidbcloud.StateError{Cluster: first})
	default:
		return &first, nil
	}
	return nil, fmt.Errorf("cluster %s exists already and was left unchanged: %s; to manage it here, %srun `pulumi import tidbcloud:index:Cluster %s %s`, "+
		"or choose another displayName", describe(found...), reason, suggestion, resource, first.ID)
}

// lookAgain returns what a POST with an ambiguous result created. If look finds nothing, the thing
// may still appear. So nobody sends the POST again: the next run looks first.
func lookAgain[T any](ctx context.Context, kind, name string, ambiguous error, look func() (*T, error)) (*T, error) {
	for _, wait := range readWaits {
		p.GetLogger(ctx).InfoStatusf("the request for %s %s had an ambiguous result, looking for the %[1]s in %[3]s", kind, name, rest.Seconds(wait))
		if err := rest.Sleep(ctx, wait); err != nil {
			break
		}
		found, err := look()
		if unread := errors.As(err, new(*rest.Error)); !unread && (found != nil || err != nil) {
			return found, err
		}
	}
	return nil, fmt.Errorf("%w; the %s was not found so far, and the next `pulumi up` looks again before it creates one", ambiguous, kind)
}

// resolveConcurrentCreate looks for a run that created the same cluster at the same time. The
// later of the two deletes its own cluster.
func resolveConcurrentCreate(ctx context.Context, api *tidbcloud.Client, created *tidbcloud.Cluster, want ClusterArgs) error {
	log := p.GetLogger(ctx)
	all, err := listClusters(ctx, api)
	if err != nil {
		// The ID must get into the state, which matters more than a rare race.
		log.Warningf("not checking for concurrent runs: %v", err)
		return nil
	}
	this := *created
	if i := slices.IndexFunc(all, func(c tidbcloud.Cluster) bool { return c.ID == created.ID }); i >= 0 {
		this = all[i] // the answer to the POST may lack the time
	}
	for _, other := range all {
		rival := other.DisplayName == want.DisplayName || ownerOf(other) == want.Owner
		if !rival || released(other) || other.ID == created.ID || !earlier(other.CreateTime, other.ID, this.CreateTime, this.ID) {
			continue
		}
		// A list may lag behind a delete, such as the one before a replacement.
		live, err := findCluster(ctx, api, other.ID)
		if err != nil {
			log.Warningf("not checking whether cluster %s was created by a concurrent run: %v", describe(other), err)
			continue
		}
		if gone(live) {
			continue
		}
		owner := ownerOf(other)
		if owner == "" {
			owner = "something without an owner label"
		}
		err = fmt.Errorf("cluster %s was created at the same time by %s, which was first; run this again when that run has ended, or choose another displayName",
			describe(other), owner)
		if deleteErr := api.DeleteCluster(ctx, created.ID); deleteErr != nil {
			return fmt.Errorf("%w; this run's own cluster still exists: %w", err, deleteErr)
		}
		return err
	}
	return nil
}

// earlier reports whether a was created before b. At the same time the ID decides.
func earlier(a, aID, b, bID string) bool {
	at, err1 := time.Parse(time.RFC3339, a)
	bt, err2 := time.Parse(time.RFC3339, b)
	if err1 == nil && err2 == nil && !at.Equal(bt) {
		return at.Before(bt)
	}
	return aID < bID
}
