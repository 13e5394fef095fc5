package migrator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/migration"
)

// Pending is a migration that the database lacks.
type Pending struct {
	migration.Migration
	// Steps are all its steps, in order.
	Steps []Step
	// Baseline reports whether it is recorded and does not run.
	Baseline bool

	record *record
	tool   string // see [Job.tool]
	redact bool
}

// plan parses the migration and compares its steps with those that a run began.
func (p *Pending) plan() (err error) {
	if p.Steps, err = parse(p.Migration, p.redact); err != nil {
		return err
	}
	var problems []error
	for _, number := range slices.Sorted(maps.Keys(p.record.steps)) {
		row := p.record.steps[number]
		where := p.Name
		if number <= len(p.Steps) {
			if p.Steps[number-1].hash == row.hash {
				continue
			}
			where = fmt.Sprintf("%s:%d", p.Name, p.Steps[number-1].Statements[0].Line)
		}
		if row.finished {
			problems = append(problems, fmt.Errorf("%s: step %d was executed and was changed since: restore it, and change only what comes after it", where, number))
			continue
		}
		problems = append(problems, fmt.Errorf("%s: step %d was changed, and a run that was interrupted may have executed it as it was: restore it; "+
			"or, if the database shows that its change was not made, remove its record by `%s`", where, number, p.removal(number)))
	}
	return errors.Join(problems...)
}

// removal is the statement that removes the record of a step whose outcome is unknown.
func (p *Pending) removal(number int) string {
	return fmt.Sprintf("DELETE FROM %s WHERE tool = '%s' AND migration = '%s' AND step = %d AND NOT finished",
		stepsTable, p.tool, strings.ReplaceAll(p.ID, "'", "''"), number)
}

// Done returns how many steps earlier runs finished.
func (p *Pending) Done() (n int) {
	for _, row := range p.record.steps {
		if row.finished {
			n++
		}
	}
	return n
}

// resumes reports whether a run began with a step and was interrupted.
func (p *Pending) resumes(number int) bool {
	row, began := p.record.steps[number]
	return began && !row.finished || number == 1 && !began && slices.Contains(p.record.began, p.Hash)
}

// edited reports whether a former version of this program began with another content of the file
// and was interrupted.
func (p *Pending) edited() bool {
	return len(p.record.steps) == 0 && len(p.record.began) > 0 && !slices.Contains(p.record.began, p.Hash)
}
