package sql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// storage are the databases of one cluster: those of package memory, with tables
// that make up for some of its faults.
//
//   - Its key for a row that a statement edits are the values of the primary key with
//     nothing in between. (1, 11) and (11, 1) are one to it: a statement that inserts
//     both fails, and one that deletes both deletes one.
//   - It lets 'Ann' and 'ann' into a unique key whose collation makes no difference
//     between them.
//   - It leaves the content of an index behind that was renamed or dropped.
//
// An [editor] mends the first two, a [table] the third.
type storage struct {
	*memory.DbProvider
	// owners are the rows by their loose keys, by the names of the keys, as the
	// running statement has left them. Only one statement of a cluster writes at a
	// time, see locks.
	owners map[string]map[string]sql.Row
}

func newStorage() *storage {
	return &storage{
		DbProvider: memory.NewDBProviderWithOpts(memory.NativeIndexProvider(true)).(*memory.DbProvider),
		owners:     map[string]map[string]sql.Row{},
	}
}

// begin is called before each statement that writes, and when its edits are void.
func (s *storage) begin() { clear(s.owners) }

func (s *storage) Database(ctx *sql.Context, name string) (sql.Database, error) {
	db, err := s.DbProvider.Database(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.wrap(db), nil
}

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

func (d *database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	t, ok, err := d.Database.GetTableInsensitive(ctx, name)
	if t, isMemory := t.(*memory.Table); err == nil && ok && isMemory {
		return &table{Table: t, storage: d.storage}, true, nil
	}
	return t, ok, err
}

// table is a table of a storage.
type table struct {
	*memory.Table
	storage *storage
}

func (t *table) WithProjections(columns []string) sql.Table {
	projected := t.Table.WithProjections(columns).(*memory.Table) // as it says
	return &table{Table: projected, storage: t.storage}
}

func (t *table) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	return t.readAhead(t.Table, ctx, p)
}

// readAhead reads all rows at once where an editor applies edits one by one: it
// does so in the memory that is being read.
func (t *table) readAhead(from sql.Table, ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	rows, err := from.PartitionRows(ctx, p)
	if err != nil || !isComposite(t.PrimaryKeySchema()) {
		return rows, err
	}
	all, err := sql.RowIterToRows(ctx, rows)
	return sql.RowsToRowIter(all...), err
}

func isComposite(schema sql.PrimaryKeySchema) bool { return len(schema.PkOrdinals) > 1 }

// indexedTable is a table that is read by an index. Updates and deletes come by it
// too.
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
	return t.readAhead(t.inner, ctx, p)
}

func (t *table) Inserter(ctx *sql.Context) sql.RowInserter { return t.GetForeignKeyEditor(ctx) }
func (t *table) Updater(ctx *sql.Context) sql.RowUpdater   { return t.GetForeignKeyEditor(ctx) }
func (t *table) Deleter(ctx *sql.Context) sql.RowDeleter   { return t.GetForeignKeyEditor(ctx) }
func (t *table) Replacer(ctx *sql.Context) sql.RowReplacer { return t.GetForeignKeyEditor(ctx) }

// GetForeignKeyEditor is good for all kinds of edits.
func (t *table) GetForeignKeyEditor(ctx *sql.Context) sql.ForeignKeyEditor {
	keys, err := t.looseKeys(ctx)
	if err != nil {
		panic(err) // as memory does; it becomes the statement's error
	}
	return &editor{ForeignKeyEditor: t.Table.GetForeignKeyEditor(ctx), table: t, keys: keys, composite: isComposite(t.PrimaryKeySchema())}
}

func (t *table) RewriteInserter(ctx *sql.Context, from, to sql.PrimaryKeySchema, old, changed *sql.Column, columns []sql.IndexColumn) (sql.RowInserter, error) {
	if err := checkModified(old, changed); err != nil {
		return nil, err
	}
	inserter, err := t.Table.RewriteInserter(ctx, from, to, old, changed, columns)
	return t.rewriter(inserter, to), err
}

func (t *table) BuildIndex(ctx *sql.Context, index sql.IndexDef) (sql.RowInserter, error) {
	inserter, err := t.Table.BuildIndex(ctx, index)
	return t.rewriter(inserter, t.PrimaryKeySchema()), err
}

// rewriter is the editor that fills a table anew.
func (t *table) rewriter(inserter sql.RowInserter, schema sql.PrimaryKeySchema) sql.RowInserter {
	t.storage.begin()
	if e, ok := inserter.(sql.ForeignKeyEditor); ok {
		return &editor{ForeignKeyEditor: e, table: t, composite: isComposite(schema)}
	}
	return inserter
}

func (t *table) ModifyColumn(ctx *sql.Context, name string, changed *sql.Column, order *sql.ColumnOrder) error {
	schema := t.PrimaryKeySchema().Schema
	if err := checkModified(schema[schema.IndexOfColName(name)], changed); err != nil { // the engine has looked it up
		return err
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

func (t *table) DropIndex(ctx *sql.Context, name string) error {
	return t.reindex(ctx, t.Table.DropIndex(ctx, name))
}

func (t *table) RenameIndex(ctx *sql.Context, from, to string) error {
	return t.reindex(ctx, t.Table.RenameIndex(ctx, from, to))
}

// reindex makes the content of all indexes anew, unless there is an error. Memory keeps that of an index
// which was renamed, or had capitals in its name, under the old name, and the next
// statement that writes trips over it.
func (t *table) reindex(ctx *sql.Context, err error) error {
	if err != nil {
		return err
	}
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

// allRows reads the table.
func (t *table) allRows(ctx *sql.Context) ([]sql.Row, error) {
	partitions, err := t.Table.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	return sql.RowIterToRows(ctx, sql.NewTableRowIter(ctx, t.Table, partitions))
}

// looseKey is a unique key that memory does not enforce: it compares texts letter
// by letter, whatever their collation.
type looseKey struct {
	name    string // with that of the table
	primary bool
	columns []int
	schema  sql.Schema
}

func (t *table) looseKeys(ctx *sql.Context) ([]looseKey, error) {
	indexes, err := t.GetIndexes(ctx)
	if err != nil {
		return nil, err
	}
	schema := t.PrimaryKeySchema().Schema
	var out []looseKey
	for _, index := range indexes {
		if !index.IsUnique() || len(index.PrefixLengths()) > 0 {
			continue
		}
		key, loose := looseKey{name: strings.ToLower(t.Database() + "." + t.Name() + "." + index.ID()), schema: schema, primary: index.ID() == "PRIMARY"}, false
		for _, expr := range index.Expressions() {
			i := schema.IndexOfColName(expr[strings.LastIndexByte(expr, '.')+1:])
			key.columns = append(key.columns, i)
			if t, ok := schema[i].Type.(sql.StringType); ok {
				loose = loose || strings.HasSuffix(t.Collation().Name(), "_ci")
			}
		}
		if loose {
			out = append(out, key)
		}
	}
	return out, nil
}

// of is the same for rows that must not both be there. It is "" where the key does
// not concern the row, because that has a NULL or is none.
func (k looseKey) of(ctx *sql.Context, row sql.Row) (string, error) {
	var out strings.Builder
	for _, i := range k.columns {
		if row == nil || row[i] == nil {
			return "", nil
		}
		v, err := sql.UnwrapAny(ctx, row[i])
		if err != nil {
			return "", err
		}
		text := fmt.Sprint(v)
		if t, ok := k.schema[i].Type.(sql.StringType); ok {
			var weights strings.Builder
			if err := t.Collation().WriteWeightString(&weights, text); err != nil {
				return "", err
			}
			text = weights.String()
		}
		fmt.Fprintf(&out, "%q,", text)
	}
	return out.String(), nil
}

// editor edits a table that memory's own editor would get wrong, see storage.
type editor struct {
	sql.ForeignKeyEditor
	table *table
	keys  []looseKey
	// composite tells that the primary key has several columns.
	composite bool
}

func (e *editor) Insert(ctx *sql.Context, row sql.Row) error {
	return e.edit(ctx, nil, row, func() error { return e.ForeignKeyEditor.Insert(ctx, row) })
}

func (e *editor) Delete(ctx *sql.Context, row sql.Row) error {
	return e.edit(ctx, row, nil, func() error { return e.ForeignKeyEditor.Delete(ctx, row) })
}

func (e *editor) Update(ctx *sql.Context, oldRow, newRow sql.Row) error {
	return e.edit(ctx, oldRow, newRow, func() error { return e.ForeignKeyEditor.Update(ctx, oldRow, newRow) })
}

func (e *editor) DiscardChanges(ctx *sql.Context, cause error) error {
	e.table.storage.begin()
	return e.ForeignKeyEditor.DiscardChanges(ctx, cause)
}

// IndexedAccess is how cascades find their rows.
func (e *editor) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return &indexedTable{e.table, e.ForeignKeyEditor.IndexedAccess(ctx, lookup)}
}

// edit replaces a row by another; nil is none. apply does it in memory.
func (e *editor) edit(ctx *sql.Context, oldRow, newRow sql.Row, apply func() error) error {
	oldKeys, newKeys := make([]string, len(e.keys)), make([]string, len(e.keys))
	for i, key := range e.keys {
		owners, err := e.owners(ctx, key)
		if err != nil {
			return err
		}
		if oldKeys[i], err = key.of(ctx, oldRow); err != nil {
			return err
		}
		if newKeys[i], err = key.of(ctx, newRow); err != nil {
			return err
		}
		if owner, taken := owners[newKeys[i]]; taken && newKeys[i] != oldKeys[i] {
			var values []string
			for _, i := range key.columns {
				values = append(values, fmt.Sprint(newRow[i]))
			}
			return sql.NewUniqueKeyErr("["+strings.Join(values, ",")+"]", key.primary, owner)
		}
	}
	if err := apply(); err != nil {
		return err // as it is: the engine goes by its kind
	}
	for i, key := range e.keys {
		owners := e.table.storage.owners[key.name]
		delete(owners, oldKeys[i])
		if newKeys[i] != "" {
			owners[newKeys[i]] = newRow
		}
	}
	if e.composite {
		return e.StatementComplete(ctx) // which empties memory's maps
	}
	return nil
}

// owners are the rows by a loose key.
func (e *editor) owners(ctx *sql.Context, key looseKey) (map[string]sql.Row, error) {
	if found := e.table.storage.owners[key.name]; found != nil {
		return found, nil
	}
	rows, err := e.table.allRows(ctx)
	if err != nil {
		return nil, err
	}
	owners := map[string]sql.Row{}
	for _, row := range rows {
		k, err := key.of(ctx, row)
		if err != nil {
			return nil, err
		}
		owners[k] = row
	}
	delete(owners, "")
	e.table.storage.owners[key.name] = owners
	return owners, nil
}
