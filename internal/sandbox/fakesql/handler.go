package fakesql

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// handler wraps the engine's own and answers a cluster's connections. Each
// statement takes its locks; the answer of one that changed something is sent when
// the change is in the file.
type handler struct {
	mysql.Handler
	cluster  *cluster
	sessions *server.SessionManager

	mu     sync.Mutex
	closed *sync.Cond // a connection
	conns  map[uint32]*connection
	cutOff bool
}

// connection is one connection of a client.
type connection struct {
	*mysql.Conn
	// writes tells that it has the write lock.
	writes bool
}

func newHandler(c *cluster) *handler {
	h := &handler{cluster: c, conns: map[uint32]*connection{}}
	h.closed = sync.NewCond(&h.mu)
	return h
}

func (h *handler) wrap(inner mysql.Handler) (mysql.Handler, error) {
	h.Handler = inner
	return h, nil
}

// NewConnection implements mysql.Handler.
func (h *handler) NewConnection(c *mysql.Conn) {
	h.mu.Lock()
	h.conns[c.ConnectionID] = &connection{Conn: c}
	if h.cutOff {
		c.Close()
	}
	h.mu.Unlock()
	h.Handler.NewConnection(c)
}

// ConnectionClosed implements mysql.Handler.
func (h *handler) ConnectionClosed(c *mysql.Conn) {
	h.Handler.ConnectionClosed(c)
	h.cluster.locks.release(h.connection(c))
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c.ConnectionID)
	h.closed.Broadcast()
}

func (h *handler) connection(c *mysql.Conn) *connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns[c.ConnectionID]
}

// cut closes all connections, and those that come.
func (h *handler) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cutOff = true
	for _, c := range h.conns {
		c.Close()
	}
}

// wait waits until all connections are closed.
func (h *handler) wait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.conns) > 0 {
		h.closed.Wait()
	}
}

// ComInitDB implements mysql.Handler.
func (h *handler) ComInitDB(c *mysql.Conn, database string) error {
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	return asMySQL(h.Handler.ComInitDB(c, database), nil)
}

// ComResetConnection implements mysql.Handler. It rolls back.
func (h *handler) ComResetConnection(c *mysql.Conn) error {
	defer h.cluster.locks.release(h.connection(c))
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	return h.Handler.ComResetConnection(c)
}

// ComPrepare implements mysql.Handler.
func (h *handler) ComPrepare(ctx context.Context, c *mysql.Conn, query string, p *mysql.PrepareData) ([]*querypb.Field, error) {
	sc, err := h.sessions.NewContextWithQuery(ctx, c, query)
	if err != nil {
		return nil, err
	}
	h.cluster.locks.statements.RLock()
	defer h.cluster.locks.statements.RUnlock()
	fields, err := h.Handler.ComPrepare(ctx, c, query, p)
	stmt := parse(ctx, query, sql.LoadSqlMode(sc).ParserOptions())
	return fields, asMySQL(ended(sc, err), stmt)
}

// ComQuery implements mysql.Handler. It runs one statement, without which TiDB
// does not run any.
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

// ComMultiQuery implements mysql.Handler: it runs the first statement and returns
// the others.
func (h *handler) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn) (string, error) {
	return h.run(ctx, c, query, send, func(keep mysql.ResultSpoolFn) (string, error) {
		return h.Handler.ComMultiQuery(ctx, c, query, keep)
	})
}

// ComStmtExecute implements mysql.Handler.
func (h *handler) ComStmtExecute(ctx context.Context, c *mysql.Conn, p *mysql.PrepareData, send func(*sqltypes.Result) error) error {
	spool := func(r *sqltypes.Result, _ bool) error { return send(r) }
	_, err := h.run(ctx, c, p.PrepareStmt, spool, func(keep mysql.ResultSpoolFn) (string, error) {
		return "", h.Handler.ComStmtExecute(ctx, c, p, func(r *sqltypes.Result) error { return keep(r, false) })
	})
	return err
}

// run runs the first statement of a query by exec, which returns the others.
//
// The answer is held back until the statement is over: a client that is slow to
// read must not keep others waiting, and one that writes while it reads must not
// wait for itself.
func (h *handler) run(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn,
	exec func(keep mysql.ResultSpoolFn) (string, error),
) (string, error) {
	sc, err := h.sessions.NewContextWithQuery(ctx, c, query)
	if err != nil {
		return "", err
	}
	stmt := parse(ctx, query, sql.LoadSqlMode(sc).ParserOptions())
	if e, ok := stmt.(*sqlparser.Execute); ok {
		if prepared, ok := h.cluster.engine.PreparedDataCache.GetCachedStmt(sc.Session.ID(), e.Name); ok {
			stmt = prepared
		}
	}
	if err := refuse(stmt); err != nil {
		return "", err
	}
	var parts []*sqltypes.Result
	var more bool
	var rest string
	err = h.exec(sc, h.connection(c), stmt, func() (err error) {
		// A panic would cut the connection and leave the session in disorder.
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
	if err != nil {
		return "", asMySQL(err, stmt)
	}
	for _, part := range parts {
		if err := send(part, more); err != nil {
			return "", err
		}
	}
	return rest, nil
}

// clone copies a part of an answer: the engine uses its memory again.
func clone(part *sqltypes.Result) *sqltypes.Result {
	c := *part
	c.Rows = make([][]sqltypes.Value, len(part.Rows))
	for i, row := range part.Rows {
		c.Rows[i] = make([]sqltypes.Value, len(row))
		for j, v := range row {
			c.Rows[i][j] = sqltypes.MakeTrusted(v.Type(), bytes.Clone(v.Raw()))
		}
	}
	return &c
}

// exec runs a statement under the locks that it needs.
func (h *handler) exec(ctx *sql.Context, conn *connection, stmt sqlparser.Statement, run func() error) error {
	c, k := h.cluster, kindOf(stmt)
	switch k {
	case local:
		return ended(ctx, run())
	case reading:
		c.locks.statements.RLock()
		defer c.locks.statements.RUnlock()
		if !conn.writes && !repeatable(ctx) {
			discard(ctx)
		}
		return ended(ctx, run())
	case setting, bounding:
		c.locks.statements.Lock()
		defer c.locks.statements.Unlock()
		if k == bounding && !conn.writes {
			discard(ctx) // a commit must not put back what was only read
		}
	case writing, defining:
		first := !conn.writes
		if err := c.locks.acquire(conn); err != nil {
			return err
		}
		c.locks.statements.Lock()
		defer c.locks.statements.Unlock()
		if first {
			discard(ctx)
		}
		c.changed, c.redefined = true, c.redefined || k == defining
		c.storage.begin()
	}
	err := run()
	if err == nil && k == setting && conn.writes {
		err = commitRest(ctx)
	}
	open, endErr := endStatement(ctx)
	if err == nil {
		err = endErr
	}
	if open {
		return err
	}
	// Even a statement that failed may have changed something: DROP TABLE a, b.
	if persistErr := c.persist(); err == nil {
		err = persistErr
	}
	c.locks.release(conn)
	return err
}

// ended ends a statement that answered with err.
func ended(ctx *sql.Context, err error) error {
	if _, endErr := endStatement(ctx); err == nil {
		return endErr
	}
	return err
}

// kind is what a statement does, as far as its locks matter.
type kind int

const (
	// local touches no table, and may wait: SELECT GET_LOCK('a', 10).
	local kind = iota
	// reading reads tables.
	reading
	// setting sets a variable, perhaps autocommit.
	setting
	// bounding begins or ends a transaction.
	bounding
	// writing changes rows, or locks them.
	writing
	// defining is all the rest.
	defining
)

// parse reads the first statement of a query. It returns nil for what the engine
// will refuse to read, or for nothing.
func parse(ctx context.Context, query string, options sqlparser.ParserOptions) sqlparser.Statement {
	stmt, _, err := parser{}.ParseOneWithOptions(ctx, query, options)
	if err != nil {
		return nil
	}
	return stmt
}

func kindOf(stmt sqlparser.Statement) kind {
	switch stmt := stmt.(type) {
	case nil:
		return local
	case *sqlparser.Set:
		return setting
	case *sqlparser.Begin, *sqlparser.Commit, *sqlparser.Rollback:
		return bounding
	case *sqlparser.Use, *sqlparser.Show:
		return reading
	case *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Load:
		return writing
	case *sqlparser.Explain:
		if _, ok := stmt.Statement.(sqlparser.SelectStatement); ok || stmt.Statement == nil {
			return reading
		}
		return writing
	case sqlparser.SelectStatement:
		k := local
		_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) { // without an error of its own
			switch node := node.(type) {
			case *sqlparser.Select:
				if node.Lock != "" {
					k = writing
				}
			case *sqlparser.SetOp:
				if node.Lock != "" {
					k = writing
				}
			case *sqlparser.AliasedTableExpr:
				if name, ok := node.Expr.(sqlparser.TableName); ok && name.Name.String() != "dual" {
					k = max(k, reading)
				}
			}
			return true, nil
		}, stmt)
		return k
	}
	return defining
}
