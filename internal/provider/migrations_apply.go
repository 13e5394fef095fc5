package provider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"
	goose "github.com/pressly/goose/v3/database"
	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/migration"
)

const (
	// versionTable is goose's own, so that its CLI sees what was applied here.
	versionTable = "goose_db_version"
	// journalTable has what goose does not record: the hash of each migration, written before
	// the migration runs.
	journalTable = "pulumi_migrations"
	// lockWait is how long a run waits for another one, in seconds. An index on a large
	// table takes long.
	lockWait = 600
)

// journal creates the journal.
const journal = "CREATE TABLE IF NOT EXISTS " + journalTable + ` (
  version BIGINT PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  hash CHAR(64) NOT NULL,
  started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)`

// migrator applies migrations on one connection, which holds the lock.
type migrator struct {
	conn  *sql.Conn
	store goose.Store
}

// migrate applies those of the migrations that the database does not have yet.
//
// Nothing is lost where it dies. What is about to run is in the journal. Rows change in one
// transaction with the record of it. A change of the schema cannot: if the journal has it
// and the record does not, it runs again, and then it alone may find its work done.
func migrate(ctx context.Context, db *sql.DB, database string, files []migration.File) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "USE "+quote(database)); err != nil {
		return fmt.Errorf("using database %q: %w", database, err)
	}
	// The lock is the connection's and goes with it.
	// https://docs.pingcap.com/tidb/stable/locking-functions/
	var locked sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", "migrations of "+database, lockWait).Scan(&locked); err != nil {
		return fmt.Errorf("locking the migrations of %q: %w", database, err)
	}
	if locked.Int64 != 1 {
		return fmt.Errorf("another run has been migrating database %q for %s: wait for it, then run this again", database, seconds(lockWait*time.Second))
	}
	store, err := goose.NewStore(goose.DialectTiDB, versionTable)
	if err != nil {
		return err
	}
	m := &migrator{conn, store}
	if err := m.prepare(ctx); err != nil {
		return fmt.Errorf("preparing the migrations of %q: %w", database, err)
	}
	pending, interrupted, err := m.pending(ctx, files)
	if err != nil {
		return err
	}
	for _, f := range pending {
		plan, err := planMigration(f)
		if err != nil {
			return err
		}
		p.GetLogger(ctx).InfoStatusf("applying %s", f.Name)
		if err := m.apply(ctx, plan, interrupted[f.Version]); err != nil {
			return fmt.Errorf("applying %s: %w", f.Name, withSuggestion(err))
		}
	}
	return nil
}

// prepare creates the two tables.
func (m *migrator) prepare(ctx context.Context) error {
	var count int
	err := m.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?", versionTable).Scan(&count)
	if err != nil {
		return err
	}
	if count == 0 {
		if err := m.store.CreateVersionTable(ctx, m.conn); err != nil && !isDone(err) {
			return err
		}
	}
	// goose begins with version 0, and takes a table without it for broken.
	if _, err := m.store.GetMigration(ctx, m.conn, 0); errors.Is(err, goose.ErrVersionNotFound) {
		err = m.store.Insert(ctx, m.conn, goose.InsertRequest{Version: 0})
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	_, err = m.conn.ExecContext(ctx, journal)
	return err
}

// pending returns what is to be applied, and which of it an earlier run began. A file that
// was applied must be there still, unchanged, and none may come in before it.
func (m *migrator) pending(ctx context.Context, files []migration.File) (pending []migration.File, interrupted map[int64]bool, err error) {
	applied, err := m.applied(ctx)
	if err != nil {
		return nil, nil, err
	}
	began, err := m.journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	last := int64(0)
	if len(applied) > 0 {
		last = slices.Max(applied)
	}
	var problems []error
	interrupted = map[int64]bool{}
	for _, f := range files {
		entry, known := began[f.Version]
		switch {
		case known && entry.hash != f.Hash && slices.Contains(applied, f.Version):
			problems = append(problems, fmt.Errorf("%s was changed after it had been applied: restore it, and put the change into a new file", f.Name))
		case slices.Contains(applied, f.Version):
		case f.Version < last:
			problems = append(problems, fmt.Errorf("%s is not applied, but a later migration is: give it a number above %d", f.Name, last))
		default:
			pending = append(pending, f)
			interrupted[f.Version] = known && entry.hash == f.Hash
		}
	}
	for _, version := range applied {
		if !slices.ContainsFunc(files, func(f migration.File) bool { return f.Version == version }) {
			problems = append(problems, fmt.Errorf("the file of migration %d (%s), which was applied, is missing: restore it", version, began[version].name))
		}
	}
	return pending, interrupted, errors.Join(problems...)
}

// applied lists the versions that the database has, in order.
func (m *migrator) applied(ctx context.Context) ([]int64, error) {
	rows, err := m.store.ListMigrations(ctx, m.conn)
	if err != nil {
		return nil, err
	}
	var versions []int64
	for _, row := range rows { // the newest first; goose deletes the row of one that it takes back
		if row.Version > 0 && row.IsApplied {
			versions = append(versions, row.Version)
		}
	}
	slices.Sort(versions)
	return slices.Compact(versions), nil
}

type journalEntry struct{ name, hash string }

func (m *migrator) journal(ctx context.Context) (map[int64]journalEntry, error) {
	rows, err := m.conn.QueryContext(ctx, "SELECT version, name, hash FROM "+journalTable)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	entries := map[int64]journalEntry{}
	for rows.Next() {
		var version int64
		var entry journalEntry
		if err := rows.Scan(&version, &entry.name, &entry.hash); err != nil {
			return nil, err
		}
		entries[version] = entry
	}
	return entries, rows.Err()
}

func (m *migrator) apply(ctx context.Context, plan migrationPlan, interrupted bool) error {
	if _, err := m.conn.ExecContext(ctx, "REPLACE INTO "+journalTable+" (version, name, hash) VALUES (?, ?, ?)", plan.Version, plan.Name, plan.Hash); err != nil {
		return err
	}
	record := goose.InsertRequest{Version: plan.Version}
	if plan.ddl {
		_, err := m.conn.ExecContext(ctx, plan.statements[0])
		if err != nil && !(interrupted && isDone(err)) {
			return err
		}
		return m.store.Insert(ctx, m.conn, record)
	}
	tx, err := m.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range plan.statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := m.store.Insert(ctx, tx, record); err != nil {
		return err
	}
	return tx.Commit()
}

// doneErrors are what a change of the schema meets that was made before.
// https://docs.pingcap.com/tidb/stable/error-codes/
var doneErrors = []uint16{
	1007, // database exists
	1008, // no database to drop
	1050, // table exists
	1051, // no table to drop
	1060, // column exists
	1061, // index exists
	1091, // no column or index to drop
	1826, // foreign key exists
}

func isDone(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && slices.Contains(doneErrors, refused.Number)
}
