package migrator

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// Losses returns what the unfinished steps of pending migrations take away, as "FILE:LINE: what:
// statement". That is what drops a table, a column, a partition or a sequence (with the number
// that it has reached), or deletes rows without a condition on them. A change of a column may
// shorten its values; a migration does not tell what type the column has.
//
// An UPDATE or REPLACE does not count: they are how a migration fills a column. Nor does a new
// character set, since TiDB allows only a larger one (pkg/ddl/executor.go of v8.5.6,
// checkModifyCharsetAndCollation). TRUNCATE and others are refused, see schemaChange.
//
// What the same run makes has nothing to lose, nor has a database without tables.
func (j Job) Losses(h History, pending []Pending) (losses []string) {
	f := &lossFinder{database: strings.ToLower(j.Database), empty: h.live && !h.tables, made: map[table]map[string]bool{}}
	for _, p := range pending {
		for i, step := range p.Steps {
			if p.record.steps[i+1].finished {
				continue
			}
			for _, s := range step.Statements {
				f.found = nil
				f.statement(s.node)
				for _, what := range f.found {
					losses = append(losses, plain(fmt.Sprintf("%s:%d: %s: %s", p.Name, s.Line, what, FirstLine(s.Text))))
				}
			}
		}
	}
	return losses
}

// lossFinder reads statements in the order of a run.
type lossFinder struct {
	database string
	empty    bool // the database
	// made has the columns that the run itself made, or whole for all of a table. A name whose
	// table or column the run took away also counts: what has it later is new.
	made  map[table]map[string]bool
	found []string // in this statement
}

// table is the name of a table or sequence in lower case, since TiDB ignores case.
// https://docs.pingcap.com/tidb/stable/system-variables/#lower_case_table_names
type table struct{ database, name string }

// whole stands for all columns of a table. No column has an empty name.
const whole = ""

func (f *lossFinder) table(name *ast.TableName) table {
	return table{cmp.Or(name.Schema.L, f.database), name.Name.L}
}

// has reports whether the run made a table or a column.
func (f *lossFinder) has(t table, column string) bool {
	return f.made[t][whole] || f.made[t][column] || f.empty && t.database == f.database
}

func (f *lossFinder) set(t table, column string, made bool) {
	if f.made[t] == nil {
		f.made[t] = map[string]bool{}
	}
	f.made[t][column] = made
}

// loses adds a loss, unless the run made what is lost.
func (f *lossFinder) loses(t table, column, format string, args ...any) {
	if !f.has(t, column) {
		f.found = append(f.found, fmt.Sprintf(format, args...))
	}
}

func (f *lossFinder) statement(node ast.Node) {
	switch node := node.(type) {
	case *ast.CreateTableStmt:
		if !node.IfNotExists { // else it may leave an older one as it is
			f.set(f.table(node.Table), whole, true)
		}
	case *ast.CreateSequenceStmt:
		if !node.IfNotExists {
			f.set(f.table(node.Name), whole, true)
		}
	case *ast.DropTableStmt:
		if !node.IsView {
			f.drop("table", node.Tables)
		}
	case *ast.DropSequenceStmt:
		f.drop("sequence", node.Sequences)
	case *ast.RenameTableStmt:
		for _, r := range node.TableToTables {
			f.rename(r.OldTable, r.NewTable)
		}
	case *ast.AlterTableStmt:
		f.alter(node)
	case *ast.DeleteStmt:
		f.delete(node)
	case *ast.NonTransactionalDMLStmt: // BATCH
		f.statement(node.DMLStmt)
	}
}

func (f *lossFinder) drop(kind string, names []*ast.TableName) {
	for _, name := range names {
		f.loses(f.table(name), whole, "drops the %s %s", kind, shown(name))
		f.set(f.table(name), whole, true)
	}
}

func (f *lossFinder) rename(from, to *ast.TableName) {
	columns := f.made[f.table(from)]
	f.made[f.table(from)] = map[string]bool{whole: true}
	f.made[f.table(to)] = columns
}

// alter reads the parts of ALTER TABLE. TiDB refuses two that touch the same column, so their order
// means nothing (pkg/ddl/multi_schema_change.go of v8.5.6, checkOperateSameColAndIdx).
func (f *lossFinder) alter(node *ast.AlterTableStmt) {
	t, name := f.table(node.Table), shown(node.Table)
	var renamed *ast.TableName
	for _, spec := range node.Specs {
		switch spec.Tp {
		case ast.AlterTableAddColumns:
			for _, column := range spec.NewColumns {
				if !spec.IfNotExists {
					f.set(t, column.Name.Name.L, true)
				}
			}
		case ast.AlterTableDropColumn:
			column := spec.OldColumnName.Name
			f.loses(t, column.L, "drops the column %s.%s", name, column)
			f.set(t, column.L, true)
		case ast.AlterTableModifyColumn:
			column := spec.NewColumns[0].Name.Name
			f.loses(t, column.L, "may change the type of %s.%s, and its values", name, column)
		case ast.AlterTableChangeColumn:
			column := spec.OldColumnName.Name
			f.loses(t, column.L, "may change the type of %s.%s, and its values", name, column)
			f.renameColumn(t, column.L, spec.NewColumns[0].Name.Name.L)
		case ast.AlterTableRenameColumn:
			f.renameColumn(t, spec.OldColumnName.Name.L, spec.NewColumnName.Name.L)
		case ast.AlterTableRenameTable:
			renamed = spec.NewTable
		case ast.AlterTableDropPartition:
			var partitions []string
			for _, partition := range spec.PartitionNames {
				partitions = append(partitions, partition.O)
			}
			f.loses(t, whole, "drops the partitions %s of %s", strings.Join(partitions, ", "), name)
		case ast.AlterTableOption:
			for _, option := range spec.Options {
				// https://docs.pingcap.com/tidb/stable/time-to-live/
				if option.Tp == ast.TableOptionTTL || option.Tp == ast.TableOptionTTLEnable && option.BoolValue {
					f.loses(t, whole, "lets TiDB delete rows of %s by their age", name)
				}
			}
		}
	}
	if renamed != nil {
		f.rename(node.Table, renamed)
	}
}

func (f *lossFinder) renameColumn(t table, from, to string) {
	made := f.made[t][from]
	f.set(t, from, true)
	f.set(t, to, made)
}

// delete reads a DELETE. A condition without a column is none. A table may have an alias, so each
// table of a join must be one that the run made.
func (f *lossFinder) delete(node *ast.DeleteStmt) {
	if node.Where != nil && below[*ast.ColumnNameExpr](node.Where) != nil {
		return
	}
	from := below[*ast.TableName](node.TableRefs)
	targets := from
	if node.Tables != nil {
		targets = node.Tables.Tables
	}
	var names []string
	for _, target := range targets {
		names = append(names, shown(target))
	}
	for _, t := range from {
		if !f.has(f.table(t), whole) {
			f.found = append(f.found, "deletes all rows of "+strings.Join(names, ", "))
			return
		}
	}
}

// shown is a name as the statement has it.
func shown(name *ast.TableName) string {
	if name.Schema.O == "" {
		return name.Name.O
	}
	return name.Schema.O + "." + name.Name.O
}

// below returns the nodes of a type below a node.
func below[T ast.Node](node ast.Node) []T {
	v := &collector[T]{}
	node.Accept(v)
	return v.found
}

type collector[T ast.Node] struct{ found []T }

func (c *collector[T]) Enter(node ast.Node) (ast.Node, bool) {
	if found, ok := node.(T); ok {
		c.found = append(c.found, found)
	}
	return node, false
}

func (c *collector[T]) Leave(node ast.Node) (ast.Node, bool) { return node, true }
