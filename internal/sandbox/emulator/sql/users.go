package sql

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// users are a cluster's users. Those of the IAM API are in the state of the emulated
// API, those that an administrator creates in SQL in a file of their own.
type users struct {
	mysql.AuthMethod // of the grant tables
	grants           *mysql_db.MySQLDb
	lag              time.Duration // for which a new user of the API is refused
	now              func() time.Time

	mu     sync.Mutex
	logins map[string]login // of the API, by name
}

type login struct {
	tidbcloud.Login
	since time.Time // when the user may log in
}

// openUsers reads the users that were created in SQL. The file has their passwords'
// hashes.
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
	if errors.Is(err, os.ErrNotExist) {
		return u, nil
	}
	if err == nil {
		err = grants.LoadData(sql.NewEmptyContext(), data)
	}
	if err != nil {
		return nil, fmt.Errorf("loading %s (remove it to start over): %w", file, err)
	}
	return u, nil
}

// persister is the file of the grant tables.
type persister string

func (p persister) Persist(_ *sql.Context, data []byte) error {
	return emulator.WriteFile(string(p), data, 0o600)
}

// put creates or changes a user, with its role on the databases.
func (u *users) put(l tidbcloud.Login, databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	old, exists := u.logins[l.UserName]
	// A user that comes without its password existed before this process.
	if !exists && l.Password != "" {
		old.since = u.now().Add(u.lag)
	}
	u.logins[l.UserName] = login{Login: l, since: old.since}
	u.grant(l, databases)
}

// regrant gives each user its role on the databases.
func (u *users) regrant(databases []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.logins {
		u.grant(l.Login, databases)
	}
}

// grant writes a user to the grant tables. Privileges on *.* would cover the grant
// tables, and a user who can write those can do anything.
func (u *users) grant(l tidbcloud.Login, databases []string) {
	privileges := mysql_db.NewPrivilegeSet()
	if roleOf(l.BuiltinRole) == roleAdmin {
		privileges = mysql_db.NewPrivilegeSetWithAllPrivileges()
	}
	for _, p := range rolePrivileges[roleOf(l.BuiltinRole)] {
		for _, db := range databases {
			privileges.AddDatabase(db, p)
		}
	}
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: "%", User: l.UserName}) // PutUser would keep both
	editor.PutUser(&mysql_db.User{
		User: l.UserName, Host: "%", Plugin: nativePassword, AuthString: l.Hash, PrivilegeSet: privileges,
		IsEphemeral: true, // not for the file
	})
}

func (u *users) drop(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.logins, name)
	editor := u.grants.Editor()
	defer editor.Close()
	editor.RemoveUser(mysql_db.UserPrimaryKey{Host: "%", User: name})
}

const nativePassword = "mysql_native_password"

// insecureTransport is TiDB Cloud's answer to a login without TLS, with number 1105.
const insecureTransport = "Connections using insecure transport are prohibited. " +
	"See https://docs.pingcap.com/tidbcloud/secure-connections-to-serverless-tier-clusters"

var _ mysql.AuthServer = (*users)(nil)

func (u *users) AuthMethods() []mysql.AuthMethod { return []mysql.AuthMethod{u} }

func (u *users) DefaultAuthMethodDescription() mysql.AuthMethodDescription {
	return mysql.MysqlNativePassword
}

// HandleUser accepts unknown users, who then fail like those with a wrong password.
func (u *users) HandleUser(*mysql.Conn, string) bool { return true }

// HandleAuthPluginData checks TLS, the lag and the password.
func (u *users) HandleAuthPluginData(conn *mysql.Conn, user string, salt, reply []byte, addr net.Addr) (mysql.Getter, error) {
	// The listener's RequireSecureTransport sends an error, and then goes on.
	if !conn.TLSEnabled() {
		return nil, mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, insecureTransport)
	}
	u.mu.Lock()
	lags := u.now().Before(u.logins[user].since)
	u.mu.Unlock()
	if !lags {
		if getter, err := u.AuthMethod.HandleAuthPluginData(conn, user, salt, reply, addr); err == nil {
			return getter, nil
		}
	}
	usingPassword := "YES"
	if len(reply) == 0 {
		usingPassword = "NO"
	}
	host, _, _ := net.SplitHostPort(addr.String()) // of a TCP connection
	return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
		"Access denied for user '%s'@'%s' (using password: %s)", user, host, usingPassword)
}

// authorizers lets a user read a view without the privilege to create it, which the
// engine asks for because it reads a view by the statement that created it.
type authorizers struct {
	sql.AuthorizationHandlerFactory
}

func (a authorizers) CreateHandler(c sql.Catalog) sql.AuthorizationHandler {
	return authorizer{a.AuthorizationHandlerFactory.CreateHandler(c)}
}

type authorizer struct{ sql.AuthorizationHandler }

func (a authorizer) HandleAuth(ctx *sql.Context, state sql.AuthorizationQueryState, auth sqlparser.AuthInformation) error {
	if auth.AuthType == sqlparser.AuthType_CREATE_VIEW {
		switch parse(ctx, ctx.Query(), sql.LoadSqlMode(ctx).ParserOptions()).(type) {
		case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Show, *sqlparser.Explain:
			return nil
		}
	}
	return a.AuthorizationHandler.HandleAuth(ctx, state, auth)
}

const roleAdmin = "role_admin"

// roleOf removes the cluster's prefix, which all built-in roles but role_admin have.
func roleOf(builtin string) string {
	return builtin[strings.LastIndexByte(builtin, '.')+1:]
}

// prefixOf returns the part of a user's name that identifies its cluster, or "".
func prefixOf(user string) string {
	return user[:max(strings.IndexByte(user, '.'), 0)]
}

// rolePrivileges are what a role may do in each database. An administrator may do
// anything, and no other role creates users.
//
// Assumed: PingCAP documents what each role is for, and no list of privileges.
// role_readonly is to "query and verify data without modifying it", role_readwrite to
// "query and modify application data", role_admin to "make schema changes and manage
// privileges". https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
var rolePrivileges = map[string][]sql.PrivilegeType{
	"role_readwrite": {
		sql.PrivilegeType_Select, sql.PrivilegeType_Insert, sql.PrivilegeType_Update, sql.PrivilegeType_Delete,
		sql.PrivilegeType_ShowView,
	},
	"role_readonly": {sql.PrivilegeType_Select, sql.PrivilegeType_ShowView},
}
