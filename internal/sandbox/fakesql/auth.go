package fakesql

import (
	"fmt"
	"net"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// insecure is what TiDB Cloud says to a login without TLS, as an error 1105.
const insecure = "Connections using insecure transport are prohibited. " +
	"See https://docs.pingcap.com/tidbcloud/secure-connections-to-serverless-tier-clusters"

// authServer lets in who comes by TLS and has the right password.
type authServer struct {
	mysql.AuthMethod // of the grant tables
	users            *users
}

func newAuthServer(u *users) (mysql.AuthServer, error) {
	for _, m := range u.grants.AuthMethods() {
		if m.Name() == mysql.MysqlNativePassword {
			return authServer{m, u}, nil
		}
	}
	return nil, fmt.Errorf("the engine has no %s", nativePassword)
}

// AuthMethods implements mysql.AuthServer.
func (a authServer) AuthMethods() []mysql.AuthMethod { return []mysql.AuthMethod{a} }

// DefaultAuthMethodDescription implements mysql.AuthServer.
func (a authServer) DefaultAuthMethodDescription() mysql.AuthMethodDescription {
	return mysql.MysqlNativePassword
}

// HandleUser implements mysql.AuthMethod. An unknown user gets as far as one with
// a wrong password.
func (a authServer) HandleUser(*mysql.Conn, string) bool { return true }

// HandleAuthPluginData implements mysql.AuthMethod.
func (a authServer) HandleAuthPluginData(conn *mysql.Conn, user string, salt, reply []byte, addr net.Addr) (mysql.Getter, error) {
	// The library's own check tells the client and then lets it go on.
	if !conn.TLSEnabled() {
		return nil, mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, insecure)
	}
	if !a.users.lagging(user) {
		if getter, err := a.AuthMethod.HandleAuthPluginData(conn, user, salt, reply, addr); err == nil {
			return getter, nil
		}
	}
	using := "YES"
	if len(reply) == 0 {
		using = "NO"
	}
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		host = addr.String()
	}
	return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
		"Access denied for user '%s'@'%s' (using password: %s)", user, host, using)
}

// authorizers make authorization handlers that are less strict than the engine's
// own where those ask for more than MySQL does.
type authorizers struct {
	sql.AuthorizationHandlerFactory
}

// CreateHandler implements sql.AuthorizationHandlerFactory.
func (a authorizers) CreateHandler(c sql.Catalog) sql.AuthorizationHandler {
	return authorizer{a.AuthorizationHandlerFactory.CreateHandler(c)}
}

type authorizer struct{ sql.AuthorizationHandler }

// HandleAuth implements sql.AuthorizationHandler. The engine reads a view by the
// statement that made it, and so asks who reads it for the privilege to make it.
func (a authorizer) HandleAuth(ctx *sql.Context, state sql.AuthorizationQueryState, auth sqlparser.AuthInformation) error {
	if auth.AuthType == sqlparser.AuthType_CREATE_VIEW {
		switch parse(ctx, ctx.Query(), sql.LoadSqlMode(ctx).ParserOptions()).(type) {
		case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Show, *sqlparser.Explain:
			return nil
		}
	}
	return a.AuthorizationHandler.HandleAuth(ctx, state, auth)
}

// CheckDatabase implements sql.AuthorizationHandler. SHOW GRANTS of one's own
// needs the grant tables' database, not a privilege on its tables.
func (a authorizer) CheckDatabase(ctx *sql.Context, state sql.AuthorizationQueryState, name string) error {
	if strings.EqualFold(name, "mysql") {
		return nil
	}
	return a.AuthorizationHandler.CheckDatabase(ctx, state, name)
}
