package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/sqllogin"
)

// Job is a folder of migrations and the database that they are for.
type Job struct {
	migration.Folder
	// Database is the name of the database, which the connections use by default.
	Database string
	// Table is the name of the tool's own table. If empty, the tool's default. For plain files it
	// is the name under which the table of steps has them, see [CheckName].
	Table string
	// Baseline is the migration up to which the tables were made otherwise, or empty.
	Baseline string
	// Redact keeps the statements and what the server says of them out of errors, since both may
	// have values of rows. The connections must redact, too, see [sqllogin.Login.OpenRedacted].
	Redact bool
	// Log shows the progress.
	Log Log

	// In tests, when to show progress, and how long to wait for the lock.
	ticks    <-chan time.Time
	patience time.Duration
}

// Log shows messages. Those of InfoStatusf are gone with the next.
type Log interface {
	Infof(format string, args ...any)
	InfoStatusf(format string, args ...any)
	Warningf(format string, args ...any)
}

// querier is a connection, a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// run applies migrations on one connection, which holds the lock.
type run struct {
	Job
	ledger ledger
	conn   *sql.Conn
	pool   *sql.DB // for a look beside the connection
	token  string  // see takeOver
	begun  bool    // whether the database had records of migrations
}

// Apply applies the migrations that the database lacks.
func (j Job) Apply(ctx context.Context, db *sql.DB) error {
	if j.Redact && !sqllogin.Redacts(db) {
		return errors.New("the connections of a redacted run must redact, too")
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	r := &run{Job: j, ledger: j.ledger(), conn: conn, pool: db}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.takeOver(ctx); err != nil {
		return fmt.Errorf("locking the migrations of %q: %w", j.Database, err)
	}
	h, err := j.History(ctx, conn)
	if err != nil {
		return fmt.Errorf("reading the migrations of %q: %w", j.Database, err)
	}
	r.begun = h.begun()
	pending, err := j.Pending(h)
	if err != nil {
		return err
	}
	if err := r.prepare(ctx, h); err != nil {
		return fmt.Errorf("preparing the migrations of %q: %w", j.Database, err)
	}
	if err := r.adopt(ctx, h); err != nil {
		return fmt.Errorf("recording the migrations of %q: %w", j.Database, err)
	}
	for _, p := range pending {
		if p.Baseline { // prepare recorded it
			continue
		}
		if err := r.apply(ctx, p); err != nil {
			return fmt.Errorf("applying the %s %w", j.noun(), err)
		}
		j.Log.Infof("applied %s", p.Name)
	}
	return nil
}

// prepare creates the tool's tables if they are missing, and records the baseline.
func (r *run) prepare(ctx context.Context, h History) error {
	t, err := readTables(ctx, r.conn)
	if err != nil {
		return err
	}
	if err := r.ledger.prepare(ctx, r.conn, t); err != nil {
		return err
	}
	return r.recordBaseline(ctx, h)
}

// adopt records the hashes of the migrations that the tool's CLI or a former version of this program
// applied, so that a later change of a file is noticed.
func (r *run) adopt(ctx context.Context, h History) error {
	for _, m := range r.Migrations {
		rec := h.records[m.ID]
		if rec == nil || !rec.applied || rec.whole {
			continue
		}
		err := r.inTransaction(ctx, func(tx *sql.Tx) error {
			if rec.hash == "" {
				if err := r.ledger.adopt(ctx, tx, m); err != nil {
					return err
				}
			}
			return r.recordWhole(ctx, tx, m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inTransaction runs f in a transaction, unless another run took over.
func (r *run) inTransaction(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := r.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := r.isOurs(ctx, tx); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
