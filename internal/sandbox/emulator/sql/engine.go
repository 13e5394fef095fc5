package sql

import (
	"io"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/sirupsen/logrus"
)

// version is what a server says it is: in the form of TiDB Cloud's, and with the
// version that tidbcloud says its clusters have.
const version = "8.0.11-TiDB-v7.5.2-serverless"

// prepare sets what all engines of the process share. It must be done before the
// first of them runs, because they read it without a lock.
var prepare = sync.OnceValue(func() error {
	// The engine logs every refused login to stderr. The client is told anyway.
	logrus.SetOutput(io.Discard)
	sql.SetAuthorizationHandlerFactory(authorizers{sql.GetAuthorizationHandlerFactory()})
	sql.GlobalSchemaFormatter = formatter{}
	return sql.SystemVariables.AssignValues(map[string]any{
		"version":         version,
		"version_comment": "TiDB Server (emulated by go-mysql-server)",
		// The real clusters' clock shows UTC.
		"time_zone":            "+00:00",
		"system_time_zone":     "UTC",
		"character_set_server": "utf8mb4",
		"collation_server":     "utf8mb4_bin",
		// No statement may touch this machine's files, see refuse. What a client sends
		// of its own is another matter.
		"secure_file_priv": "NULL",
		"local_infile":     int8(1),
	})
})

// newEngine makes an engine for the databases of one cluster.
func newEngine(databases sql.DatabaseProvider) (*sqle.Engine, error) {
	if err := prepare(); err != nil {
		return nil, err
	}
	// anyRows takes back the promise that a query answers with one row at most, which the
	// analyzer gives for a whole UNION if one part of it reads by a primary key.
	anyRows := func(_ *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
		flags.Unset(sql.QFlagMax1Row)
		return n, transform.SameTree, nil
	}
	a := analyzer.NewBuilder(databases).AddPostAnalyzeRule(1<<20, anyRows).Build() // a number that no rule has
	// The function that this one replaces says 8.0.31.
	a.Catalog.RegisterFunction(sql.NewEmptyContext(), sql.Function0{Name: "version", Fn: func() sql.Expression {
		return expression.NewLiteral(version, types.LongText)
	}})
	e := sqle.New(a, nil)
	e.Parser = parser{sql.NewMysqlParser()}
	return e, nil
}
