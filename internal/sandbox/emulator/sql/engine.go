package sql

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/sirupsen/logrus"
)

// version has the form of TiDB Cloud's, and the number that the emulated API shows.
const version = "8.0.11-TiDB-v7.5.2-serverless"

// configureProcess sets what all engines of the process share. They read it without
// a lock, so it must run before the first of them.
var configureProcess = sync.OnceValue(func() error {
	logrus.SetOutput(io.Discard) // it logs every refused login
	sql.SetAuthorizationHandlerFactory(authorizers{sql.GetAuthorizationHandlerFactory()})
	sql.GlobalSchemaFormatter = formatter{}
	return sql.SystemVariables.AssignValues(map[string]any{
		"version":              version,
		"version_comment":      "TiDB Server (emulated by go-mysql-server)",
		"time_zone":            "+00:00", // as in TiDB Cloud
		"system_time_zone":     "UTC",
		"character_set_server": "utf8mb4",
		"collation_server":     "utf8mb4_bin",
		// Clients may send files of their own, but not touch those of this machine: no file
		// is in this folder.
		"secure_file_priv": os.DevNull,
		"local_infile":     int8(1),
	})
})

func newEngine(storage *storage) (*sqle.Engine, error) {
	if err := configureProcess(); err != nil {
		return nil, err
	}
	// If one part of a UNION reads by a primary key, the analyzer promises one row for
	// the whole of it.
	dropMax1Row := func(_ *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
		flags.Unset(sql.QFlagMax1Row)
		return n, transform.SameTree, nil
	}
	a := analyzer.NewBuilder(storage).AddPostAnalyzeRule(1<<20, dropMax1Row).Build() // an ID that no rule has
	// The engine's own VERSION() returns 8.0.31.
	a.Catalog.RegisterFunction(sql.NewEmptyContext(), sql.Function0{Name: "version", Fn: func() sql.Expression {
		return expression.NewLiteral(version, types.LongText)
	}})
	e := sqle.New(a, nil)
	e.Parser = parser{sql.NewMysqlParser()}
	return e, nil
}

// closeEngine cancels the running statements.
func closeEngine(e *sqle.Engine) error {
	if err := e.Close(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// internalEngine runs statements of the emulator's own, with all privileges.
type internalEngine struct {
	*sqle.Engine
	storage *storage
	// session is shared by all statements: creating one takes longer than writing a
	// small file.
	session *memory.Session
}

func newInternalEngine(storage *storage) (*internalEngine, error) {
	e, err := newEngine(storage)
	if err != nil {
		return nil, err
	}
	base := sql.NewBaseSessionWithClientServer("", sql.Client{User: "root", Address: "localhost"}, 0)
	return &internalEngine{e, storage, memory.NewSession(base, storage.DbProvider)}, nil
}

// context returns a context for one statement on what is committed.
func (e *internalEngine) context() *sql.Context {
	ctx := sql.NewContext(context.Background(), sql.WithSession(e.session))
	discard(ctx)
	return ctx
}

func (e *internalEngine) query(ctx *sql.Context, text string) ([]sql.Row, error) {
	ctx = sql.NewContext(ctx, sql.WithSession(e.session)) // a context serves one statement
	_, rows, _, err := e.Query(ctx, text)
	if err != nil {
		return nil, err
	}
	return sql.RowIterToRows(ctx, rows)
}
