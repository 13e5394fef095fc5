package migrator

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"portfolio-infra/internal/migration"
)

// prismaTable is Prisma's table.
const prismaTable = "_prisma_migrations"

// prismaLedger is the table of Prisma's schema engine. A migration has a row before its first step,
// without finished_at: as long as there is such a row, Prisma applies nothing (apply_migrations.rs,
// detect_failed_migrations).
//
//   - https://github.com/prisma/prisma-engines/blob/4e88174652340aa84a2dae03a18633bf857074a7/schema-engine/connectors/sql-schema-connector/src/sql_migration_persistence.rs
//   - https://github.com/prisma/prisma-engines/blob/f3fa6ef88a992be20030f7471972c42935e2d0ba/schema-engine/connectors/sql-schema-connector/src/flavour/mysql.rs
//   - https://github.com/prisma/prisma-engines/blob/68e56494afddb7ba534a3bcb4d1c9f6d0b947a81/schema-engine/commands/src/commands/apply_migrations.rs
type prismaLedger struct{ migrations []migration.Migration }

// openRow is the condition of the row of a migration that has begun and is not finished.
const openRow = "migration_name = ? AND finished_at IS NULL AND rolled_back_at IS NULL"

func (l prismaLedger) read(ctx context.Context, db querier, _ tables, h *History) error {
	rows, err := db.QueryContext(ctx, "SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL FROM "+prismaTable)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, checksum string
		var finished, rolledBack bool
		if err := rows.Scan(&name, &checksum, &finished, &rolledBack); err != nil {
			return err
		}
		rec := h.record(name)
		rec.name = name
		switch {
		case rolledBack:
			rec.takenBack = true
		case !finished:
			rec.open = true
		default:
			rec.applied = true
			changed := func(m migration.Migration) bool { return m.ID == name && !m.Matches(checksum) }
			if slices.ContainsFunc(l.migrations, changed) {
				rec.hash = checksum
			}
		}
	}
	for _, rec := range h.records {
		rec.takenBack = rec.takenBack && !rec.applied && !rec.open
	}
	return rows.Err()
}

// inspectPrisma adds to the history what Prisma refuses too: a database with other tables and
// without its own (P3005, sql_migration_persistence.rs, initialize), and a migration that it began
// and did not finish (P3009).
func (j Job) inspectPrisma(t tables, h *History) {
	if t.columns(prismaTable) == "" && h.tables && j.Baseline == "" {
		h.problem("database %q has tables, but no records of Prisma: %s", j.Database, j.adviseBaseline())
	}
	for _, id := range slices.Sorted(maps.Keys(h.records)) {
		if rec := h.records[id]; rec.open && len(rec.steps) == 0 {
			h.problem("Prisma began %s and did not finish it: take back what it changed and run `npx prisma migrate resolve --rolled-back %s`, "+
				"or make what is left of its changes and run `npx prisma migrate resolve --applied %s`", id, id, id)
		}
	}
}

// locks has the lock of Prisma, which all databases of a server share. It waits ten seconds for it
// and goes on without it (flavour/mysql.rs, acquire_lock), so the open row has to stop it.
func (prismaLedger) locks() []string { return []string{"prisma_migrate"} }

func (prismaLedger) prepare(ctx context.Context, conn *sql.Conn, _ tables) error {
	// create_migrations_table in flavour/mysql.rs
	_, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+prismaTable+` (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at DATETIME(3),
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at DATETIME(3),
  started_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`)
	return err
}

func (prismaLedger) begin(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO "+prismaTable+" (id, checksum, started_at, migration_name) VALUES (UUID(), ?, UTC_TIMESTAMP(3), ?)", m.Checksum, m.ID)
	return err
}

func (prismaLedger) cancel(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM "+prismaTable+" WHERE "+openRow, m.ID)
	return err
}

// finish completes the row of begin as Prisma does, for which a script is one step. Otherwise it
// adds the row of `prisma migrate resolve --applied`.
func (prismaLedger) finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	result, err := tx.ExecContext(ctx, "UPDATE "+prismaTable+" SET checksum = ?, finished_at = UTC_TIMESTAMP(3), applied_steps_count = applied_steps_count + 1 WHERE "+openRow, m.Checksum, m.ID)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO "+prismaTable+" (id, checksum, logs, started_at, finished_at, migration_name) VALUES (UUID(), ?, '', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), ?)", m.Checksum, m.ID)
	return err
}

func (prismaLedger) adopt(context.Context, *sql.Tx, migration.Migration) error { return nil }
