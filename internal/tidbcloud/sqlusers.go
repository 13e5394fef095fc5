package tidbcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"portfolio-infra/internal/rest"
)

// Role is what a SQL user may do.
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
	// FullName is what a client logs in with, such as 3hXbX9vNzH5r8Yk.api.
	FullName string
	// Role is without the cluster's prefix, however the API told it.
	Role Role
}

// UnmarshalJSON reads the API's shape and refuses a user without a name.
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

// FullName is the name that a client logs in with.
func FullName(userPrefix, name string) string { return userPrefix + "." + name }

// CreateSQLUserRequest is what a SQL user is made of.
type CreateSQLUserRequest struct {
	// Name is without the cluster's prefix.
	Name string
	// Password has 8 to 64 characters.
	Password string
	Role     Role
}

// ListSQLUsers lists the SQL users of a cluster.
// https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
func (c *Client) ListSQLUsers(ctx context.Context, clusterID string) ([]SQLUser, error) {
	path := rest.Path("/clusters/%s/sqlUsers", clusterID)
	all, err := pages(func(query string) ([]SQLUser, string, error) {
		var page struct {
			SQLUsers      []SQLUser `json:"sqlUsers"`
			NextPageToken string    `json:"nextPageToken"`
		}
		err := c.usersAPI().Do(ctx, http.MethodGet, path+"?"+query, nil, &page)
		return page.SQLUsers, page.NextPageToken, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the SQL users of cluster %s: %w", clusterID, err)
	}
	return all, nil
}

// FindSQLUser returns a SQL user by its full name, or nil if there is none. A missing
// cluster is an error.
//
// The API documents 400 for every error, so a plain GET cannot tell a missing user
// from a bad request; the list can.
func (c *Client) FindSQLUser(ctx context.Context, clusterID, fullName string) (*SQLUser, error) {
	users, err := c.ListSQLUsers(ctx, clusterID)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if u.FullName == fullName {
			return &u, nil
		}
	}
	return nil, nil
}

// CreateSQLUser makes a SQL user. If [rest.Ambiguous] is true for the error there may be
// one all the same.
func (c *Client) CreateSQLUser(ctx context.Context, clusterID string, n CreateSQLUserRequest) (*SQLUser, error) {
	in := map[string]any{
		"userName":    n.Name,
		"password":    n.Password,
		"builtinRole": n.Role,
		"authMethod":  "mysql_native_password",
		"autoPrefix":  true, // of userName and of builtinRole
	}
	var made SQLUser
	err := c.usersAPI().Do(ctx, http.MethodPost, rest.Path("/clusters/%s/sqlUsers", clusterID), in, &made)
	if err != nil {
		return nil, fmt.Errorf("creating SQL user %q: %w", n.Name, without(err, n.Password))
	}
	return &made, nil
}

// UpdateSQLUserRequest is what is to become different of a SQL user. An empty field stays as
// it is.
type UpdateSQLUserRequest struct {
	Password string
	Role     Role
}

// UpdateSQLUser changes a SQL user in one call.
func (c *Client) UpdateSQLUser(ctx context.Context, clusterID, fullName string, change UpdateSQLUserRequest) error {
	in := map[string]string{}
	if change.Password != "" {
		in["password"] = change.Password
	}
	if change.Role != "" {
		in["builtinRole"] = wireRole(fullName, change.Role)
	}
	path := rest.Path("/clusters/%s/sqlUsers/%s", clusterID, fullName)
	if err := c.usersAPI().DoIdempotent(ctx, http.MethodPatch, path, in, new(object)); err != nil {
		return fmt.Errorf("updating SQL user %q: %w", fullName, without(err, change.Password))
	}
	return nil
}

// wireRole is a role as an update wants it: with the user's prefix, except for the
// administrator's, which all clusters share.
func wireRole(fullName string, role Role) string {
	prefix, _, ok := strings.Cut(fullName, ".")
	if role == RoleAdmin || !ok {
		return string(role)
	}
	return prefix + "." + string(role)
}

// DeleteSQLUser removes a SQL user. A missing one is an error of the API's choice; see
// [Client.FindSQLUser].
func (c *Client) DeleteSQLUser(ctx context.Context, clusterID, fullName string) error {
	path := rest.Path("/clusters/%s/sqlUsers/%s", clusterID, fullName)
	if err := c.usersAPI().DoIdempotent(ctx, http.MethodDelete, path, nil, new(object)); err != nil {
		return fmt.Errorf("deleting SQL user %q: %w", fullName, err)
	}
	return nil
}

// without removes a password from what the API says, in case it repeats what it
// was sent.
func without(err error, password string) error {
	var e *rest.Error
	if password != "" && errors.As(err, &e) {
		e.Message = strings.ReplaceAll(e.Message, password, "[password]")
	}
	return err
}
