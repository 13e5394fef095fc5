package migrator

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"portfolio-infra/internal/migration"
)

// ledger is the tool's own record of what was applied. It says the same as if the tool had done it.
type ledger interface {
	// read adds to the history what the tool's table says. A missing table says nothing.
	read(ctx context.Context, db querier, t tables, h *History) error
	// locks are the names of the locks that the tool's CLI takes.
	locks() []string
	// prepare creates the tables as the tool does, if they are missing.
	prepare(ctx context.Context, conn *sql.Conn, t tables) error
	// begin records that a migration begins.
	begin(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// cancel takes begin back, since nothing of the migration took effect.
	cancel(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// finish records that a migration was applied. One without a step, or before the baseline,
	// did not begin.
	finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error
	// adopt is called for a migration that the tool's CLI applied. It records what only we do.
	adopt(ctx context.Context, tx *sql.Tx, m migration.Migration) error
}

// ledger returns the ledger of the folder's tool.
func (j Job) ledger() ledger {
	switch table := j.table(); j.Format {
	case migration.Drizzle0:
		return drizzleLedger{table: table, migrations: j.Migrations}
	case migration.Drizzle1:
		return drizzleLedger{table: table, migrations: j.Migrations, named: true}
	case migration.Prisma:
		return prismaLedger{j.Migrations}
	case migration.Plain:
		return plainLedger{j.tool()}
	default:
		return newGooseLedger(table)
	}
}

// tool is a tool as its table shows it.
type tool struct {
	name    string
	table   string // by default
	columns string // with their types, in order
	records string // the condition of a row that records a migration
}

// tools are the tools by the formats of their folders.
var tools = map[migration.Format]tool{
	// internal/dialects/mysql.go and tidb.go of goose v3.26.0. It begins with a row of version 0.
	migration.Goose: {"goose", "goose_db_version", "id bigint, version_id bigint, is_applied tinyint, tstamp timestamp", "version_id > 0"},
	// mysql-core/dialect.js of drizzle-orm 0.45.4.
	migration.Drizzle0: {"drizzle-kit 0.x", "__drizzle_migrations", "id bigint, hash text, created_at bigint", "TRUE"},
	// mysql-core/async/session.js of drizzle-orm 1.0.0-rc.5.
	migration.Drizzle1: {"drizzle-kit 1.x", "__drizzle_migrations", "id bigint, hash text, created_at bigint, name text, applied_at timestamp", "TRUE"},
	// flavour/mysql.rs of prisma-engines, see prismaLedger.
	migration.Prisma: {"Prisma", prismaTable, "id varchar, checksum varchar, finished_at datetime, migration_name varchar, " +
		"logs text, rolled_back_at datetime, started_at datetime, applied_steps_count int", "rolled_back_at IS NULL"},
}

// kind is the tool of the folder. Plain files have none.
func (j Job) kind() tool { return tools[cmp.Or(j.Format, migration.Goose)] }

// table is the name of the tool's table. Prisma's has no other, and plain files have no tool.
func (j Job) table() string {
	switch j.Format {
	case migration.Prisma:
		return prismaTable
	case migration.Plain:
		return stepsTable
	}
	return cmp.Or(j.Table, j.kind().table)
}

// ordered reports whether the tool does not apply a migration late.
func (j Job) ordered() bool {
	return j.Format != migration.Drizzle1 && j.Format != migration.Prisma && j.Format != migration.Plain
}

// noun is what messages call a file of the folder.
func (j Job) noun() string { return Noun(j.Format) }

// Noun is what messages call a file of a folder that has a format.
func Noun(format migration.Format) string {
	if format == migration.Plain {
		return "file"
	}
	return "migration"
}

// setKey is the command that sets a config key.
func setKey(key, value string) string { return fmt.Sprintf("`pulumi config set %s %s`", key, value) }

// The config keys that messages name.
const (
	tableKey    = "migrationsTable"
	baselineKey = "migrationsBaseline"
)

// late returns the error of a migration that the tool would skip.
func (j Job) late(m migration.Migration, last int64) error {
	if j.Format == migration.Drizzle0 {
		return fmt.Errorf("%s is new, but drizzle skips it without a word, since its `when` in meta/_journal.json is not above %d, that of a migration before it: set it to %d",
			m.Name, last, last+1)
	}
	return fmt.Errorf("%s is new, but migration %d has been applied already: give it a number above %d", m.Name, last, last)
}
