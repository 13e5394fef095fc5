package migrator

import (
	"errors"
	"fmt"
	"slices"

	"portfolio-infra/internal/migration"
)

// Pending is a migration that the database lacks.
type Pending struct {
	migration.Migration
	// Steps are all its steps, in order.
	Steps []Step

	record *record
}

// plan parses the migration and compares its steps with those that a run began.
func (p *Pending) plan() (err error) {
	if p.Steps, err = parse(p.Migration); err != nil {
		return err
	}
	var problems []error
	for number, row := range p.record.steps {
		if number <= len(p.Steps) && p.Steps[number-1].hash == row.hash {
			continue
		}
		what := "was executed"
		if !row.finished {
			what = "may have been executed by a run that was interrupted"
		}
		where := p.Name
		if number <= len(p.Steps) {
			where = fmt.Sprintf("%s:%d", p.Name, p.Steps[number-1].Statements[0].Line)
		}
		problems = append(problems, fmt.Errorf("%s: step %d %s and was changed since: restore it, and change only what comes after it", where, number, what))
	}
	slices.SortFunc(problems, byText)
	return errors.Join(problems...)
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

func byText(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) }
