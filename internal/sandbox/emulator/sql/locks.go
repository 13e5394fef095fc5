package sql

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// locks order the statements of one cluster. Package memory has no concurrency
// control: a transaction works on copies of the tables that it touched and puts all of
// them back when it commits, even those that it only read, so two at once would undo
// each other's work. As in SQLite, a transaction has the write lock from its first
// write to its end. One that only reads sees what was committed, never waits, and puts
// nothing back.
type locks struct {
	// statements is held while a statement runs, shared by those that read.
	statements sync.RWMutex

	write  chan struct{} // full while a connection has the write lock
	holder atomic.Uint32 // the ID of that connection, or 0
	wait   time.Duration
	closed chan struct{} // closed when nobody gets the write lock any more
}

func newLocks(wait time.Duration) *locks {
	return &locks{write: make(chan struct{}, 1), wait: wait, closed: make(chan struct{})}
}

// holds reports whether a connection has the write lock.
func (l *locks) holds(connection uint32) bool { return l.holder.Load() == connection }

// acquire waits for the write lock, unless the connection has it.
func (l *locks) acquire(connection uint32) error {
	if l.holds(connection) {
		return nil
	}
	select {
	case l.write <- struct{}{}:
		l.holder.Store(connection)
		return nil
	case <-time.After(l.wait):
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState, "Lock wait timeout exceeded; try restarting transaction")
	case <-l.closed:
		return mysql.NewSQLError(mysql.ERServerShutdown, mysql.SSServerShutdown, "Server shutdown in progress")
	}
}

// release gives back the write lock, if the connection has it.
func (l *locks) release(connection uint32) {
	if l.holder.CompareAndSwap(connection, 0) {
		<-l.write
	}
}

// execute runs a statement under the locks that it needs and persists its effects.
func (c *cluster) execute(ctx *sql.Context, stmt sqlparser.Statement, run func() error) error {
	connection := ctx.Session.ID()
	writer := c.locks.holds(connection)
	kind := kindOf(stmt)
	switch kind {
	case tableless:
		_, err := endStatement(ctx, run())
		return err
	case reading:
		c.locks.statements.RLock()
		defer c.locks.statements.RUnlock()
		if v, err := ctx.GetSessionVariable(ctx, "transaction_isolation"); err == nil && v == "READ-COMMITTED" && !writer {
			discard(ctx)
		}
		_, err := endStatement(ctx, run())
		return err
	case writing, defining:
		if err := c.locks.acquire(connection); err != nil {
			return err
		}
	}
	c.locks.statements.Lock()
	defer c.locks.statements.Unlock()
	if kind == writing || kind == defining {
		c.changed, c.redefined = true, c.redefined || kind == defining
		c.storage.resetOwners()
	}
	if !writer && kind != setting {
		// A write must see what others committed since the transaction's first read, and
		// a commit must not put back what was only read.
		discard(ctx)
	}
	err := run()
	if err == nil && kind == setting && writer {
		err = commitIfEnded(ctx)
	}
	open, err := endStatement(ctx, err)
	if open {
		return err
	}
	// Even a statement that failed may have changed something: DROP TABLE a, b.
	if persistErr := c.persist(); err == nil {
		err = persistErr
	}
	c.locks.release(connection)
	return err
}

// endStatement tidies up the session after a statement with the error, and reports
// whether a transaction is open.
func endStatement(ctx *sql.Context, err error) (open bool, _ error) {
	open, openErr := inTransaction(ctx)
	if err == nil {
		err = openErr
	}
	if !open && openErr == nil {
		// A statement that failed leaves its copies and its transaction behind.
		discard(ctx)
		ctx.SetTransaction(nil)
		// DDL commits, which ends a transaction that the client began.
		ctx.SetIgnoreAutoCommit(false)
	}
	return open, err
}

// inTransaction reports whether the session is in a transaction that BEGIN or
// autocommit = 0 opened.
func inTransaction(ctx *sql.Context) (bool, error) {
	if ctx.GetTransaction() == nil {
		return false, nil
	}
	if ctx.GetIgnoreAutoCommit() {
		return true, nil
	}
	autocommit, err := plan.IsSessionAutocommit(ctx)
	return !autocommit, err
}

// discard drops the session's copies of tables.
func discard(ctx *sql.Context) {
	// Rollback does only that, and cannot fail.
	_ = ctx.Session.(*memory.Session).Rollback(ctx, ctx.GetTransaction())
}

// commitIfEnded commits a transaction that SET autocommit = 1 has just ended.
func commitIfEnded(ctx *sql.Context) error {
	open, err := inTransaction(ctx)
	if err != nil || open || ctx.GetTransaction() == nil {
		return err
	}
	return ctx.Session.(*memory.Session).CommitTransaction(ctx, ctx.GetTransaction())
}

// kind is what a statement does, as far as its locks are concerned.
type kind int

const (
	tableless kind = iota // reads no table, and may wait: SELECT GET_LOCK('a', 10)
	reading               // reads tables
	setting               // sets a variable, perhaps autocommit
	bounding              // begins or ends a transaction
	writing               // changes rows, or locks them
	defining              // anything else
)

func kindOf(stmt sqlparser.Statement) kind {
	switch stmt := stmt.(type) {
	case nil:
		return tableless
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
		return writing // EXPLAIN ANALYZE runs it
	case sqlparser.SelectStatement:
		return kindOfSelect(stmt)
	}
	return defining
}

func kindOfSelect(stmt sqlparser.SelectStatement) kind {
	k := tableless
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) { // returns only our errors
		lock := ""
		switch node := node.(type) {
		case *sqlparser.Select:
			lock = node.Lock
		case *sqlparser.SetOp:
			lock = node.Lock
		case *sqlparser.AliasedTableExpr:
			if name, ok := node.Expr.(sqlparser.TableName); ok && name.Name.String() != "dual" {
				k = max(k, reading)
			}
		}
		if lock != "" {
			k = writing
		}
		return true, nil
	}, stmt)
	return k
}

// parse returns the first statement of a query, or nil if there is none or the
// parser refuses it.
func parse(ctx context.Context, query string, options sqlparser.ParserOptions) sqlparser.Statement {
	stmt, _, _ := parser{}.ParseOneWithOptions(ctx, query, options)
	return stmt
}
