package provider

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/tidbcloud"
)

// otherRole is the role of a user whose privileges are those of no role.
const otherRole tidbcloud.Role = "other privileges"

// privileges are what a role may do with the database of a user that root creates. Such a user gets
// none of the cluster's roles: whether a branch has them is not documented.
var privileges = map[tidbcloud.Role][]string{
	tidbcloud.RoleAdmin:     {"ALL PRIVILEGES"}, // also to create the database
	tidbcloud.RoleReadWrite: {"DELETE", "INSERT", "SELECT", "UPDATE"},
	tidbcloud.RoleReadOnly:  {"SELECT"},
}

// mark returns the comment of the users that this provider creates on a server, by the ID of the
// cluster or branch. A copy of the server has the same users, and another ID.
func mark(clusterID string) string { return "pulumi " + clusterID }

// rootUsers are the users of a server, as its root sees them.
type rootUsers struct {
	sql  *sqlOpener
	root login
	// impatient reports whether to give up at once, for previews.
	impatient bool
}

// change calls f as do does, one user after the other. A server reads all privileges again after each
// change, and of two reads side by side the one that began first may be the last to be kept, without
// the other's user (Handle.UpdateAll in pkg/privilege/privileges/cache.go of TiDB v8.5.6).
func (r rootUsers) change(ctx context.Context, f func(context.Context, *sql.DB) error) error {
	return r.do(ctx, func(ctx context.Context, db *sql.DB) error {
		r.sql.users.Lock()
		defer r.sql.users.Unlock()
		return f(ctx, db)
	})
}

// do logs in as root and calls f.
func (r rootUsers) do(ctx context.Context, f func(context.Context, *sql.DB) error) error {
	if r.impatient {
		return r.sql.probe(ctx, r.root, f)
	}
	return r.sql.connect(ctx, r.root, func(db *sql.DB) error { return f(ctx, db) })
}

// find implements [users]. A user that this provider did not create on this server counts as
// missing: nobody knows who has its password. So does one whose privileges the server has not read,
// as after a CREATE USER whose client was killed (seen with TiDB v8.5.6): it lets nobody log in.
func (r rootUsers) find(ctx context.Context, state SQLUserState) (live *tidbcloud.SQLUser, err error) {
	err = r.do(ctx, func(ctx context.Context, db *sql.DB) error {
		found, err := usersNamed(ctx, db, state.FullName)
		if err != nil || len(found) != 1 || found[0].host != "%" || found[0].comment != mark(state.ClusterID) {
			return err
		}
		role, err := readRole(ctx, db, state)
		if isNumber(err, errNoGrant) {
			return nil
		}
		live = &tidbcloud.SQLUser{FullName: state.FullName, Role: role}
		return err
	})
	return live, err
}

// create implements [users]. It drops what there is of the name first.
func (r rootUsers) create(ctx context.Context, state SQLUserState) error {
	err := r.change(ctx, func(ctx context.Context, db *sql.DB) error {
		existing, err := usersNamed(ctx, db, state.FullName)
		if err == nil {
			err = dropUsers(ctx, db, existing)
		}
		if err != nil {
			return unclear{err}
		}
		type statement struct {
			text string
			args []any
		}
		statements := []statement{
			{"CREATE USER ?@'%' IDENTIFIED WITH mysql_native_password BY ? COMMENT ?", []any{state.FullName, state.Password, mark(state.ClusterID)}},
			{"GRANT " + strings.Join(privileges[state.role()], ", ") + " ON " + state.grantedOn() + " TO ?@'%'", []any{state.FullName}},
		}
		if state.role() == tidbcloud.RoleAdmin {
			statements = append(statements, statement{"GRANT ALL PRIVILEGES ON " + state.scratch() + " TO ?@'%'", []any{state.FullName}})
		}
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement.text, statement.args...); err != nil {
				return unclear{hide(err, state.Password)}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("creating SQL user %q: %w", state.FullName, err)
	}
	return nil
}

// update implements [users]. Another role makes the user anew, since REVOKE needs to know what was
// granted.
func (r rootUsers) update(ctx context.Context, state SQLUserState, change tidbcloud.UpdateSQLUserRequest) error {
	if change.Role != "" {
		return r.create(ctx, state)
	}
	err := r.change(ctx, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "ALTER USER ?@'%' IDENTIFIED WITH mysql_native_password BY ?", state.FullName, change.Password)
		if err != nil {
			return unclear{hide(err, change.Password)}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("setting the password of SQL user %q: %w", state.FullName, err)
	}
	return nil
}

// delete implements [users]. It leaves a user that this provider did not create.
func (r rootUsers) delete(ctx context.Context, state SQLUserState) error {
	err := r.change(ctx, func(ctx context.Context, db *sql.DB) error {
		existing, err := usersNamed(ctx, db, state.FullName)
		if err != nil {
			return err
		}
		return dropUsers(ctx, db, slices.DeleteFunc(existing, func(u serverUser) bool { return u.comment != mark(state.ClusterID) }))
	})
	if err != nil {
		return fmt.Errorf("deleting SQL user %q: %w", state.FullName, err)
	}
	return nil
}

// unclear is the error of a statement that may have changed the user.
type unclear struct{ error }

func (e unclear) Unwrap() error { return e.error }

// hide removes a password from an error: the server quotes the statement that it cannot parse.
func hide(err error, password string) error {
	if !strings.Contains(err.Error(), password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "[password]"))
}

// serverUser is a SQL user as its server has it.
type serverUser struct{ name, host, comment string }

// usersOf returns the users that keep accepts by name.
//
// The table has all of them, and needs no privilege (setDataForUserAttributes in
// pkg/executor/infoschema_reader.go of TiDB v8.5.6). In TiDB's security enhanced mode an
// administrator cannot read mysql.user.
func usersOf(ctx context.Context, db *sql.DB, keep func(name string) bool) (found []serverUser, err error) {
	rows, err := db.QueryContext(ctx, "SELECT USER, HOST, COALESCE(ATTRIBUTE, '{}') FROM information_schema.USER_ATTRIBUTES")
	if err != nil {
		return nil, fmt.Errorf("listing the SQL users: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var u serverUser
		var attributes []byte
		if err := rows.Scan(&u.name, &u.host, &attributes); err != nil {
			return nil, fmt.Errorf("listing the SQL users: %w", err)
		}
		var known struct{ Comment string }
		_ = json.Unmarshal(attributes, &known) // without a comment it is not ours
		if u.comment = known.Comment; keep(u.name) {
			found = append(found, u)
		}
	}
	return found, rows.Err()
}

// usersNamed returns the users of one name. Each has another host.
func usersNamed(ctx context.Context, db *sql.DB, fullName string) ([]serverUser, error) {
	return usersOf(ctx, db, func(name string) bool { return name == fullName })
}

func dropUsers(ctx context.Context, db *sql.DB, users []serverUser) error {
	for _, u := range users {
		if _, err := db.ExecContext(ctx, "DROP USER IF EXISTS ?@?", u.name, u.host); err != nil {
			return fmt.Errorf("dropping the SQL user %q at %q: %w", u.name, u.host, err)
		}
	}
	return nil
}

// grant matches a line of SHOW GRANTS, but for one that grants a role.
var grant = regexp.MustCompile(`^GRANT (.+) ON (\S+) TO \S+(?: WITH (GRANT OPTION))?$`)

// readRole returns the role that has the user's privileges.
func readRole(ctx context.Context, db *sql.DB, state SQLUserState) (tidbcloud.Role, error) {
	rows, err := db.QueryContext(ctx, "SHOW GRANTS FOR ?@'%'", state.FullName)
	if err != nil {
		return "", fmt.Errorf("reading the privileges of SQL user %q: %w", state.FullName, err)
	}
	defer func() { _ = rows.Close() }()
	var granted []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		parts := grant.FindStringSubmatch(line)
		switch {
		case parts == nil || parts[3] != "":
			return otherRole, rows.Err()
		case parts[1] == "USAGE" || parts[2] == state.scratch(): // every user has the first, and it is none
		case parts[2] != state.grantedOn():
			return otherRole, rows.Err()
		default:
			for privilege := range strings.SplitSeq(parts[1], ",") {
				granted = append(granted, strings.TrimSpace(privilege))
			}
		}
	}
	slices.Sort(granted)
	for role, wanted := range privileges {
		if slices.Equal(granted, wanted) {
			return role, rows.Err()
		}
	}
	return otherRole, rows.Err()
}

// likeEscaper takes from the characters of a database's name the meaning that they have in a GRANT.
// https://dev.mysql.com/doc/refman/8.0/en/grant.html#grant-database-privileges
var likeEscaper = strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`)

// grantedOn is what the user has its privileges on, as in a GRANT.
func (u SQLUserArgs) grantedOn() string { return inDatabase(orZero(u.Database)) }

// scratch is what an administrator also has: a database to try migrations in.
func (u SQLUserArgs) scratch() string { return inDatabase(migrator.ScratchName(orZero(u.Database))) }

func inDatabase(database string) string { return quote(likeEscaper.Replace(database)) + ".*" }
