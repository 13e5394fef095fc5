package fakesql

import (
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// gate orders the statements of one cluster.
//
// Package memory has no concurrency control of its own: a transaction works on
// copies of the tables that it touched and puts all of them back when it commits,
// those that it only read too. Two at once would undo each other's work. So here
// a transaction that writes is alone from its first write to its end, as in
// SQLite; who only reads sees what was committed and is never waited for.
//
//   - A statement that reads runs beside others that read. What it would put back
//     is dropped, if it is part of a longer transaction.
//   - A statement that writes waits for its turn, then for the readers. Its
//     transaction, which has only read so far, forgets the copies that it has: it
//     may not build upon what was replaced meanwhile.
//   - The turn ends with the transaction, or with the connection.
type gate struct {
	// statements is held while a statement runs: shared by those that read.
	statements sync.RWMutex
	// turn is full while a transaction that wrote is open, see hold.
	turn chan struct{}
	// wait is how long a statement waits for its turn.
	wait time.Duration
	// closed is closed when nobody gets a turn any more.
	closed chan struct{}
}

func newGate(wait time.Duration) *gate {
	return &gate{turn: make(chan struct{}, 1), wait: wait, closed: make(chan struct{})}
}

// close sends away those that wait. It is called once.
func (g *gate) close() { close(g.closed) }

// hold is whether a connection has the turn.
type hold struct{ has bool }

// take waits for the turn, unless the connection has it.
func (g *gate) take(h *hold) error {
	if h.has {
		return nil
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.turn <- struct{}{}:
		h.has = true
		return nil
	case <-timer.C:
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState,
			"Lock wait timeout exceeded; try restarting transaction")
	case <-g.closed:
		return mysql.NewSQLError(mysql.ERServerShutdown, mysql.SSServerShutdown, "Server shutdown in progress")
	}
}

// give ends the turn, if the connection has it.
func (g *gate) give(h *hold) {
	if h.has {
		h.has = false
		<-g.turn
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

// forget drops the session's copies of tables.
func forget(ctx *sql.Context) {
	// Its rollback does nothing else, and it cannot fail.
	_ = ctx.Session.(*memory.Session).Rollback(ctx, ctx.GetTransaction())
}

// settle brings a session into order after a statement and reports whether a
// transaction is open.
func settle(ctx *sql.Context) (bool, error) {
	open, err := inTransaction(ctx)
	if err != nil || open {
		return open, err
	}
	// A statement that failed leaves its copies and its transaction behind, and the
	// next statement of this session would go on with them.
	forget(ctx)
	ctx.SetTransaction(nil)
	// CREATE TABLE and the like commit; a transaction that the client began before
	// ends by that.
	ctx.SetIgnoreAutoCommit(false)
	return false, nil
}

// commitLeft commits the transaction that SET autocommit = 1 ended.
func commitLeft(ctx *sql.Context) error {
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
