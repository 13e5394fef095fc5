package provider

import (
	"context"
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
	api, err := u.connect()
	if err != nil {
		return resp, err
	}
	old, want, state := req.State, req.Inputs, req.State
	state.SQLUserArgs = want
	if req.DryRun {
		// Without a password it is shown as unknown, see hidePassword.
		if live, err := u.lists.find(ctx, api, old.ClusterID, old.FullName); err == nil && (live == nil || u.loginRefused(ctx, old)) {
			state.Password = ""
		}
		resp.Output = state
		return resp, nil
	}
	cluster, err := findCluster(ctx, api, want.ClusterID)
	switch {
	case err != nil:
		return resp, err
	case cluster == nil:
		return resp, fmt.Errorf("updating SQL user %q: its cluster cannot be found", state.FullName)
	}
	if err := state.setCluster(cluster); err != nil {
		return resp, err
	}
	u.lists.drop(want.ClusterID)
	defer u.lists.drop(want.ClusterID)
	live, err := api.FindSQLUser(ctx, want.ClusterID, state.FullName)
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
		err = createUser(ctx, api, state)
	case change != (tidbcloud.UpdateSQLUserRequest{}):
		err = api.UpdateSQLUser(ctx, want.ClusterID, state.FullName, change)
	}
	switch {
	case err == nil && (rotated || old.Unverified):
		err = u.verifyLogin(ctx, &state)
	case change.Password == "":
	case err == nil:
		u.waitForLogin(ctx, state)
	case rest.Ambiguous(err):
		state.Password, state.Unverified = "", rotated || old.Unverified
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; its password is not known, and the next `pulumi up` sets another one", err)}}
	}
	resp.Output = state
	return resp, err
}
