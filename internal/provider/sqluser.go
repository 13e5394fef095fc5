package provider

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

var (
	_ infer.CustomCreate[SQLUserArgs, SQLUserState]         = (*SQLUser)(nil)
	_ infer.CustomRead[SQLUserArgs, SQLUserState]           = (*SQLUser)(nil)
	_ infer.CustomUpdate[SQLUserArgs, SQLUserState]         = (*SQLUser)(nil)
	_ infer.CustomDelete[SQLUserState]                      = (*SQLUser)(nil)
	_ infer.CustomCheck[SQLUserArgs]                        = (*SQLUser)(nil)
	_ infer.CustomDiff[SQLUserArgs, SQLUserState]           = (*SQLUser)(nil)
	_ infer.ExplicitDependencies[SQLUserArgs, SQLUserState] = (*SQLUser)(nil)
	_ infer.Annotated                                       = (*SQLUser)(nil)
	_ infer.Annotated                                       = (*SQLUserArgs)(nil)
	_ infer.Annotated                                       = (*SQLUserState)(nil)
)

// maxUserName is how long a full user name may be: MySQL's limit, in characters.
const maxUserName = 32

// Rotations that are not the program's own. There always is one in the state, since
// only then a preview sees that another one makes the password unknown.
const (
	firstRotation    = "first"
	importedRotation = "imported"
)

// userNamePattern leaves room for a prefix of 15 characters and a dot.
var userNamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,15}$`)

// SQLUser is the resource tidbcloud:index:SqlUser.
type SQLUser struct {
	connect connector
	sql     *sqlOpener
	lists   *userLists
	// known holds the ids of the users that the state has, as far as Check saw them.
	known sync.Map
}

// SQLUserArgs are a SQL user's inputs.
type SQLUserArgs struct {
	ClusterID string  `pulumi:"clusterId" provider:"replaceOnChanges"`
	Name      string  `pulumi:"name" provider:"replaceOnChanges"`
	Role      *string `pulumi:"role,optional"`
	Rotation  *string `pulumi:"rotation,optional"`
	Owner     *string `pulumi:"owner,optional"`
	Adopt     *bool   `pulumi:"adopt,optional"`
}

// SQLUserState is what is kept of a SQL user.
type SQLUserState struct {
	SQLUserArgs
	FullName string `pulumi:"fullName"`
	Password string `pulumi:"password" provider:"secret"`
	// PasswordSetAt is missing in states of earlier versions.
	PasswordSetAt string `pulumi:"passwordSetAt,optional"`
	// Where the login is tried and what organization the cluster is of. All are missing
	// in states of earlier versions.
	Host         string `pulumi:"host,optional"`
	Port         int    `pulumi:"port,optional"`
	Organization string `pulumi:"organization,optional"`
}

// Annotate implements [infer.Annotated].
func (u *SQLUser) Annotate(a infer.Annotator) {
	a.SetToken("index", "SqlUser")
	a.Describe(u, "A login to a cluster, with a random password. "+
		"A preview looks at the live user, so it also shows one that was deleted by hand, has another role or another password. "+
		"It can be imported by clusterId/name; its password cannot be read, so the next `pulumi up` sets a new one.")
}

// Annotate implements [infer.Annotated].
func (u *SQLUserArgs) Annotate(a infer.Annotator) {
	a.Describe(&u.ClusterID, "Id of the cluster. A change replaces the user.")
	a.Describe(&u.Name, "Name without the cluster's prefix: a letter, then up to 15 letters, digits, underscores and hyphens. "+
		"A change replaces the user. Two resources must not have the same name on one cluster.")
	a.Describe(&u.Role, "role_readwrite, role_readonly or role_admin.")
	a.SetDefault(&u.Role, string(tidbcloud.RoleReadWrite))
	a.Describe(&u.Rotation, "Any text; another one gives the user a new password.")
	a.SetDefault(&u.Rotation, firstRotation)
	a.Describe(&u.Owner, "Owner of the cluster, as in the cluster's owner. SQL users have no labels, so a user that exists already is taken "+
		"for an orphan of an earlier run if the cluster was made for this owner, and gets a new password; otherwise it is somebody else's and left untouched.")
	a.Describe(&u.Adopt, "Take over an existing user of this name whoever made it, with a new password. Default: false.")
}

// Annotate implements [infer.Annotated].
func (u *SQLUserState) Annotate(a infer.Annotator) {
	a.Describe(&u.FullName, "Name to log in with, the cluster's prefix included.")
	a.Describe(&u.Password, "Password of 32 letters and digits.")
	a.Describe(&u.PasswordSetAt, "When the password was set, in RFC 3339.")
	a.Describe(&u.Host, "Host of the cluster, where the login is tried.")
	a.Describe(&u.Port, "Port of the cluster, where the login is tried.")
	a.Describe(&u.Organization, "Id of the organization that the cluster belongs to.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*SQLUser) WireDependencies(f infer.FieldSelector, args *SQLUserArgs, state *SQLUserState) {
	f.OutputField(&state.FullName).DependsOn(f.InputField(&args.ClusterID).Computed(), f.InputField(&args.Name).Computed())
	for _, output := range []any{&state.Password, &state.PasswordSetAt} {
		f.OutputField(output).DependsOn(f.InputField(&args.ClusterID).Computed(), f.InputField(&args.Name).Computed(),
			f.InputField(&args.Rotation).Computed())
	}
	for _, output := range []any{&state.Host, &state.Port, &state.Organization} {
		f.OutputField(output).DependsOn(f.InputField(&args.ClusterID).Computed())
	}
	f.OutputField(&state.Password).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (u *SQLUser) Create(ctx context.Context, req infer.CreateRequest[SQLUserArgs]) (infer.CreateResponse[SQLUserState], error) {
	want := req.Inputs
	failed := func(err error) (infer.CreateResponse[SQLUserState], error) {
		return infer.CreateResponse[SQLUserState]{}, err
	}
	api, err := u.connect()
	if err != nil {
		return failed(err)
	}
	state := SQLUserState{SQLUserArgs: want}
	if req.DryRun {
		return infer.CreateResponse[SQLUserState]{Output: state}, u.foresee(ctx, api, req.Name, state)
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	cluster, err := api.WaitUntilConnectable(ctx, want.ClusterID, report(ctx, want.ClusterID))
	if err != nil {
		return failed(err)
	}
	state.on(cluster)
	state.FullName = tidbcloud.FullName(cluster.UserPrefix, want.Name)
	state.setPassword()
	if err := state.fits(); err != nil {
		return failed(err)
	}
	u.lists.drop(want.ClusterID)
	defer u.lists.drop(want.ClusterID)
	existing, err := api.FindSQLUser(ctx, want.ClusterID, state.FullName)
	if err != nil {
		return failed(err)
	}
	if existing == nil {
		err = makeUser(ctx, api, state)
	} else if err = conflictingUser(req.Name, cluster, state); err == nil {
		p.GetLogger(ctx).Infof("taking over SQL user %q with a new password", state.FullName)
		err = api.UpdateSQLUser(ctx, want.ClusterID, state.FullName, tidbcloud.UpdateSQLUserRequest{Password: state.Password, Role: state.role()})
	}
	if err != nil {
		return failed(err)
	}
	u.await(ctx, state)
	return infer.CreateResponse[SQLUserState]{ID: want.id(), Output: state}, nil
}

// Read implements [infer.CustomRead].
func (u *SQLUser) Read(ctx context.Context, req infer.ReadRequest[SQLUserArgs, SQLUserState]) (infer.ReadResponse[SQLUserArgs, SQLUserState], error) {
	var gone infer.ReadResponse[SQLUserArgs, SQLUserState]
	api, err := u.connect()
	if err != nil {
		return gone, err
	}
	args, state := req.Inputs, req.State
	imported := state.FullName == ""
	if imported {
		if args, state, err = identify(ctx, api, req.ID); err != nil {
			return gone, err
		}
	}
	live, err := findUser(ctx, api, args.ClusterID, state.FullName)
	switch {
	case err != nil:
		return gone, err
	case live == nil && imported:
		return gone, fmt.Errorf("SQL user %q does not exist on cluster %s", state.FullName, args.ClusterID)
	case live == nil:
		seen, err := u.clusterSeen(ctx, api, state)
		if err != nil || seen {
			return gone, err
		}
		// The user goes with its cluster, which may be what a refresh refuses to forget.
		p.GetLogger(ctx).Warningf("going by the recorded state of SQL user %q: its cluster is not to be seen", state.FullName)
		return infer.ReadResponse[SQLUserArgs, SQLUserState]{ID: req.ID, Inputs: args, State: state}, nil
	}
	if live.Role != "" {
		role := string(live.Role)
		args.Role = &role
	}
	state.SQLUserArgs = args
	return infer.ReadResponse[SQLUserArgs, SQLUserState]{ID: args.id(), Inputs: args, State: state}, nil
}

// Update implements [infer.CustomUpdate].
//
// If the answer to a new password is lost for good, the state is left without one, so
// that the next run sets another, whatever rotation it has.
func (u *SQLUser) Update(ctx context.Context, req infer.UpdateRequest[SQLUserArgs, SQLUserState]) (infer.UpdateResponse[SQLUserState], error) {
	api, err := u.connect()
	if err != nil {
		return infer.UpdateResponse[SQLUserState]{}, err
	}
	old, state := req.State, req.State
	state.SQLUserArgs = req.Inputs
	if req.DryRun {
		// Without a password it is shown as not known yet, see hidePassword.
		if live, err := u.lists.find(ctx, api, old.ClusterID, old.FullName); err == nil && (live == nil || u.loginRefused(ctx, old)) {
			state.Password = ""
		}
		return infer.UpdateResponse[SQLUserState]{Output: state}, nil
	}
	cluster, err := find(ctx, api, req.Inputs.ClusterID)
	if err != nil {
		return infer.UpdateResponse[SQLUserState]{}, err
	}
	if cluster == nil {
		return infer.UpdateResponse[SQLUserState]{}, fmt.Errorf("updating SQL user %q: its cluster is not to be seen", state.FullName)
	}
	state.on(cluster)
	u.lists.drop(req.Inputs.ClusterID)
	defer u.lists.drop(req.Inputs.ClusterID)
	live, err := api.FindSQLUser(ctx, req.Inputs.ClusterID, state.FullName)
	if err != nil {
		return infer.UpdateResponse[SQLUserState]{}, err
	}
	var change tidbcloud.UpdateSQLUserRequest
	if live == nil || old.Password == "" || text(old.Rotation) != text(req.Inputs.Rotation) || u.loginRefused(ctx, old) {
		state.setPassword()
		change.Password = state.Password
	}
	if live != nil && old.liveRole(live) != req.Inputs.role() {
		change.Role = req.Inputs.role()
	}
	switch {
	case live == nil:
		p.GetLogger(ctx).Infof("making SQL user %q anew", state.FullName)
		err = makeUser(ctx, api, state)
	case change != (tidbcloud.UpdateSQLUserRequest{}):
		err = api.UpdateSQLUser(ctx, req.Inputs.ClusterID, state.FullName, change)
	}
	switch {
	case change.Password == "":
	case err == nil:
		u.await(ctx, state)
	case rest.Ambiguous(err):
		state.Password = ""
		err = infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("%v; which password it has is not known, and the next `pulumi up` sets another one", err)}}
	}
	return infer.UpdateResponse[SQLUserState]{Output: state}, err
}

// Delete implements [infer.CustomDelete].
func (u *SQLUser) Delete(ctx context.Context, req infer.DeleteRequest[SQLUserState]) (infer.DeleteResponse, error) {
	var done infer.DeleteResponse
	api, err := u.connect()
	if err != nil {
		return done, err
	}
	u.lists.drop(req.State.ClusterID)
	defer u.lists.drop(req.State.ClusterID)
	live, err := findUser(ctx, api, req.State.ClusterID, req.State.FullName)
	switch {
	case err != nil:
		return done, err
	case live == nil:
		_, err := u.clusterSeen(ctx, api, req.State)
		return done, err
	}
	if err := api.DeleteSQLUser(ctx, req.State.ClusterID, req.State.FullName); err != nil {
		if live, lookErr := findUser(ctx, api, req.State.ClusterID, req.State.FullName); lookErr != nil || live != nil {
			return done, err
		}
	}
	return done, nil
}

// Check implements [infer.CustomCheck].
func (u *SQLUser) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[SQLUserArgs], error) {
	args, check, err := decode[SQLUserArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[SQLUserArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.that("name", userNamePattern.MatchString(args.Name),
		"%q must be a letter and up to 15 letters, digits, underscores and hyphens; the cluster's prefix comes by itself", args.Name)
	check.that("name", args.Name != "root", "root exists on every cluster, and no application should log in as it; choose another name")
	switch args.role() {
	case tidbcloud.RoleReadWrite, tidbcloud.RoleReadOnly, tidbcloud.RoleAdmin:
	default:
		check.that("role", false, "%q must be %s, %s or %s", args.role(), tidbcloud.RoleReadWrite, tidbcloud.RoleReadOnly, tidbcloud.RoleAdmin)
	}
	check.that("owner", args.Owner == nil || ownerPattern.MatchString(*args.Owner), "%q must be the cluster's owner", text(args.Owner))
	// In a replacement the old user goes before the new one comes, which the preview of
	// the new one cannot see.
	if id, name := req.OldInputs.Get("clusterId"), req.OldInputs.Get("name"); id.IsString() && name.IsString() {
		u.known.Store(SQLUserArgs{ClusterID: id.AsString(), Name: name.AsString()}.id(), true)
	}
	return infer.CheckResponse[SQLUserArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. It looks at the live user, see the package's
// comment.
func (u *SQLUser) Diff(ctx context.Context, req infer.DiffRequest[SQLUserArgs, SQLUserState]) (p.DiffResponse, error) {
	d := newDiff()
	old, want := req.State.SQLUserArgs, req.Inputs
	d.input("role", old.role(), want.role())
	d.input("rotation", old.Rotation, want.Rotation)
	d.input("owner", old.Owner, want.Owner)
	d.input("adopt", old.Adopt, want.Adopt)
	moved := d.identity("clusterId", old.ClusterID, want.ClusterID)
	renamed := d.identity("name", old.Name, want.Name)
	if moved || renamed {
		return d.response(), nil
	}
	if req.State.Password == "" {
		d.drift("password") // imported: it cannot be read, only set
	}
	u.drift(ctx, d, req.State, want)
	return d.response(), nil
}

func (u SQLUserArgs) id() string { return u.ClusterID + "/" + u.Name }

func (u SQLUserArgs) role() tidbcloud.Role {
	if u.Role == nil {
		return tidbcloud.RoleReadWrite
	}
	return tidbcloud.Role(*u.Role)
}

// text is an optional text, "" if it is not set.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
