package provider

import (
	"context"
	"fmt"
	"slices"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/tidbcloud"
)

var _ resource[SQLUserArgs, SQLUserState] = (*SQLUser)(nil)

// SQLUser is the resource tidbcloud:index:SqlUser.
type SQLUser struct {
	connect connector
	sql     *sqlOpener
	lists   *userLists
	// known has the IDs of users in the state, as far as Check was called for them.
	known sync.Map
	// claims has the resources of these users, and of the wanted ones, by ID.
	claims sync.Map
}

// Annotate implements [infer.Annotated].
func (u *SQLUser) Annotate(a infer.Annotator) {
	a.SetToken("index", "SqlUser")
	a.Describe(u, "A login to a cluster, with a random password. "+
		"A preview reads the live user, so it also shows one that was deleted by hand, or has another role or password. "+
		"It can be imported by clusterId/name; its password cannot be read, so the next `pulumi up` sets a new one.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*SQLUser) WireDependencies(f infer.FieldSelector, args *SQLUserArgs, state *SQLUserState) {
	cluster, name, rotation := f.InputField(&args.ClusterID).Computed(), f.InputField(&args.Name).Computed(), f.InputField(&args.Rotation).Computed()
	f.OutputField(&state.FullName).DependsOn(cluster, name)
	for _, output := range []any{&state.Password, &state.PasswordSetAt, &state.Unverified} {
		f.OutputField(output).DependsOn(cluster, name, rotation)
	}
	for _, output := range []any{&state.Host, &state.Port, &state.Organization} {
		f.OutputField(output).DependsOn(cluster)
	}
	f.OutputField(&state.Password).AlwaysSecret()
	f.OutputField(&state.Root).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (u *SQLUser) Create(ctx context.Context, req infer.CreateRequest[SQLUserArgs]) (resp infer.CreateResponse[SQLUserState], err error) {
	want, state := req.Inputs, SQLUserState{SQLUserArgs: req.Inputs}
	if want.bySQL() {
		return u.createAsRoot(ctx, state, req.DryRun)
	}
	api, err := u.connect()
	if err != nil {
		return resp, err
	}
	if req.DryRun {
		resp.Output = state
		return resp, u.previewCreate(ctx, api, req.Name, state)
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	cluster, err := api.WaitUntilConnectable(ctx, want.ClusterID, showStatus(ctx, want.ClusterID))
	if err == nil {
		err = state.setCluster(cluster)
	}
	if err != nil {
		return resp, err
	}
	state.setPassword()
	u.lists.drop(want.ClusterID)
	defer u.lists.drop(want.ClusterID)
	existing, err := api.FindSQLUser(ctx, want.ClusterID, state.FullName)
	switch {
	case err != nil:
	case existing == nil:
		err = createUser(ctx, api, state)
	default:
		if err = checkUserOwner(req.Name, cluster, state); err == nil {
			p.GetLogger(ctx).Infof("adopting SQL user %q with a new password", state.FullName)
			err = adoptUser(ctx, api, state)
		}
	}
	if err != nil {
		return resp, err
	}
	u.waitForLogin(ctx, state)
	resp.ID, resp.Output = want.id(), state
	return resp, nil
}

// Read implements [infer.CustomRead].
func (u *SQLUser) Read(ctx context.Context, req infer.ReadRequest[SQLUserArgs, SQLUserState]) (resp infer.ReadResponse[SQLUserArgs, SQLUserState], err error) {
	if req.State.bySQL() {
		return u.readAsRoot(ctx, req), nil
	}
	api, err := u.connect()
	if err != nil {
		return resp, err
	}
	args, state := req.Inputs, req.State
	imported := state.FullName == ""
	if imported {
		if state, err = importUser(ctx, api, req.ID); err != nil {
			return resp, err
		}
		args = state.SQLUserArgs
	}
	live, err := findUser(ctx, api, args.ClusterID, state.FullName)
	switch {
	case err != nil:
		return resp, err
	case live == nil && imported:
		return resp, fmt.Errorf("SQL user %q does not exist on cluster %s", state.FullName, args.ClusterID)
	case live == nil:
		exists, err := clusterExists(ctx, api, state.ClusterID, state.Organization)
		if err != nil || exists {
			return resp, err
		}
		// The user leaves the state with its cluster, which a refresh may keep there.
		p.GetLogger(ctx).Warningf("using the recorded state of SQL user %q: its cluster cannot be found", state.FullName)
		resp.ID, resp.Inputs, resp.State = req.ID, args, state
		return resp, nil
	}
	args.setRole(live)
	state.SQLUserArgs = args
	resp.ID, resp.Inputs, resp.State = args.id(), args, state
	return resp, nil
}

// Delete implements [infer.CustomDelete].
func (u *SQLUser) Delete(ctx context.Context, req infer.DeleteRequest[SQLUserState]) (resp infer.DeleteResponse, err error) {
	if req.State.bySQL() {
		return resp, u.deleteAsRoot(ctx, req.State)
	}
	api, err := u.connect()
	if err != nil {
		return resp, err
	}
	live, err := findUser(ctx, api, req.State.ClusterID, req.State.FullName)
	switch {
	case err != nil:
		return resp, err
	case live == nil:
		_, err := clusterExists(ctx, api, req.State.ClusterID, req.State.Organization)
		return resp, err
	}
	return resp, u.lists.deleteUser(ctx, api, req.State.ClusterID, req.State.FullName)
}

// Check implements [infer.CustomCheck].
func (u *SQLUser) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[SQLUserArgs], error) {
	args, check, err := decode[SQLUserArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[SQLUserArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.valid("name", tidbcloud.CheckUserName(args.Name))
	roles := []tidbcloud.Role{tidbcloud.RoleReadWrite, tidbcloud.RoleReadOnly, tidbcloud.RoleAdmin}
	check.that("role", slices.Contains(roles, args.role()), "%q must be one of %v", args.role(), roles)
	check.that("owner", args.Owner == nil || validOwner(*args.Owner), "%q must be the cluster's owner", orZero(args.Owner))
	check.root(args)
	check.that("name", u.claim(args, req.Name), "another resource of this run has the SQL user %q; choose another name", args.Name)
	// A replacement deletes the old user before it creates the new one. The preview of the new one
	// cannot see that.
	if id, name := req.OldInputs.Get("clusterId"), req.OldInputs.Get("name"); id.IsString() && name.IsString() {
		old := SQLUserArgs{ClusterID: id.AsString(), Name: name.AsString()}
		u.known.Store(old.id(), true)
		check.that("name", u.claim(old, req.Name), "another resource of this run takes the name %q, which this one still has; change the names in two runs, that of this one first", old.Name)
	}
	return infer.CheckResponse[SQLUserArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. It reads the live user, see the package comment.
func (u *SQLUser) Diff(ctx context.Context, req infer.DiffRequest[SQLUserArgs, SQLUserState]) (p.DiffResponse, error) {
	d := newDiff()
	replaced := d.inputs(req.State.SQLUserArgs, req.Inputs)
	if req.State.role() == req.Inputs.role() {
		d.ignore("role")
	}
	if replaced {
		return d.response(), nil
	}
	if req.State.Password == "" {
		d.drift("password") // of an imported user; it can only be set
	}
	if req.State.Unverified {
		d.drift("unverified") // after a refresh nothing else tells that the last run failed
	}
	u.diffLive(ctx, d, req.State, req.Inputs)
	return d.response(), nil
}

// claim reports whether no other resource of this run has the user: the two would take it from each
// other. It knows only the resources that Check was called for.
func (u *SQLUser) claim(user SQLUserArgs, resource string) bool {
	if user.ClusterID == "" || user.Name == "" {
		return true // a preview does not know it yet
	}
	holder, _ := u.claims.LoadOrStore(user.id(), resource)
	return holder == resource
}
