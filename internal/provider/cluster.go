package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

var (
	_ infer.CustomCreate[ClusterArgs, ClusterState]         = (*Cluster)(nil)
	_ infer.CustomRead[ClusterArgs, ClusterState]           = (*Cluster)(nil)
	_ infer.CustomUpdate[ClusterArgs, ClusterState]         = (*Cluster)(nil)
	_ infer.CustomDelete[ClusterState]                      = (*Cluster)(nil)
	_ infer.CustomCheck[ClusterArgs]                        = (*Cluster)(nil)
	_ infer.CustomDiff[ClusterArgs, ClusterState]           = (*Cluster)(nil)
	_ infer.ExplicitDependencies[ClusterArgs, ClusterState] = (*Cluster)(nil)
	_ infer.Annotated                                       = (*Cluster)(nil)
	_ infer.Annotated                                       = (*ClusterArgs)(nil)
	_ infer.Annotated                                       = (*ClusterState)(nil)
)

const (
	// OwnerLabel is the cluster label that holds the owner, so that a run that
	// died after it asked for a cluster can be finished by the next one.
	OwnerLabel = "pulumi.com/owner"

	// MakerLabel is the cluster label that holds the owner that the cluster was made
	// for, and moves with it. One that was adopted or imported lacks it: what is on it may
	// be of before.
	MakerLabel = "pulumi.com/made-for"

	// clusterTimeout is the default of createTimeoutSeconds.
	clusterTimeout = 10 * time.Minute

	// deleteTimeout bounds the wait for the end of a cluster.
	deleteTimeout = 10 * time.Minute
)

// Cluster is the resource tidbcloud:index:Cluster.
type Cluster struct {
	connect connector
}

// ClusterArgs are a cluster's inputs.
type ClusterArgs struct {
	DisplayName          string              `pulumi:"displayName"`
	Region               string              `pulumi:"region" provider:"replaceOnChanges"`
	Owner                string              `pulumi:"owner"`
	ProjectID            *string             `pulumi:"projectId,optional"`
	Labels               map[string]string   `pulumi:"labels,optional"`
	SpendingLimitMonthly *int                `pulumi:"spendingLimitMonthly,optional"`
	AuthorizedNetworks   []AuthorizedNetwork `pulumi:"authorizedNetworks,optional"`
	Adopt                *bool               `pulumi:"adopt,optional"`
	DeletionProtection   *bool               `pulumi:"deletionProtection,optional"`
	CreateTimeoutSeconds *int                `pulumi:"createTimeoutSeconds,optional"`
}

// AuthorizedNetwork is a range of IPv4 addresses that may connect to a cluster.
type AuthorizedNetwork struct {
	DisplayName    string `pulumi:"displayName"`
	StartIPAddress string `pulumi:"startIpAddress"`
	EndIPAddress   string `pulumi:"endIpAddress"`
}

// ClusterState is what is kept of a cluster. It leaves out what moves by itself
// (state, update time), so that a refresh of an untouched cluster shows nothing.
type ClusterState struct {
	ClusterArgs
	ClusterID  string `pulumi:"clusterId"`
	Host       string `pulumi:"host"`
	Port       int    `pulumi:"port"`
	UserPrefix string `pulumi:"userPrefix"`
	Version    string `pulumi:"version"`
	CreateTime string `pulumi:"createTime"`
	// Organization is missing in states of earlier versions.
	Organization string `pulumi:"organization,optional"`
}

// Annotate implements [infer.Annotated].
func (c *Cluster) Annotate(a infer.Annotator) {
	a.Describe(c, "A TiDB Cloud Starter or Essential cluster, ready to connect to. "+
		"Changing the region replaces it, deleting the old cluster and its data first, which deletionProtection has to allow; all else is updated in place. "+
		"A preview looks at the live cluster, so it also shows what was changed or deleted by hand.")
}

// Annotate implements [infer.Annotated].
func (c *ClusterArgs) Annotate(a infer.Annotator) {
	a.Describe(&c.DisplayName, "Name of the cluster: 4 to 64 letters, digits and hyphens, a letter or digit first and last.")
	a.Describe(&c.Region, "Region, such as regions/aws-ap-northeast-1. A change replaces the cluster.")
	a.Describe(&c.Owner, "Identity of what owns the cluster, such as project.stack, kept as its label "+OwnerLabel+". "+
		"A cluster with this label is taken for an orphan of an earlier run and taken over, so no two clusters may have the same owner. "+
		"1 to 63 letters, digits, hyphens, underscores and dots, a letter or digit first and last. "+
		"Only an imported cluster without the label has an empty one.")
	a.Describe(&c.ProjectID, "Id of the project that the cluster is made in. Default: the organization's default project. "+
		"TiDB Cloud moves clusters between projects only in its console, so a later change is recorded and does nothing.")
	a.Describe(&c.Labels, "Labels of your own. Other labels of the cluster are left alone. "+
		"TiDB Cloud may keep one that is taken out; that is an error which names it.")
	a.Describe(&c.SpendingLimitMonthly, "Spending limit in US cents a month, 1 or more. Unset or taken out again: what TiDB Cloud has is kept, and only its console can lift a limit.")
	a.Describe(&c.AuthorizedNetworks, "The ranges of addresses that may connect, all of them. Unset: what TiDB Cloud has is kept (at first, everybody may).")
	a.Describe(&c.Adopt, "Take over an existing cluster of this name and region that bears no owner label, instead of failing. Default: false.")
	a.Describe(&c.DeletionProtection, "Refuse to delete the cluster, also for a replacement, and to make another in its place when it is not to be seen. "+
		"It holds if the last run had it or this one does, so that one run turns it off and the next one deletes. Default: true.")
	a.SetDefault(&c.DeletionProtection, true)
	a.Describe(&c.CreateTimeoutSeconds, fmt.Sprintf("How long to wait until the cluster can be connected to, in seconds. "+
		"The resource option customTimeouts wins if it is shorter. A later run waits on. Default: %d.", int(clusterTimeout.Seconds())))
}

// Annotate implements [infer.Annotated].
func (n *AuthorizedNetwork) Annotate(a infer.Annotator) {
	a.Describe(n, "A range of IPv4 addresses that may connect to a cluster.")
	a.Describe(&n.DisplayName, "What the range is, for people.")
	a.Describe(&n.StartIPAddress, "First IPv4 address.")
	a.Describe(&n.EndIPAddress, "Last IPv4 address.")
}

// Annotate implements [infer.Annotated].
func (c *ClusterState) Annotate(a infer.Annotator) {
	a.Describe(&c.ClusterID, "Id of the cluster.")
	a.Describe(&c.Host, "Host to connect to.")
	a.Describe(&c.Port, "Port to connect to.")
	a.Describe(&c.UserPrefix, "Prefix of each SQL user's name: userPrefix.name.")
	a.Describe(&c.Version, "Version of TiDB.")
	a.Describe(&c.CreateTime, "When the cluster was made, in RFC 3339.")
	a.Describe(&c.Organization, "Id of the organization that the cluster belongs to.")
}

// WireDependencies implements [infer.ExplicitDependencies]: only another region
// makes another cluster, so a preview of any other change knows all outputs.
func (*Cluster) WireDependencies(f infer.FieldSelector, args *ClusterArgs, state *ClusterState) {
	f.OutputField(state).DependsOn(f.InputField(&args.Region).Computed())
}

// Create implements [infer.CustomCreate].
func (c *Cluster) Create(ctx context.Context, req infer.CreateRequest[ClusterArgs]) (infer.CreateResponse[ClusterState], error) {
	want := req.Inputs
	failed := func(err error) (infer.CreateResponse[ClusterState], error) {
		return infer.CreateResponse[ClusterState]{}, err
	}
	api, err := c.connect()
	if err != nil {
		return failed(err)
	}
	if req.DryRun {
		return infer.CreateResponse[ClusterState]{Output: ClusterState{ClusterArgs: want}}, foresee(ctx, api, req.Name, want)
	}

	ctx, cancel := context.WithTimeout(ctx, want.timeout())
	defer cancel()
	cluster, err := createOrAdopt(ctx, api, req.Name, want)
	if err != nil {
		return failed(err)
	}
	state, err := reconcile(ctx, api, cluster.ID, ClusterState{ClusterArgs: want}, want)
	if err != nil {
		// The id must get into the state: the next run then updates this cluster.
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; the cluster is kept, and the next `pulumi up` goes on from here", err)}}
	}
	return infer.CreateResponse[ClusterState]{ID: cluster.ID, Output: state}, err
}

// Read implements [infer.CustomRead].
func (c *Cluster) Read(ctx context.Context, req infer.ReadRequest[ClusterArgs, ClusterState]) (infer.ReadResponse[ClusterArgs, ClusterState], error) {
	var gone infer.ReadResponse[ClusterArgs, ClusterState]
	api, err := c.connect()
	if err != nil {
		return gone, err
	}
	live, err := find(ctx, api, req.ID)
	imported := req.State.ClusterID == ""
	switch {
	case err != nil:
		return gone, err
	case live == nil && imported:
		return gone, fmt.Errorf("cluster %s does not exist, or not in the API key's organization", req.ID)
	case live == nil:
		return gone, missing(ctx, api, req.State, req.State.protected())
	}
	args := inputsFromLive(*live, req.Inputs, imported)
	return infer.ReadResponse[ClusterArgs, ClusterState]{ID: live.ID, Inputs: args, State: outputs(*live, req.State, args)}, nil
}

// Update implements [infer.CustomUpdate]. If turning the deletion protection off is all
// that is to change, a cluster that is not to be seen or not usable is no obstacle: the ways out of
// such a state begin with it.
func (c *Cluster) Update(ctx context.Context, req infer.UpdateRequest[ClusterArgs, ClusterState]) (infer.UpdateResponse[ClusterState], error) {
	api, err := c.connect()
	if err != nil {
		return infer.UpdateResponse[ClusterState]{}, err
	}
	state, recorded := req.State, req.State.ClusterArgs
	state.ClusterArgs = req.Inputs
	if req.DryRun {
		return infer.UpdateResponse[ClusterState]{Output: state}, nil
	}
	if liftsProtection(recorded, req.Inputs) {
		live, err := look(ctx, c.connect, req.ID)
		if err != nil || !live.cluster.Connectable() {
			p.GetLogger(ctx).Warning("only the deletion protection is recorded: the cluster is not to be seen, or cannot be connected to")
			return infer.UpdateResponse[ClusterState]{Output: state}, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, req.Inputs.timeout())
	defer cancel()
	state, err = reconcile(ctx, api, req.ID, state, recorded)
	return infer.UpdateResponse[ClusterState]{Output: state}, err
}

// Delete implements [infer.CustomDelete].
func (c *Cluster) Delete(ctx context.Context, req infer.DeleteRequest[ClusterState]) (infer.DeleteResponse, error) {
	var done infer.DeleteResponse
	if req.State.protected() {
		return done, protectedError(req.State, "deleting it")
	}
	api, err := c.connect()
	if err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	live, err := find(ctx, api, req.ID)
	switch {
	case err != nil:
		return done, err
	case live == nil:
		return done, absent(ctx, api, req.ID, req.State.Organization)
	}
	if err := checkOwner(*live, req.State.Owner); req.State.Owner != "" && err != nil {
		return done, err
	}
	if live.State != tidbcloud.StateDeleting {
		err := api.DeleteCluster(ctx, req.ID)
		if rest.Ambiguous(err) || rest.StatusIs(err, 404) {
			if now, lookErr := find(ctx, api, req.ID); lookErr == nil && (now == nil || now.State.Deleting()) {
				err = nil // it was carried out
			}
		}
		if err != nil {
			return done, err
		}
	}
	return done, api.WaitUntilGone(ctx, req.ID, report(ctx, live.DisplayName))
}

// Check implements [infer.CustomCheck].
func (c *Cluster) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[ClusterArgs], error) {
	args, check, err := decode[ClusterArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[ClusterArgs]{}, err
	}
	check.that("displayName", displayNamePattern.MatchString(args.DisplayName),
		"%q must have 4 to 64 letters, digits and hyphens, with a letter or digit first and last", args.DisplayName)
	check.that("region", regionPattern.MatchString(args.Region), "%s", regionHint(args.Region))
	old, had := req.OldInputs.GetOk("owner")
	unowned := args.Owner == "" && had && old.IsString() && old.AsString() == ""
	check.that("owner", unowned || ownerPattern.MatchString(args.Owner),
		"%q must have 1 to 63 letters, digits, hyphens, underscores and dots, with a letter or digit first and last; project.stack is a good one", args.Owner)
	check.that("projectId", args.ProjectID == nil || *args.ProjectID != "", "must not be empty; leave it out for the default project")
	for _, key := range slices.Sorted(maps.Keys(args.Labels)) {
		check.that("labels", labelAllowed(key), "%q is not for you to set: leave out keys under tidb.cloud/ (use projectId) and %s (use owner), and empty ones", key, OwnerLabel)
	}
	check.that("spendingLimitMonthly", args.SpendingLimitMonthly == nil || *args.SpendingLimitMonthly > 0,
		"must be 1 or more, in US cents; leave it out for the free plan")
	check.networks("authorizedNetworks", args.AuthorizedNetworks)
	check.that("createTimeoutSeconds", args.CreateTimeoutSeconds == nil || *args.CreateTimeoutSeconds > 0, "must be more than 0, in seconds")
	return infer.CheckResponse[ClusterArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. Unlike most it looks at the live resource;
// see the package's comment.
func (c *Cluster) Diff(ctx context.Context, req infer.DiffRequest[ClusterArgs, ClusterState]) (p.DiffResponse, error) {
	d := newDiff()
	old, want := req.State.ClusterArgs, req.Inputs
	d.input("displayName", old.DisplayName, want.DisplayName)
	d.input("owner", old.Owner, want.Owner)
	d.input("projectId", old.ProjectID, want.ProjectID)
	d.input("labels", old.Labels, want.Labels)
	d.input(propertyLimit, old.SpendingLimitMonthly, want.SpendingLimitMonthly)
	d.input("authorizedNetworks", old.AuthorizedNetworks, want.AuthorizedNetworks)
	d.input("adopt", old.Adopt, want.Adopt)
	d.input("createTimeoutSeconds", old.CreateTimeoutSeconds, want.CreateTimeoutSeconds)
	if old.protected() != want.protected() {
		d.input(propertyProtection, old.DeletionProtection, want.DeletionProtection)
	}
	if d.identity("region", old.Region, want.Region) {
		if old.protected() || want.protected() {
			return p.DiffResponse{}, protectedError(req.State, "moving it to another region")
		}
		return d.response(), nil // decided, whatever the live cluster is like
	}
	if d.has(propertyLimit) && want.SpendingLimitMonthly == nil {
		p.GetLogger(ctx).Warningf("spendingLimitMonthly was taken out: TiDB Cloud keeps the limit that cluster %q has; its console can lift it", old.DisplayName)
	}

	live, err := look(ctx, c.connect, req.ID)
	switch {
	case err != nil:
		return p.DiffResponse{}, err
	case live.unknown:
	case live.gone:
		err := missing(ctx, live.api, req.State, old.protected() || want.protected())
		if liftsProtection(old, want) && !errors.As(err, new(*otherOrganizationError)) {
			next := "the next one makes it anew, empty"
			if req.State.Organization == "" {
				next = "the state does not say which organization it was in; " + forget
			}
			p.GetLogger(ctx).Warningf("cluster %q (%s) is not to be seen; this run only records that it may go, and %s", old.DisplayName, req.ID, next)
			return d.response(), nil
		}
		if err != nil {
			return p.DiffResponse{}, err
		}
		if err := stillGone(ctx, live.api, req.ID); err != nil {
			return p.DiffResponse{}, err
		}
		p.GetLogger(ctx).Warningf("cluster %q (%s) no longer exists in TiDB Cloud: it will be made anew, empty; "+
			"if it is protected, run `pulumi refresh` first, which forgets it", old.DisplayName, req.ID)
		d.lost("clusterId")
		d.replace("clusterId")
	default:
		if err := checkOwner(live.cluster, want.Owner, old.Owner); err != nil {
			return p.DiffResponse{}, err
		}
		if live.cluster.DisplayName != want.DisplayName {
			if err := nameTaken(ctx, live.api, live.cluster, want.DisplayName); err != nil {
				return p.DiffResponse{}, err
			}
		}
		for _, change := range changes(live.cluster, want, old) {
			if !d.has(change.property) {
				p.GetLogger(ctx).Warningf("cluster %s was changed outside of Pulumi: %s is %s", live.cluster.String(), change.property, change.live)
			}
			d.drift(change.property)
		}
		now := outputs(live.cluster, req.State, want)
		d.drifted("host", req.State.Host, now.Host)
		d.drifted("port", req.State.Port, now.Port)
		d.drifted("userPrefix", req.State.UserPrefix, now.UserPrefix)
		d.drifted("organization", req.State.Organization, now.Organization)
	}
	if req.State.Host == "" {
		d.drift("host") // the last run did not see the cluster ready
	}
	return d.response(), nil
}

// timeout is how long to wait until the cluster can be connected to.
func (c ClusterArgs) timeout() time.Duration {
	if c.CreateTimeoutSeconds == nil {
		return clusterTimeout
	}
	return time.Duration(*c.CreateTimeoutSeconds) * time.Second
}

// labels are the labels that a new cluster gets.
func (c ClusterArgs) labels() map[string]string {
	all := maps.Clone(c.Labels)
	if all == nil {
		all = map[string]string{}
	}
	all[OwnerLabel], all[MakerLabel] = c.Owner, c.Owner
	if c.ProjectID != nil {
		all[tidbcloud.LabelProject] = *c.ProjectID
	}
	return all
}
