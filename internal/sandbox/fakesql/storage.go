package fakesql

import (
	"errors"
	"strings"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// storage are the databases of one cluster: those of package memory, with tables
// that make up for some of its faults.
//
//   - It collects what a statement inserts and deletes in maps whose keys are the
//     values of the primary key, one after the other with nothing in between. So
//     (1, 11) and (11, 1) are one key to it: a statement that inserts both fails, and
//     one that deletes both deletes one.
//   - It lets 'Ann' and 'ann' into a unique key whose collation makes no difference
//     between them, and any two decimals into one.
//   - It mixes up the columns of a table with virtual columns, and leaves the
//     content of an index behind that was renamed or dropped.
//
// An [editor] mends the first two, a [table] the third.
type storage struct {
	*memory.DbProvider
	// edits are those of the running statement, by table. Only one statement of a
	// cluster writes at a time, see locks.
	edits map[string]*edits
}

func newStorage() *storage {
	return &storage{
		DbProvider: memory.NewDBProviderWithOpts(memory.NativeIndexProvider(true)).(*memory.DbProvider),
		edits:      map[string]*edits{},
	}
}

// begin is called before each statement that writes.
func (s *storage) begin() { clear(s.edits) }

// Database implements sql.DatabaseProvider.
func (s *storage) Database(ctx *sql.Context, name string) (sql.Database, error) {
	db, err := s.DbProvider.Database(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.wrap(db), nil
}

// AllDatabases implements sql.DatabaseProvider.
func (s *storage) AllDatabases(ctx *sql.Context) []sql.Database {
	dbs := s.DbProvider.AllDatabases(ctx)
	for i, db := range dbs {
		dbs[i] = s.wrap(db)
	}
	return dbs
}

func (s *storage) wrap(db sql.Database) sql.Database {
	if db, ok := db.(*memory.Database); ok {
		return &database{Database: db, storage: s}
	}
	return db
}

// database is a database of a storage.
type database struct {
	*memory.Database
	storage *storage
}

// CreateIndexedTable hides memory's method of this name: it loses the table's
// comment. The engine uses CreateTable where there is no sql.IndexedTableCreator.
func (d *database) CreateIndexedTable() {}

// GetTableInsensitive implements sql.Database.
func (d *database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	t, ok, err := d.Database.GetTableInsensitive(ctx, name)
	if t, isMemory := t.(*memory.Table); err == nil && ok && isMemory {
		return &table{Table: t, storage: d.storage, name: strings.ToLower(d.Name() + "." + name)}, true, nil
	}
	return t, ok, err
}

// table is a table of a storage.
type table struct {
	*memory.Table
	storage *storage
	// name is the database's and the table's, in small letters.
	name string
}

// WithProjections implements sql.ProjectedTable. A table with virtual columns
// always gives all: memory mixes them up otherwise.
func (t *table) WithProjections(columns []string) sql.Table {
	if t.PrimaryKeySchema().HasVirtualColumns() {
		return t
	}
	projected := t.Table.WithProjections(columns).(*memory.Table) // as it says
	return &table{Table: projected, storage: t.storage, name: t.name}
}

// PartitionRows implements sql.Table.
func (t *table) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	rows, err := t.Table.PartitionRows(ctx, p)
	return t.readAhead(ctx, rows, err)
}

// readAhead reads all rows at once where an editor applies edits one by one: it
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

// composite reports whether the primary key has several columns.
func (t *table) composite() bool { return len(t.PrimaryKeySchema().PkOrdinals) > 1 }

// IndexedAccess implements sql.IndexAddressable.
func (t *table) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return t.indexed(t.Table.IndexedAccess(ctx, lookup))
}

func (t *table) indexed(found sql.IndexedTable) sql.IndexedTable {
	if found, ok := found.(*memory.IndexedTable); ok {
		return &indexedTable{table: t, inner: found}
	}
	return found
}

// indexedTable is a table that is read by an index. Updates and deletes come by it
// too.
type indexedTable struct {
	*table
	inner *memory.IndexedTable
}

// LookupPartitions implements sql.IndexedTable.
func (t *indexedTable) LookupPartitions(ctx *sql.Context, lookup sql.IndexLookup) (sql.PartitionIter, error) {
	return t.inner.LookupPartitions(ctx, lookup)
}

// PartitionRows implements sql.Table.
func (t *indexedTable) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	rows, err := t.inner.PartitionRows(ctx, p)
	return t.readAhead(ctx, rows, err)
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
	keys, err := t.looseKeys(ctx)
	if err != nil {
		panic(err) // as memory does; it becomes the statement's error
	}
	if len(keys) == 0 && !t.composite() {
		return e
	}
	return &editor{ForeignKeyEditor: e, table: t, keys: keys, composite: t.composite()}
}

// RewriteInserter implements sql.RewritableTable.
func (t *table) RewriteInserter(ctx *sql.Context, from, to sql.PrimaryKeySchema, old, changed *sql.Column, columns []sql.IndexColumn) (sql.RowInserter, error) {
	if err := checkModified(old, changed); err != nil {
		return nil, err
	}
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
	delete(t.storage.edits, t.name)
	if e, ok := inserter.(sql.ForeignKeyEditor); ok && len(schema.PkOrdinals) > 1 {
		return &editor{ForeignKeyEditor: e, table: t, composite: true}
	}
	return inserter
}

// ModifyColumn implements sql.AlterableTable.
func (t *table) ModifyColumn(ctx *sql.Context, name string, changed *sql.Column, order *sql.ColumnOrder) error {
	schema := t.PrimaryKeySchema().Schema
	if i := schema.IndexOfColName(name); i >= 0 {
		if err := checkModified(schema[i], changed); err != nil {
			return err
		}
	}
	return t.Table.ModifyColumn(ctx, name, changed, order)
}

// checkModified refuses what TiDB does, in pkg/ddl/modify_column.go.
func checkModified(old, changed *sql.Column) error {
	if old != nil && changed != nil && changed.AutoIncrement && !old.AutoIncrement {
		return mysql.NewSQLError(8200, mysql.SSUnknownSQLState, "Unsupported modify column: can't set auto_increment")
	}
	return nil
}

// DropIndex implements sql.IndexAlterableTable.
func (t *table) DropIndex(ctx *sql.Context, name string) error {
	return errors.Join(t.Table.DropIndex(ctx, name), t.reindex(ctx))
}

// RenameIndex implements sql.IndexAlterableTable.
func (t *table) RenameIndex(ctx *sql.Context, from, to string) error {
	return errors.Join(t.Table.RenameIndex(ctx, from, to), t.reindex(ctx))
}

// reindex makes the content of all indexes anew. Memory keeps that of an index
// which was renamed, or had capitals in its name, under the old name, and the next
// statement that writes trips over it.
func (t *table) reindex(ctx *sql.Context) error {
	schema := t.PrimaryKeySchema()
	rows, err := t.allRows(ctx)
	if err != nil {
		return err
	}
	inserter, err := t.RewriteInserter(ctx, schema, schema, nil, nil, nil)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := inserter.Insert(ctx, row); err != nil {
			return errors.Join(err, inserter.DiscardChanges(ctx, err), inserter.Close(ctx))
		}
	}
	return inserter.Close(ctx)
}

// allRows reads the table. A virtual column has no value.
func (t *table) allRows(ctx *sql.Context) ([]sql.Row, error) {
	schema := t.PrimaryKeySchema().Schema
	partitions, err := t.Table.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := sql.RowIterToRows(ctx, sql.NewTableRowIter(ctx, t.Table, partitions))
	if err != nil || !schema.HasVirtualColumns() {
		return rows, err
	}
	for i, row := range rows {
		full, stored := make(sql.Row, len(schema)), 0
		for j, column := range schema {
			if !column.Virtual {
				full[j] = row[stored]
				stored++
			}
		}
		rows[i] = full
	}
	return rows, nil
}
