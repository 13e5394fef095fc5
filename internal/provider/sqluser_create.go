package provider

import (
	"context"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// maxUserName is MySQL's limit for a full user name, in characters.
const maxUserName = 32

// createUser creates a SQL user. Names are unique on a cluster. So after an ambiguous result it
// looks for the user, and sets the password once more.
func createUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	_, err := api.CreateSQLUser(ctx, state.ClusterID, tidbcloud.CreateSQLUserRequest{Name: state.Name, Password: state.Password, Role: state.role()})
	if !rest.Ambiguous(err) {
		return err
	}
	for _, wait := range []time.Duration{time.Second, 3 * time.Second} {
		if rest.Sleep(ctx, wait) != nil {
			break
		}
		if live, readErr := api.FindSQLUser(ctx, state.ClusterID, state.FullName); readErr == nil && live != nil {
			return adoptUser(ctx, api, state)
		}
	}
	return fmt.Errorf("%w; the user was not found so far, and the next `pulumi up` looks again", err)
}

// adoptUser gives an existing SQL user this run's password and role.
func adoptUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	return api.UpdateSQLUser(ctx, state.ClusterID, state.FullName, tidbcloud.UpdateSQLUserRequest{Password: state.Password, Role: state.role()})
}

// checkUserOwner refuses an existing SQL user, unless it is ours or should be adopted.
func checkUserOwner(resource string, cluster *tidbcloud.Cluster, state SQLUserState) error {
	owner := orZero(state.Owner)
	ours := owner != "" && cluster.Labels[OwnerLabel] == owner && cluster.Labels[MadeForLabel] == owner
	if ours || orZero(state.Adopt) {
		return nil
	}
	return fmt.Errorf("SQL user %q exists already on cluster %s and was left unchanged; to manage it here, run `pulumi import tidbcloud:index:SqlUser %s %s` "+
		"or set adopt: true (both give it a new password), or choose another name; if an interrupted run of this stack created it, "+
		"set adopt: true for one run (in this repository `pulumi config set adopt true`)", state.FullName, cluster, resource, state.id())
}

// previewCreate returns the error that a run would fail with, as far as reads can tell.
func (u *SQLUser) previewCreate(ctx context.Context, api *tidbcloud.Client, resource string, state SQLUserState) error {
	if _, ours := u.known.Load(state.id()); ours || state.ClusterID == "" {
		return nil
	}
	cluster, err := findCluster(ctx, api, state.ClusterID)
	var existing *tidbcloud.SQLUser
	if err == nil && cluster != nil && cluster.PrefixKnown() {
		if err := state.setCluster(cluster); err != nil {
			return err
		}
		existing, err = u.lists.find(ctx, api, state.ClusterID, state.FullName)
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("not checking for an existing SQL user %q: %v", state.Name, err)
		return nil
	}
	if existing == nil {
		return nil
	}
	return checkUserOwner(resource, cluster, state)
}

// setCluster sets what depends on the cluster. It refuses a name that is too long.
func (s *SQLUserState) setCluster(cluster *tidbcloud.Cluster) error {
	setIfKnown(&s.Host, cluster.Host)
	setIfKnown(&s.Port, cluster.Port)
	setIfKnown(&s.Organization, cluster.Labels[tidbcloud.LabelOrganization])
	if s.FullName == "" {
		s.FullName = tidbcloud.FullName(cluster.UserPrefix, s.Name)
	}
	if n := len(s.FullName); n > maxUserName {
		return fmt.Errorf("creating SQL user %q: with the cluster's prefix the name has %d characters, and %d are allowed; shorten it by %d",
			s.FullName, n, maxUserName, n-maxUserName)
	}
	return nil
}
