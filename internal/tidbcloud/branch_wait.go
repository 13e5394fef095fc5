package tidbcloud

import (
	"context"
	"fmt"

	"portfolio-infra/internal/rest"
)

// WaitUntilBranchConnectable waits until clients can connect to a branch, and returns it.
//
// A branch that is DELETED, or ACTIVE with its public endpoint switched off, is an error at once.
// Any other state may change, as for [Client.WaitUntilConnectable]. PingCAP says that a branch is
// ready "within a few minutes" (https://docs.pingcap.com/tidbcloud/branch-overview/).
func (c *Client) WaitUntilBranchConnectable(ctx context.Context, clusterID, id string, on OnStatus) (*Branch, error) {
	branch, err := poll(ctx, c.branch(clusterID, id), on, func(b *Branch, err error) (bool, error) {
		switch {
		case err != nil:
			return false, err
		case b.State.Deleting():
			return false, fmt.Errorf("branch %s is %s", b, b.State)
		case b.State == StateActive && b.EndpointOff:
			return false, fmt.Errorf("branch %s is ACTIVE, but its public endpoint is switched off; switch it on in the TiDB Cloud console, then run it again", b)
		}
		return b.Connectable(), nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for branch %s: %w", id, err)
	}
	return branch, nil
}

// WaitUntilBranchGone waits until a branch that is being deleted no longer exists. In the API's
// description the state DELETED means that it "is being deleted", so that does not end the wait.
func (c *Client) WaitUntilBranchGone(ctx context.Context, clusterID, id string, on OnStatus) error {
	_, err := poll(ctx, c.branch(clusterID, id), on, func(_ *Branch, err error) (bool, error) {
		if rest.StatusIs(err, 404) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the deletion of branch %s: %w", id, err)
	}
	return nil
}

// branch returns the read of a branch, for [poll].
func (c *Client) branch(clusterID, id string) func(context.Context) (*Branch, error) {
	return func(ctx context.Context) (*Branch, error) { return c.GetBranch(ctx, clusterID, id) }
}

// status returns the state for [OnStatus].
func (b *Branch) status() string { return statusOf(b.State, b.Connectable()) }
