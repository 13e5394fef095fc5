package provider

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"portfolio-infra/internal/tidbcloud"
)

// propertyProtection is the input that guards a cluster.
const propertyProtection = "deletionProtection"

// protected tells whether a cluster must not be deleted. States of earlier versions
// say nothing of it, and count as protected.
func (c ClusterArgs) protected() bool { return c.DeletionProtection == nil || *c.DeletionProtection }

// liftsProtection tells whether inputs differ in nothing but that the deletion
// protection is turned off.
func liftsProtection(recorded, want ClusterArgs) bool {
	lifts := recorded.protected() && !want.protected()
	recorded.DeletionProtection = want.DeletionProtection
	return lifts && reflect.DeepEqual(recorded, want)
}

// unprotect says how to turn the protection off.
const unprotect = "turn the protection off (deletionProtection: false; in this repository `pulumi config set protect false`) and run `pulumi up` with nothing else changed"

// forget says how to take a cluster out of the state. Pulumi refuses that for what its
// own protect guards and for what others depend on, unless told otherwise; see
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/cmd/pulumi/state/state_delete.go
const forget = "take it out of the state with `pulumi state delete --force --target-dependents 'URN'`, " +
	"which takes out what depends on it as well; `pulumi stack --show-urns` shows the URN"

// protectedError refuses what would delete a protected cluster.
func protectedError(state ClusterState, what string) error {
	return fmt.Errorf("cluster %q (%s) has deletion protection, and %s would delete all its data, so nothing was done to it; "+
		"if that is what you want, %s, then run this again", state.DisplayName, state.ClusterID, what, unprotect)
}

// missing returns nil if a cluster that is not to be seen may be forgotten, or made
// anew: it was in the organization of the API key, and it is not protected.
func missing(ctx context.Context, api *tidbcloud.Client, state ClusterState, protected bool) error {
	if state.Organization != "" || !protected {
		if err := absent(ctx, api, state.ClusterID, state.Organization); err != nil {
			return err
		}
	}
	if !protected {
		return nil
	}
	out := fmt.Sprintf("if the cluster was deleted by hand, %s: the next one makes it anew; if it lives on somewhere else, %s", unprotect, forget)
	if state.Organization == "" {
		out = "the state does not say which one the cluster was in, so if it was deleted by hand, or lives on somewhere else, " + forget
	}
	return fmt.Errorf("cluster %q (%s) is not to be seen in TiDB Cloud, or on its way out, and has deletion protection, so it is neither forgotten nor made anew, empty; "+
		"if the API key is of another organization, or limited to another project, use the right one; %s", state.DisplayName, state.ClusterID, out)
}

// otherOrganizationError says that a cluster cannot be seen with an API key.
type otherOrganizationError struct {
	cluster, organization string
	keys                  []string
}

func (e *otherOrganizationError) Error() string {
	return fmt.Sprintf("cluster %s belongs to organization %s, and the API key to %s, so nothing was done to it: "+
		"use a key of its own organization (tidbcloud:publicKey and tidbcloud:privateKey, or TIDBCLOUD_PUBLIC_KEY and TIDBCLOUD_PRIVATE_KEY)",
		e.cluster, e.organization, strings.Join(e.keys, ", "))
}

// absent returns nil if a cluster that is not to be seen is gone as far as can be told:
// TiDB Cloud answers a key of another organization as if there were no such cluster. A key
// that is limited to another project of the same organization gets that answer too
// (assumed), and is not told from one that sees all.
func absent(ctx context.Context, api *tidbcloud.Client, id, organization string) error {
	keys, err := api.Organizations(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("cluster %s is not to be seen, and whether it is gone or the API key is of another organization cannot be told: %w", id, err)
	case organization == "" || len(keys) == 0:
		return fmt.Errorf("cluster %s is not to be seen, and which organization it or the API key belongs to is not known, so nothing was done to it; "+
			"if it was deleted, %s", id, forget)
	case !slices.Contains(keys, organization):
		return &otherOrganizationError{id, organization, keys}
	}
	return nil
}
