package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-sql-driver/mysql"
	goose "github.com/pressly/goose/v3/database"

	"portfolio-infra/internal/migration"
)

const (
	// versionTable is goose's own table, so that its CLI knows what was applied here.
	versionTable = "goose_db_version"
	// journalTable records what goose does not: the content of a migration, before it runs.
	journalTable = "pulumi_migrations"
)

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

// history is what a database knows of its migrations.
type history struct {
	applied map[int64]bool
	journal []journalRow
}

type journalRow struct {
	version    int64
	name, hash string
	finished   bool
}

// pendingMigration is a migration that the database lacks.
type pendingMigration struct {
	migration.File
	// resumes reports whether a run began with this content and was interrupted.
	resumes bool
	// edited reports whether a run began with another content and was interrupted.
	edited bool
}

// newStore returns goose's access to its version table.
func newStore() goose.Store {
	store, err := goose.NewStore(goose.DialectTiDB, versionTable)
	if err != nil {
		panic(err) // the dialect exists
	}
	return store
}

// readHistory reads the history of a database. A missing table counts as empty.
func readHistory(ctx context.Context, db goose.DBTxConn) (history, error) {
	h := history{applied: map[int64]bool{}}
	versions, err := newStore().ListMigrations(ctx, db)
	if err != nil && !isMissing(err) {
		return h, err
	}
	// The newest row of a version counts. To take a migration back, old releases of goose added a
	// row with is_applied = false (migrate.go of v3.26.0, EnsureDBVersionContext).
	for _, row := range slices.Backward(versions) {
		h.applied[row.Version] = row.IsApplied
	}
	delete(h.applied, 0) // goose's first row
	rows, err := db.QueryContext(ctx, "SELECT version, name, hash, finished FROM "+journalTable)
	if isMissing(err) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row journalRow
		if err := rows.Scan(&row.version, &row.name, &row.hash, &row.finished); err != nil {
			return h, err
		}
		h.journal = append(h.journal, row)
	}
	return h, rows.Err()
}

// recordedHistory is the history according to the state.
func recordedHistory(files map[string]string) history {
	h := history{applied: map[int64]bool{}}
	for name, hash := range files {
		if version, err := migration.Version(name); err == nil {
			h.applied[version] = true
			h.journal = append(h.journal, journalRow{version, name, hash, true})
		}
	}
	return h
}

// pending returns the migrations to apply, in order. The file of an applied migration must exist
// and be unchanged, and a new one must come after all of these.
func (h history) pending(files []migration.File) (pending []pendingMigration, err error) {
	var problems []error
	last := h.last()
	for _, f := range files {
		finished := h.rows(f.Version, func(r journalRow) bool { return r.finished })
		switch {
		case h.applied[f.Version]:
			// A version without a row was applied by goose's CLI.
			if len(finished) > 0 && !slices.ContainsFunc(finished, func(r journalRow) bool { return r.hash == f.Hash }) {
				problems = append(problems, fmt.Errorf("%s was changed after it had been applied: restore it, and put the change into a new migration", f.Name))
			}
		case f.Version < last:
			problems = append(problems, fmt.Errorf("%s is new, but migration %d has been applied already: give it a number above %d", f.Name, last, last))
		default:
			began := h.rows(f.Version, func(r journalRow) bool { return !r.finished })
			resumes := slices.ContainsFunc(began, func(r journalRow) bool { return r.hash == f.Hash })
			pending = append(pending, pendingMigration{f, resumes, !resumes && len(began) > 0})
		}
	}
	return pending, errors.Join(append(problems, h.missing(files)...)...)
}

// missing returns an error for each applied migration that has no file.
func (h history) missing(files []migration.File) (problems []error) {
	for version, applied := range h.applied {
		if !applied || slices.ContainsFunc(files, func(f migration.File) bool { return f.Version == version }) {
			continue
		}
		name := fmt.Sprintf("migration %d", version)
		if rows := h.rows(version, func(journalRow) bool { return true }); len(rows) > 0 {
			name = rows[0].name
		}
		problems = append(problems, fmt.Errorf("%s has been applied, but its file is missing: restore it", name))
	}
	slices.SortFunc(problems, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
	return problems
}

// last returns the highest version that was applied, or 0.
func (h history) last() (last int64) {
	for version, applied := range h.applied {
		if applied {
			last = max(last, version)
		}
	}
	return last
}

// rows returns the journal's rows of a version for which keep holds.
func (h history) rows(version int64, keep func(journalRow) bool) (rows []journalRow) {
	for _, row := range h.journal {
		if row.version == version && keep(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// isMissing reports whether the table or the database of a query does not exist.
func isMissing(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == errNoTable || refused.Number == errNoDatabase)
}
