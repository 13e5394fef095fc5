package tidbcloud

import (
	"net/http"
	"slices"
	"strings"
	"time"
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
	UserName    string   `json:"userName"`
	AuthMethod  string   `json:"authMethod"`
	BuiltinRole string   `json:"builtinRole"`
	CustomRoles []string `json:"customRoles"`
}

func (c *Cloud) listUsers(r *http.Request, args []string) (any, error) {
	p, err := parsePage(r.URL.Query(), 100)
	if err != nil {
		return nil, err
	}
	var part []login
	var next string
	err = c.read(func(s *state, now time.Time) error {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return err
		}
		part, next = cut(p, rec.Users, func(l login) int { return l.Seq })
		return nil
	})
	users := []User{}
	for _, l := range part {
		users = append(users, l.User)
	}
	return map[string]any{"sqlUsers": users, "nextPageToken": next}, err
}

func (c *Cloud) createUser(r *http.Request, args []string) (any, error) {
	var in struct {
		AuthMethod  *string  `json:"authMethod"`
		AutoPrefix  *bool    `json:"autoPrefix"`
		BuiltinRole *string  `json:"builtinRole"`
		CustomRoles []string `json:"customRoles"`
		Password    *string  `json:"password"`
		UserName    *string  `json:"userName"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	switch {
	case in.UserName == nil:
		return nil, badRequest("userName is missing")
	case in.BuiltinRole == nil:
		return nil, badRequest("builtinRole is missing")
	case in.AuthMethod == nil || *in.AuthMethod != authMethod:
		return nil, badRequest("authMethod must be %s", authMethod)
	}
	if err := checkPassword("password", in.Password); err != nil {
		return nil, err
	}
	if err := checkCustomRoles(in.CustomRoles); err != nil {
		return nil, err
	}
	return c.changeUser(args, func(s *state, rec *record) (*login, error) {
		prefix := rec.Cluster.UserPrefix + "."
		auto := in.AutoPrefix != nil && *in.AutoPrefix
		name, err := fullUserName(prefix, *in.UserName, auto)
		if err != nil {
			return nil, err
		}
		role, err := fullRole(prefix, *in.BuiltinRole, auto)
		if err != nil {
			return nil, err
		}
		if rec.user(name) != nil {
			return nil, badRequest("user %q already exists", name)
		}
		rec.Users = append(rec.Users, login{
			Seq:  s.number(),
			User: User{UserName: name, AuthMethod: authMethod, BuiltinRole: role, CustomRoles: append([]string{}, in.CustomRoles...)},
			Hash: nativeHash(*in.Password),
		})
		l := &rec.Users[len(rec.Users)-1]
		return l, c.putUser(args[0], *l, *in.Password)
	})
}

func (c *Cloud) getUser(_ *http.Request, args []string) (any, error) {
	var u User
	err := c.read(func(s *state, now time.Time) error {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return err
		}
		l, err := rec.mustUser(args[1])
		if err != nil {
			return err
		}
		u = l.User
		return nil
	})
	return u, err
}

func (c *Cloud) updateUser(r *http.Request, args []string) (any, error) {
	var in struct {
		BuiltinRole *string   `json:"builtinRole"`
		CustomRoles *[]string `json:"customRoles"`
		Password    *string   `json:"password"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.BuiltinRole == nil && in.CustomRoles == nil && in.Password == nil {
		return nil, badRequest("the body holds none of builtinRole, customRoles and password")
	}
	var password string
	if in.Password != nil {
		if err := checkPassword("password", in.Password); err != nil {
			return nil, err
		}
		password = *in.Password
	}
	return c.changeUser(args, func(_ *state, rec *record) (*login, error) {
		l, err := rec.mustUser(args[1])
		if err != nil {
			return nil, err
		}
		before := l.User
		if in.BuiltinRole != nil {
			if l.User.BuiltinRole, err = fullRole(rec.Cluster.UserPrefix+".", *in.BuiltinRole, false); err != nil {
				return nil, err
			}
		}
		if in.CustomRoles != nil {
			if err := checkCustomRoles(*in.CustomRoles); err != nil {
				return nil, err
			}
			l.User.CustomRoles = *in.CustomRoles
		}
		if rec.isRoot(l) && (l.User.BuiltinRole != before.BuiltinRole || !slices.Equal(l.User.CustomRoles, before.CustomRoles)) {
			return nil, badRequest("the roles of %q cannot be changed", before.UserName)
		}
		if password != "" {
			l.Hash = nativeHash(password)
		}
		return l, c.putUser(args[0], *l, password)
	})
}

func (c *Cloud) deleteUser(_ *http.Request, args []string) (any, error) {
	err := c.write(func(s *state, now time.Time) error {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return err
		}
		l, err := rec.mustUser(args[1])
		if err != nil {
			return err
		}
		if rec.isRoot(l) {
			return badRequest("user %q cannot be deleted", args[1])
		}
		rec.Users = slices.DeleteFunc(rec.Users, func(other login) bool { return other.User.UserName == args[1] })
		if c.SQL != nil {
			return c.SQL.DropUser(args[0], args[1])
		}
		return nil
	})
	return map[string]any{"code": http.StatusOK, "message": "success"}, err
}

// changeUser writes to a user of an active cluster and returns how the API shows
// it then.
func (c *Cloud) changeUser(args []string, fn func(s *state, rec *record) (*login, error)) (any, error) {
	var u User
	err := c.write(func(s *state, now time.Time) error {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return err
		}
		l, err := fn(s, rec)
		if err != nil {
			return err
		}
		u = l.User
		return nil
	})
	return u, err
}

// mustUser finds a SQL user by its full name.
func (rec *record) mustUser(name string) (*login, error) {
	if l := rec.user(name); l != nil {
		return l, nil
	}
	return nil, notFound("user %q does not exist", name)
}

// isRoot reports whether l is the user that came with the cluster.
func (rec *record) isRoot(l *login) bool { return l.Seq == rec.Users[0].Seq }

// fullUserName checks a new user's name and puts the prefix in front of it where
// that is asked for; otherwise it has to be there.
func fullUserName(prefix, name string, auto bool) (string, error) {
	if auto {
		name = prefix + name
	}
	switch {
	case !strings.HasPrefix(name, prefix):
		return "", badRequest("userName %q must start with %q, or set autoPrefix", name, prefix)
	case name == prefix:
		return "", badRequest("userName is empty")
	case len(name) > maxUserName:
		return "", badRequest("user name %q is longer than %d characters", name, maxUserName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("'\"`\\", r) }):
		return "", badRequest("user name %q holds a space, a quote or a character beyond ASCII", name)
	}
	return name, nil
}

// fullRole does the same for a role. The one for admins never has a prefix.
func fullRole(prefix, role string, auto bool) (string, error) {
	if role == roleAdmin {
		return role, nil
	}
	full := role
	if auto {
		full = prefix + role
	}
	if full != prefix+roleReadWrite && full != prefix+roleReadOnly {
		return "", badRequest("builtinRole %q is none of %s, %s and %s; the last two start with %q unless autoPrefix is set",
			role, roleAdmin, roleReadWrite, roleReadOnly, prefix)
	}
	return full, nil
}

func checkCustomRoles(roles []string) error {
	for _, role := range roles {
		if role == "" || len(role) > maxUserName {
			return badRequest("custom role %q is not 1 to %d characters long", role, maxUserName)
		}
	}
	return nil
}
