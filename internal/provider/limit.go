package provider

import (
	"context"
	"fmt"
	"strings"

	"portfolio-infra/internal/tidbcloud"
)

// explainLimit adds to the error of a limit what uses it up.
func explainLimit(ctx context.Context, api *tidbcloud.Client, err error) error {
	ofClusters := tidbcloud.ClusterLimit(err)
	var remedy string
	switch {
	case tidbcloud.BranchLimit(err):
		remedy = "`ticloud serverless branch delete --cluster-id CLUSTER_ID --branch-id BRANCH_ID` deletes a branch"
	case ofClusters:
		// https://docs.pingcap.com/tidbcloud/ticloud-cluster-delete/
		remedy = "`ticloud serverless delete --cluster-id CLUSTER_ID` deletes a cluster with all its rows"
	default:
		return err
	}
	clusters, listErr := listClusters(ctx, api)
	count, used := 0, make([]string, len(clusters))
	for i := range clusters {
		var branches []tidbcloud.Branch
		if listErr == nil {
			branches, listErr = api.ListBranches(ctx, clusters[i].ID)
		}
		count += len(branches)
		used[i] = clusters[i].String()
		if ofClusters && clusters[i].SpendingLimit == 0 {
			used[i] += ", free"
		}
		used[i] += ": " + describeBranches(branches)
	}
	if listErr != nil {
		return fmt.Errorf("%w; what there is could not be listed: %w", err, listErr)
	}
	return fmt.Errorf("%w; the organization has %d clusters and %d branches: %s; %s, then run it again",
		err, len(clusters), count, strings.Join(used, "; "), remedy)
}

// describeBranches names branches for people.
func describeBranches(branches []tidbcloud.Branch) string {
	names := make([]string, len(branches))
	for i := range branches {
		names[i] = branches[i].String()
	}
	if len(names) == 0 {
		return "no branches"
	}
	return strings.Join(names, ", ")
}
