package tidbcloud

import (
	"context"
	"fmt"
	"net/http"

	"portfolio-infra/internal/rest"
)

// ListBranches lists the branches of a cluster. Those that are being deleted may be among them,
// and the items of the list may lack fields, such as the annotations, that [Client.GetBranch]
// returns (assumed: only that call documents that it returns all).
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_ListBranches
func (c *Client) ListBranches(ctx context.Context, clusterID string) ([]Branch, error) {
	all, err := list(ctx, c.clustersAPI(), rest.Path("/clusters/%s/branches", clusterID))
	if err != nil {
		return nil, fmt.Errorf("listing the branches of cluster %s: %w", clusterID, err)
	}
	return all.Branches, nil
}

// GetBranch returns one branch with all that TiDB Cloud has. A missing one is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_GetBranch
func (c *Client) GetBranch(ctx context.Context, clusterID, id string) (*Branch, error) {
	var branch Branch
	err := c.doBranch(ctx, http.MethodGet, clusterID, id, "?view=FULL", nil, &branch)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading branch %s: %w", id, err)
	case branch.ID != id, branch.ClusterID != "" && branch.ClusterID != clusterID:
		return nil, fmt.Errorf("reading branch %s of cluster %s: the API returned branch %s of cluster %s", id, clusterID, branch.ID, branch.ClusterID)
	}
	return &branch, nil
}

// CreateBranch creates a branch of a cluster from the DisplayName, Annotations and
// ParentTimestamp of want. The timestamp is a point in time, at most 24 hours back on a free
// cluster; without it the branch has what the cluster has now. No call creates a SQL user on a
// branch, and whether the parent's come along is not documented. So root gets a password of 8 to
// 64 characters here.
//
// If [rest.Ambiguous] is true for the error, the branch may exist all the same: list before you
// create again.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_CreateBranch
func (c *Client) CreateBranch(ctx context.Context, clusterID string, want Branch, rootPassword string) (*Branch, error) {
	in := wireBranch{DisplayName: want.DisplayName, Annotations: want.Annotations, ParentTimestamp: want.ParentTimestamp, RootPassword: rootPassword}
	var created Branch
	if err := c.clustersAPI().Do(ctx, http.MethodPost, rest.Path("/clusters/%s/branches", clusterID), in, &created); err != nil {
		return nil, fmt.Errorf("creating branch %q of cluster %s: %w", want.DisplayName, clusterID, redact(err, rootPassword))
	}
	return &created, nil
}

// ResetBranch begins to give a branch the schema and the rows that its parent has now. What
// becomes of the passwords on the branch is not documented. If [rest.Ambiguous] is true for the
// error, the reset may have begun.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_ResetBranch
func (c *Client) ResetBranch(ctx context.Context, clusterID, id string) error {
	if err := c.doBranch(ctx, http.MethodPost, clusterID, id, ":reset", nil, new(rest.Object)); err != nil {
		return fmt.Errorf("resetting branch %s: %w", id, err)
	}
	return nil
}

// SetBranchPassword gives a SQL user of a branch a password of 8 to 64 characters.
//
// The operation is BranchService_UpdateSqlUser in
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/pkg/tidbcloud/v1beta1/serverless/branch.swagger.json;
// that it takes the full name, as that of a cluster does, is assumed.
func (c *Client) SetBranchPassword(ctx context.Context, clusterID, id, fullName, password string) error {
	in := UpdateSQLUserRequest{Password: password}
	err := c.doBranch(ctx, http.MethodPatch, clusterID, id, rest.Path("/sqlUsers/%s", fullName), in, new(rest.Object))
	if err != nil {
		return fmt.Errorf("setting the password of %q on branch %s: %w", fullName, id, redact(err, password))
	}
	return nil
}

// DeleteBranch begins to delete a branch and all its data; see [Client.WaitUntilBranchGone]. The
// parent stays. A missing branch is a 404.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#tag/Branch/operation/BranchService_DeleteBranch
func (c *Client) DeleteBranch(ctx context.Context, clusterID, id string) error {
	if err := c.doBranch(ctx, http.MethodDelete, clusterID, id, "", nil, new(rest.Object)); err != nil {
		return fmt.Errorf("deleting branch %s: %w", id, err)
	}
	return nil
}

// doBranch makes a call below the path of a branch. All but a POST may be repeated.
func (c *Client) doBranch(ctx context.Context, method, clusterID, id, end string, in, out any) error {
	path, err := branchPath(clusterID, id, end)
	switch {
	case err != nil:
		return err
	case method == http.MethodPost:
		return c.clustersAPI().Do(ctx, method, path, in, out)
	}
	return c.clustersAPI().DoIdempotent(ctx, method, path, in, out)
}
