package migrator

import (
	"context"
	"database/sql"
	"slices"
	"strconv"

	goose "github.com/pressly/goose/v3/database"

	"portfolio-infra/internal/migration"
)

// journalTable records what goose does not: the content of a migration, before it runs. Former
// versions of this program had no table of steps, and still find it as they left it.
const journalTable = "pulumi_migrations"

// createJournal creates the journal. A version has a row for each content that a run began with.
// The first that is applied removes the others.
const createJournal = "CREATE TABLE IF NOT EXISTS " + journalTable + ` (
  version BIGINT NOT NULL,
  hash CHAR(64) NOT NULL,
  name VARCHAR(255) NOT NULL,
  started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  finished BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (version, hash)
)`

// gooseLedger is the table of goose, and the journal.
type gooseLedger struct{ store goose.Store }

func newGooseLedger(table string) gooseLedger {
	store, err := goose.NewStore(goose.DialectTiDB, table)
	if err != nil {
		panic(err) // the dialect and the name exist
	}
	return gooseLedger{store}
}

func (l gooseLedger) read(ctx context.Context, db querier, _ tables, h *History) error {
	versions, err := l.store.ListMigrations(ctx, db)
	if err != nil && !isMissing(err) {
		return err
	}
	// The newest row of a version counts. To take a migration back, old releases of goose added a
	// row with is_applied = false (migrate.go of v3.26.0, EnsureDBVersionContext).
	for _, row := range slices.Backward(versions) {
		if row.Version == 0 {
			continue // goose's first row
		}
		h.record(strconv.FormatInt(row.Version, 10)).applied = row.IsApplied
	}
	for id, rec := range h.records {
		if version, _ := strconv.ParseInt(id, 10, 64); rec.applied {
			h.last = max(h.last, version)
		}
	}
	rows, err := db.QueryContext(ctx, "SELECT version, name, hash, finished FROM "+journalTable)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, name, hash string
		var finished bool
		if err := rows.Scan(&id, &name, &hash, &finished); err != nil {
			return err
		}
		rec := h.record(id)
		rec.name = name
		if finished {
			rec.hash = hash
		} else {
			rec.began = append(rec.began, hash)
		}
	}
	return rows.Err()
}

func (gooseLedger) locks() []string { return nil }

func (l gooseLedger) prepare(ctx context.Context, conn *sql.Conn, _ tables) error {
	versions, err := l.store.ListMigrations(ctx, conn)
	if isMissing(err) {
		err = l.store.CreateVersionTable(ctx, conn)
	}
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		// goose refuses a table without this row.
		if err := l.store.Insert(ctx, conn, goose.InsertRequest{Version: 0}); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, createJournal)
	return err
}

func (gooseLedger) begin(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	_, err := tx.ExecContext(ctx, "REPLACE INTO "+journalTable+" (version, hash, name) VALUES (?, ?, ?)", m.Version, m.Hash, m.Name)
	return err
}

func (gooseLedger) cancel(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM "+journalTable+" WHERE version = ? AND hash = ?", m.Version, m.Hash)
	return err
}

func (l gooseLedger) finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	if err := l.store.Insert(ctx, tx, goose.InsertRequest{Version: m.Version}); err != nil {
		return err
	}
	return l.adopt(ctx, tx, m)
}

// adopt records the hash of a migration as finished, and removes all others of its version.
func (gooseLedger) adopt(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+journalTable+" WHERE version = ?", m.Version); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO "+journalTable+" (version, hash, name, finished) VALUES (?, ?, ?, TRUE)", m.Version, m.Hash, m.Name)
	return err
}
