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

// users are a cluster's users: those that its IAM API makes, which the API keeps,
// and those that an admin makes in SQL, which the grant tables keep in a file.
type users struct {
	grants *mysql_db.MySQLDb
	// lag is how long a new user is refused.
	lag time.Duration
	now func() time.Time

	mu sync.Mutex
	// roles are the built-in roles, without prefix, of the API's users.
	roles map[string]string
	// since is when a new user may log in.
	since map[string]time.Time
}

// openUsers reads the users that were made in SQL from a file; "" means none. Of a
// password the file has what the grant tables do, its hash.
func openUsers(grants *mysql_db.MySQLDb, file string, lag time.Duration, now func() time.Time) (*users, error) {
	u := &users{grants: grants, lag: lag, now: now, roles: map[string]string{}, since: map[string]time.Time{}}
	grants.SetEnabled(true)
	grants.SetPersister(persister(file))
	if file == "" {
		return u, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return u, nil
	}
	if err == nil {
		err = grants.LoadData(sql.NewEmptyContext(), data)
	}
	if err != nil {
		return nil, fmt.Errorf("loading %s (remove it to begin anew): %w", file, err)
	}
	return u, nil
}

// persister is the file of the grant tables, "" for none.
type persister string

// Persist implements mysql_db.MySQLDbPersistence.
func (p persister) Persist(_ *sql.Context, data []byte) error {
	if p == "" {
		return nil
	}
	if err := writeFile(string(p), data, 0o600); err != nil {
		return fmt.Errorf("saving the users: %w", err)
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
	u.replace(&mysql_db.User{
		User:                l.UserName,
		Host:                "%",
		Plugin:              nativePassword,
		AuthString:          l.Hash,
		PasswordLastChanged: u.now().UTC(),
		PrivilegeSet:        privileges(role(l.BuiltinRole), databases),
		IsEphemeral:         true, // the API's own state has it
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
// when there are others than before.
func (u *users) regrant(databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, role := range u.roles {
		reader := u.grants.Reader()
		old, ok := reader.GetUser(mysql_db.UserPrimaryKey{Host: "%", User: name})
		reader.Close()
		if ok && role != roleAdmin {
			changed := *old
			changed.PrivilegeSet = privileges(role, databases)
			u.replace(&changed)
		}
	}
}

// replace puts a user in the place of the one of its name: putting alone would
// leave both.
func (u *users) replace(user *mysql_db.User) {
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: user.Host, User: user.User})
	editor.PutUser(user)
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

// privileges are a role's for these databases. They are granted database by
// database: a privilege on all of them would cover the grant tables in database
// "mysql" as well, and who may write those may do anything.
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
