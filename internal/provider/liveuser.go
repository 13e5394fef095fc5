package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// makeUser creates a SQL user. A name exists once on a cluster, so nothing can be
// made twice; after an unclear answer a look tells whether it is there, and then it
// gets this run's password for sure.
func makeUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	_, err := api.CreateUser(ctx, state.ClusterID, tidbcloud.NewUser{Name: state.Name, Password: state.Password, Role: state.role()})
	if !rest.Unclear(err) {
		return err
	}
	for _, wait := range []time.Duration{time.Second, 3 * time.Second} {
		if rest.Sleep(ctx, wait) != nil {
			break
		}
		if live, lookErr := api.FindUser(ctx, state.ClusterID, state.FullName); lookErr == nil && live != nil {
			return api.UpdateUser(ctx, state.ClusterID, state.FullName, tidbcloud.UserChange{Password: state.Password, Role: state.role()})
		}
	}
	return fmt.Errorf("%w; the user is not to be seen so far, and the next `pulumi up` looks again", err)
}

// takeOver gives an existing SQL user a new password and the wanted role, if it is
// ours or to be adopted.
func takeOver(ctx context.Context, api *tidbcloud.Client, resource string, cluster *tidbcloud.Cluster, state SQLUserState) error {
	owner := text(state.Owner)
	ours := owner != "" && cluster.Labels[OwnerLabel] == owner && cluster.Labels[MakerLabel] == owner
	adopt := state.Adopt != nil && *state.Adopt
	if !ours && !adopt {
		return fmt.Errorf("SQL user %q exists already on cluster %s and is left untouched; to manage it here, run `pulumi import tidbcloud:index:SqlUser %s %s` "+
			"or set adopt: true (both give it a new password), or choose another name", state.FullName, cluster, resource, state.id())
	}
	p.GetLogger(ctx).Infof("taking over SQL user %q with a new password", state.FullName)
	return api.UpdateUser(ctx, state.ClusterID, state.FullName, tidbcloud.UserChange{Password: state.Password, Role: state.role()})
}

// identify begins an import by an id of the form clusterId/name.
func identify(ctx context.Context, api *tidbcloud.Client, id string) (SQLUserArgs, SQLUserState, error) {
	clusterID, name, ok := strings.Cut(id, "/")
	if !ok || clusterID == "" || name == "" || strings.Contains(name, "/") {
		return SQLUserArgs{}, SQLUserState{}, fmt.Errorf("%q is not the id of a SQL user: write clusterId/name, the name without the cluster's prefix", id)
	}
	cluster, err := find(ctx, api, clusterID)
	if err != nil {
		return SQLUserArgs{}, SQLUserState{}, err
	}
	if cluster == nil {
		return SQLUserArgs{}, SQLUserState{}, fmt.Errorf("cluster %s does not exist, or not in the API key's organization", clusterID)
	}
	rotation := importedRotation
	args := SQLUserArgs{ClusterID: clusterID, Name: name, Rotation: &rotation}
	return args, SQLUserState{SQLUserArgs: args, FullName: tidbcloud.FullName(cluster.UserPrefix, name)}, nil
}

// findUser returns a SQL user, or nil if it or its cluster is gone. What the API
// answers about users of a missing cluster is not documented, so the cluster itself
// is asked for.
func findUser(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.User, error) {
	live, err := api.FindUser(ctx, clusterID, fullName)
	if err == nil || rest.MayPass(err) {
		return live, err
	}
	if cluster, lookErr := find(ctx, api, clusterID); lookErr == nil && (cluster == nil || cluster.State.Going()) {
		return nil, nil
	}
	return nil, err
}
