package fakesql

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"portfolio-infra/internal/sandbox/faketidb"
)

const nativePassword = "mysql_native_password"

// users are a cluster's users as its IAM API makes them, and what the server's
// grant tables have of them. Users that an admin makes in SQL are in the grant
// tables alone.
type users struct {
	grants *mysql_db.MySQLDb
	// lag is how long a new user is refused.
	lag time.Duration
	now func() time.Time

	mu sync.Mutex
	// roles are the users' built-in roles, without prefix.
	roles map[string]string
	// since is when a new user may log in.
	since map[string]time.Time
}

func newUsers(grants *mysql_db.MySQLDb, lag time.Duration, now func() time.Time) *users {
	return &users{grants: grants, lag: lag, now: now, roles: map[string]string{}, since: map[string]time.Time{}}
}

// keepIn keeps the users that were made in SQL in a file, and those that it has
// already come back. Of a password it holds what the grant tables do, its hash.
func (u *users) keepIn(file string) error {
	u.grants.SetPersister(persister(file))
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = u.grants.LoadData(sql.NewEmptyContext(), data)
	}
	if err != nil {
		return fmt.Errorf("loading %s (remove it to begin anew): %w", file, err)
	}
	return nil
}

// persister is the file of the grant tables, "" for none.
type persister string

// Persist implements mysql_db.MySQLDbPersistence.
func (p persister) Persist(_ *sql.Context, data []byte) error {
	if p == "" {
		return nil
	}
	if err := writeFile(string(p), data, 0o600); err != nil {
		return fmt.Errorf("keeping the users: %w", err)
	}
	return nil
}

// put makes or changes a user; databases are those that there are.
func (u *users) put(l faketidb.Login, databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	// One that comes without its password was there before this process.
	if _, known := u.roles[l.UserName]; !known && l.Password != "" && u.lag > 0 {
		u.since[l.UserName] = u.now().Add(u.lag)
	}
	u.roles[l.UserName] = role(l.BuiltinRole)
	editor := u.grants.Editor()
	defer editor.Close()
	replace(editor, &mysql_db.User{
		User:                l.UserName,
		Host:                "%",
		Plugin:              nativePassword,
		AuthString:          l.Hash,
		PasswordLastChanged: u.now().UTC(),
		PrivilegeSet:        privileges(role(l.BuiltinRole), databases),
		// The IAM API's own state keeps it.
		IsEphemeral: true,
	})
}

// drop removes a user.
func (u *users) drop(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.roles, name)
	delete(u.since, name)
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: "%", User: name})
}

// regrant gives each user what its role may do in these databases. It is called
// when the databases are others than before.
func (u *users) regrant(databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	editor := u.grants.Editor()
	defer editor.Close()
	for name, role := range u.roles {
		if old, ok := editor.GetUser(mysql_db.UserPrimaryKey{Host: "%", User: name}); ok && role != roleAdmin {
			changed := *old
			changed.PrivilegeSet = privileges(role, databases)
			replace(editor, &changed)
		}
	}
}

// replace puts a user in place of the one of its name, if there is one: putting
// alone would leave both.
func replace(editor *mysql_db.Editor, u *mysql_db.User) {
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: u.Host, User: u.User})
	editor.PutUser(u)
}

// lagging reports whether the server does not yet know the user.
func (u *users) lagging(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	since, ok := u.since[name]
	return ok && u.now().Before(since)
}

// has reports whether the cluster has a user with the prefix.
func (u *users) has(prefix string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.roles {
		if prefixOf(name) == prefix {
			return true
		}
	}
	return false
}

// privileges are a role's for these databases. They are given database by
// database, because a privilege on all of them would cover the grant tables in
// database "mysql" as well, and who may write those may do anything.
func privileges(role string, databases []string) mysql_db.PrivilegeSet {
	if role == roleAdmin {
		return mysql_db.NewPrivilegeSetWithAllPrivileges()
	}
	set := mysql_db.NewPrivilegeSet()
	for _, p := range rolePrivileges[role] {
		for _, db := range databases {
			set.AddDatabase(db, p.typ)
		}
	}
	return set
}
