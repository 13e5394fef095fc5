package provider

import (
	"context"
	"errors"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// Update implements [infer.CustomUpdate].
//
// If setting a password has an ambiguous result, the state gets none, so that the next run sets
// another, whatever its rotation. A rotation succeeds only when its password logs in: in a stack
// with two alternating users, the application moves to the rotated one next.
func (u *SQLUser) Update(ctx context.Context, req infer.UpdateRequest[SQLUserArgs, SQLUserState]) (resp infer.UpdateResponse[SQLUserState], err error) {
	old, want, state := req.State, req.Inputs, req.State
	state.SQLUserArgs = want
	if req.DryRun {
		if _, err := u.connect(); err != nil && !want.bySQL() {
			return resp, err
		}
		// Without a password it is shown as unknown, see hidePassword.
		if live, err := u.look(ctx, old, want); err == nil && (live == nil || u.loginRefused(ctx, old)) {
			state.Password = ""
		}
		resp.Output = state
		return resp, nil
	}
	users, err := u.users(ctx, &state)
	if err != nil {
		return resp, err
	}
	u.lists.drop(want.ClusterID)
	defer u.lists.drop(want.ClusterID)
	live, err := users.find(ctx, state)
	if err != nil {
		return resp, err
	}
	var change tidbcloud.UpdateSQLUserRequest
	rotated := orZero(old.Rotation) != orZero(want.Rotation)
	if live == nil || old.Password == "" || rotated || u.loginRefused(ctx, old) {
		state.setPassword()
		change.Password = state.Password
	}
	if live != nil && old.liveRole(live) != want.role() {
		change.Role = want.role()
	}
	switch {
	case live == nil:
		p.GetLogger(ctx).Infof("creating SQL user %q again", state.FullName)
		err = users.create(ctx, state)
	case change != (tidbcloud.UpdateSQLUserRequest{}):
		err = users.update(ctx, state, change)
	}
	switch {
	case err == nil && (rotated || old.Unverified):
		err = u.verifyLogin(ctx, &state)
	case change.Password == "":
	case err == nil:
		u.waitForLogin(ctx, state)
	case rest.Ambiguous(err) || errors.As(err, new(unclear)):
		state.Password, state.Unverified = "", rotated || old.Unverified
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; its password is not known, and the next `pulumi up` sets another one", err)}}
	}
	resp.Output = state
	return resp, err
}

// users are the SQL users of a cluster or branch.
type users interface {
	// find returns a user, or nil if there is none.
	find(ctx context.Context, state SQLUserState) (*tidbcloud.SQLUser, error)
	create(ctx context.Context, state SQLUserState) error
	update(ctx context.Context, state SQLUserState, change tidbcloud.UpdateSQLUserRequest) error
}

// users returns the users of a state's cluster, and sets what depends on it.
func (u *SQLUser) users(ctx context.Context, state *SQLUserState) (users, error) {
	if state.bySQL() {
		return u.asRoot(state.SQLUserArgs), state.setRoot()
	}
	api, err := u.connect()
	if err != nil {
		return nil, err
	}
	cluster, err := findCluster(ctx, api, state.ClusterID)
	switch {
	case err != nil:
		return nil, err
	case cluster == nil:
		return nil, fmt.Errorf("updating SQL user %q: its cluster cannot be found", state.FullName)
	}
	return apiUsers{api}, state.setCluster(cluster)
}

// apiUsers are the users of a cluster, as TiDB Cloud's API has them.
type apiUsers struct{ api *tidbcloud.Client }

func (a apiUsers) find(ctx context.Context, state SQLUserState) (*tidbcloud.SQLUser, error) {
	return a.api.FindSQLUser(ctx, state.ClusterID, state.FullName)
}

func (a apiUsers) create(ctx context.Context, state SQLUserState) error {
	return createUser(ctx, a.api, state)
}

func (a apiUsers) update(ctx context.Context, state SQLUserState, change tidbcloud.UpdateSQLUserRequest) error {
	return a.api.UpdateSQLUser(ctx, state.ClusterID, state.FullName, change)
}
