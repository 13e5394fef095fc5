package migrator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/migration"
)

// tables are the columns of the database's tables, with their types, in order, by the tables' names.
type tables map[string]string

func readTables(ctx context.Context, db querier) (tables, error) {
	t := tables{}
	rows, err := db.QueryContext(ctx, "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			return nil, err
		}
		if t[table] != "" {
			t[table] += ", "
		}
		t[table] += strings.ToLower(column + " " + kind)
	}
	return t, rows.Err()
}

// columns returns the columns of a table, or "" if it is missing. Case does not matter to TiDB.
func (t tables) columns(name string) string {
	for table, columns := range t {
		if strings.EqualFold(table, name) {
			return columns
		}
	}
	return ""
}

// has reports whether a table has a column.
func (t tables) has(table, column string) bool {
	return strings.Contains(", "+t.columns(table), ", "+column+" ")
}

// lacks returns a column that the tool needs and its table lacks. One of drizzle 0.x is upgraded.
func (j Job) lacks(t tables) string {
	kind := j.kind()
	if j.Format == migration.Drizzle1 {
		kind = tools[migration.Drizzle0]
	}
	for column := range strings.SplitSeq(kind.columns, ", ") { // one empty column for plain files
		name, _, _ := strings.Cut(column, " ")
		if name != "" && t.columns(j.table()) != "" && !t.has(j.table(), name) {
			return name
		}
	}
	return ""
}

// others reports whether there is a table that records no migrations.
func (j Job) others(t tables) bool {
	for name := range t {
		if !j.Records(name) {
			return true
		}
	}
	return false
}

// Records reports whether a table is one that records migrations, a tool's or our own.
func (j Job) Records(name string) bool {
	records := strings.HasPrefix(name, ourPrefix) || strings.EqualFold(name, j.table())
	for _, tool := range tools {
		records = records || strings.EqualFold(name, tool.table)
	}
	return records
}

// ourPrefix begins the names of our own tables.
const ourPrefix = "pulumi_migration"

// inspect adds to the history what must be solved before anything can be applied.
func (j Job) inspect(ctx context.Context, db querier, t tables, h *History) error {
	if j.Format == migration.Plain {
		return nil
	}
	if t.columns(j.table()) == "" {
		j.otherTable(t, h)
	}
	if j.Format == migration.Prisma {
		j.inspectPrisma(t, h)
	}
	if err := j.otherTools(ctx, db, t, h); err != nil {
		return err
	}
	return j.otherSteps(ctx, db, t, h)
}

// otherTable looks for the tool's table under another name.
func (j Job) otherTable(t tables, h *History) {
	if j.Table != "" || j.Format == migration.Prisma {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if t[name] == j.kind().columns {
			h.problem("the table %s of database %q looks like that of %s under another name. If it is, run %s, else %s",
				name, j.Database, j.kind().name, setKey(tableKey, name), setKey(tableKey, j.table()))
		}
	}
}

// otherTools looks for the records of other tools.
func (j Job) otherTools(ctx context.Context, db querier, t tables, h *History) error {
	for _, format := range slices.Sorted(maps.Keys(tools)) {
		other := tools[format]
		if other.table == j.kind().table || strings.EqualFold(other.table, j.table()) || t.columns(other.table) == "" {
			continue
		}
		var records bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+other.table+" WHERE "+other.records+")").Scan(&records); err != nil {
			return err
		}
		if records {
			h.problem("one tool a database: %q has migrations of %s, in the table %s, and the folder is one of %s; go on with %s; "+
				"or, if you no longer use it, rename its table by `RENAME TABLE %s TO %s_old`, and name the last migration of the folder whose changes are made, with %s",
				j.Database, other.name, other.table, j.kind().name, other.name, other.table, other.table, setKey(baselineKey, "NAME"))
		}
	}
	return nil
}

// otherSteps looks for migrations that were begun while the folder had another format.
func (j Job) otherSteps(ctx context.Context, db querier, t tables, h *History) error {
	if t.columns(stepsTable) == "" {
		return nil
	}
	rows, err := db.QueryContext(ctx, "SELECT DISTINCT s.tool, s.name FROM "+stepsTable+" s LEFT JOIN "+stepsTable+
		" w ON w.tool = s.tool AND w.migration = s.migration AND w.step = 0 WHERE s.tool <> ? AND s.step > 0 AND w.step IS NULL", j.tool())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var format, name string
		if err := rows.Scan(&format, &name); err != nil {
			return err
		}
		if _, known := tools[migration.Format(format)]; !known { // plain files have their own names
			continue
		}
		h.problem("%s was begun while the folder was one of %s, and is not finished: run `pulumi up` with that folder, and change to %s afterwards",
			name, tools[migration.Format(format)].name, j.kind().name)
	}
	return rows.Err()
}

// problem adds a problem to the history.
func (h *History) problem(format string, args ...any) {
	h.problems = append(h.problems, fmt.Errorf(format, args...))
}

// ScratchName returns the name of the database, beside another one, in which a report tries
// migrations. The administrator of a copy may make it.
func ScratchName(database string) string {
	name := "pulumi_report_" + database
	return name[:min(len(name), 64)] // TiDB's limit
}
