package migrator

import (
	"context"
	"database/sql"

	"portfolio-infra/internal/migration"
)

// ledger is the tool's own record of what was applied. It says the same as if the tool had done it.
type ledger interface {
	// read adds to the history what the tool's tables say. A missing table says nothing.
	read(ctx context.Context, db querier, h *History, migrations []migration.Migration) error
	// prepare creates the tables as the tool does, if they are missing.
	prepare(ctx context.Context, conn *sql.Conn) error
	// begin records that a migration begins. A run that resumes it does that again.
	begin(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// cancel takes begin back, since nothing of the migration took effect.
	cancel(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// finish records that a migration was applied.
	finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// adopt is called for a migration that the tool's CLI applied. It records what only we do.
	adopt(ctx context.Context, tx *sql.Tx, m migration.Migration) error
}

// ledger returns the ledger of the folder's tool.
func (j Job) ledger() ledger {
	return newGooseLedger()
}
