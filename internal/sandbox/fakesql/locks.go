package fakesql

import (
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// locks order the statements of one cluster.
//
// Package memory has no concurrency control of its own: a transaction works on
// copies of the tables that it touched and puts all of them back when it commits,
// those that it only read too. Two at once would undo each other's work. So here
// a transaction that writes is alone from its first write to its end, as in
// SQLite; one that only reads sees what was committed and waits for nobody.
//
//   - A statement that reads runs beside others that read. What it would put back
//     is discarded, if it is part of a longer transaction.
//   - A statement that writes waits for the write lock, then for the readers. Its
//     transaction, which has only read so far, discards the copies that it has: it
//     may not build upon what was replaced meanwhile.
//   - The write lock is released when the transaction or the connection ends.
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

func newLocks(wait time.Duration) *locks {
	return &locks{write: make(chan struct{}, 1), wait: wait, closed: make(chan struct{})}
}

// acquire waits for the write lock, unless the connection has it.
func (l *locks) acquire(c *connection) error {
	if c.writes {
		return nil
	}
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case l.write <- struct{}{}:
		c.writes = true
		return nil
	case <-timer.C:
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState,
			"Lock wait timeout exceeded; try restarting transaction")
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

// endStatement brings a session into order after a statement and reports whether
// a transaction is open.
func endStatement(ctx *sql.Context) (bool, error) {
	open, err := inTransaction(ctx)
	if err != nil || open {
		return open, err
	}
	// A statement that failed leaves its copies and its transaction behind, and the
	// next statement of this session would go on with them.
	discard(ctx)
	ctx.SetTransaction(nil)
	// CREATE TABLE and the like commit; a transaction that the client began before
	// ends by that.
	ctx.SetIgnoreAutoCommit(false)
	return false, nil
}

// commitRest commits the transaction that SET autocommit = 1 ended.
func commitRest(ctx *sql.Context) error {
	open, err := inTransaction(ctx)
	if err != nil || open || ctx.GetTransaction() == nil {
		return err
	}
	return ctx.Session.(*memory.Session).CommitTransaction(ctx, ctx.GetTransaction())
}

// repeatable reports whether the session's transaction must see the same tables
// in each of its statements. TiDB's default is that it does.
func repeatable(ctx *sql.Context) bool {
	v, err := ctx.GetSessionVariable(ctx, "transaction_isolation")
	return err != nil || v != "READ-COMMITTED"
}
