package provider

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	goose "github.com/pressly/goose/v3/database"
	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/rest"
)

// migrator applies migrations on one connection, which holds the lock.
type migrator struct {
	conn  *sql.Conn
	store goose.Store
}

// migrate applies the migrations that the connection's database lacks. The package comment says why
// it may die anywhere.
func migrate(ctx context.Context, conn *sql.Conn, database string, files []migration.File) error {
	if err := lockMigrations(ctx, conn, database); err != nil {
		return err
	}
	m := &migrator{conn, newStore()}
	if err := m.prepare(ctx); err != nil {
		return fmt.Errorf("preparing the migrations of %q: %w", database, withSuggestion(err))
	}
	h, err := readHistory(ctx, conn)
	if err != nil {
		return fmt.Errorf("reading the migrations of %q: %w", database, err)
	}
	pending, err := h.pending(files)
	if err != nil {
		return err
	}
	plans, err := planMigrations(pending)
	if err != nil {
		return err
	}
	if err := m.adopt(ctx, h, files); err != nil {
		return fmt.Errorf("recording the migrations of %q: %w", database, err)
	}
	for _, plan := range plans {
		p.GetLogger(ctx).InfoStatusf("applying %s", plan.Name)
		if err := m.apply(ctx, plan); err != nil {
			return fmt.Errorf("applying the migration %w", withSuggestion(err))
		}
		p.GetLogger(ctx).Infof("applied %s", plan.Name)
	}
	return nil
}

// lockPatience is how long a run waits for another. An index on a large table takes long.
const lockPatience = 10 * time.Minute

// lockMigrations waits for the lock of a database's migrations. The connection holds it, and takes
// it along when it ends. https://docs.pingcap.com/tidbcloud/locking-functions/
//
// It polls, since one long wait could not be shown or cancelled.
func lockMigrations(ctx context.Context, conn *sql.Conn, database string) error {
	start := time.Now()
	for pause := time.Second; ; pause = min(pause+time.Second, 5*time.Second) {
		var locked sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", lockName(database)).Scan(&locked); err != nil {
			return fmt.Errorf("locking the migrations of %q: %w", database, err)
		}
		waited := time.Since(start)
		if locked.Int64 == 1 {
			return nil
		}
		if waited+pause > lockPatience {
			return fmt.Errorf("another run has been migrating database %q for %s; wait until it ends, then run `pulumi up` again", database, seconds(waited))
		}
		p.GetLogger(ctx).InfoStatusf("waiting for another run's migrations, %s", seconds(waited))
		if err := rest.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("locking the migrations of %q: %w", database, err)
		}
	}
}

// lockName returns the name of a database's lock. All databases of a server share the names, which
// have at most 64 characters, as many as the name of a database.
func lockName(database string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(database)))
	return journalTable + ":" + hex.EncodeToString(sum[:16])
}

// prepare creates goose's table and the journal if they are missing.
func (m *migrator) prepare(ctx context.Context) error {
	versions, err := m.store.ListMigrations(ctx, m.conn)
	if isMissing(err) {
		err = m.store.CreateVersionTable(ctx, m.conn)
	}
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		// goose refuses a table without this row.
		if err := m.store.Insert(ctx, m.conn, goose.InsertRequest{Version: 0}); err != nil {
			return err
		}
	}
	_, err = m.conn.ExecContext(ctx, createJournal)
	return err
}

// adopt records the hashes of the migrations that goose's CLI applied, so that a later change of a
// file is noticed.
func (m *migrator) adopt(ctx context.Context, h history, files []migration.File) error {
	for _, f := range files {
		if !h.applied[f.Version] || len(h.rows(f.Version, func(r journalRow) bool { return r.finished })) > 0 {
			continue
		}
		if err := m.inTransaction(ctx, func(tx *sql.Tx) error { return finish(ctx, tx, f) }); err != nil {
			return err
		}
	}
	return nil
}

// apply applies a migration. Its errors begin with the file's name and the line.
func (m *migrator) apply(ctx context.Context, plan migrationPlan) error {
	_, err := m.conn.ExecContext(ctx, "REPLACE INTO "+journalTable+" (version, hash, name) VALUES (?, ?, ?)", plan.Version, plan.Hash, plan.Name)
	if err != nil {
		return fmt.Errorf("%s: recording its start: %w", plan.Name, err)
	}
	if plan.schema {
		if err := m.changeSchema(ctx, plan); err != nil {
			return err
		}
	}
	return m.inTransaction(ctx, func(tx *sql.Tx) error {
		if !plan.schema {
			for _, s := range plan.statements {
				if _, err := tx.ExecContext(ctx, s.text); err != nil {
					return plan.failed(s, err)
				}
			}
		}
		err := m.store.Insert(ctx, tx, goose.InsertRequest{Version: plan.Version})
		if err == nil {
			err = finish(ctx, tx, plan.File)
		}
		if err != nil {
			return fmt.Errorf("%s: recording it: %w", plan.Name, err)
		}
		return nil
	})
}

// changeSchema executes the one statement of a migration. In a re-run the change may already be
// made.
func (m *migrator) changeSchema(ctx context.Context, plan migrationPlan) error {
	s := plan.statements[0]
	_, err := m.conn.ExecContext(ctx, s.text)
	for plan.resumes && inProgress(err) {
		p.GetLogger(ctx).InfoStatusf("waiting for the index of %s, which an interrupted run began", plan.Name)
		if err := rest.Sleep(ctx, 5*time.Second); err != nil {
			return plan.failed(s, err)
		}
		_, err = m.conn.ExecContext(ctx, s.text)
	}
	switch {
	case err == nil, plan.resumes && s.isDone(err):
		return nil
	case plan.resumes || !hadNoEffect(err):
		return plan.failed(s, err)
	}
	// The next run must not take this error for a sign that this run made the change.
	if _, err := m.conn.ExecContext(ctx, "DELETE FROM "+journalTable+" WHERE version = ? AND hash = ?", plan.Version, plan.Hash); err != nil {
		p.GetLogger(ctx).Warningf("%s failed, and that could not be recorded: %v", plan.Name, err)
	}
	switch {
	case plan.edited && s.isDone(err):
		err = fmt.Errorf("%w; an interrupted run began with another content of this file, and may have made its change: "+
			"restore that content, and put the change into a new migration", err)
	case s.isDone(err):
		err = fmt.Errorf("%w; something outside the migrations already made this change: revert it, or change the file", err)
	}
	return plan.failed(s, err)
}

func (m migrationPlan) failed(s statement, err error) error {
	return fmt.Errorf("%s:%d: %w", m.Name, s.line, err)
}

// finish records the hash of a migration as finished, and removes all others of its version.
func finish(ctx context.Context, tx *sql.Tx, f migration.File) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+journalTable+" WHERE version = ?", f.Version); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO "+journalTable+" (version, hash, name, finished) VALUES (?, ?, ?, TRUE)", f.Version, f.Hash, f.Name)
	return err
}

func (m *migrator) inTransaction(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := m.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
