package fakesql

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
)

// table is a table of a storage.
type table struct {
	*memory.Table
	storage *storage
	// name is the database's and the table's, in small letters.
	name string
}

// composite reports whether the primary key has several columns.
func (t *table) composite() bool { return len(t.PrimaryKeySchema().PkOrdinals) > 1 }

// WithProjections implements sql.ProjectedTable. A table with virtual columns
// always gives all: memory mixes them up otherwise.
func (t *table) WithProjections(columns []string) sql.Table {
	if t.PrimaryKeySchema().HasVirtualColumns() {
		return t
	}
	projected, ok := t.Table.WithProjections(columns).(*memory.Table)
	if !ok {
		panic("a projected table of package memory is a table of package memory")
	}
	return &table{Table: projected, storage: t.storage, name: t.name}
}

// PartitionRows implements sql.Table.
func (t *table) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	rows, err := t.Table.PartitionRows(ctx, p)
	return t.readAhead(ctx, rows, err)
}

// IndexedAccess implements sql.IndexAddressable.
func (t *table) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return t.indexed(t.Table.IndexedAccess(ctx, lookup))
}

func (t *table) indexed(found sql.IndexedTable) sql.IndexedTable {
	if memoryTable, ok := found.(*memory.IndexedTable); ok {
		return &indexedTable{IndexedTable: memoryTable, table: t}
	}
	return found
}

// readAhead reads all rows at once where an editor may apply its edits early: it
// does so in the memory that is being read.
func (t *table) readAhead(ctx *sql.Context, rows sql.RowIter, err error) (sql.RowIter, error) {
	if err != nil || !t.composite() {
		return rows, err
	}
	all, err := sql.RowIterToRows(ctx, rows)
	if err != nil {
		return nil, err
	}
	return sql.RowsToRowIter(all...), nil
}

// Inserter implements sql.InsertableTable.
func (t *table) Inserter(ctx *sql.Context) sql.RowInserter { return t.GetForeignKeyEditor(ctx) }

// Updater implements sql.UpdatableTable.
func (t *table) Updater(ctx *sql.Context) sql.RowUpdater { return t.GetForeignKeyEditor(ctx) }

// Deleter implements sql.DeletableTable.
func (t *table) Deleter(ctx *sql.Context) sql.RowDeleter { return t.GetForeignKeyEditor(ctx) }

// Replacer implements sql.ReplaceableTable.
func (t *table) Replacer(ctx *sql.Context) sql.RowReplacer { return t.GetForeignKeyEditor(ctx) }

// GetForeignKeyEditor implements sql.ForeignKeyTable. The editor is good for
// everything else, too.
func (t *table) GetForeignKeyEditor(ctx *sql.Context) sql.ForeignKeyEditor {
	e := t.Table.GetForeignKeyEditor(ctx)
	uniques, err := t.uniques(ctx)
	if err != nil {
		panic(err) // as memory does; it becomes the statement's error
	}
	return t.edited(e, t.PrimaryKeySchema(), uniques)
}

// RewriteInserter implements sql.RewritableTable.
func (t *table) RewriteInserter(ctx *sql.Context, from, to sql.PrimaryKeySchema, old, changed *sql.Column, columns []sql.IndexColumn) (sql.RowInserter, error) {
	inserter, err := t.Table.RewriteInserter(ctx, from, to, old, changed, columns)
	return t.rewriter(inserter, to), err
}

// BuildIndex implements sql.IndexBuildingTable.
func (t *table) BuildIndex(ctx *sql.Context, index sql.IndexDef) (sql.RowInserter, error) {
	inserter, err := t.Table.BuildIndex(ctx, index)
	return t.rewriter(inserter, t.PrimaryKeySchema()), err
}

// rewriter is the editor that fills a table anew.
func (t *table) rewriter(inserter sql.RowInserter, schema sql.PrimaryKeySchema) sql.RowInserter {
	t.forget()
	if e, ok := inserter.(sql.ForeignKeyEditor); ok {
		return t.edited(e, schema, nil)
	}
	return inserter
}

// edited is the editor for a table with the schema.
func (t *table) edited(e sql.ForeignKeyEditor, schema sql.PrimaryKeySchema, uniques []unique) sql.ForeignKeyEditor {
	out := &editor{ForeignKeyEditor: e, table: t, uniques: uniques}
	if len(schema.PkOrdinals) > 1 {
		out.pk = schema.PkOrdinals
	}
	if out.pk == nil && len(uniques) == 0 {
		return e
	}
	return out
}

// pending is what the running statement did to the table.
func (t *table) pending() *pending {
	p := t.storage.edits[t.name]
	if p == nil {
		p = &pending{touched: map[string]string{}}
		t.storage.edits[t.name] = p
	}
	return p
}

func (t *table) forget() { delete(t.storage.edits, t.name) }

// CreateCheck implements sql.CheckAlterableTable. The engine hands the expression
// over without quotes around the names, and cannot read it again where one of them
// needs some.
func (t *table) CreateCheck(ctx *sql.Context, check *sql.CheckDefinition) error {
	quoted := *check
	quoted.CheckExpression = quoteColumns(check.CheckExpression, t.PrimaryKeySchema().Schema)
	return t.Table.CreateCheck(ctx, &quoted)
}

// DropIndex implements sql.IndexAlterableTable.
func (t *table) DropIndex(ctx *sql.Context, name string) error {
	if err := t.Table.DropIndex(ctx, name); err != nil {
		return err
	}
	return t.reindex(ctx)
}

// RenameIndex implements sql.IndexAlterableTable.
func (t *table) RenameIndex(ctx *sql.Context, from, to string) error {
	if err := t.Table.RenameIndex(ctx, from, to); err != nil {
		return err
	}
	return t.reindex(ctx)
}

// reindex makes the content of all indexes anew. Memory keeps that of an index
// which was renamed, or had capitals in its name, under the old name, and the next
// statement that writes trips over it.
func (t *table) reindex(ctx *sql.Context) (err error) {
	schema := t.PrimaryKeySchema()
	inserter, err := t.RewriteInserter(ctx, schema, schema, nil, nil, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, inserter.DiscardChanges(ctx, err))
		}
		err = errors.Join(err, inserter.Close(ctx))
	}()
	partitions, err := t.Partitions(ctx)
	if err != nil {
		return err
	}
	rows := sql.NewTableRowIter(ctx, t, partitions)
	for {
		row, err := rows.Next(ctx)
		if err == io.EOF {
			return rows.Close(ctx)
		}
		if err == nil {
			err = inserter.Insert(ctx, withVirtual(row, schema.Schema))
		}
		if err != nil {
			return errors.Join(err, rows.Close(ctx))
		}
	}
}

// withVirtual puts the virtual columns, empty, into a stored row.
func withVirtual(row sql.Row, schema sql.Schema) sql.Row {
	if !schema.HasVirtualColumns() {
		return row
	}
	full := make(sql.Row, len(schema))
	stored := 0
	for i, column := range schema {
		if !column.Virtual {
			full[i] = row[stored]
			stored++
		}
	}
	return full
}

// indexedTable is a table that is read by an index. Updates and deletes come by it
// too.
type indexedTable struct {
	*memory.IndexedTable
	table *table
}

// PartitionRows implements sql.Table.
func (t *indexedTable) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	rows, err := t.IndexedTable.PartitionRows(ctx, p)
	return t.table.readAhead(ctx, rows, err)
}

// Inserter implements sql.InsertableTable.
func (t *indexedTable) Inserter(ctx *sql.Context) sql.RowInserter { return t.table.Inserter(ctx) }

// Updater implements sql.UpdatableTable.
func (t *indexedTable) Updater(ctx *sql.Context) sql.RowUpdater { return t.table.Updater(ctx) }

// Deleter implements sql.DeletableTable.
func (t *indexedTable) Deleter(ctx *sql.Context) sql.RowDeleter { return t.table.Deleter(ctx) }

// Replacer implements sql.ReplaceableTable.
func (t *indexedTable) Replacer(ctx *sql.Context) sql.RowReplacer { return t.table.Replacer(ctx) }

// GetForeignKeyEditor implements sql.ForeignKeyTable.
func (t *indexedTable) GetForeignKeyEditor(ctx *sql.Context) sql.ForeignKeyEditor {
	return t.table.GetForeignKeyEditor(ctx)
}
