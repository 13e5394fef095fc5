package provider

import (
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/tidbcloud"
)

var (
	_ infer.Annotated = (*SQLUserArgs)(nil)
	_ infer.Annotated = (*SQLUserState)(nil)
)

// Rotations if the program sets none. The state always has a rotation: only then does a preview
// know that another one makes the password unknown.
const (
	firstRotation    = "first"
	importedRotation = "imported"
)

// SQLUserArgs are a SQL user's inputs.
type SQLUserArgs struct {
	ClusterID string  `pulumi:"clusterId" provider:"replaceOnChanges"`
	Name      string  `pulumi:"name" provider:"replaceOnChanges"`
	Role      *string `pulumi:"role,optional"`
	Rotation  *string `pulumi:"rotation,optional"`
	Owner     *string `pulumi:"owner,optional"`
	Adopt     *bool   `pulumi:"adopt,optional"`
	Root      *Root   `pulumi:"root,optional" provider:"secret"`
	Database  *string `pulumi:"database,optional" provider:"replaceOnChanges"`
}

// SQLUserState is a SQL user's state.
type SQLUserState struct {
	SQLUserArgs
	FullName string `pulumi:"fullName"`
	Password string `pulumi:"password" provider:"secret"`
	// The following are unset in states of earlier versions.
	PasswordSetAt string `pulumi:"passwordSetAt,optional"`
	// Host and Port are where a login is tried, and Organization is the cluster's.
	Host         string `pulumi:"host,optional"`
	Port         int    `pulumi:"port,optional"`
	Organization string `pulumi:"organization,optional"`
	// Unverified reports whether a rotation ended before a login with its password worked.
	Unverified bool `pulumi:"unverified,optional"`
}

// Annotate implements [infer.Annotated].
func (u *SQLUserArgs) Annotate(a infer.Annotator) {
	a.Describe(&u.ClusterID, "ID of the cluster, or clusterId/branchId for a branch, which needs root. A change replaces the user.")
	a.Describe(&u.Name, "Name without the cluster's prefix: a letter, then up to 15 letters, digits, underscores and hyphens. "+
		"A change replaces the user. Two resources must not have the same name on one cluster.")
	a.Describe(&u.Role, "role_readwrite, role_readonly or role_admin.")
	a.SetDefault(&u.Role, string(tidbcloud.RoleReadWrite))
	a.Describe(&u.Rotation, "Any text; a change gives the user a new password.")
	a.SetDefault(&u.Rotation, firstRotation)
	a.Describe(&u.Owner, "Owner of the cluster, as in the cluster's owner. SQL users have no labels, so an existing user "+
		"counts as an orphan of an earlier run if the cluster was made for this owner, and gets a new password; any other is a conflict and is left unchanged.")
	a.Describe(&u.Adopt, "Adopt an existing user of this name, whoever made it, with a new password. Default: false.")
	a.Describe(&u.Root, "Login of root. With it the user is created, read and deleted by SQL on that server, since TiDB Cloud has no call for the users of a branch. "+
		"Its name gets the prefix of root's, and its comment names clusterId; another user of the name is dropped, so owner and adopt have no effect. A new login of root is for the next connection.")
	a.Describe(&u.Database, "Database that the user of a root may use: with role_readwrite to change rows, with role_readonly to read them, with role_admin for all, also to create it. Needed with root. A change replaces the user.")
}

// Annotate implements [infer.Annotated].
func (u *SQLUserState) Annotate(a infer.Annotator) {
	a.Describe(&u.FullName, "Name to log in with, including the prefix of the cluster or branch.")
	a.Describe(&u.Password, "Password of 32 letters and digits.")
	a.Describe(&u.PasswordSetAt, "When the password was set, in RFC 3339.")
	a.Describe(&u.Host, "Host of the cluster, where the login is tried.")
	a.Describe(&u.Port, "Port of the cluster, where the login is tried.")
	a.Describe(&u.Organization, "ID of the organization that the cluster belongs to.")
	a.Describe(&u.Unverified, "Whether a rotation ended before a login with its password worked; the next update tries again.")
}

func (u SQLUserArgs) id() string { return u.ClusterID + "/" + u.Name }

func (u SQLUserArgs) role() tidbcloud.Role {
	if u.Role == nil {
		return tidbcloud.RoleReadWrite
	}
	return tidbcloud.Role(*u.Role)
}
