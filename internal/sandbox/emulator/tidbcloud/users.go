package tidbcloud

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// What SQL users have. See https://docs.pingcap.com/tidbcloud/configure-sql-users/.
const (
	authMethod    = "mysql_native_password"
	roleAdmin     = "role_admin"
	roleReadWrite = "role_readwrite"
	roleReadOnly  = "role_readonly"
	// maxUserName is the limit of MySQL and TiDB for a user's full name.
	maxUserName = 32
)

// User is a SQL user as the API shows it.
type User struct {
	UserName    string `json:"userName"`
	AuthMethod  string `json:"authMethod"`
	BuiltinRole string `json:"builtinRole"`
}

func usersOf(records []userRecord) []User {
	users := []User{}
	for _, u := range records {
		users = append(users, u.User)
	}
	return users
}

func (c *Cloud) listUsers(s *state, r *http.Request) (any, error) {
	p, err := parsePage(r, maxPageSize)
	if err != nil {
		return nil, err
	}
	rec, err := c.activeCluster(s, r)
	if err != nil {
		return nil, err
	}
	part, next := cut(p, rec.Users, func(u userRecord) int { return u.Seq })
	return map[string]any{"sqlUsers": usersOf(part), "nextPageToken": next}, nil
}

type createUserRequest struct {
	User
	AutoPrefix bool   `json:"autoPrefix"`
	Password   string `json:"password"`
}

func (c *Cloud) createUser(s *state, r *http.Request) (any, error) {
	var in createUserRequest
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	rec, err := c.activeCluster(s, r)
	if err != nil {
		return nil, err
	}
	user, err := in.newUser(rec.Cluster.fullName(""))
	if err != nil {
		return nil, err
	}
	if _, err := rec.user(user.UserName); err == nil {
		return nil, badRequest("user %q already exists", user.UserName)
	}
	rec.Users = append(rec.Users, userRecord{Seq: s.nextSeq(), User: user})
	return user, c.setPassword(rec.Cluster.ClusterID, &rec.Users[len(rec.Users)-1], in.Password)
}

// newUser returns the user that a request asks for. autoPrefix puts the prefix in front of the
// names of the user and the role.
func (in createUserRequest) newUser(prefix string) (User, error) {
	name, role := prefix+in.UserName, prefix+in.BuiltinRole
	if in.BuiltinRole == roleAdmin {
		role = roleAdmin
	}
	switch {
	case !in.AutoPrefix:
		return User{}, badRequest("autoPrefix must be true: another form is not emulated")
	case in.UserName == "":
		return User{}, badRequest("userName is missing")
	case in.AuthMethod != authMethod:
		return User{}, badRequest("authMethod must be %s", authMethod)
	case len(name) > maxUserName:
		return User{}, badRequest("user name %q is longer than %d characters", name, maxUserName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("'\"`\\", r) }):
		return User{}, badRequest("user name %q has a space, a quote or a character outside ASCII", name)
	}
	if err := checkRole(prefix, role); err != nil {
		return User{}, err
	}
	return User{UserName: name, AuthMethod: authMethod, BuiltinRole: role}, checkPassword(in.Password)
}

func (c *Cloud) updateUser(s *state, r *http.Request) (any, error) {
	var in struct {
		BuiltinRole *string `json:"builtinRole"`
		Password    *string `json:"password"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.BuiltinRole == nil && in.Password == nil {
		return nil, badRequest("the body has neither builtinRole nor password")
	}
	rec, u, err := c.findUser(s, r)
	if err != nil {
		return nil, err
	}
	if in.BuiltinRole != nil {
		if err := checkRole(rec.Cluster.fullName(""), *in.BuiltinRole); err != nil {
			return nil, err
		}
		if rec.isRoot(u) && *in.BuiltinRole != u.User.BuiltinRole {
			return nil, badRequest("the role of %q cannot change", u.User.UserName)
		}
		u.User.BuiltinRole = *in.BuiltinRole
	}
	if in.Password == nil {
		return u.User, c.putUser(rec.Cluster.ClusterID, *u, "")
	}
	if err := checkPassword(*in.Password); err != nil {
		return nil, err
	}
	return u.User, c.setPassword(rec.Cluster.ClusterID, u, *in.Password)
}

func (c *Cloud) deleteUser(s *state, r *http.Request) (any, error) {
	rec, u, err := c.findUser(s, r)
	if err != nil {
		return nil, err
	}
	name := u.User.UserName
	if rec.isRoot(u) {
		return nil, badRequest("user %q cannot be deleted", name)
	}
	rec.Users = slices.DeleteFunc(rec.Users, func(u userRecord) bool { return u.User.UserName == name })
	return map[string]any{"code": http.StatusOK, "message": "success"}, c.sql().DropUser(rec.Cluster.ClusterID, name)
}

// findUser finds the SQL user that a request's path names by its full name.
func (c *Cloud) findUser(s *state, r *http.Request) (*clusterRecord, *userRecord, error) {
	rec, err := c.activeCluster(s, r)
	if err != nil {
		return nil, nil, err
	}
	u, err := rec.user(r.PathValue("user"))
	return rec, u, err
}

// isRoot reports whether u is the user that every cluster has from the start.
func (rec *clusterRecord) isRoot(u *userRecord) bool { return u.Seq == rec.Users[0].Seq }

// checkRole checks a role, which must have the prefix. The role for admins has none.
func checkRole(prefix, role string) error {
	if role != roleAdmin && role != prefix+roleReadWrite && role != prefix+roleReadOnly {
		return badRequest("builtinRole %q is not %s, %s or %s; in an update the last two start with %q",
			role, roleAdmin, roleReadWrite, roleReadOnly, prefix)
	}
	return nil
}

// checkPassword checks a new password. Its error does not show the password.
func checkPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < 8 || n > 64 || strings.ContainsAny(password, "\r\n") {
		return badRequest("password must have 8 to 64 characters, on one line")
	}
	return nil
}
