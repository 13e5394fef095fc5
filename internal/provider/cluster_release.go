package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/tidbcloud"
)

// rootUser is the name, without prefix, of the user that each cluster comes with.
const rootUser = "root"

// release leaves a cluster that was not made for this stack. It deletes the stack's own SQL users
// and nothing else. It changes the owner label last: if the run dies before that, the next one
// begins again.
func (c *Cluster) release(ctx context.Context, api *tidbcloud.Client, id string, state ClusterState) error {
	live, err := api.WaitUntilConnectable(ctx, id, showStatus(ctx, state.DisplayName))
	if off := endpointOff(err); off != nil {
		live, err = off, nil // SQL users are managed without it
	}
	if err != nil {
		return fmt.Errorf("%w; the cluster was not made for this stack and stays, but the stack's SQL users cannot be deleted now; to leave them, too, %s", err, forget)
	}
	if released(*live) {
		return nil
	}
	users, err := api.ListSQLUsers(ctx, id)
	if err != nil {
		return err
	}
	var left []string
	for _, user := range users {
		name := strings.TrimPrefix(user.FullName, tidbcloud.FullName(cmp.Or(live.UserPrefix, state.UserPrefix), ""))
		switch {
		case slices.Contains(state.OwnLogins, name):
			if err := c.lists.deleteUser(ctx, api, id, user.FullName); err != nil {
				return err
			}
		case state.Logins == nil && name != rootUser, slices.Contains(state.Logins, name):
			left = append(left, fmt.Sprintf("`DROP USER '%s'@'%%';`", strings.ReplaceAll(user.FullName, "'", "''")))
		}
	}
	log := p.GetLogger(ctx)
	if len(left) > 0 {
		log.Warningf("cluster %s has SQL users that may be somebody else's, so they stay; if nobody else uses them, drop them with %s",
			live, strings.Join(left, ", "))
	}
	log.Infof("cluster %s was not made for this stack, so it stays, with its databases", live)
	if err := checkOwner(*live, state.Owner); err != nil || ownerOf(*live) == "" {
		return err
	}
	labels := maps.Clone(live.Labels)
	labels[OwnerLabel] = FreeOwner
	return api.SetClusterLabels(ctx, id, labels)
}

// endpointOff returns the cluster if a wait failed because its public endpoint is switched off,
// and otherwise nil.
func endpointOff(err error) *tidbcloud.Cluster {
	var stuck *tidbcloud.StateError
	if errors.As(err, &stuck) && stuck.Cluster.State == tidbcloud.StateActive {
		return &stuck.Cluster
	}
	return nil
}

// ownLogins returns the SQL users that the stack may delete when it releases the cluster. A name is
// the stack's own if no such user exists when the stack begins to want it; a run updates the
// cluster before it creates users. A name that the stack no longer wants stays its own until the
// user is gone, which may be in a later run. A cluster that was made for the stack takes its
// users with it, so there nothing is recorded.
func ownLogins(ctx context.Context, api *tidbcloud.Client, live tidbcloud.Cluster, want ClusterArgs, recorded ClusterState) ([]string, error) {
	own := recorded.OwnLogins
	if recorded.madeFor(live, want) || sameSet(own, want.Logins) {
		return own, nil
	}
	users, err := api.ListSQLUsers(ctx, live.ID)
	if err != nil {
		return own, err
	}
	exists := func(name string) bool {
		full := tidbcloud.FullName(live.UserPrefix, name)
		return slices.ContainsFunc(users, func(u tidbcloud.SQLUser) bool { return u.FullName == full })
	}
	var now []string
	for _, name := range own {
		if slices.Contains(want.Logins, name) || exists(name) {
			now = append(now, name)
		}
	}
	for _, name := range want.Logins {
		if !slices.Contains(own, name) && !exists(name) {
			now = append(now, name)
		}
	}
	return now, nil
}

// diffLogins shows own logins that the stack no longer wants and that are gone. The update removes
// them from the state, so that no release deletes somebody else's user of that name.
func (c *Cluster) diffLogins(ctx context.Context, d *differ, live liveCluster, recorded ClusterState, want ClusterArgs) {
	for _, name := range recorded.OwnLogins {
		if slices.Contains(want.Logins, name) {
			continue
		}
		user, err := c.lists.find(ctx, live.api, live.cluster.ID, tidbcloud.FullName(recorded.UserPrefix, name))
		if err == nil && user == nil {
			d.drift("ownLogins")
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
