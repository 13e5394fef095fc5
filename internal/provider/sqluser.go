package provider

import (
	"context"
	"fmt"
	"regexp"

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
}

// Annotate implements [infer.Annotated].
func (u *SQLUser) Annotate(a infer.Annotator) {
	a.SetToken("index", "SqlUser")
	a.Describe(u, "A login to a cluster, with a random password. "+
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
		"for a left-over of an earlier run if the cluster was made for this owner, and gets a new password; otherwise it is a stranger's and left untouched.")
	a.Describe(&u.Adopt, "Take over an existing user of this name whoever made it, with a new password. Default: false.")
}

// Annotate implements [infer.Annotated].
func (u *SQLUserState) Annotate(a infer.Annotator) {
	a.Describe(&u.FullName, "Name to log in with, the cluster's prefix included.")
	a.Describe(&u.Password, "Password of 32 letters and digits.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*SQLUser) WireDependencies(f infer.FieldSelector, args *SQLUserArgs, state *SQLUserState) {
	f.OutputField(&state.FullName).DependsOn(f.InputField(&args.ClusterID).Computed(), f.InputField(&args.Name).Computed())
	f.OutputField(&state.Password).DependsOn(f.InputField(&args.ClusterID).Computed(), f.InputField(&args.Name).Computed(),
		f.InputField(&args.Rotation).Computed())
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
		return infer.CreateResponse[SQLUserState]{Output: state}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	cluster, err := api.WaitUntilConnectable(ctx, want.ClusterID, report(ctx, want.ClusterID))
	if err != nil {
		return failed(err)
	}
	state.FullName = tidbcloud.FullName(cluster.UserPrefix, want.Name)
	state.Password = newPassword()
	if len(state.FullName) > maxUserName {
		return failed(fmt.Errorf("creating SQL user %q: with the cluster's prefix the name is %d characters long; %d are allowed, so shorten it by %d",
			state.FullName, len(state.FullName), maxUserName, len(state.FullName)-maxUserName))
	}
	existing, err := api.FindUser(ctx, want.ClusterID, state.FullName)
	if err != nil {
		return failed(err)
	}
	if existing == nil {
		err = makeUser(ctx, api, state)
	} else {
		err = takeOver(ctx, api, req.Name, cluster, state)
	}
	if err != nil {
		return failed(err)
	}
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
		return gone, nil
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
		return infer.UpdateResponse[SQLUserState]{Output: state}, nil
	}
	live, err := api.FindUser(ctx, req.Inputs.ClusterID, state.FullName)
	if err != nil {
		return infer.UpdateResponse[SQLUserState]{}, err
	}
	if live == nil {
		return infer.UpdateResponse[SQLUserState]{}, fmt.Errorf("updating SQL user %q: it no longer exists; run `pulumi up --refresh` to make it anew", state.FullName)
	}
	var change tidbcloud.UserChange
	if old.Password == "" || text(old.Rotation) != text(req.Inputs.Rotation) {
		state.Password = newPassword()
		change.Password = state.Password
	}
	if role := req.Inputs.role(); live.Role != role {
		change.Role = role
	}
	if change != (tidbcloud.UserChange{}) {
		err = api.UpdateUser(ctx, req.Inputs.ClusterID, state.FullName, change)
	}
	if change.Password != "" && rest.Unclear(err) {
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
	live, err := findUser(ctx, api, req.State.ClusterID, req.State.FullName)
	if err != nil || live == nil {
		return done, err
	}
	if err := api.DeleteUser(ctx, req.State.ClusterID, req.State.FullName); err != nil {
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
	return infer.CheckResponse[SQLUserArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. It goes by the record: a refresh looks at
// the live user.
func (u *SQLUser) Diff(_ context.Context, req infer.DiffRequest[SQLUserArgs, SQLUserState]) (p.DiffResponse, error) {
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
