package sql

import (
	"bytes"
	"context"
	"errors"

	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// handler wraps the engine's handler of a cluster's connections: each statement
// takes its locks, and what it changed is in the file before its answer is sent.
type handler struct {
	mysql.Handler
	cluster  *cluster
	sessions *server.SessionManager
}

func (h *handler) ConnectionClosed(c *mysql.Conn) {
	h.Handler.ConnectionClosed(c)
	h.cluster.locks.release(c.ConnectionID)
}

func (h *handler) ComInitDB(c *mysql.Conn, database string) error {
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	return tidbError(h.Handler.ComInitDB(c, database), nil)
}

// ComResetConnection also rolls back.
func (h *handler) ComResetConnection(c *mysql.Conn) error {
	defer h.cluster.locks.release(c.ConnectionID)
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	return h.Handler.ComResetConnection(c)
}

func (h *handler) ComPrepare(ctx context.Context, c *mysql.Conn, query string, p *mysql.PrepareData) ([]*querypb.Field, error) {
	sc, stmt, err := h.parse(ctx, c, query)
	if err != nil {
		return nil, err
	}
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	fields, err := h.Handler.ComPrepare(ctx, c, query, p)
	_, err = endStatement(sc, err)
	return fields, tidbError(err, stmt)
}

// ComQuery runs one statement. TiDB refuses several, unless the client asks for
// ComMultiQuery.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn) error {
	options, err := h.ParserOptionsForConnection(c)
	if err != nil {
		return err
	}
	if _, end, err := sqlparser.ParseOneWithOptions(ctx, query, options); err == nil && end > 0 && end < len(query) {
		if _, _, err := sqlparser.ParseOneWithOptions(ctx, query[end:], options); !errors.Is(err, sqlparser.ErrEmpty) {
			return mysql.NewSQLError(8130, mysql.SSUnknownSQLState, "client has multi-statement capability disabled. "+
				"Run SET GLOBAL tidb_multi_statement_mode='ON' after you understand the security risk")
		}
	}
	_, err = h.run(ctx, c, query, send, func(keep mysql.ResultSpoolFn) (string, error) {
		return "", h.Handler.ComQuery(ctx, c, query, keep)
	})
	return err
}

// ComMultiQuery runs the first statement and returns the others.
func (h *handler) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn) (string, error) {
	return h.run(ctx, c, query, send, func(keep mysql.ResultSpoolFn) (string, error) {
		return h.Handler.ComMultiQuery(ctx, c, query, keep)
	})
}

func (h *handler) ComStmtExecute(ctx context.Context, c *mysql.Conn, p *mysql.PrepareData, send func(*sqltypes.Result) error) error {
	spool := func(r *sqltypes.Result, _ bool) error { return send(r) }
	_, err := h.run(ctx, c, p.PrepareStmt, spool, func(keep mysql.ResultSpoolFn) (string, error) {
		return "", h.Handler.ComStmtExecute(ctx, c, p, func(r *sqltypes.Result) error { return keep(r, false) })
	})
	return err
}

// parse returns a context and the first statement of a query.
func (h *handler) parse(ctx context.Context, c *mysql.Conn, query string) (*sql.Context, sqlparser.Statement, error) {
	sc, err := h.sessions.NewContextWithQuery(ctx, c, query)
	if err != nil {
		return nil, nil, err
	}
	stmt := parse(ctx, query, sql.LoadSqlMode(sc).ParserOptions())
	if e, ok := stmt.(*sqlparser.Execute); ok {
		if prepared, ok := h.cluster.engine.PreparedDataCache.GetCachedStmt(sc.Session.ID(), e.Name); ok {
			stmt = prepared
		}
	}
	return sc, stmt, nil
}

// run runs the first statement of a query by exec, which returns the others. The
// answer is sent after the statement has given back its locks: a client that reads
// slowly must not block others, nor one that writes while it reads block itself.
func (h *handler) run(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn,
	exec func(keep mysql.ResultSpoolFn) (string, error),
) (rest string, err error) {
	sc, stmt, err := h.parse(ctx, c, query)
	if err != nil {
		return "", err
	}
	if err := refuse(stmt); err != nil {
		return "", err
	}
	var parts []*sqltypes.Result
	var more bool
	err = h.cluster.execute(sc, stmt, func() (err error) {
		// A panic would cut the connection and leave its locks taken.
		defer func() {
			if p := recover(); p != nil {
				err = mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, "internal error: %v", p)
			}
		}()
		rest, err = exec(func(part *sqltypes.Result, isMore bool) error {
			parts, more = append(parts, clone(part)), isMore
			return nil
		})
		return err
	})
	for i := 0; err == nil && i < len(parts); i++ {
		err = send(parts[i], more)
	}
	return rest, tidbError(err, stmt)
}

// clone copies a part of an answer: the engine reuses its memory.
func clone(part *sqltypes.Result) *sqltypes.Result {
	c := *part
	c.Rows = make([][]sqltypes.Value, len(part.Rows))
	for i, row := range part.Rows {
		for _, v := range row {
			c.Rows[i] = append(c.Rows[i], sqltypes.MakeTrusted(v.Type(), bytes.Clone(v.Raw())))
		}
	}
	return &c
}
