package fakesql

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// authorizers make the engines' own authorization handlers less strict, in two
// places where it asks for more than MySQL does.
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
	if auth.AuthType == sqlparser.AuthType_CREATE_VIEW && !makesView(ctx) {
		return nil
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

// makesView reports whether the running statement may make a view.
func makesView(ctx *sql.Context) bool {
	switch parse(ctx, ctx.Query(), sql.LoadSqlMode(ctx).ParserOptions()).(type) {
	case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Show, *sqlparser.Explain:
		return false
	}
	return true
}
