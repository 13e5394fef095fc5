package provider

import (
	"context"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/sqllogin"
	"portfolio-infra/internal/tidbcloud"
)

// Root is the login of a server's root, among the inputs of a SQL user.
type Root struct {
	sqllogin.Login
}

// Annotate implements [infer.Annotated].
func (r *Root) Annotate(a infer.Annotator) {
	describeLogin(a, &r.Login, "create users")
}

// bySQL reports whether root creates the user. The root of a branch may be unknown in a preview.
func (u SQLUserArgs) bySQL() bool { return u.Root != nil || strings.Contains(u.ClusterID, "/") }

// setRoot sets what depends on root. It refuses a name that is too long.
func (s *SQLUserState) setRoot() error {
	root := orZero(s.Root)
	prefix, _, prefixed := strings.Cut(root.User, ".")
	if !prefixed {
		prefix = ""
	}
	return s.setCluster(&tidbcloud.Cluster{Host: root.Host, Port: root.Port, UserPrefix: prefix})
}

func (u *SQLUser) asRoot(args SQLUserArgs) rootUsers {
	return rootUsers{sql: u.sql, root: login{Login: orZero(args.Root).Login}}
}

// createAsRoot is Create for a user of a server with root. A preview has nothing to look for, since
// no user is in the way.
func (u *SQLUser) createAsRoot(ctx context.Context, state SQLUserState, preview bool) (resp infer.CreateResponse[SQLUserState], err error) {
	if resp.Output = state; preview {
		return resp, nil
	}
	if err := state.setRoot(); err != nil {
		return resp, err
	}
	state.setPassword()
	if err := u.asRoot(state.SQLUserArgs).create(ctx, state); err != nil {
		return resp, err
	}
	u.waitForLogin(ctx, state)
	resp.ID, resp.Output = state.id(), state
	return resp, nil
}

// readAsRoot is Read for a user of a server with root. If the server cannot be read, the user stays
// in the state, as it does if its cluster cannot be found.
func (u *SQLUser) readAsRoot(ctx context.Context, req infer.ReadRequest[SQLUserArgs, SQLUserState]) (resp infer.ReadResponse[SQLUserArgs, SQLUserState]) {
	live, err := u.look(ctx, req.State, req.State.SQLUserArgs)
	if err == nil && live == nil {
		return resp
	}
	args, state := req.Inputs, req.State
	if err != nil {
		p.GetLogger(ctx).Warningf("using the recorded state of SQL user %q: %v", state.FullName, err)
	} else {
		args.setRole(live)
		state.Role = args.Role
	}
	resp.ID, resp.Inputs, resp.State = req.ID, args, state
	return resp
}

// deleteAsRoot is Delete for a user of a server with root.
func (u *SQLUser) deleteAsRoot(ctx context.Context, state SQLUserState) error {
	err := u.asRoot(state.SQLUserArgs).delete(ctx, state)
	if err != nil && serverGone(ctx, u.connect, state.ClusterID) {
		err = nil
	}
	return err
}

// serverGone reports whether a cluster or branch is gone, and with it what is on its server.
func serverGone(ctx context.Context, connect connector, id string) bool {
	api, err := connect()
	if err != nil {
		return false
	}
	if clusterID, branchID, err := parseBranchID(id); err == nil {
		branch, err := findBranch(ctx, api, clusterID, branchID)
		return err == nil && (branch == nil || branch.State.Deleting())
	}
	cluster, err := findCluster(ctx, api, id)
	return err == nil && gone(cluster)
}

// root checks the inputs of a user of a server with root.
func (c *checker) root(args SQLUserArgs) {
	unknown := c.inputs.Get("root").HasComputed()
	c.that("root", args.Root != nil || !args.bySQL(), "is required for a branch, since TiDB Cloud has no call for its users: set it to the branch's host, port, user and password")
	c.that("root", args.Root == nil || args.Root.Port >= 0 && args.Root.Port <= 65535, "its port %d must be a port number", orZero(args.Root).Port)
	switch database := orZero(args.Database); {
	case args.Root == nil && !unknown:
		c.that("database", args.Database == nil, "has an effect only with root")
	default:
		c.that("database", databasePattern.MatchString(database) && !slices.Contains(systemDatabases, strings.ToLower(database)),
			"%q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs, and not belong to the server; root needs it", database)
	}
}
