package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
