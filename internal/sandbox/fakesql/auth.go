package fakesql

import (
	"fmt"
	"net"

	"github.com/dolthub/vitess/go/mysql"
)

// insecure is what TiDB Cloud says to a login without TLS, as an error 1105.
const insecure = "Connections using insecure transport are prohibited. " +
	"See https://docs.pingcap.com/tidbcloud/secure-connections-to-serverless-tier-clusters"

// authServer lets in who comes by TLS and has the right password.
type authServer struct{ method mysql.AuthMethod }

// newAuthServer checks passwords as the grant tables' own server does.
func newAuthServer(u *users) (mysql.AuthServer, error) {
	for _, m := range u.grants.AuthMethods() {
		if m.Name() == mysql.MysqlNativePassword {
			return authServer{&doorman{AuthMethod: m, users: u}}, nil
		}
	}
	return nil, fmt.Errorf("the server does not know %s", nativePassword)
}

// AuthMethods implements mysql.AuthServer.
func (a authServer) AuthMethods() []mysql.AuthMethod { return []mysql.AuthMethod{a.method} }

// DefaultAuthMethodDescription implements mysql.AuthServer.
func (a authServer) DefaultAuthMethodDescription() mysql.AuthMethodDescription {
	return mysql.MysqlNativePassword
}

// doorman refuses before the password is looked at.
type doorman struct {
	mysql.AuthMethod
	users *users
}

// HandleUser implements mysql.AuthMethod. An unknown user gets as far as one with
// a wrong password.
func (d *doorman) HandleUser(*mysql.Conn, string) bool { return true }

// HandleAuthPluginData implements mysql.AuthMethod.
func (d *doorman) HandleAuthPluginData(conn *mysql.Conn, user string, salt, reply []byte, addr net.Addr) (mysql.Getter, error) {
	// The library's own check tells the client and then lets it go on.
	if !conn.TLSEnabled() {
		return nil, mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, insecure)
	}
	if !d.users.lagging(user) {
		if who, err := d.AuthMethod.HandleAuthPluginData(conn, user, salt, reply, addr); err == nil {
			return who, nil
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
