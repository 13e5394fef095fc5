package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/sqllogin"
)

// apply applies a migration. Its errors begin with the file's name and the line.
func (r *run) apply(ctx context.Context, p Pending) error {
	if p.record.takenBack {
		if err := r.inTransaction(ctx, func(tx *sql.Tx) error { return r.forgetSteps(ctx, tx, p.Migration) }); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	recorded := false
	for i, step := range p.Steps {
		number := i + 1
		if p.record.steps[number].finished {
			continue
		}
		stop := r.progress(ctx, fmt.Sprintf("applying %s, step %d of %d", p.Name, number, len(p.Steps)), step.schema)
		at, err := step.Statements[0], error(nil)
		if step.alone() {
			err = r.executeAlone(ctx, p, number)
		} else {
			at, err = r.changeRows(ctx, p, number)
		}
		stop()
		if err != nil {
			return p.explain(ctx, number, at, err)
		}
		recorded = number == len(p.Steps)
	}
	if recorded {
		return nil
	}
	// It is empty, or the steps that were left were removed from it.
	err := r.inTransaction(ctx, func(tx *sql.Tx) error {
		if len(p.Steps) == 0 {
			if err := r.ledger.begin(ctx, tx, p.Migration); err != nil {
				return err
			}
		}
		return r.finish(ctx, tx, p.Migration)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// stepError is the error of a step's statement.
type stepError struct {
	error
	// unclear reports whether the step may have taken effect, or may yet.
	unclear bool
}

func (e stepError) Unwrap() error { return e.error }

// explain adds to the error of a step where it is, what is done and what may be edited.
func (p *Pending) explain(ctx context.Context, number int, at Statement, err error) error {
	var step stepError
	ofStatement := errors.As(err, &step)
	err = fmt.Errorf("%s:%d: %w", p.Name, at.Line, err)
	done := ""
	switch {
	case number == 2:
		done = fmt.Sprintf("; step 1 of %d is done and stays", len(p.Steps))
	case number > 2:
		done = fmt.Sprintf("; steps 1 to %d of %d are done and stay", number-1, len(p.Steps))
	}
	switch {
	case !ofStatement:
		return err
	case step.unclear && ctx.Err() != nil:
		return fmt.Errorf("%w%s; TiDB may go on with this statement, and the next run waits for it", err, done)
	case step.unclear:
		return fmt.Errorf("%w%s; whether this step took effect is not known: leave it as it is, and run `pulumi up` again", err, done)
	case done == "" || ctx.Err() != nil:
		return fmt.Errorf("%w%s", err, done)
	default:
		return fmt.Errorf("%w%s: change only this one and those that follow, and run `pulumi up` again", err, done)
	}
}

// changeRows executes a step that changes rows, in one transaction with its record. If it fails, it
// returns the statement that did.
func (r *run) changeRows(ctx context.Context, p Pending, number int) (at Statement, err error) {
	step := p.Steps[number-1]
	at = step.Statements[0]
	return at, r.inTransaction(ctx, func(tx *sql.Tx) error {
		if err := r.begin(ctx, tx, p.Migration, number, step, true); err != nil {
			return err
		}
		for _, at = range step.Statements {
			if _, err := tx.ExecContext(ctx, at.Text); err != nil {
				return stepError{err, false}
			}
		}
		return r.end(ctx, tx, p, number)
	})
}

// executeAlone executes a step that cannot be in a transaction.
func (r *run) executeAlone(ctx context.Context, p Pending, number int) error {
	step := p.Steps[number-1]
	err := r.inTransaction(ctx, func(tx *sql.Tx) error {
		if _, recorded := p.record.steps[number]; recorded {
			return nil
		}
		return r.begin(ctx, tx, p.Migration, number, step, false)
	})
	if err != nil {
		return err
	}
	refusal := r.execute(ctx, p, step, p.resumes(number))
	if refusal == nil {
		err := r.inTransaction(ctx, func(tx *sql.Tx) error {
			if err := r.finishStep(ctx, tx, p.Migration, number); err != nil {
				return err
			}
			return r.end(ctx, tx, p, number)
		})
		if err != nil {
			return stepError{err, true}
		}
		return nil
	}
	if refusal.unclear {
		return *refusal
	}
	// The next run must not take this error for a sign that this run made the change.
	if err := r.inTransaction(ctx, func(tx *sql.Tx) error { return r.cancel(ctx, tx, p.Migration, number) }); err != nil {
		r.Log.Warningf("%s failed, and that could not be recorded: %v", p.Name, err)
	}
	switch {
	case p.edited() && step.isDone(refusal):
		return stepError{fmt.Errorf("%w; an interrupted run began with another content of this file, and may have made its change: "+
			"restore that content, and put the change into a new migration", refusal.error), false}
	case step.isDone(refusal):
		return stepError{fmt.Errorf("%w; something outside the migrations already made this change: %s", refusal.error, r.alreadyMade(p, number, refusal)), false}
	}
	return *refusal
}

// execute executes the statement of a step. In a re-run its change may already be made.
func (r *run) execute(ctx context.Context, p Pending, step Step, resumes bool) *stepError {
	execute := func() (err error) {
		for range 10 {
			if _, err = r.conn.ExecContext(ctx, step.Statements[0].Text); !step.schema || !isOutdated(err) {
				break
			}
		}
		return err
	}
	err, again := execute(), error(nil)
	if step.schema && isUnnumbered(err) {
		// Executed again, the statement tells whether its change was made.
		again, err, resumes = err, execute(), true
	}
	for resumes && inProgress(err) {
		r.Log.InfoStatusf("waiting for the index of %s, which an interrupted run began", p.Name)
		if err := rest.Sleep(ctx, 5*time.Second); err != nil {
			return &stepError{err, true}
		}
		err = execute()
	}
	switch {
	case err == nil, resumes && step.isDone(err):
		return nil
	case resumes && (step.repeatable || !isAboutStatement(err)):
		return &stepError{err, true}
	default:
		sameAgain := again != nil && sqllogin.Same(again, err)
		return &stepError{err, !sameAgain && !step.hadNoEffect(err)}
	}
}

// begin records the beginning of a step, and with the first one that of the migration.
func (r *run) begin(ctx context.Context, tx *sql.Tx, m migration.Migration, number int, step Step, finished bool) error {
	if number == 1 {
		if err := r.ledger.begin(ctx, tx, m); err != nil {
			return fmt.Errorf("recording its start: %w", err)
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
	err := r.ledger.finish(ctx, tx, m)
	if err == nil {
		err = r.recordWhole(ctx, tx, m)
	}
	if err != nil {
		return fmt.Errorf("recording it: %w", err)
	}
	return nil
}
