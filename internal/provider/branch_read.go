package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// findBranch reads a branch. A missing one is nil, and so is one of a missing cluster. As in
// [findCluster], a single 404 is not believed.
func findBranch(ctx context.Context, api *tidbcloud.Client, clusterID, id string) (*tidbcloud.Branch, error) {
	get := func() (*tidbcloud.Branch, error) { return api.GetBranch(ctx, clusterID, id) }
	return find(ctx, "branches", get, func(error) (listed bool, err error) {
		all, err := api.ListBranches(ctx, clusterID)
		if rest.StatusIs(err, 404, 403) {
			if parent, findErr := findCluster(ctx, api, clusterID); findErr != nil || gone(parent) {
				return false, findErr
			}
		}
		i := slices.IndexFunc(all, func(b tidbcloud.Branch) bool { return b.ID == id })
		return i >= 0 && !all[i].State.Deleting(), err
	})
}

// checkBranchOwner refuses a branch with another owner.
func checkBranchOwner(live tidbcloud.Branch, owner string) error {
	if now := live.Annotations[OwnerLabel]; now != "" && now != owner {
		return fmt.Errorf("branch %s was left unchanged: its annotation %s says that it belongs to %q; to leave it to %q, %s", &live, OwnerLabel, now, now, forget)
	}
	return nil
}

// importedBranch returns the inputs that would have made a live branch.
func importedBranch(clusterID string, live tidbcloud.Branch) BranchArgs {
	args := BranchArgs{ClusterID: clusterID, DisplayName: live.DisplayName, Owner: live.Annotations[OwnerLabel]}
	own := maps.Clone(live.Annotations)
	maps.DeleteFunc(own, func(key, _ string) bool { return !labelAllowed(key) })
	if len(own) > 0 {
		args.Annotations = own
	}
	return args
}

// diffLive adds how a live branch differs from the recorded one.
func (b *Branch) diffLive(ctx context.Context, d *differ, id string, recorded BranchState, want BranchArgs) error {
	log := p.GetLogger(ctx)
	api, err := b.connect()
	var live *tidbcloud.Branch
	if err == nil {
		var clusterID, branchID string
		if clusterID, branchID, err = parseBranchID(id); err != nil {
			return err
		}
		live, err = findBranch(ctx, api, clusterID, branchID)
		if err != nil && (!rest.Retryable(err) || ctx.Err() != nil) {
			return err
		}
	}
	switch {
	case err != nil:
		log.Warningf("using the recorded state of branch %s, which could not be read: %v", id, err)
		return nil
	case live == nil || live.State.Deleting():
		if _, err := clusterExists(ctx, api, recorded.ClusterID, recorded.Organization); err != nil {
			return err
		}
		log.Warningf("branch %q (%s) no longer exists in TiDB Cloud: another one will be created, without what was written to it", recorded.DisplayName, recorded.BranchID)
		d.properties["branchId"] = p.PropertyDiff{Kind: p.DeleteReplace}
		return nil
	}
	if err := checkBranchOwner(*live, want.Owner); err != nil {
		return err
	}
	if live.DisplayName != want.DisplayName {
		log.Warningf("branch %s was renamed outside of Pulumi; no call can rename it, so it stays %s in the state", live, want.DisplayName)
	}
	now := recorded
	now.setLive(*live)
	for property, differs := range map[string]bool{
		"host":       now.Host != recorded.Host || now.Host == "",
		"port":       now.Port != recorded.Port,
		"userPrefix": now.UserPrefix != recorded.UserPrefix,
	} {
		if differs {
			d.drift(property) // where it is missing, the last run ended before the branch was ready
		}
	}
	if recorded.Password == "" || recorded.PasswordSetAt == "" || b.rootRefused(ctx, recorded, want) {
		d.drift("password")
	}
	if !d.has("password") {
		b.diffProtection(ctx, d, recorded, want)
	}
	return nil
}

// rootRefused reports whether the server refuses the recorded login of root. With masks a new one that
// is refused is no late one: the run that recorded it logged in, and another that was killed may have
// set another, see lockOut.
func (b *Branch) rootRefused(ctx context.Context, recorded BranchState, want BranchArgs) bool {
	if want.Masks != nil {
		recorded.PasswordSetAt = ""
	}
	if !b.sql.refused(ctx, recorded.login(), recorded.PasswordSetAt) {
		return false
	}
	p.GetLogger(ctx).Warningf("root cannot log in to branch %q with the recorded password: it will get a new one", recorded.DisplayName)
	return true
}
