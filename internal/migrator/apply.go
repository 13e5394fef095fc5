package migrator

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/rest"
)

// apply applies a migration. Its errors begin with the file's name and the line.
func (r *run) apply(ctx context.Context, p Pending) error {
	if p.record.takenBack {
		if err := r.forgetSteps(ctx, r.conn, p.Migration); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	last := 0
	for i, step := range p.Steps {
		number := i + 1
		if p.record.steps[number].finished {
			continue
		}
		r.Log.InfoStatusf("applying %s, step %d of %d", p.Name, number, len(p.Steps))
		var err error
		if step.schema {
			err = r.changeSchema(ctx, p, number)
		} else {
			err = r.changeRows(ctx, p, number)
		}
		if err != nil {
			return p.explain(number, err)
		}
		last = number
	}
	if last < len(p.Steps) || len(p.Steps) == 0 { // nothing was left but the record
		return r.inTransaction(ctx, func(tx *sql.Tx) error { return r.finish(ctx, tx, p.Migration) })
	}
	return nil
}

// failed adds the file and the line of a statement to an error.
func (p *Pending) failed(s Statement, err error) error {
	return fmt.Errorf("%s:%d: %w", p.Name, s.Line, err)
}

// explain adds to an error of a step what is done and what may be edited.
func (p *Pending) explain(number int, err error) error {
	switch {
	case number == 1:
		return err
	case hadNoEffect(err):
		return fmt.Errorf("%w; %s of %d are done and stay: change only this one and those that follow, and run `pulumi up` again", err, numbered(number-1), len(p.Steps))
	default:
		return fmt.Errorf("%w; %s of %d are done: run `pulumi up` again", err, numbered(number-1), len(p.Steps))
	}
}

func numbered(n int) string { return fmt.Sprintf("steps 1 to %d", n) }

// changeRows executes a step that changes rows, in one transaction with its record. The record
// comes first: another run that executes the step waits for it, and then fails.
func (r *run) changeRows(ctx context.Context, p Pending, number int) error {
	return r.inTransaction(ctx, func(tx *sql.Tx) error {
		step := p.Steps[number-1]
		if err := r.begin(ctx, tx, p.Migration, number, step, true); err != nil {
			return err
		}
		for _, s := range step.Statements {
			if _, err := tx.ExecContext(ctx, s.Text); err != nil {
				return p.failed(s, err)
			}
		}
		return r.end(ctx, tx, p, number)
	})
}

// changeSchema executes a step that changes the schema. In a re-run the change may already be made.
func (r *run) changeSchema(ctx context.Context, p Pending, number int) error {
	step, resumes := p.Steps[number-1], p.resumes(number)
	if err := r.stillLocked(ctx); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if _, recorded := p.record.steps[number]; !recorded {
		if err := r.inTransaction(ctx, func(tx *sql.Tx) error { return r.begin(ctx, tx, p.Migration, number, step, false) }); err != nil {
			return err
		}
	}
	s := step.Statements[0]
	_, err := r.conn.ExecContext(ctx, s.Text)
	for resumes && inProgress(err) {
		r.Log.InfoStatusf("waiting for the index of %s, which an interrupted run began", p.Name)
		if err := rest.Sleep(ctx, 5*time.Second); err != nil {
			return p.failed(s, err)
		}
		_, err = r.conn.ExecContext(ctx, s.Text)
	}
	switch {
	case err == nil, resumes && step.isDone(err):
		return r.inTransaction(ctx, func(tx *sql.Tx) error {
			if err := r.finishStep(ctx, tx, p.Migration, number); err != nil {
				return err
			}
			return r.end(ctx, tx, p, number)
		})
	case resumes || !hadNoEffect(err):
		return p.failed(s, err)
	}
	// The next run must not take this error for a sign that this run made the change.
	if err := r.inTransaction(ctx, func(tx *sql.Tx) error { return r.cancel(ctx, tx, p.Migration, number) }); err != nil {
		r.Log.Warningf("%s failed, and that could not be recorded: %v", p.Name, err)
	}
	switch {
	case p.edited() && step.isDone(err):
		err = fmt.Errorf("%w; an interrupted run began with another content of this file, and may have made its change: "+
			"restore that content, and put the change into a new migration", err)
	case step.isDone(err):
		err = fmt.Errorf("%w; something outside the migrations already made this change: %s", err, r.alreadyMade(p, number, err))
	}
	return p.failed(s, err)
}

// begin records the beginning of a step, and with the first one that of the migration.
func (r *run) begin(ctx context.Context, tx *sql.Tx, m migration.Migration, number int, step Step, finished bool) error {
	if number == 1 {
		if err := r.ledger.begin(ctx, tx, m); err != nil {
			return fmt.Errorf("%s: recording its start: %w", m.Name, err)
		}
	}
	return r.insertStep(ctx, tx, m, number, step.hash, finished)
}

// cancel takes begin back.
func (r *run) cancel(ctx context.Context, tx *sql.Tx, m migration.Migration, number int) error {
	if number == 1 {
		if err := r.ledger.cancel(ctx, tx, m); err != nil {
			return err
		}
	}
	return r.forgetStep(ctx, tx, m, number)
}

// end records that the migration was applied if a step was its last one.
func (r *run) end(ctx context.Context, tx *sql.Tx, p Pending, number int) error {
	if number < len(p.Steps) {
		return nil
	}
	return r.finish(ctx, tx, p.Migration)
}

// finish records that a migration was applied.
func (r *run) finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	if err := r.ledger.finish(ctx, tx, m); err != nil {
		return fmt.Errorf("%s: recording it: %w", m.Name, err)
	}
	return r.recordWhole(ctx, tx, m)
}
