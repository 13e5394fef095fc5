package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/tidbcloud"
)

// Properties that may end a wait if they change.
const (
	propertyLimit    = "spendingLimitMonthly"
	propertyEndpoint = "host"
)

// reconcile waits until clients can connect to a cluster, changes it to what is wanted, and
// returns its state. With an error it returns what is known so far.
func reconcile(ctx context.Context, api *tidbcloud.Client, id string, state, recorded ClusterState) (ClusterState, error) {
	state.ClusterID = id
	live, err := api.WaitUntilConnectable(ctx, id, showStatus(ctx, state.DisplayName))
	var stuck *tidbcloud.StateError
	if errors.As(err, &stuck) {
		live, err = unblock(ctx, api, stuck.Cluster, state.ClusterArgs, recorded, err)
	}
	if err != nil {
		return state, err
	}
	if err := checkOwner(*live, state.Owner, recorded.Owner); err != nil {
		return state, err
	}
	state = outputs(*live, state, state.ClusterArgs)
	if state.OwnLogins, err = ownLogins(ctx, api, *live, state.ClusterArgs, recorded); err != nil {
		return state, err
	}
	changes := changesOf(*live, state.ClusterArgs, recorded)
	if len(changes) == 0 {
		return state, nil
	}
	for _, change := range changes {
		if err := change.apply(ctx, api); err != nil {
			return state, err
		}
	}
	live, err = api.WaitUntilConnectable(ctx, id, showStatus(ctx, state.DisplayName))
	if err != nil {
		return state, err
	}
	return outputs(*live, state, state.ClusterArgs), checkRemovedLabels(*live, state.Labels, recorded.Labels)
}

// unblock makes the change that may let clients connect, and waits again. An INACTIVE cluster gets
// its new spending limit, since a used-up one is the usual reason. A public endpoint that is
// switched off is switched on. Without such a change unblock returns the error of the wait.
func unblock(ctx context.Context, api *tidbcloud.Client, live tidbcloud.Cluster, want ClusterArgs, recorded ClusterState, stuck error) (*tidbcloud.Cluster, error) {
	property := map[tidbcloud.State]string{tidbcloud.StateInactive: propertyLimit, tidbcloud.StateActive: propertyEndpoint}[live.State]
	if checkOwner(live, want.Owner, recorded.Owner) != nil {
		return nil, stuck
	}
	changes := changesOf(live, want, recorded)
	i := slices.IndexFunc(changes, func(c change) bool { return c.property == property })
	if i < 0 {
		return nil, stuck
	}
	if err := changes[i].apply(ctx, api); err != nil {
		return nil, err
	}
	return api.WaitUntilConnectable(ctx, live.ID, showStatus(ctx, want.DisplayName))
}

// change is one difference between a live cluster and the wanted one.
type change struct {
	property string // an input
	live     string // the live value, for messages
	apply    func(ctx context.Context, api *tidbcloud.Client) error
}

// changesOf compares a live cluster with the wanted one, for previews and updates.
func changesOf(live tidbcloud.Cluster, want ClusterArgs, recorded ClusterState) (all []change) {
	labels := labelsFor(live, want, recorded)
	if !maps.Equal(labels, live.Labels) {
		property, value := "labels", fmt.Sprint(live.Labels)
		if labels[OwnerLabel] != live.Labels[OwnerLabel] {
			property, value = "owner", fmt.Sprintf("%q", live.Labels[OwnerLabel])
		}
		all = append(all, change{property, value, func(ctx context.Context, api *tidbcloud.Client) error {
			return api.SetClusterLabels(ctx, live.ID, labels)
		}})
	}
	if live.DisplayName != want.DisplayName {
		all = append(all, change{"displayName", fmt.Sprintf("%q", live.DisplayName), func(ctx context.Context, api *tidbcloud.Client) error {
			return api.RenameCluster(ctx, live.ID, want.DisplayName)
		}})
	}
	if limit := want.SpendingLimitMonthly; limit != nil && *limit != live.SpendingLimit {
		all = append(all, change{propertyLimit, fmt.Sprint(live.SpendingLimit), func(ctx context.Context, api *tidbcloud.Client) error {
			return api.SetSpendingLimit(ctx, live.ID, *limit)
		}})
	}
	if live.EndpointOff && recorded.madeFor(live, want) {
		all = append(all, change{propertyEndpoint, "switched off: its public endpoint is disabled", func(ctx context.Context, api *tidbcloud.Client) error {
			return api.EnablePublicEndpoint(ctx, live.ID)
		}})
	}
	if want.AuthorizedNetworks != nil && !sameNetworks(networksOf(live), want.AuthorizedNetworks) {
		all = append(all, change{"authorizedNetworks", fmt.Sprint(live.Networks), func(ctx context.Context, api *tidbcloud.Client) error {
			networks := make([]tidbcloud.Network, len(want.AuthorizedNetworks))
			for i, n := range want.AuthorizedNetworks {
				networks[i] = tidbcloud.Network(n)
			}
			return api.SetAuthorizedNetworks(ctx, live.ID, networks)
		}})
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

func networksOf(live tidbcloud.Cluster) []AuthorizedNetwork {
	networks := make([]AuthorizedNetwork, len(live.Networks))
	for i, n := range live.Networks {
		networks[i] = AuthorizedNetwork(n)
	}
	return networks
}

// sameNetworks compares ranges. Their order does not matter.
func sameNetworks(a, b []AuthorizedNetwork) bool {
	order := func(x, y AuthorizedNetwork) int {
		return strings.Compare(fmt.Sprintf("%q", x), fmt.Sprintf("%q", y))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// restricted reports whether ranges exclude an address. Those of a new cluster do not.
func restricted(networks []AuthorizedNetwork) bool {
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(n AuthorizedNetwork) bool {
		return n.StartIPAddress == "0.0.0.0" && n.EndIPAddress == "255.255.255.255"
	})
}

// showStatus shows a wait in the Info column of Pulumi's progress display.
func showStatus(ctx context.Context, name string) tidbcloud.OnStatus {
	log := p.GetLogger(ctx)
	return func(status string, waited time.Duration) {
		log.InfoStatusf("cluster %s is %s, %s", name, status, seconds(waited))
	}
}
