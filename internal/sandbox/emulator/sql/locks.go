package sql

import (
	"context"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// locks order the statements of one cluster. Package memory has no concurrency
// control: a transaction works on copies of the tables that it touched and puts all
// of them back when it commits, those that it only read too. Two at once would undo
// each other's work. So here a transaction that writes is alone from its first write
// to its end, as in SQLite. One that only reads sees what was committed, waits for
// nobody, and puts nothing back.
type locks struct {
	// statements is held while a statement runs: shared by those that read.
	statements sync.RWMutex
	// write is full while a transaction that wrote is open.
	write chan struct{}
	// wait is how long a statement waits for the write lock.
	wait time.Duration
	// closed is closed when nobody gets the write lock any more.
	closed chan struct{}
}

// acquire waits for the write lock, unless the connection has it.
func (l *locks) acquire(c *connection) error {
	if c.writes {
		return nil
	}
	select {
	case l.write <- struct{}{}:
		c.writes = true
		return nil
	case <-time.After(l.wait):
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState, "Lock wait timeout exceeded; try restarting transaction")
	case <-l.closed:
		return mysql.NewSQLError(mysql.ERServerShutdown, mysql.SSServerShutdown, "Server shutdown in progress")
	}
}

// release gives up the write lock, if the connection has it.
func (l *locks) release(c *connection) {
	if c.writes {
		c.writes = false
		<-l.write
	}
}

// locked runs a statement under the locks that it needs, and persists its effects.
func (c *cluster) locked(ctx *sql.Context, conn *connection, stmt sqlparser.Statement, run func() error) error {
	k := kindOf(stmt)
	switch k {
	case local:
		_, err := endStatement(ctx, run)
		return err
	case reading:
		c.locks.statements.RLock()
		defer c.locks.statements.RUnlock()
		if v, err := ctx.GetSessionVariable(ctx, "transaction_isolation"); err == nil && v == "READ-COMMITTED" && !conn.writes {
			discard(ctx)
		}
		_, err := endStatement(ctx, run)
		return err
	case writing, defining:
		first := !conn.writes
		if err := c.locks.acquire(conn); err != nil {
			return err
		}
		c.locks.statements.Lock()
		defer c.locks.statements.Unlock()
		if first {
			discard(ctx) // what was read may have been replaced meanwhile
		}
		c.changed, c.redefined = true, c.redefined || k == defining
		c.storage.begin()
	default:
		c.locks.statements.Lock()
		defer c.locks.statements.Unlock()
		if k == bounding && !conn.writes {
			discard(ctx) // a commit must not put back what was only read
		}
	}
	open, err := endStatement(ctx, func() error {
		if err := run(); err != nil || k != setting || !conn.writes {
			return err
		}
		return commitRest(ctx)
	})
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

// endStatement runs a statement, brings the session into order after it, and
// reports whether a transaction is open.
func endStatement(ctx *sql.Context, run func() error) (open bool, err error) {
	err = run()
	open, openErr := inTransaction(ctx)
	if err == nil {
		err = openErr
	}
	if !open && openErr == nil {
		// A statement that failed leaves its copies and its transaction behind, and the
		// next statement of this session would go on with them.
		discard(ctx)
		ctx.SetTransaction(nil)
		// CREATE TABLE and the like commit; a transaction that the client began before
		// ends by that.
		ctx.SetIgnoreAutoCommit(false)
	}
	return open, err
}

// inTransaction reports whether the session is in a transaction that the client
// began, or that autocommit = 0 did.
func inTransaction(ctx *sql.Context) (bool, error) {
	if ctx.GetTransaction() == nil {
		return false, nil
	}
	if ctx.GetIgnoreAutoCommit() {
		return true, nil
	}
	v, err := ctx.GetSessionVariable(ctx, sql.AutoCommitSessionVar)
	if err != nil {
		return false, err
	}
	on, err := sql.ConvertToBool(ctx, v)
	return !on, err
}

// discard drops the session's copies of tables.
func discard(ctx *sql.Context) {
	// Its rollback does nothing else, and it cannot fail.
	_ = ctx.Session.(*memory.Session).Rollback(ctx, ctx.GetTransaction())
}

// commitRest commits the transaction that SET autocommit = 1 ended.
func commitRest(ctx *sql.Context) error {
	open, err := inTransaction(ctx)
	if err != nil || open || ctx.GetTransaction() == nil {
		return err
	}
	return ctx.Session.(*memory.Session).CommitTransaction(ctx, ctx.GetTransaction())
}

// kind is what a statement does, as far as its locks matter.
type kind int

const (
	local    kind = iota // touches no table, and may wait: SELECT GET_LOCK('a', 10)
	reading              // reads tables
	setting              // sets a variable, perhaps autocommit
	bounding             // begins or ends a transaction
	writing              // changes rows, or locks them
	defining             // all the rest
)

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
		return writing // for EXPLAIN ANALYZE
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

// parse reads the first statement of a query. It returns nil for what the engine
// will refuse to read, or for nothing.
func parse(ctx context.Context, query string, options sqlparser.ParserOptions) sqlparser.Statement {
	stmt, _, _ := parser{}.ParseOneWithOptions(ctx, query, options)
	return stmt
}
