package provider

import (
	"context"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// findUser returns a SQL user, or nil if the user or its cluster is gone. It reads the cluster,
// since the API's answer for the users of a missing one is not documented.
func findUser(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.SQLUser, error) {
	live, err := api.FindSQLUser(ctx, clusterID, fullName)
	if err == nil || rest.Retryable(err) {
		return live, err
	}
	if cluster, readErr := findCluster(ctx, api, clusterID); readErr == nil && gone(cluster) {
		return nil, nil
	}
	return nil, err
}

// importUser starts an import by an ID of the form clusterId/name.
func importUser(ctx context.Context, api *tidbcloud.Client, id string) (SQLUserState, error) {
	clusterID, name, ok := strings.Cut(id, "/")
	if !ok || clusterID == "" || name == "" || strings.Contains(name, "/") {
		return SQLUserState{}, fmt.Errorf("%q is not the ID of a SQL user: write clusterId/name, the name without the cluster's prefix; a user of a branch cannot be imported and need not be: declare it with root, and it is created anew", id)
	}
	cluster, err := findCluster(ctx, api, clusterID)
	switch {
	case err != nil:
	case cluster == nil:
		err = missingImport(clusterID)
	case !cluster.PrefixKnown():
		err = fmt.Errorf("cluster %s is %s and has no user prefix yet; run it again when it is ACTIVE", cluster, cluster.State)
	}
	if err != nil {
		return SQLUserState{}, err
	}
	rotation := importedRotation
	args := SQLUserArgs{ClusterID: clusterID, Name: name, Rotation: &rotation}
	return SQLUserState{SQLUserArgs: args, FullName: tidbcloud.FullName(cluster.UserPrefix, name)}, nil
}

// clusterExists reports whether the cluster of a missing user or branch exists. It returns an error
// if the API key belongs to another organization.
func clusterExists(ctx context.Context, api *tidbcloud.Client, clusterID, organization string) (bool, error) {
	cluster, err := findCluster(ctx, api, clusterID)
	if err != nil || cluster != nil || organization == "" {
		return cluster != nil, err
	}
	return false, checkOrganization(ctx, api, clusterID, organization)
}

// diffLive adds how a live user differs from the recorded or wanted one. It only warns about what it
// cannot read.
func (u *SQLUser) diffLive(ctx context.Context, d *differ, recorded SQLUserState, want SQLUserArgs) {
	log := p.GetLogger(ctx)
	if want.bySQL() && !orZero(want.Root).Known() {
		return // a preview does not know it yet
	}
	live, err := u.look(ctx, recorded, want)
	switch {
	case err != nil:
		log.Warningf("using the recorded state of SQL user %q: %v", recorded.FullName, err)
		return
	case live == nil:
		log.Warningf("SQL user %q no longer exists: it will be created again, with a new password", recorded.FullName)
		d.drift("fullName")
		return
	case recorded.liveRole(live) != want.role() && !d.has("role"):
		log.Warningf("SQL user %q was changed outside of Pulumi: its role is %s", recorded.FullName, live.Role)
		d.drift("role")
	}
	if recorded.Host == "" {
		d.drift("host") // a state of an earlier version lacks what a login needs
	}
	if !d.has("password") && !d.has("rotation") && u.loginRefused(ctx, recorded) {
		log.Warningf("SQL user %q cannot log in with the recorded password: it will get a new one", recorded.FullName)
		d.drift("password")
	}
}

// look reads a live user for a preview. It returns nil if there is none.
func (u *SQLUser) look(ctx context.Context, recorded SQLUserState, want SQLUserArgs) (*tidbcloud.SQLUser, error) {
	if want.bySQL() {
		root := u.asRoot(want)
		root.impatient = true
		return root.find(ctx, recorded)
	}
	api, err := u.connect()
	if err != nil {
		return nil, err
	}
	return u.lists.find(ctx, api, want.ClusterID, recorded.FullName)
}

// setRole sets the role to a live user's, unless the API leaves it out.
func (u *SQLUserArgs) setRole(live *tidbcloud.SQLUser) {
	if live.Role != "" {
		role := string(live.Role)
		u.Role = &role
	}
}

// liveRole returns a live user's role, or the recorded one if the API leaves it out.
func (s SQLUserState) liveRole(live *tidbcloud.SQLUser) tidbcloud.Role {
	if live.Role == "" {
		return s.role()
	}
	return live.Role
}
