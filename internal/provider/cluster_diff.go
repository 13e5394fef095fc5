package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// liveCluster is what a diff knows of a cluster.
type liveCluster struct {
	api     *tidbcloud.Client
	cluster tidbcloud.Cluster
	gone    bool
	unknown bool // whether the diff uses only the recorded state
}

// readForDiff reads a cluster for a diff. Without a key, or if it cannot reach TiDB Cloud, it only
// warns: a preview is useful without the live cluster. A refused key is an error, since nothing
// after it would work.
func readForDiff(ctx context.Context, connect connector, id string) (liveCluster, error) {
	unknown := func(err error) (liveCluster, error) {
		p.GetLogger(ctx).Warningf("using the recorded state of cluster %s, which could not be read: %v", id, err)
		return liveCluster{unknown: true}, nil
	}
	api, err := connect()
	if err != nil {
		return unknown(err)
	}
	live, err := findCluster(ctx, api, id)
	switch {
	case rest.Retryable(err) && ctx.Err() == nil:
		return unknown(err)
	case err != nil:
		return liveCluster{}, err
	case gone(live):
		return liveCluster{api: api, gone: true}, nil
	}
	if live.State == tidbcloud.StateInactive {
		p.GetLogger(ctx).Warning((&tidbcloud.StateError{Cluster: *live}).Error())
	}
	return liveCluster{api: api, cluster: *live}, nil
}

// diffMissing makes a missing cluster a replacement, or an error if it must not be replaced.
func diffMissing(ctx context.Context, d *differ, api *tidbcloud.Client, recorded ClusterState, want ClusterArgs) error {
	log := p.GetLogger(ctx)
	err := checkMissing(ctx, api, recorded, recorded.protected() || want.protected())
	if onlyUnprotects(recorded.ClusterArgs, want) && !errors.Is(err, errOtherOrganization) {
		next := "the next run creates another, empty one"
		if recorded.Organization == "" {
			next = "the state does not say which organization it was in; " + forget
		}
		log.Warningf("cluster %q (%s) cannot be found; this run only records that it is no longer protected, and %s", recorded.DisplayName, recorded.ClusterID, next)
		return nil
	}
	if err == nil {
		err = checkStillMissing(ctx, api, recorded.ClusterID)
	}
	if err != nil {
		return err
	}
	log.Warningf("cluster %q (%s) no longer exists in TiDB Cloud: another, empty one will be created; "+
		"if Pulumi's protect guards it, run `pulumi refresh` first, which removes it from the state", recorded.DisplayName, recorded.ClusterID)
	d.properties["clusterId"] = p.PropertyDiff{Kind: p.DeleteReplace}
	return nil
}

// diffLive adds what Update will change on the live cluster.
func diffLive(ctx context.Context, d *differ, live liveCluster, recorded ClusterState, want ClusterArgs) error {
	if err := checkOwner(live.cluster, want.Owner, recorded.Owner); err != nil {
		return err
	}
	if live.cluster.DisplayName != want.DisplayName {
		if err := checkRename(ctx, live.api, live.cluster, want.DisplayName); err != nil {
			return err
		}
	}
	if live.cluster.State == tidbcloud.StateActive && live.cluster.EndpointOff && !recorded.madeFor(live.cluster, want) {
		err := fmt.Errorf("%w; the cluster was not made for this stack, so no run does it for you", &tidbcloud.StateError{Cluster: live.cluster})
		if !onlyUnprotects(recorded.ClusterArgs, want) {
			return err
		}
		p.GetLogger(ctx).Warning(err.Error())
	}
	for _, change := range changesOf(live.cluster, want, recorded) {
		if !d.has(change.property) {
			p.GetLogger(ctx).Warningf("cluster %s was changed outside of Pulumi: %s is %s", live.cluster.String(), change.property, change.live)
		}
		d.drift(change.property)
	}
	now := outputs(live.cluster, recorded, want)
	for property, differs := range map[string]bool{
		"host":         recorded.Host != now.Host,
		"port":         recorded.Port != now.Port,
		"userPrefix":   recorded.UserPrefix != now.UserPrefix,
		"organization": recorded.Organization != now.Organization,
	} {
		if differs {
			d.drift(property)
		}
	}
	return nil
}

// checkRename refuses to give a cluster the name of another, which TiDB Cloud may allow
// (assumed). If it cannot list the clusters, it only warns.
func checkRename(ctx context.Context, api *tidbcloud.Client, cluster tidbcloud.Cluster, name string) error {
	all, err := listClusters(ctx, api)
	if rest.Retryable(err) && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("not checking for another cluster with the name %q: %v", name, err)
		return nil
	}
	for _, other := range all {
		if other.DisplayName == name && other.ID != cluster.ID {
			return fmt.Errorf("cluster %s was not renamed: cluster %s already has the name %s, and its label %s is %q; choose another displayName",
				&cluster, describe(other), name, OwnerLabel, other.Labels[OwnerLabel])
		}
	}
	return err
}

// checkStillMissing reads a missing cluster once more, a little later, before another one takes
// its place.
func checkStillMissing(ctx context.Context, api *tidbcloud.Client, id string) error {
	if err := rest.Sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	live, err := findCluster(ctx, api, id)
	if err == nil && !gone(live) {
		err = fmt.Errorf("cluster %s was missing a moment ago and is back, so nothing was done; run it again in a minute", live)
	}
	return err
}
