package fakesql

import (
	"strings"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
)

// storage are the databases of one cluster: those of package memory, with tables
// that make up for some of its faults.
//
//   - Its editors collect what a statement inserts and deletes in maps, and their
//     keys are the values of the primary key, one after the other with nothing in
//     between. So (1, 11) and (11, 1) are one key to them: a statement that inserts
//     both fails, and one that deletes both deletes one. An [editor] sees that
//     coming and has what was collected so far applied first.
//   - It lets 'Ann' and 'ann' into a unique key whose collation makes no difference
//     between them, and any two decimals into one. An editor keeps count of such
//     keys, see [unique].
//   - It mixes up the columns of a table with virtual columns, and leaves the
//     content of an index behind that was renamed or dropped. See [table].
type storage struct {
	*memory.DbProvider
	// edits are what the running statement did, by table. Only one statement of a
	// cluster writes at a time, see gate.
	edits map[string]*pending
}

// pending is what the running statement did to a table.
type pending struct {
	// touched maps a key as memory has it to what it means.
	touched map[string]string
	// owners are the rows by their unique keys, by the keys' names; nil where they
	// have not been looked for.
	owners map[string]map[string]sql.Row
}

func newStorage() *storage {
	return &storage{
		DbProvider: memory.NewDBProviderWithOpts(memory.NativeIndexProvider(true)).(*memory.DbProvider),
		edits:      map[string]*pending{},
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
