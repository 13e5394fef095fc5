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

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// find reads a cluster. A missing or DELETED one is nil.
//
// A single 404 is not believed: a cluster that is taken for missing is forgotten, made
// a second time, or replaced with all its data. So it must be off the list as well,
// which may lag behind a delete. A 403, which is what TiDB Cloud answers right after a
// delete, may mean anything: only a list that shows the cluster on its way out makes
// it a missing one.
func find(ctx context.Context, api *tidbcloud.Client, id string) (*tidbcloud.Cluster, error) {
	var missing error
	for _, wait := range append([]time.Duration{0}, recallWaits...) {
		if err := rest.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		live, err := api.GetCluster(ctx, id)
		switch {
		case err == nil && live.State == tidbcloud.StateDeleted:
			return nil, nil
		case err == nil || !rest.StatusIs(err, 404, 403):
			return live, err
		}
		all, lookErr := api.ListClusters(ctx)
		i := slices.IndexFunc(all, func(c tidbcloud.Cluster) bool { return c.ID == id })
		switch forbidden := rest.StatusIs(err, 403); {
		case forbidden && (lookErr != nil || i < 0):
			return nil, fmt.Errorf("%w; if the cluster has just been deleted, run it again in a minute", err)
		case lookErr != nil:
			return nil, lookErr
		case i < 0 || all[i].State.Deleting():
			return nil, nil
		}
		missing = err
	}
	return nil, fmt.Errorf("%w; it is still on the list of clusters, so nothing was done: run it again in a minute", missing)
}

// stillGone looks for a missing cluster once more, a little later: what follows is
// another one in its place.
func stillGone(ctx context.Context, api *tidbcloud.Client, id string) error {
	if err := rest.Sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	live, err := find(ctx, api, id)
	if err == nil && live != nil && !live.State.Deleting() {
		err = fmt.Errorf("cluster %s was not to be seen a moment ago and is there now, so nothing was done: run it again in a minute", live)
	}
	return err
}

// sight is what a diff sees of the live cluster.
type sight struct {
	api     *tidbcloud.Client
	cluster tidbcloud.Cluster
	gone    bool
	unknown bool // nothing is known; the diff goes by the record alone
}

// look reads a cluster for a diff. Without a key, or while TiDB Cloud cannot be
// reached, it warns and sees nothing: a preview is worth something without it.
// Refused keys are an error, since nothing that follows would work.
func look(ctx context.Context, connect connector, id string) (sight, error) {
	blind := func(err error) (sight, error) {
		p.GetLogger(ctx).Warningf("going by the recorded state alone, without looking at cluster %s: %v", id, err)
		return sight{unknown: true}, nil
	}
	api, err := connect()
	if err != nil {
		return blind(err)
	}
	live, err := find(ctx, api, id)
	switch {
	case rest.Retryable(err) && ctx.Err() == nil:
		return blind(err)
	case err != nil:
		return sight{}, err
	case live == nil || live.State.Deleting():
		return sight{api: api, gone: true}, nil
	}
	if live.State == tidbcloud.StateInactive {
		p.GetLogger(ctx).Warning((&tidbcloud.StateError{Cluster: *live}).Error())
	}
	return sight{api: api, cluster: *live}, nil
}

// propertyLimit is the input of the spending limit.
const propertyLimit = "spendingLimitMonthly"

// change is one respect in which a live cluster is not as wanted.
type change struct {
	property string // the input's name
	live     string // the live value, for people
	apply    func(ctx context.Context, api *tidbcloud.Client) error
}

// changes compares a live cluster with what is wanted of it. recorded are the
// inputs of the last run: a label that it had and that is no longer wanted goes,
// while labels that were never ours stay.
func changes(live tidbcloud.Cluster, want, recorded ClusterArgs) []change {
	var all []change
	labels := maps.Clone(live.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for key := range recorded.Labels {
		if _, ok := want.Labels[key]; !ok {
			delete(labels, key)
		}
	}
	maps.Copy(labels, want.Labels)
	property, now := "labels", fmt.Sprint(live.Labels)
	if want.Owner != "" && live.Labels[OwnerLabel] != want.Owner {
		labels[OwnerLabel] = want.Owner
		if recorded.Owner != "" && live.Labels[MakerLabel] == recorded.Owner {
			labels[MakerLabel] = want.Owner // what is on it still is ours
		}
		property, now = "owner", fmt.Sprintf("%q", live.Labels[OwnerLabel])
	}
	if !maps.Equal(labels, live.Labels) {
		all = append(all, change{property, now, func(ctx context.Context, api *tidbcloud.Client) error {
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
	if want.AuthorizedNetworks != nil && !sameNetworks(networksOf(live), want.AuthorizedNetworks) {
		all = append(all, change{"authorizedNetworks", fmt.Sprintf("%v", live.Networks), func(ctx context.Context, api *tidbcloud.Client) error {
			networks := make([]tidbcloud.Network, len(want.AuthorizedNetworks))
			for i, n := range want.AuthorizedNetworks {
				networks[i] = tidbcloud.Network(n)
			}
			return api.SetAuthorizedNetworks(ctx, live.ID, networks)
		}})
	}
	return all
}

// reconcile waits until a cluster can be connected to, makes it as wanted, and returns
// its state. In case of an error the state is what is known so far.
func reconcile(ctx context.Context, api *tidbcloud.Client, id string, state ClusterState, recorded ClusterArgs) (ClusterState, error) {
	state.ClusterID = id
	live, err := api.WaitUntilConnectable(ctx, id, report(ctx, state.DisplayName))
	var stuck *tidbcloud.StateError
	if errors.As(err, &stuck) && stuck.Cluster.State == tidbcloud.StateInactive {
		live, err = resume(ctx, api, stuck.Cluster, state.ClusterArgs, recorded, err)
	}
	if err != nil {
		return state, err
	}
	if err := checkOwner(*live, state.Owner, recorded.Owner); err != nil {
		return state, err
	}
	state = outputs(*live, state, state.ClusterArgs)
	todo := changes(*live, state.ClusterArgs, recorded)
	for _, change := range todo {
		if err := change.apply(ctx, api); err != nil {
			return state, err
		}
	}
	if len(todo) == 0 {
		return state, nil
	}
	live, err = api.WaitUntilConnectable(ctx, id, report(ctx, state.DisplayName))
	if err != nil {
		return state, err
	}
	return outputs(*live, state, state.ClusterArgs), stayed(*live, state.Labels, recorded.Labels)
}

// stayed names the labels that were taken out and are still there.
func stayed(live tidbcloud.Cluster, want, recorded map[string]string) error {
	var left []string
	for _, key := range slices.Sorted(maps.Keys(recorded)) {
		_, wanted := want[key]
		if _, there := live.Labels[key]; there && !wanted {
			left = append(left, key)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("cluster %s keeps labels that were taken out of labels: %s; TiDB Cloud's API adds and updates labels and seems to remove none: "+
		"remove them in its console, or put them back into labels", &live, strings.Join(left, ", "))
}

// resume gives an INACTIVE cluster the wanted spending limit, if it has another one, and
// waits again: a limit that is used up is what most often stops a cluster.
func resume(ctx context.Context, api *tidbcloud.Client, live tidbcloud.Cluster, want, recorded ClusterArgs, inactive error) (*tidbcloud.Cluster, error) {
	if checkOwner(live, want.Owner, recorded.Owner) != nil {
		return nil, inactive
	}
	for _, change := range changes(live, want, recorded) {
		if change.property != propertyLimit {
			continue
		}
		if err := change.apply(ctx, api); err != nil {
			return nil, err
		}
		return api.WaitUntilConnectable(ctx, live.ID, report(ctx, want.DisplayName))
	}
	return nil, inactive
}

// checkOwner refuses a cluster that bears the label of somebody who is not among its
// owners: since the last run another stack has taken it over.
func checkOwner(live tidbcloud.Cluster, owners ...string) error {
	owner := live.Labels[OwnerLabel]
	if owner == "" || slices.Contains(owners, owner) {
		return nil
	}
	return fmt.Errorf("cluster %s is left untouched: by its label %s it belongs to %q now; to forget it here, %s", &live, OwnerLabel, owner, forget)
}

// outputs is the state of a live cluster. What an answer leaves out stays as it is
// recorded.
func outputs(live tidbcloud.Cluster, recorded ClusterState, args ClusterArgs) ClusterState {
	s := recorded
	s.ClusterArgs = args
	s.ClusterID = live.ID
	keep(&s.Host, live.Host)
	keep(&s.Port, live.Port)
	keep(&s.UserPrefix, live.UserPrefix)
	keep(&s.Version, live.Version)
	keep(&s.CreateTime, live.CreateTime)
	keep(&s.Organization, live.Labels[tidbcloud.LabelOrganization])
	return s
}

func keep[T comparable](recorded *T, live T) {
	var none T
	if live != none {
		*recorded = live
	}
}

// inputsFromLive returns the inputs that a live cluster answers to. Inputs that were left unset
// stay so, even where TiDB Cloud has a default; an import takes all that is not one.
func inputsFromLive(live tidbcloud.Cluster, args ClusterArgs, imported bool) ClusterArgs {
	args.DisplayName = live.DisplayName
	// Another stack's label is not taken for ours, see checkOwner.
	if owner := live.Labels[OwnerLabel]; imported || owner == "" {
		args.Owner = owner
	}
	keep(&args.Region, live.Region)
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
	if args.AuthorizedNetworks != nil && !sameNetworks(networks, args.AuthorizedNetworks) || imported && restricts(networks) {
		args.AuthorizedNetworks = networks
	}
	return args
}

func networksOf(live tidbcloud.Cluster) []AuthorizedNetwork {
	networks := make([]AuthorizedNetwork, len(live.Networks))
	for i, n := range live.Networks {
		networks[i] = AuthorizedNetwork(n)
	}
	return networks
}

// sameNetworks compares ranges without their order.
func sameNetworks(a, b []AuthorizedNetwork) bool {
	count := map[AuthorizedNetwork]int{}
	for _, n := range a {
		count[n]++
	}
	for _, n := range b {
		count[n]--
	}
	return !slices.ContainsFunc(slices.Collect(maps.Values(count)), func(n int) bool { return n != 0 })
}

// restricts tells whether ranges keep anybody out; a new cluster's do not.
func restricts(networks []AuthorizedNetwork) bool {
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(n AuthorizedNetwork) bool {
		return n.StartIPAddress == "0.0.0.0" && n.EndIPAddress == "255.255.255.255"
	})
}

// report shows how a wait goes in the Info column of Pulumi's progress display.
func report(ctx context.Context, name string) tidbcloud.OnStatus {
	log := p.GetLogger(ctx)
	return func(status string, waited time.Duration) {
		log.InfoStatusf("cluster %s is %s, %s", name, status, seconds(waited))
	}
}
