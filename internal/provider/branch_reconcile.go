package provider

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// setPassword sets a new password of root.
func (b *BranchState) setPassword() {
	b.Password, b.PasswordSetAt = newPassword(), time.Now().UTC().Format(time.RFC3339)
}

// reconcile makes a branch what is wanted, as soon as root can log in. known is root's password as far
// as the state has it.
func (b *Branch) reconcile(ctx context.Context, api *tidbcloud.Client, state *BranchState, known string) error {
	err := b.logIn(ctx, api, state)
	if err == nil && state.protected() {
		err = b.protect(ctx, api, state, known)
	}
	if err != nil && state.Masks != nil {
		state.Password, state.PasswordSetAt = "", "" // see lockOut; the next run sets another
	}
	return err
}

// logIn waits until clients can connect to a branch, and root can log in. It gives root a password
// if the state has none, and the same once more if the state does not say when it was set.
func (b *Branch) logIn(ctx context.Context, api *tidbcloud.Client, state *BranchState) error {
	live, err := api.WaitUntilBranchConnectable(ctx, state.ClusterID, state.BranchID, showStatusOf(ctx, "branch", state.DisplayName))
	if err != nil {
		return err
	}
	if err := checkBranchOwner(*live, state.Owner); err != nil {
		return err
	}
	state.setLive(*live)
	if state.Password == "" || state.PasswordSetAt == "" {
		if err := b.sendPassword(ctx, api, state); err != nil {
			return err
		}
	}
	err = b.sql.connect(ctx, state.login(), func(*sql.DB) error { return nil })
	if err != nil && !loginUnknown(err) && !state.protected() && ctx.Err() == nil {
		p.GetLogger(ctx).Warningf("branch %s is ACTIVE, but a login could not be verified: %v", live, err)
		return nil
	}
	return err
}

func (b *Branch) sendPassword(ctx context.Context, api *tidbcloud.Client, state *BranchState) error {
	old := state.Password
	state.setPassword()
	if old != "" {
		state.Password = old
	}
	err := api.SetBranchPassword(ctx, state.ClusterID, state.BranchID, state.User, state.Password)
	if err != nil {
		state.Password, state.PasswordSetAt = old, "" // it may have taken effect; the next run sets it again
	}
	return err
}

// reset begins to reset a branch. It waits before that, since only an ACTIVE branch can be reset
// (assumed). After an ambiguous result it looks whether the branch is being reset.
func (b *Branch) reset(ctx context.Context, api *tidbcloud.Client, state *BranchState) error {
	if state.Masks != nil {
		err := b.logIn(ctx, api, state)
		if err == nil {
			err = b.lockOut(ctx, api, state)
		}
		if err != nil {
			return err
		}
	}
	live, err := api.WaitUntilBranchConnectable(ctx, state.ClusterID, state.BranchID, showStatusOf(ctx, "branch", state.DisplayName))
	if err == nil {
		err = checkBranchOwner(*live, state.Owner)
	}
	if err != nil {
		return err
	}
	p.GetLogger(ctx).Infof("resetting branch %s to what cluster %s has now", live, state.ClusterID)
	err = api.ResetBranch(ctx, state.ClusterID, state.BranchID)
	if !rest.Ambiguous(err) {
		return err
	}
	if now, readErr := api.GetBranch(ctx, state.ClusterID, state.BranchID); readErr == nil && now.State == tidbcloud.StateRestoring {
		return nil
	}
	return fmt.Errorf("%w; the next `pulumi up` resets it again", err)
}
