package sql

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

const nativePassword = "mysql_native_password"

// users are a cluster's users: those that its IAM API makes, which the API keeps,
// and those that an admin makes in SQL, which the grant tables keep in a file.
type users struct {
	mysql.AuthMethod // of the grant tables
	grants           *mysql_db.MySQLDb
	// lag is how long a new user of the API is refused.
	lag time.Duration
	now func() time.Time

	mu sync.Mutex
	// logins are those of the API, by name.
	logins map[string]login
}

type login struct {
	tidbcloud.Login
	// since is when the user may log in.
	since time.Time
}

// openUsers reads the users that were made in SQL from a file; "" means none. Of a
// password the file has what the grant tables do, its hash.
func openUsers(grants *mysql_db.MySQLDb, file string, lag time.Duration, now func() time.Time) (*users, error) {
	u := &users{grants: grants, lag: lag, now: now, logins: map[string]login{}}
	for _, m := range grants.AuthMethods() {
		if m.Name() == mysql.MysqlNativePassword {
			u.AuthMethod = m
		}
	}
	grants.SetEnabled(true)
	grants.SetPersister(persister(file))
	data, err := os.ReadFile(file)
	if file == "" || errors.Is(err, os.ErrNotExist) {
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

func (p persister) Persist(_ *sql.Context, data []byte) error {
	if p == "" {
		return nil
	}
	return writeFile(string(p), data, 0o600)
}

// put makes or changes a user; databases are those that there are.
func (u *users) put(l tidbcloud.Login, databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	old, known := u.logins[l.UserName]
	// One that comes without its password was there before this process.
	if !known && l.Password != "" {
		old.since = u.now().Add(u.lag)
	}
	u.logins[l.UserName] = login{Login: l, since: old.since}
	u.grant(l, databases)
}

// regrant gives each user what its role may do in these databases. It is called
// when there are others than before.
func (u *users) regrant(databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.logins {
		u.grant(l.Login, databases)
	}
}

// grant writes a user to the grant tables. What its role may do it may do in each
// database: a privilege on all of them would cover the grant tables in database
// "mysql" as well, and who may write those may do anything.
func (u *users) grant(l tidbcloud.Login, databases []string) {
	set := mysql_db.NewPrivilegeSet()
	if role(l.BuiltinRole) == roleAdmin {
		set = mysql_db.NewPrivilegeSetWithAllPrivileges()
	}
	for _, p := range rolePrivileges[role(l.BuiltinRole)] {
		for _, db := range databases {
			set.AddDatabase(db, p.typ)
		}
	}
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: "%", User: l.UserName}) // putting alone leaves both
	editor.PutUser(&mysql_db.User{
		User: l.UserName, Host: "%", Plugin: nativePassword, AuthString: l.Hash, PrivilegeSet: set,
		IsEphemeral: true, // the API's own state has it
	})
}

// drop removes a user.
func (u *users) drop(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.logins, name)
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: "%", User: name})
}

// has reports whether the cluster has a user with the prefix.
func (u *users) has(prefix string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.logins {
		if prefixOf(name) == prefix {
			return true
		}
	}
	return false
}

// insecure is what TiDB Cloud says to a login without TLS, as an error 1105.
const insecure = "Connections using insecure transport are prohibited. " +
	"See https://docs.pingcap.com/tidbcloud/secure-connections-to-serverless-tier-clusters"

var _ mysql.AuthServer = (*users)(nil)

func (u *users) AuthMethods() []mysql.AuthMethod { return []mysql.AuthMethod{u} }

func (u *users) DefaultAuthMethodDescription() mysql.AuthMethodDescription {
	return mysql.MysqlNativePassword
}

// HandleUser lets an unknown user get as far as one with a wrong password.
func (u *users) HandleUser(*mysql.Conn, string) bool { return true }

// HandleAuthPluginData lets in who comes by TLS and has the right password.
func (u *users) HandleAuthPluginData(conn *mysql.Conn, user string, salt, reply []byte, addr net.Addr) (mysql.Getter, error) {
	// The library's own check tells the client and then lets it go on.
	if !conn.TLSEnabled() {
		return nil, mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, insecure)
	}
	u.mu.Lock()
	lags := u.now().Before(u.logins[user].since)
	u.mu.Unlock()
	if !lags {
		if getter, err := u.AuthMethod.HandleAuthPluginData(conn, user, salt, reply, addr); err == nil {
			return getter, nil
		}
	}
	using := "YES"
	if len(reply) == 0 {
		using = "NO"
	}
	host, _, _ := net.SplitHostPort(addr.String()) // of a TCP connection
	return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
		"Access denied for user '%s'@'%s' (using password: %s)", user, host, using)
}

// authorizers make authorization handlers that are less strict than the engine's
// own where those ask for more than MySQL does.
type authorizers struct {
	sql.AuthorizationHandlerFactory
}

func (a authorizers) CreateHandler(c sql.Catalog) sql.AuthorizationHandler {
	return authorizer{a.AuthorizationHandlerFactory.CreateHandler(c)}
}

type authorizer struct{ sql.AuthorizationHandler }

// HandleAuth lets who reads a view do so without the privilege to make it: the
// engine reads it by the statement that made it.
func (a authorizer) HandleAuth(ctx *sql.Context, state sql.AuthorizationQueryState, auth sqlparser.AuthInformation) error {
	if auth.AuthType == sqlparser.AuthType_CREATE_VIEW {
		switch parse(ctx, ctx.Query(), sql.LoadSqlMode(ctx).ParserOptions()).(type) {
		case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Show, *sqlparser.Explain:
			return nil
		}
	}
	return a.AuthorizationHandler.HandleAuth(ctx, state, auth)
}
