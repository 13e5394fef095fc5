package tidbcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"portfolio-infra/internal/rest"
)

// Role is a SQL user's built-in role, without the cluster's prefix.
type Role string

// The built-in roles.
// https://docs.pingcap.com/tidbcloud/configure-sql-users/
const (
	RoleAdmin     Role = "role_admin"
	RoleReadWrite Role = "role_readwrite"
	RoleReadOnly  Role = "role_readonly"
)

// SQLUser is a SQL user.
type SQLUser struct {
	FullName string // what a client logs in with, such as 3hXbX9vNzH5r8Yk.api
	Role     Role
}

// UnmarshalJSON decodes the API's shape. A user without a name is an error.
func (u *SQLUser) UnmarshalJSON(data []byte) error {
	var w struct {
		UserName    string `json:"userName"`
		BuiltinRole string `json:"builtinRole"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.UserName == "" {
		return errors.New("a SQL user without a name")
	}
	*u = SQLUser{FullName: w.UserName, Role: Role(w.BuiltinRole[strings.LastIndex(w.BuiltinRole, ".")+1:])}
	return nil
}

// FullName returns the name that a client logs in with: the cluster's prefix, a dot and the
// name, or only the name if the cluster has no prefix.
func FullName(userPrefix, name string) string {
	if userPrefix == "" {
		return name
	}
	return userPrefix + "." + name
}

// ListSQLUsers lists the SQL users of a cluster.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
func (c *Client) ListSQLUsers(ctx context.Context, clusterID string) ([]SQLUser, error) {
	all, err := list(ctx, c.usersAPI(), rest.Path("/clusters/%s/sqlUsers", clusterID))
	if err != nil {
		return nil, fmt.Errorf("listing the SQL users of cluster %s: %w", clusterID, err)
	}
	return all.SQLUsers, nil
}

// FindSQLUser returns a SQL user by its full name, or nil if there is none. A missing
// cluster is an error.
//
// It reads the list: the API documents 400 for every error, so the answer to a GET of one user
// does not tell a missing user from a bad request.
func (c *Client) FindSQLUser(ctx context.Context, clusterID, fullName string) (*SQLUser, error) {
	users, err := c.ListSQLUsers(ctx, clusterID)
	if i := slices.IndexFunc(users, func(u SQLUser) bool { return u.FullName == fullName }); i >= 0 {
		return &users[i], nil
	}
	return nil, err
}

// CreateSQLUserRequest asks for a new SQL user.
type CreateSQLUserRequest struct {
	Name     string `json:"userName"` // without the cluster's prefix
	Password string `json:"password"` // 8 to 64 characters
	Role     Role   `json:"builtinRole"`
}

// CreateSQLUser creates a SQL user. If [rest.Ambiguous] is true for the error, the user may exist
// all the same.
func (c *Client) CreateSQLUser(ctx context.Context, clusterID string, req CreateSQLUserRequest) (*SQLUser, error) {
	in := struct {
		CreateSQLUserRequest
		AuthMethod string `json:"authMethod"`
		AutoPrefix bool   `json:"autoPrefix"` // of userName and of builtinRole, if the cluster has a prefix
	}{req, "mysql_native_password", true}
	var created SQLUser
	if err := c.usersAPI().Do(ctx, http.MethodPost, rest.Path("/clusters/%s/sqlUsers", clusterID), in, &created); err != nil {
		return nil, fmt.Errorf("creating SQL user %q: %w", req.Name, redact(err, req.Password))
	}
	return &created, nil
}

// UpdateSQLUserRequest changes a SQL user. An empty field stays as it is.
type UpdateSQLUserRequest struct {
	Password string `json:"password,omitempty"`
	Role     Role   `json:"builtinRole,omitempty"`
}

// UpdateSQLUser changes a SQL user in one call.
func (c *Client) UpdateSQLUser(ctx context.Context, clusterID, fullName string, req UpdateSQLUserRequest) error {
	req.Role = wireRole(fullName, req.Role)
	path := rest.Path("/clusters/%s/sqlUsers/%s", clusterID, fullName)
	if err := c.usersAPI().DoIdempotent(ctx, http.MethodPatch, path, req, new(rest.Object)); err != nil {
		return fmt.Errorf("updating SQL user %q: %w", fullName, redact(err, req.Password))
	}
	return nil
}

// wireRole returns a role as an update names it: with the prefix of the user, if there is one.
// The administrator's role has none, since all clusters share it.
func wireRole(fullName string, role Role) Role {
	prefix, _, ok := strings.Cut(fullName, ".")
	if role == "" || role == RoleAdmin || !ok {
		return role
	}
	return Role(prefix) + "." + role
}

// DeleteSQLUser deletes a SQL user. The status of a missing one is not documented; see
// [Client.FindSQLUser].
func (c *Client) DeleteSQLUser(ctx context.Context, clusterID, fullName string) error {
	path := rest.Path("/clusters/%s/sqlUsers/%s", clusterID, fullName)
	if err := c.usersAPI().DoIdempotent(ctx, http.MethodDelete, path, nil, new(rest.Object)); err != nil {
		return fmt.Errorf("deleting SQL user %q: %w", fullName, err)
	}
	return nil
}

// redact removes a password from the API's message, in case the API repeats it.
func redact(err error, password string) error {
	var e *rest.Error
	if password != "" && errors.As(err, &e) {
		e.Message = strings.ReplaceAll(e.Message, password, "[password]")
	}
	return err
}
