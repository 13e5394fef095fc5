package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/go-sql-driver/mysql"
	parsermysql "github.com/pingcap/tidb/pkg/parser/mysql"

	"portfolio-infra/internal/migration"
)

// baseline returns how many migrations are recorded without running them: those up to the baseline,
// in a database that has tables and no record of any migration. A database without tables is a
// fresh environment, in which everything runs.
func (j Job) baseline(h History) (n int, err error) {
	if j.Baseline == "" {
		return 0, nil
	}
	base, ok := j.Find(j.Baseline)
	if !ok {
		return 0, fmt.Errorf("%s: the folder has no migration %q: name one, such as %s", baselineKey, j.Baseline, j.last())
	}
	rec := h.records[base.ID]
	switch {
	case !h.live || h.fresh || rec != nil && rec.applied:
		return 0, nil
	case h.begun():
		return 0, fmt.Errorf("%s: database %q has records of migrations, but not of %s: a baseline is for a database without any, so run `pulumi config rm %s`",
			baselineKey, j.Database, base.Name, baselineKey)
	case !h.tables:
		return 0, nil
	}
	return 1 + slices.IndexFunc(j.Migrations, func(m migration.Migration) bool { return m.ID == base.ID }), nil
}

// begun reports whether a migration was applied, or at least begun.
func (h *History) begun() bool {
	for _, rec := range h.records {
		if rec.applied || rec.open || len(rec.steps) > 0 || len(rec.began) > 0 {
			return true
		}
	}
	return false
}

// last is the name of the folder's last migration, as the key for the baseline takes it.
func (j Job) last() string {
	if len(j.Migrations) == 0 { // in a refresh
		return "NAME"
	}
	m := j.Migrations[len(j.Migrations)-1]
	if m.Format == migration.Goose {
		return m.Name
	}
	return m.ID
}

// recordBaseline records the first migrations as applied, all at once. If the database has no
// tables, it records that, so that the next run goes on where an interrupted one stopped.
func (r *run) recordBaseline(ctx context.Context, h History) error {
	if r.Baseline == "" || h.fresh || r.begun {
		return nil
	}
	n, err := r.baseline(h)
	if err != nil {
		return err
	}
	return r.inTransaction(ctx, func(tx *sql.Tx) error {
		if n == 0 {
			_, err := tx.ExecContext(ctx, "UPDATE "+stepsTable+" SET name = ? WHERE tool = ? AND migration = '' AND step = 0", r.Baseline, r.tool())
			return err
		}
		for _, m := range r.Migrations[:n] {
			if err := r.finish(ctx, tx, m); err != nil {
				return err
			}
			r.Log.Infof("recorded %s as applied, without running it", m.Name)
		}
		return nil
	})
}

// wasEmpty reports whether recordBaseline recorded a database without tables.
func (j Job) wasEmpty(ctx context.Context, db querier, t tables) (empty bool, err error) {
	if j.Baseline == "" || t.columns(stepsTable) == "" {
		return false, nil
	}
	err = db.QueryRowContext(ctx, "SELECT name <> '' FROM "+stepsTable+" WHERE tool = ? AND migration = '' AND step = 0", j.tool()).Scan(&empty)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return empty, err
}

// alreadyMade says what to do if the change of a step was made outside the migrations. If nothing is
// recorded yet, the tables are probably those of the whole folder.
func (r *run) alreadyMade(p Pending, number int, err error) string {
	var refused *mysql.MySQLError
	exists := errors.As(err, &refused) && refused.Number == parsermysql.ErrTableExists
	if !exists || r.begun || number > 1 || p.ID != r.Migrations[0].ID {
		return "revert it, or change the file"
	}
	return r.adviseBaseline()
}

func (j Job) adviseBaseline() string {
	return fmt.Sprintf("if the tables were made otherwise, such as by a push of the schema, run %s, "+
		"which records the migrations up to that one without running them; name an earlier one if the tables lack the changes of the last", setKey(baselineKey, j.last()))
}
