package migrator

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"

	"portfolio-infra/internal/migration"
)

// plainLedger is the record of plain files: the table of steps alone, under a name that no tool has.
// So a database may have several such folders beside the migrations of a tool.
type plainLedger struct{ name string }

// nameLength is the length of the table's column.
const nameLength = 16

// CheckName returns why plain files cannot be recorded under a name, or nil.
func CheckName(name string) error {
	if _, taken := tools[migration.Format(name)]; taken {
		return fmt.Errorf("%q is the name of a tool", name)
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > nameLength {
		return fmt.Errorf("%q must have 1 to %d characters", name, nameLength)
	}
	return nil
}

// startOver is the other way out after an applied file was edited: plain files are what a database
// begins with, so that a new one may run them again.
func (j Job) startOver() string {
	if j.Format != migration.Plain {
		return ""
	}
	return "; or run `pulumi destroy` and then `pulumi up`, which make a new database and run all files"
}

func (l plainLedger) read(ctx context.Context, db querier, t tables, h *History) error {
	if t.columns(stepsTable) == "" {
		return nil
	}
	rows, err := db.QueryContext(ctx, "SELECT migration FROM "+stepsTable+" WHERE tool = ? AND migration <> '' AND step = 0", l.name)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		h.record(id).applied = true // readSteps adds the rest
	}
	return rows.Err()
}

func (plainLedger) locks() []string { return nil }

func (plainLedger) prepare(context.Context, *sql.Conn, tables) error { return nil }

func (plainLedger) begin(context.Context, *sql.Tx, migration.Migration) error { return nil }

func (plainLedger) cancel(context.Context, *sql.Tx, migration.Migration) error { return nil }

func (plainLedger) finish(context.Context, *sql.Tx, migration.Migration) error { return nil }

func (plainLedger) adopt(context.Context, *sql.Tx, migration.Migration) error { return nil }
