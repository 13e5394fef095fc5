package provider

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"portfolio-infra/internal/tidbcloud"
)

const propertyProtection = "deletionProtection"

// protected reports whether a cluster must not be deleted. It must not if the state, from an
// earlier version, does not say.
func (c ClusterArgs) protected() bool { return c.DeletionProtection == nil || *c.DeletionProtection }

// onlyUnprotects reports whether the only change turns the deletion protection off. It ignores
// the logins, which an earlier version did not have.
func onlyUnprotects(recorded, want ClusterArgs) bool {
	turnedOff := recorded.protected() && !want.protected()
	recorded.DeletionProtection, recorded.Logins = want.DeletionProtection, want.Logins
	return turnedOff && reflect.DeepEqual(recorded, want)
}

// onlyLogins reports whether the logins are the only change.
func onlyLogins(recorded, want ClusterArgs) bool {
	changed := !slices.Equal(recorded.Logins, want.Logins)
	recorded.Logins = want.Logins
	return changed && reflect.DeepEqual(recorded, want)
}

// unprotect says how to turn the protection off.
const unprotect = "turn the protection off (deletionProtection: false; in this repository `pulumi config set protect false`) and run `pulumi up` with nothing else changed"

// forget says how to remove a cluster from the state. Without the flags, Pulumi refuses if its
// own protect guards the cluster or if something depends on it; see
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/cmd/pulumi/state/state_delete.go
const forget = "remove it from the state with `pulumi state delete --force --target-dependents 'URN'`, " +
	"which also removes what depends on it; `pulumi stack --show-urns` shows the URN"

// protectedError is the error of an action that would delete a protected cluster.
func protectedError(state ClusterState, action string) error {
	return fmt.Errorf("cluster %q (%s) has deletion protection, and %s would delete all its data, so nothing was done; "+
		"if that is what you want, %s, then run this again", state.DisplayName, state.ClusterID, action, unprotect)
}

// checkMissing returns nil if a cluster that cannot be found may leave the state, or be replaced
// by another: it was in the API key's organization, and is not protected.
func checkMissing(ctx context.Context, api *tidbcloud.Client, state ClusterState, protected bool) error {
	if state.Organization != "" || !protected {
		if err := checkOrganization(ctx, api, state.ClusterID, state.Organization); err != nil {
			return err
		}
	}
	if !protected {
		return nil
	}
	suggestion := fmt.Sprintf("if the cluster was deleted by hand, %s: the next run creates another; if it exists elsewhere, %s", unprotect, forget)
	if state.Organization == "" {
		suggestion = "the state does not say which organization the cluster was in, so if it was deleted by hand, or exists elsewhere, " + forget
	}
	return fmt.Errorf("cluster %q (%s) was not found (or is being deleted) but has deletion protection: it stays in the state, and no empty replacement is created; "+
		"if the API key belongs to another organization, or is limited to another project, use the right one; %s", state.DisplayName, state.ClusterID, suggestion)
}

// errOtherOrganization is the error of a key that cannot see a cluster.
var errOtherOrganization = errors.New("use a key of the cluster's organization " +
	"(tidbcloud:publicKey and tidbcloud:privateKey, or TIDBCLOUD_PUBLIC_KEY and TIDBCLOUD_PRIVATE_KEY)")

// checkOrganization returns nil if a cluster that cannot be found was in the API key's
// organization. TiDB Cloud answers the key of another organization as if the cluster did not
// exist. The key of another project in the same organization gets that answer, too (assumed), and
// cannot be told from one that sees everything.
func checkOrganization(ctx context.Context, api *tidbcloud.Client, id, organization string) error {
	keys, err := api.Organizations(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("cluster %s cannot be found: either it is gone, or the API key belongs to another organization: %w", id, err)
	case organization == "" || len(keys) == 0:
		return fmt.Errorf("cluster %s cannot be found, and nothing was done, since its organization or the API key's is not known; "+
			"if it was deleted, %s", id, forget)
	case !slices.Contains(keys, organization):
		return fmt.Errorf("cluster %s belongs to organization %s, and the API key to %s, so nothing was done: %w",
			id, organization, strings.Join(keys, ", "), errOtherOrganization)
	}
	return nil
}
