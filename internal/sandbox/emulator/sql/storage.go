package sql

import (
	"errors"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// storage holds the databases of one cluster: those of package memory, which is made
// for tests of the engine, without three of its bugs.
//
//   - The key of a row that a statement edits is its primary key's values without a
//     separator. A statement that inserts (1, 11) and (11, 1) fails, and one that
//     deletes both deletes one.
//   - A unique key compares texts byte by byte, whatever their collation.
//   - An index that is renamed or dropped leaves its content behind.
//
// An [editor] works around the first two, a [table] around the third.
type storage struct {
	*memory.DbProvider
	// owners are the rows by the weights of a collatedKey, by its name, after the edits
	// of the running statement so far. Only one statement of a cluster writes at a time.
	owners map[string]map[string]sql.Row
}

func newStorage() *storage {
	return &storage{
		DbProvider: memory.NewDBProviderWithOpts(memory.NativeIndexProvider(true)).(*memory.DbProvider),
		owners:     map[string]map[string]sql.Row{},
	}
}

// resetOwners must be called before each statement that writes, and after its edits
// were undone.
func (s *storage) resetOwners() { clear(s.owners) }

func (s *storage) Database(ctx *sql.Context, name string) (sql.Database, error) {
	db, err := s.DbProvider.Database(ctx, name)
	if err != nil {
		return nil, err
	}
	return &database{db.(*memory.Database), s}, nil
}

func (s *storage) AllDatabases(ctx *sql.Context) []sql.Database {
	dbs := s.DbProvider.AllDatabases(ctx)
	for i, db := range dbs {
		dbs[i] = &database{db.(*memory.Database), s}
	}
	return dbs
}

type database struct {
	*memory.Database
	storage *storage
}

// CreateIndexedTable hides the method of that name, which loses the table's comment.
// Without a sql.IndexedTableCreator the engine uses CreateTable.
func (d *database) CreateIndexedTable() {}

func (d *database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	t, ok, err := d.Database.GetTableInsensitive(ctx, name)
	if t, isMemory := t.(*memory.Table); err == nil && ok && isMemory {
		return &table{t, d.storage}, true, nil
	}
	return t, ok, err
}

type table struct {
	*memory.Table
	storage *storage
}

func (t *table) WithProjections(columns []string) sql.Table {
	return &table{t.Table.WithProjections(columns).(*memory.Table), t.storage}
}

func (t *table) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	return readAhead(ctx, t.Table, p)
}

// readAhead reads all rows at once: an [editor] may change the memory that is read.
func readAhead(ctx *sql.Context, from sql.Table, p sql.Partition) (sql.RowIter, error) {
	rows, err := from.PartitionRows(ctx, p)
	if err != nil {
		return nil, err
	}
	all, err := sql.RowIterToRows(ctx, rows)
	return sql.RowsToRowIter(all...), err
}

// indexedTable is a table that is read, updated and deleted from by an index.
type indexedTable struct {
	*table
	inner sql.IndexedTable
}

func (t *table) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return &indexedTable{t, t.Table.IndexedAccess(ctx, lookup)}
}

func (t *indexedTable) LookupPartitions(ctx *sql.Context, lookup sql.IndexLookup) (sql.PartitionIter, error) {
	return t.inner.LookupPartitions(ctx, lookup)
}

func (t *indexedTable) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	return readAhead(ctx, t.inner, p)
}

func (t *table) Inserter(ctx *sql.Context) sql.RowInserter { return t.GetForeignKeyEditor(ctx) }
func (t *table) Updater(ctx *sql.Context) sql.RowUpdater   { return t.GetForeignKeyEditor(ctx) }
func (t *table) Deleter(ctx *sql.Context) sql.RowDeleter   { return t.GetForeignKeyEditor(ctx) }
func (t *table) Replacer(ctx *sql.Context) sql.RowReplacer { return t.GetForeignKeyEditor(ctx) }

// GetForeignKeyEditor returns an editor for every kind of edit.
func (t *table) GetForeignKeyEditor(ctx *sql.Context) sql.ForeignKeyEditor {
	keys, err := t.collatedKeys(ctx)
	if err != nil {
		panic(err) // as memory does; it becomes the statement's error
	}
	return &editor{t.Table.GetForeignKeyEditor(ctx), t, keys, isComposite(t.PrimaryKeySchema())}
}

func isComposite(schema sql.PrimaryKeySchema) bool { return len(schema.PkOrdinals) > 1 }

func (t *table) RewriteInserter(ctx *sql.Context, from, to sql.PrimaryKeySchema, old, modified *sql.Column, columns []sql.IndexColumn) (sql.RowInserter, error) {
	if err := checkModified(old, modified); err != nil {
		return nil, err
	}
	inserter, err := t.Table.RewriteInserter(ctx, from, to, old, modified, columns)
	return t.rewriter(inserter, to), err
}

func (t *table) BuildIndex(ctx *sql.Context, index sql.IndexDef) (sql.RowInserter, error) {
	inserter, err := t.Table.BuildIndex(ctx, index)
	return t.rewriter(inserter, t.PrimaryKeySchema()), err
}

// rewriter returns an editor that fills a table anew.
func (t *table) rewriter(inserter sql.RowInserter, schema sql.PrimaryKeySchema) sql.RowInserter {
	t.storage.resetOwners()
	if e, ok := inserter.(sql.ForeignKeyEditor); ok {
		return &editor{e, t, nil, isComposite(schema)}
	}
	return inserter
}

func (t *table) ModifyColumn(ctx *sql.Context, name string, modified *sql.Column, order *sql.ColumnOrder) error {
	schema := t.PrimaryKeySchema().Schema
	if err := checkModified(schema[schema.IndexOfColName(name)], modified); err != nil { // the engine has checked the name
		return err
	}
	return t.Table.ModifyColumn(ctx, name, modified, order)
}

// checkModified refuses what TiDB refuses, in pkg/ddl/modify_column.go.
func checkModified(old, modified *sql.Column) error {
	if old != nil && modified != nil && modified.AutoIncrement && !old.AutoIncrement {
		return mysql.NewSQLError(8200, mysql.SSUnknownSQLState, "Unsupported modify column: can't set auto_increment")
	}
	return nil
}

func (t *table) DropIndex(ctx *sql.Context, name string) error {
	if err := t.Table.DropIndex(ctx, name); err != nil {
		return err
	}
	return t.reindex(ctx)
}

func (t *table) RenameIndex(ctx *sql.Context, from, to string) error {
	if err := t.Table.RenameIndex(ctx, from, to); err != nil {
		return err
	}
	return t.reindex(ctx)
}

// reindex fills all indexes anew. Memory keeps the content of an index that was
// renamed, or has capitals in its name, and the next write would fail.
func (t *table) reindex(ctx *sql.Context) error {
	rows, err := t.allRows(ctx)
	if err != nil {
		return err
	}
	schema := t.PrimaryKeySchema()
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

func (t *table) allRows(ctx *sql.Context) ([]sql.Row, error) {
	partitions, err := t.Table.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	return sql.RowIterToRows(ctx, sql.NewTableRowIter(ctx, t.Table, partitions))
}
