package migrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-sql-driver/mysql"
	parsermysql "github.com/pingcap/tidb/pkg/parser/mysql"

	"portfolio-infra/internal/migration"
)

// History is what a database knows of its migrations.
type History struct {
	records map[string]*record // by the migrations' IDs
	// last is the highest version that was applied. A new one must come after it. It is 0 for
	// tools that apply a migration late.
	last int64
	// problems are what must be solved before anything can be applied.
	problems []error
	// live reports whether the database was read, tables whether it has any beside those of
	// records, and fresh whether it had none when this program first saw it, with a baseline.
	live, tables, fresh bool
}

// record is what a database knows of a migration.
type record struct {
	name    string // of its file; may be empty
	applied bool   // says the tool's table
	open    bool   // says the tool's table: it has begun and is not finished
	hash    string // of the content that was applied; empty if the tool's CLI applied it
	whole   bool   // the table of steps has the hash, too
	// steps are the steps that were begun, by their numbers from 1. Those of a migration that
	// the tool took back do not count.
	steps map[int]stepRow
	// takenBack reports whether the migration was applied here and taken back by the tool.
	takenBack bool
	// began has the hashes of the contents that former versions of this program began with.
	began []string
}

func (h *History) record(id string) *record {
	if h.records[id] == nil {
		h.records[id] = &record{}
	}
	return h.records[id]
}

// History reads the history of a database. A missing table counts as empty.
func (j Job) History(ctx context.Context, db querier) (History, error) {
	h := History{records: map[string]*record{}, live: true}
	t, err := readTables(ctx, db)
	if err != nil {
		return h, err
	}
	h.tables = j.others(t)
	if h.fresh, err = j.wasEmpty(ctx, db, t); err != nil {
		return h, err
	}
	if column := j.lacks(t); column != "" {
		h.problem("the table %s of database %q is none of %s, since it lacks the column %s: name the tool's own, or run `pulumi config rm %s`",
			j.table(), j.Database, j.kind().name, column, tableKey)
		return h, nil
	}
	if err := j.ledger().read(ctx, db, t, &h); err != nil {
		return h, err
	}
	if err := j.readSteps(ctx, db, &h); err != nil {
		return h, err
	}
	return h, j.inspect(ctx, db, t, &h)
}

// Recorded returns the history according to a state: the hashes of the files that were applied.
func (j Job) Recorded(files map[string]string) History {
	h := History{records: map[string]*record{}}
	for name, hash := range files {
		if id, err := migration.IDOf(j.Format, name); err == nil {
			h.records[id] = &record{name: name, applied: true, hash: hash}
		}
	}
	for _, m := range j.Migrations {
		if h.records[m.ID] != nil && j.ordered() {
			h.last = max(h.last, m.Version)
		}
	}
	return h
}

// Lost reports whether the file of a migration is not applied.
func (j Job) Lost(h History, name string) bool {
	id, err := migration.IDOf(j.Format, name)
	return err == nil && len(h.problems) == 0 && (h.records[id] == nil || !h.records[id].applied)
}

// Pending returns the migrations to apply, in order, parsed. The file of an applied migration must
// exist and be unchanged. The error lists all problems.
func (j Job) Pending(h History) (pending []Pending, err error) {
	if len(h.problems) > 0 {
		return nil, errors.Join(h.problems...)
	}
	recorded, err := j.baseline(h)
	if err != nil {
		return nil, err
	}
	var problems []error
	last := h.last
	for i, m := range j.Migrations {
		rec, baseline := h.records[m.ID], i < recorded
		switch {
		case rec != nil && rec.applied:
			if rec.hash != "" && rec.hash != m.Hash {
				problems = append(problems, fmt.Errorf("%s was changed after it had been applied: restore it, and put the change into a new %s%s", m.Name, j.noun(), j.startOver()))
			}
		case last > 0 && m.Version <= last && !baseline:
			problems = append(problems, j.late(m, last))
		default:
			if j.ordered() { // what comes later is refused now, not by the next run
				last = max(last, m.Version)
			}
			pending = append(pending, Pending{Migration: m, Baseline: baseline, record: cmp.Or(rec, &record{}), tool: j.tool(), redact: j.Redact})
		}
	}
	problems = append(problems, j.missing(h)...)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for i := range pending {
		if !pending[i].Baseline {
			problems = append(problems, pending[i].plan())
		}
	}
	return pending, errors.Join(problems...)
}

// missing returns an error for each migration that was applied, or a part of it, and has no file.
func (j Job) missing(h History) (problems []error) {
	for _, id := range slices.Sorted(maps.Keys(h.records)) {
		if slices.ContainsFunc(j.Migrations, func(m migration.Migration) bool { return m.ID == id }) {
			continue
		}
		rec := h.records[id]
		name := cmp.Or(rec.name, "migration "+id)
		switch {
		case rec.applied:
			problems = append(problems, fmt.Errorf("%s has been applied, but its file is missing: restore it", name))
		case len(rec.steps) > 0:
			problems = append(problems, fmt.Errorf("a part of %s has been applied, but its file is missing: restore it", name))
		}
	}
	return problems
}

// isMissing reports whether the table or the database of a query does not exist.
func isMissing(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == parsermysql.ErrNoSuchTable || refused.Number == parsermysql.ErrBadDB)
}
