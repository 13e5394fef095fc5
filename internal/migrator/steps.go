package migrator

import (
	"cmp"
	"context"
	"fmt"

	"portfolio-infra/internal/migration"
)

// stepsTable records the steps of migrations.
const stepsTable = "pulumi_migration_steps"

// createSteps creates the table of steps. Step 0 is the migration as a whole, after it was applied,
// with the checksum that the tool has of it. The row without a migration names the run that may
// write, see [run.takeOver].
const createSteps = "CREATE TABLE IF NOT EXISTS " + stepsTable + ` (
  tool VARCHAR(16) NOT NULL,
  migration VARCHAR(255) NOT NULL,
  step INT NOT NULL,
  hash CHAR(64) NOT NULL,
  name VARCHAR(255) NOT NULL,
  started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  finished BOOLEAN NOT NULL DEFAULT FALSE,
  checksum CHAR(64) NOT NULL DEFAULT '',
  PRIMARY KEY (tool, migration, step)
)`

// stepRow is a row of the table of steps.
type stepRow struct {
	hash     string
	finished bool
}

// readSteps adds the steps to the history.
func (j Job) readSteps(ctx context.Context, db querier, h *History) error {
	rows, err := db.QueryContext(ctx, "SELECT migration, step, hash, name, finished FROM "+stepsTable+" WHERE tool = ? AND migration <> ''", j.tool())
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, name string
		var step int
		var row stepRow
		if err := rows.Scan(&id, &step, &row.hash, &name, &row.finished); err != nil {
			return err
		}
		rec := h.record(id)
		rec.name = name
		switch {
		case step == 0 && rec.applied:
			rec.hash, rec.whole = cmp.Or(rec.hash, row.hash), true
		case step == 0:
			rec.takenBack = true
		case rec.steps == nil:
			rec.steps = map[int]stepRow{step: row}
		default:
			rec.steps[step] = row
		}
	}
	for _, rec := range h.records {
		if rec.takenBack {
			rec.steps, rec.began = nil, nil
		}
	}
	return rows.Err()
}

// tool is the name of the folder's tool in the table, or that of the plain files.
func (j Job) tool() string {
	if j.Format == migration.Plain {
		return cmp.Or(j.Table, string(j.Format))
	}
	return string(j.Format)
}

// insertStep records the beginning of a step, or its end.
func (r *run) insertStep(ctx context.Context, db querier, m migration.Migration, step int, hash string, finished bool) error {
	_, err := db.ExecContext(ctx, "INSERT INTO "+stepsTable+" (tool, migration, step, hash, name, finished) VALUES (?, ?, ?, ?, ?, ?)",
		r.tool(), m.ID, step, hash, m.Name, finished)
	if err != nil {
		return fmt.Errorf("recording step %d: %w", step, err)
	}
	return nil
}

// finishStep records that a step was executed.
func (r *run) finishStep(ctx context.Context, db querier, m migration.Migration, step int) error {
	_, err := db.ExecContext(ctx, "UPDATE "+stepsTable+" SET finished = TRUE WHERE tool = ? AND migration = ? AND step = ?", r.tool(), m.ID, step)
	if err != nil {
		return fmt.Errorf("recording the end of step %d: %w", step, err)
	}
	return nil
}

// forgetStep removes the record of a step that had no effect.
func (r *run) forgetStep(ctx context.Context, db querier, m migration.Migration, step int) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepsTable+" WHERE tool = ? AND migration = ? AND step = ? AND NOT finished", r.tool(), m.ID, step)
	return err
}

// forgetSteps removes the records of a migration that the tool took back.
func (r *run) forgetSteps(ctx context.Context, db querier, m migration.Migration) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepsTable+" WHERE tool = ? AND migration = ?", r.tool(), m.ID)
	return err
}

// recordWhole records the content of a migration that was applied.
func (r *run) recordWhole(ctx context.Context, db querier, m migration.Migration) error {
	_, err := db.ExecContext(ctx, "REPLACE INTO "+stepsTable+" (tool, migration, step, hash, name, finished, checksum) VALUES (?, ?, 0, ?, ?, TRUE, ?)",
		r.tool(), m.ID, m.Hash, m.Name, m.Checksum)
	return err
}
