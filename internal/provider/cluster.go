package provider

import (
	"context"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

var _ resource[ClusterArgs, ClusterState] = (*Cluster)(nil)

// deleteTimeout limits a delete and the wait for it.
const deleteTimeout = 10 * time.Minute

// Cluster is the resource tidbcloud:index:Cluster.
type Cluster struct {
	connect connector
	lists   *userLists
}

// Annotate implements [infer.Annotated].
func (c *Cluster) Annotate(a infer.Annotator) {
	a.Describe(c, "A TiDB Cloud Starter or Essential cluster, ready to connect to. "+
		"Changing the region replaces it, deleting the old cluster and its data first, which deletionProtection has to allow; all else is updated in place. "+
		"A cluster that was not made for its owner (label "+MadeForLabel+") is not deleted but released: it stays, with its databases, and the label "+OwnerLabel+" becomes "+FreeOwner+". "+
		"A preview reads the live cluster, so it also shows what was changed or deleted by hand.")
}

// WireDependencies implements [infer.ExplicitDependencies]. Only another region means another
// cluster. A preview of any other change knows all outputs.
func (*Cluster) WireDependencies(f infer.FieldSelector, args *ClusterArgs, state *ClusterState) {
	f.OutputField(state).DependsOn(f.InputField(&args.Region).Computed())
}

// Create implements [infer.CustomCreate].
func (c *Cluster) Create(ctx context.Context, req infer.CreateRequest[ClusterArgs]) (resp infer.CreateResponse[ClusterState], err error) {
	want := req.Inputs
	api, err := c.connect()
	if err != nil {
		return resp, err
	}
	if req.DryRun {
		resp.Output.ClusterArgs = want
		return resp, previewCreate(ctx, api, req.Name, want)
	}
	ctx, cancel := context.WithTimeout(ctx, want.timeout())
	defer cancel()
	cluster, err := createOrAdopt(ctx, api, req.Name, want)
	if err != nil {
		return resp, err
	}
	resp.ID = cluster.ID
	resp.Output, err = reconcile(ctx, api, cluster.ID, ClusterState{ClusterArgs: want}, ClusterState{ClusterArgs: want})
	if err != nil {
		// The ID must get into the state, so that the next run updates this cluster.
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; the cluster is kept, and the next `pulumi up` resumes", err)}}
	}
	return resp, err
}

// Read implements [infer.CustomRead].
func (c *Cluster) Read(ctx context.Context, req infer.ReadRequest[ClusterArgs, ClusterState]) (resp infer.ReadResponse[ClusterArgs, ClusterState], err error) {
	api, err := c.connect()
	if err != nil {
		return resp, err
	}
	imported := req.State.ClusterID == ""
	live, err := findCluster(ctx, api, req.ID)
	switch {
	case err != nil:
		return resp, err
	case live == nil && imported:
		return resp, missingImport(req.ID)
	case live == nil:
		return resp, checkMissing(ctx, api, req.State, req.State.protected())
	}
	resp.ID = live.ID
	resp.Inputs = inputsFromLive(*live, req.Inputs, imported)
	resp.State = outputs(*live, req.State, resp.Inputs)
	resp.State.Imported = imported || req.State.Imported
	return resp, nil
}

// Update implements [infer.CustomUpdate]. It can turn the deletion protection off even if the
// cluster is missing or unusable, since every way out of that begins with it. It can change the
// logins of an INACTIVE cluster.
func (c *Cluster) Update(ctx context.Context, req infer.UpdateRequest[ClusterArgs, ClusterState]) (resp infer.UpdateResponse[ClusterState], err error) {
	api, err := c.connect()
	if err != nil {
		return resp, err
	}
	resp.Output = req.State
	resp.Output.ClusterArgs, resp.Output.Imported = req.Inputs, false
	if req.DryRun {
		return resp, nil
	}
	unprotects, logins := onlyUnprotects(req.State.ClusterArgs, req.Inputs), onlyLogins(req.State.ClusterArgs, req.Inputs)
	if unprotects || logins {
		live, err := readForDiff(ctx, c.connect, req.ID)
		inactive := live.cluster.State == tidbcloud.StateInactive
		if unprotects && (err != nil || !live.cluster.Connectable()) || logins && inactive {
			p.GetLogger(ctx).Warning("only the deletion protection was recorded: the cluster cannot be found, or not be connected to")
			resp.Output.Logins = req.State.Logins // the next update finds out which are the stack's own
			return resp, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, req.Inputs.timeout())
	defer cancel()
	resp.Output, err = reconcile(ctx, api, req.ID, resp.Output, req.State)
	return resp, err
}

// Delete implements [infer.CustomDelete]. It releases a cluster that was not made for this
// stack.
func (c *Cluster) Delete(ctx context.Context, req infer.DeleteRequest[ClusterState]) (resp infer.DeleteResponse, err error) {
	if req.State.protected() {
		return resp, protectedError(req.State, "deleting it")
	}
	api, err := c.connect()
	if err != nil {
		return resp, err
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	live, err := findCluster(ctx, api, req.ID)
	switch {
	case err != nil:
		return resp, err
	case live == nil:
		return resp, checkOrganization(ctx, api, req.ID, req.State.Organization)
	}
	if err := checkOwner(*live, req.State.Owner); err != nil {
		return resp, err
	}
	if live.State != tidbcloud.StateDeleting {
		if !req.State.madeFor(*live, req.State.ClusterArgs) {
			return resp, c.release(ctx, api, req.ID, req.State)
		}
		err := api.DeleteCluster(ctx, req.ID)
		if rest.Ambiguous(err) || rest.StatusIs(err, 404) {
			if now, readErr := findCluster(ctx, api, req.ID); readErr == nil && gone(now) {
				err = nil
			}
		}
		if err != nil {
			return resp, err
		}
	}
	return resp, api.WaitUntilGone(ctx, req.ID, showStatus(ctx, live.DisplayName))
}

// Check implements [infer.CustomCheck].
func (c *Cluster) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[ClusterArgs], error) {
	args, check, err := decode[ClusterArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[ClusterArgs]{}, err
	}
	check.valid("displayName", tidbcloud.CheckClusterName(args.DisplayName))
	check.valid("region", tidbcloud.CheckRegion(args.Region))
	check.owner(req, args.Owner)
	check.that("projectId", args.ProjectID == nil || *args.ProjectID != "", "must not be empty; leave it out for the default project")
	check.keys("labels", args.Labels)
	check.that("spendingLimitMonthly", args.SpendingLimitMonthly == nil || *args.SpendingLimitMonthly > 0,
		"must be 1 or more, in US cents; leave it out for the free plan")
	for _, name := range args.Logins {
		check.valid("logins", tidbcloud.CheckUserName(name))
	}
	check.networks("authorizedNetworks", args.AuthorizedNetworks)
	check.that("createTimeoutSeconds", args.CreateTimeoutSeconds == nil || *args.CreateTimeoutSeconds > 0, "must be more than 0, in seconds")
	return infer.CheckResponse[ClusterArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. It reads the live cluster, see the package comment.
func (c *Cluster) Diff(ctx context.Context, req infer.DiffRequest[ClusterArgs, ClusterState]) (p.DiffResponse, error) {
	d := newDiff()
	old, want := req.State.ClusterArgs, req.Inputs
	moved := d.inputs(old, want)
	if old.protected() == want.protected() {
		d.ignore(propertyProtection)
	}
	if moved {
		if old.protected() || want.protected() {
			return p.DiffResponse{}, protectedError(req.State, "moving it to another region")
		}
		return d.response(), nil // the live cluster does not matter
	}
	if d.has(propertyLimit) && want.SpendingLimitMonthly == nil {
		p.GetLogger(ctx).Warningf("spendingLimitMonthly was removed: TiDB Cloud keeps the limit of cluster %q; its console can lift it", old.DisplayName)
	}
	live, err := readForDiff(ctx, c.connect, req.ID)
	switch {
	case err != nil || live.unknown:
	case live.gone:
		err = diffMissing(ctx, d, live.api, req.State, want)
	default:
		err = diffLive(ctx, d, live, req.State, want)
		c.diffLogins(ctx, d, live, req.State, want)
	}
	if err != nil {
		return p.DiffResponse{}, err
	}
	if req.State.Host == "" {
		d.drift("host") // the last run ended before the cluster was ready
	}
	return d.response(), nil
}
