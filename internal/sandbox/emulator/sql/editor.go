package sql

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
)

// collatedKey is a unique key with a text whose collation ignores case.
type collatedKey struct {
	name    string // with that of the table
	primary bool
	columns []int
	schema  sql.Schema
}

func (t *table) collatedKeys(ctx *sql.Context) (keys []collatedKey, err error) {
	indexes, err := t.GetIndexes(ctx)
	schema := t.PrimaryKeySchema().Schema
	for _, index := range indexes {
		if !index.IsUnique() || len(index.PrefixLengths()) > 0 {
			continue
		}
		name := strings.ToLower(t.Database() + "." + t.Name() + "." + index.ID())
		key, ignoresCase := collatedKey{name: name, primary: index.ID() == "PRIMARY", schema: schema}, false
		for _, expr := range index.Expressions() {
			i := schema.IndexOfColName(expr[strings.LastIndexByte(expr, '.')+1:])
			key.columns = append(key.columns, i)
			if t, ok := schema[i].Type.(sql.StringType); ok && strings.HasSuffix(t.Collation().Name(), "_ci") {
				ignoresCase = true
			}
		}
		if ignoresCase {
			keys = append(keys, key)
		}
	}
	return keys, err
}

// weights returns the same text for rows of which only one may exist, and "" for a
// row that has a NULL or is nil.
func (k collatedKey) weights(row sql.Row) (string, error) {
	var out strings.Builder
	for _, i := range k.columns {
		if row == nil || row[i] == nil {
			return "", nil
		}
		text := fmt.Sprint(row[i])
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

// editor works around memory's own, see [storage].
type editor struct {
	sql.ForeignKeyEditor
	table *table
	keys  []collatedKey
	// immediate applies each edit at once, instead of all at the end of the statement.
	immediate bool
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
	e.table.storage.resetOwners()
	return e.ForeignKeyEditor.DiscardChanges(ctx, cause)
}

// IndexedAccess is how cascades find their rows.
func (e *editor) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return &indexedTable{e.table, e.ForeignKeyEditor.IndexedAccess(ctx, lookup)}
}

// edit replaces a row, or nil, by another one. apply does it in memory.
func (e *editor) edit(ctx *sql.Context, oldRow, newRow sql.Row, apply func() error) error {
	oldWeights, newWeights := make([]string, len(e.keys)), make([]string, len(e.keys))
	for i, key := range e.keys {
		owners, err := e.owners(ctx, key)
		if err != nil {
			return err
		}
		if oldWeights[i], err = key.weights(oldRow); err != nil {
			return err
		}
		if newWeights[i], err = key.weights(newRow); err != nil {
			return err
		}
		if owner, taken := owners[newWeights[i]]; taken && newWeights[i] != oldWeights[i] {
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
		delete(owners, oldWeights[i])
		if newWeights[i] != "" {
			owners[newWeights[i]] = newRow
		}
	}
	if e.immediate {
		return e.StatementComplete(ctx)
	}
	return nil
}

func (e *editor) owners(ctx *sql.Context, key collatedKey) (map[string]sql.Row, error) {
	if owners := e.table.storage.owners[key.name]; owners != nil {
		return owners, nil
	}
	rows, err := e.table.allRows(ctx)
	if err != nil {
		return nil, err
	}
	owners := map[string]sql.Row{}
	for _, row := range rows {
		weights, err := key.weights(row)
		if err != nil {
			return nil, err
		}
		owners[weights] = row
	}
	delete(owners, "")
	e.table.storage.owners[key.name] = owners
	return owners, nil
}
