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

var _ resource[BranchArgs, BranchState] = (*Branch)(nil)

// Branch is the resource tidbcloud:index:Branch.
type Branch struct {
	connect connector
	sql     *sqlOpener
}

// Annotate implements [infer.Annotated].
func (b *Branch) Annotate(a infer.Annotator) {
	a.Describe(b, "A branch of a TiDB Cloud cluster: a copy-on-write copy of its schema and rows, with an endpoint of its own, ready to connect to as root. "+
		"Do not rely on the cluster's other SQL users being there, nor on their absence: see dropLogins. TiDB Cloud cannot change a branch, so any change but that of resetToken replaces it, deleting the old one first; the cluster is never touched. "+
		"A preview reads the live branch, so it also shows one that was deleted by hand, or whose root has another password. "+
		"It can be imported by clusterId/branchId; the password cannot be read, so the next `pulumi up` sets a new one. "+
		"A branch that was imported and lacks the owner's annotation is not deleted but stays.")
}

// WireDependencies implements [infer.ExplicitDependencies]. A preview of a reset knows all other
// outputs than the password.
func (*Branch) WireDependencies(f infer.FieldSelector, args *BranchArgs, state *BranchState) {
	f.OutputField(state).DependsOn(f.InputField(&args.ClusterID).Computed(), f.InputField(&args.DisplayName).Computed(),
		f.InputField(&args.Owner).Computed(), f.InputField(&args.Annotations).Computed(), f.InputField(&args.ParentTimestamp).Computed())
	f.OutputField(&state.Password).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (b *Branch) Create(ctx context.Context, req infer.CreateRequest[BranchArgs]) (resp infer.CreateResponse[BranchState], err error) {
	state := BranchState{BranchArgs: req.Inputs}
	if _, err := req.Inputs.readMasks(); err != nil {
		return resp, err
	}
	api, err := b.connect()
	if err != nil {
		return resp, err
	}
	if req.DryRun {
		resp.Output = state
		return resp, previewBranch(ctx, api, req.Name, req.Inputs)
	}
	ctx, cancel := context.WithTimeout(ctx, req.Inputs.timeout())
	defer cancel()
	adopted, err := createOrAdoptBranch(ctx, api, req.Name, &state)
	if err != nil {
		return resp, err
	}
	resp.ID = state.id()
	if adopted {
		state.Password = "" // perhaps only a run that died knew it
	}
	if err = b.reconcile(ctx, api, &state, ""); err != nil {
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; the branch is kept, and the next `pulumi up` resumes", err)}}
	}
	resp.Output = state
	return resp, err
}

// Read implements [infer.CustomRead].
func (b *Branch) Read(ctx context.Context, req infer.ReadRequest[BranchArgs, BranchState]) (resp infer.ReadResponse[BranchArgs, BranchState], err error) {
	api, err := b.connect()
	if err != nil {
		return resp, err
	}
	imported := req.State.BranchID == ""
	clusterID, id, err := parseBranchID(req.ID)
	if err != nil {
		return resp, err
	}
	live, err := findBranch(ctx, api, clusterID, id)
	missing := live == nil || live.State.Deleting()
	switch {
	case err != nil:
		return resp, err
	case missing && imported:
		return resp, fmt.Errorf("branch %s of cluster %s does not exist, or not in the API key's organization", id, clusterID)
	case missing:
		_, err := clusterExists(ctx, api, clusterID, req.State.Organization)
		return resp, err
	}
	resp.ID, resp.Inputs, resp.State = req.ID, req.Inputs, req.State
	if imported {
		resp.Inputs = importedBranch(clusterID, *live)
		parent, err := findCluster(ctx, api, clusterID)
		if err != nil {
			return resp, err
		}
		if parent != nil {
			resp.State.Organization = parent.Labels[tidbcloud.LabelOrganization]
		}
		resp.State.Imported = true
	}
	resp.State.BranchArgs = resp.Inputs
	resp.State.setLive(*live)
	return resp, nil
}

// Update implements [infer.CustomUpdate].
func (b *Branch) Update(ctx context.Context, req infer.UpdateRequest[BranchArgs, BranchState]) (resp infer.UpdateResponse[BranchState], err error) {
	api, err := b.connect()
	if err != nil {
		return resp, err
	}
	if _, err := req.Inputs.readMasks(); err != nil {
		return resp, err
	}
	old, state := req.State, req.State
	state.BranchArgs = req.Inputs
	if b.rootRefused(ctx, old, req.Inputs) {
		state.Password = "" // in a preview it is shown as unknown, see hidePassword
	}
	resets := orZero(old.ResetToken) != orZero(state.ResetToken)
	if req.DryRun {
		if resets || b.unmasked(ctx, state) {
			state.Password = "" // with it, all that is made by root is shown as made anew
		}
		resp.Output = state
		return resp, nil
	}
	ctx, cancel := context.WithTimeout(ctx, req.Inputs.timeout())
	defer cancel()
	if resets {
		if err := b.reset(ctx, api, &state); err != nil {
			if state.Masks == nil {
				return resp, err // the state keeps the old token, so the next run resets
			}
			state.ResetToken, state.Password, state.PasswordSetAt = old.ResetToken, "", "" // see lockOut
			resp.Output = state
			return resp, infer.ResourceInitFailedError{Reasons: []string{err.Error()}}
		}
		state.PasswordSetAt = "" // what a reset does to it is not known
	}
	if err = b.reconcile(ctx, api, &state, old.Password); err != nil {
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; the next `pulumi up` resumes", err)}}
	}
	resp.Output = state
	return resp, err
}

// Delete implements [infer.CustomDelete]. A branch that is not known to be made here stays.
func (b *Branch) Delete(ctx context.Context, req infer.DeleteRequest[BranchState]) (resp infer.DeleteResponse, err error) {
	api, err := b.connect()
	if err != nil {
		return resp, err
	}
	clusterID, id, err := parseBranchID(req.ID)
	if err != nil {
		return resp, err
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	live, err := findBranch(ctx, api, clusterID, id)
	switch {
	case err != nil:
		return resp, err
	case live == nil:
		_, err := clusterExists(ctx, api, clusterID, req.State.Organization)
		return resp, err
	}
	if err := checkBranchOwner(*live, req.State.Owner); err != nil {
		return resp, err
	}
	if req.State.Imported && live.Annotations[OwnerLabel] == "" {
		p.GetLogger(ctx).Warningf("branch %s was imported and not made for this stack, so it stays; to delete it, run `ticloud serverless branch delete --cluster-id %s --branch-id %s`", live, clusterID, id)
		return resp, nil
	}
	if !live.State.Deleting() {
		err := api.DeleteBranch(ctx, clusterID, id)
		if rest.Ambiguous(err) || rest.StatusIs(err, 404) {
			if now, readErr := findBranch(ctx, api, clusterID, id); readErr == nil && (now == nil || now.State.Deleting()) {
				err = nil
			}
		}
		if err != nil {
			return resp, err
		}
	}
	err = api.WaitUntilBranchGone(ctx, clusterID, id, showStatusOf(ctx, "branch", live.DisplayName))
	if rest.StatusIs(err, 403) { // as right after the delete of a cluster
		if now, readErr := findBranch(ctx, api, clusterID, id); readErr == nil && now == nil {
			err = nil
		}
	}
	return resp, err
}

// Check implements [infer.CustomCheck].
func (b *Branch) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[BranchArgs], error) {
	args, check, err := decode[BranchArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[BranchArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.valid("displayName", tidbcloud.CheckBranchName(args.DisplayName))
	check.owner(req, args.Owner)
	check.keys("annotations", args.Annotations)
	if at := args.ParentTimestamp; at != nil {
		_, err := time.Parse(time.RFC3339, *at)
		check.that("parentTimestamp", err == nil, "%q must be a time such as 2026-01-02T15:04:05Z", *at)
	}
	check.masks(args)
	check.that("createTimeoutSeconds", args.CreateTimeoutSeconds == nil || *args.CreateTimeoutSeconds > 0, "must be more than 0, in seconds")
	return infer.CheckResponse[BranchArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. It reads the live branch, see the package comment.
func (b *Branch) Diff(ctx context.Context, req infer.DiffRequest[BranchArgs, BranchState]) (p.DiffResponse, error) {
	d := newDiff()
	old, want := req.State.BranchArgs, req.Inputs
	if old.Owner == "" && want.Owner != "" { // of an imported branch; the state alone gets the owner
		old.Owner = want.Owner
		d.drift("owner")
	}
	if sameMoment(old.ParentTimestamp, want.ParentTimestamp) {
		old.ParentTimestamp = want.ParentTimestamp
	}
	if d.inputs(old, want) {
		return d.response(), nil // the live branch does not matter
	}
	if _, err := want.readMasks(); err != nil {
		return p.DiffResponse{}, err
	}
	if err := b.diffLive(ctx, d, req.ID, req.State, want); err != nil {
		return p.DiffResponse{}, err
	}
	return d.response(), nil
}
