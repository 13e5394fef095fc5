package fakesql

import (
	"context"
	"sync"

	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// handler stands before the engine's own and answers a cluster's connections. Each
// statement waits at the gate; the answer of one that changed something leaves
// when the change is kept.
type handler struct {
	mysql.Handler
	cluster  *cluster
	sessions *server.SessionManager

	mu    sync.Mutex
	holds map[uint32]*hold // by connection
}

// NewConnection implements mysql.Handler.
func (h *handler) NewConnection(c *mysql.Conn) {
	h.mu.Lock()
	h.holds[c.ConnectionID] = &hold{}
	h.mu.Unlock()
	h.Handler.NewConnection(c)
}

// ConnectionClosed implements mysql.Handler.
func (h *handler) ConnectionClosed(c *mysql.Conn) {
	h.Handler.ConnectionClosed(c)
	h.cluster.gate.give(h.hold(c))
	h.mu.Lock()
	delete(h.holds, c.ConnectionID)
	h.mu.Unlock()
	h.cluster.conns.handlers.Done()
}

func (h *handler) hold(c *mysql.Conn) *hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holds[c.ConnectionID]
}

// ComInitDB implements mysql.Handler.
func (h *handler) ComInitDB(c *mysql.Conn, database string) error {
	h.cluster.gate.statements.RLock()
	defer h.cluster.gate.statements.RUnlock()
	return asMySQL(h.Handler.ComInitDB(c, database))
}

// ComResetConnection implements mysql.Handler. It rolls back.
func (h *handler) ComResetConnection(c *mysql.Conn) error {
	defer h.cluster.gate.give(h.hold(c))
	h.cluster.gate.statements.RLock()
	defer h.cluster.gate.statements.RUnlock()
	return h.Handler.ComResetConnection(c)
}

// ComPrepare implements mysql.Handler.
func (h *handler) ComPrepare(ctx context.Context, c *mysql.Conn, query string, p *mysql.PrepareData) ([]*querypb.Field, error) {
	sc, err := h.sessions.NewContextWithQuery(ctx, c, query)
	if err != nil {
		return nil, err
	}
	h.cluster.gate.statements.RLock()
	defer h.cluster.gate.statements.RUnlock()
	fields, err := h.Handler.ComPrepare(ctx, c, query, p)
	if _, settleErr := settle(sc); err == nil {
		err = settleErr
	}
	return fields, asMySQL(err)
}

// ComQuery implements mysql.Handler.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn) error {
	_, err := h.run(ctx, c, query, send, func(keep mysql.ResultSpoolFn) (string, error) {
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
func (h *handler) run(ctx context.Context, c *mysql.Conn, query string, send mysql.ResultSpoolFn,
	exec func(keep mysql.ResultSpoolFn) (string, error),
) (string, error) {
	options, err := h.ParserOptionsForConnection(c)
	if err != nil {
		return "", err
	}
	sc, err := h.sessions.NewContextWithQuery(ctx, c, query)
	if err != nil {
		return "", err
	}
	stmt := parse(ctx, query, options)
	if e, ok := stmt.(*sqlparser.Execute); ok {
		if prepared, ok := h.cluster.engine.PreparedDataCache.GetCachedStmt(sc.Session.ID(), e.Name); ok {
			stmt = prepared
		}
	}
	if err := refuse(stmt); err != nil {
		return "", err
	}
	var answer results
	var rest string
	err = h.order(sc, h.hold(c), kindOf(stmt), func() (err error) {
		// A panic would cut the connection and leave the session in disorder.
		defer func() {
			if p := recover(); p != nil {
				err = mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, "internal error: %v", p)
			}
		}()
		rest, err = exec(answer.keep)
		return err
	})
	if err != nil {
		return "", asMySQL(err)
	}
	return rest, answer.send(send)
}

// order calls exec when it is the statement's turn.
func (h *handler) order(sc *sql.Context, held *hold, k kind, exec func() error) error {
	g := h.cluster.gate
	switch k {
	case local:
		return settled(sc, exec())
	case reading:
		g.statements.RLock()
		defer g.statements.RUnlock()
		if !held.has && !repeatable(sc) {
			forget(sc)
		}
		return settled(sc, exec())
	case writing:
		first := !held.has
		if err := g.take(held); err != nil {
			return err
		}
		g.statements.Lock()
		defer g.statements.Unlock()
		if first {
			forget(sc)
		}
		h.cluster.dirty = true
		h.cluster.storage.begin()
	default:
		g.statements.Lock()
		defer g.statements.Unlock()
		if k == bounding && !held.has {
			forget(sc) // a commit must not put back what was only read
		}
	}
	err := exec()
	if err == nil && k == setting && held.has {
		err = commitLeft(sc)
	}
	open, settling := settle(sc)
	if err == nil {
		err = settling
	}
	if open {
		return err
	}
	// Even a statement that failed may have changed something: DROP TABLE a, b.
	if keeping := h.cluster.keep(); err == nil {
		err = keeping
	}
	g.give(held)
	return err
}

// settled settles a session after a statement that answered with err.
func settled(sc *sql.Context, err error) error {
	if _, settling := settle(sc); err == nil {
		return settling
	}
	return err
}
