package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// readWaits are the waits before repeated reads, since a list may lag behind a write.
var readWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// findCluster reads a cluster. A missing or DELETED one is nil.
//
// A single 404 is not believed: a missing cluster leaves the state, or an empty one takes its
// place. So the list has to agree, which may lag behind a delete. A 403 comes right after a
// delete, but may mean anything. After one the cluster counts as missing only if the list shows
// that it is being deleted.
func findCluster(ctx context.Context, api *tidbcloud.Client, id string) (*tidbcloud.Cluster, error) {
	live, err := find(ctx, "clusters", func() (*tidbcloud.Cluster, error) { return api.GetCluster(ctx, id) }, func(missing error) (listed bool, err error) {
		all, err := api.ListClusters(ctx)
		i := slices.IndexFunc(all, func(c tidbcloud.Cluster) bool { return c.ID == id })
		if rest.StatusIs(missing, 403) && (err != nil || i < 0) {
			err = fmt.Errorf("%w; if the cluster has just been deleted, run it again in a minute", missing)
		}
		return i >= 0 && !all[i].State.Deleting(), err
	})
	if live != nil && live.State == tidbcloud.StateDeleted {
		live = nil
	}
	return live, err
}

// find reads something. It returns nil after a 404 or a 403, if inList agrees that it is missing.
func find[T any](ctx context.Context, list string, get func() (*T, error), inList func(missing error) (bool, error)) (*T, error) {
	var missing error
	for _, wait := range append([]time.Duration{0}, readWaits...) {
		if err := rest.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		live, err := get()
		if err == nil || !rest.StatusIs(err, 404, 403) {
			return live, err
		}
		if listed, listErr := inList(err); !listed || listErr != nil {
			return nil, listErr
		}
		missing = err
	}
	return nil, fmt.Errorf("%w; it is still on the list of %s, so nothing was done; run it again in a minute", missing, list)
}

// gone reports whether a cluster is missing or being deleted.
func gone(c *tidbcloud.Cluster) bool { return c == nil || c.State.Deleting() }

func missingImport(id string) error {
	return fmt.Errorf("cluster %s does not exist, or not in the API key's organization", id)
}

// listClusters lists the clusters that are not being deleted.
func listClusters(ctx context.Context, api *tidbcloud.Client) ([]tidbcloud.Cluster, error) {
	all, err := api.ListClusters(ctx)
	return slices.DeleteFunc(all, func(c tidbcloud.Cluster) bool { return c.State.Deleting() }), err
}

// describe names clusters for people.
func describe(clusters ...tidbcloud.Cluster) string {
	all := make([]string, len(clusters))
	for i, c := range clusters {
		all[i] = fmt.Sprintf("%s in %s", c.String(), c.Region)
	}
	return strings.Join(all, ", ")
}

// outputs returns the state of a live cluster. What the API leaves out stays as recorded.
func outputs(live tidbcloud.Cluster, recorded ClusterState, args ClusterArgs) ClusterState {
	s := recorded
	s.ClusterArgs = args
	s.ClusterID = live.ID
	setIfKnown(&s.Host, live.Host)
	setIfKnown(&s.Port, live.Port)
	setIfKnown(&s.UserPrefix, live.UserPrefix)
	setIfKnown(&s.Version, live.Version)
	setIfKnown(&s.CreateTime, live.CreateTime)
	setIfKnown(&s.Organization, live.Labels[tidbcloud.LabelOrganization])
	return s
}

func setIfKnown[T comparable](recorded *T, live T) {
	var unknown T
	if live != unknown {
		*recorded = live
	}
}

// inputsFromLive returns the inputs that would have made the live cluster. Unset inputs stay
// unset, even if TiDB Cloud has a default for them. An import takes all that differ from the
// default.
func inputsFromLive(live tidbcloud.Cluster, args ClusterArgs, imported bool) ClusterArgs {
	args.DisplayName = live.DisplayName
	// Another stack's label does not become ours; see checkOwner.
	if owner := ownerOf(live); imported || owner == "" {
		args.Owner = owner
	}
	setIfKnown(&args.Region, live.Region)
	own := map[string]string{}
	for key, value := range live.Labels {
		_, recorded := args.Labels[key]
		if recorded || imported && labelAllowed(key) {
			own[key] = value
		}
	}
	if args.Labels != nil || len(own) > 0 {
		args.Labels = own
	}
	if args.SpendingLimitMonthly != nil || imported && live.SpendingLimit > 0 {
		args.SpendingLimitMonthly = &live.SpendingLimit
	}
	networks := networksOf(live)
	if args.AuthorizedNetworks != nil && !sameNetworks(networks, args.AuthorizedNetworks) || imported && restricted(networks) {
		args.AuthorizedNetworks = networks
	}
	return args
}
