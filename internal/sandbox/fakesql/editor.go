package fakesql

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/shopspring/decimal"
)

// editor edits a table that memory's own editor would get wrong, see storage.
type editor struct {
	sql.ForeignKeyEditor
	table *table
	// keys are the unique keys that memory does not enforce.
	keys []looseKey
	// composite tells that the primary key has several columns.
	composite bool
}

// edits are what the running statement did to a table.
type edits struct {
	// owners are the rows by their loose keys, by the keys' names.
	owners map[string]map[string]sql.Row
}

// Insert implements sql.RowInserter.
func (e *editor) Insert(ctx *sql.Context, row sql.Row) error {
	return e.edit(ctx, nil, row, func() error { return e.ForeignKeyEditor.Insert(ctx, row) })
}

// Delete implements sql.RowDeleter.
func (e *editor) Delete(ctx *sql.Context, row sql.Row) error {
	return e.edit(ctx, row, nil, func() error { return e.ForeignKeyEditor.Delete(ctx, row) })
}

// Update implements sql.RowUpdater.
func (e *editor) Update(ctx *sql.Context, oldRow, newRow sql.Row) error {
	return e.edit(ctx, oldRow, newRow, func() error { return e.ForeignKeyEditor.Update(ctx, oldRow, newRow) })
}

// DiscardChanges implements sql.EditOpenerCloser.
func (e *editor) DiscardChanges(ctx *sql.Context, cause error) error {
	delete(e.table.storage.edits, e.table.name)
	return e.ForeignKeyEditor.DiscardChanges(ctx, cause)
}

// IndexedAccess implements sql.IndexAddressable: cascades find their rows by it.
func (e *editor) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return e.table.indexed(e.ForeignKeyEditor.IndexedAccess(ctx, lookup))
}

// edit replaces a row by another; nil is none. apply does it in memory.
func (e *editor) edit(ctx *sql.Context, oldRow, newRow sql.Row, apply func() error) error {
	owners, err := e.owners(ctx)
	if err != nil {
		return err
	}
	oldKeys, newKeys := make([]string, len(e.keys)), make([]string, len(e.keys))
	for i, key := range e.keys {
		if oldKeys[i], err = key.of(ctx, oldRow); err != nil {
			return err
		}
		if newKeys[i], err = key.of(ctx, newRow); err != nil {
			return err
		}
		if owner, taken := owners[key.name][newKeys[i]]; taken && newKeys[i] != oldKeys[i] {
			return key.duplicate(newRow, owner)
		}
	}
	if err := apply(); err != nil {
		return err // as it is: the engine goes by its kind
	}
	for i, key := range e.keys {
		delete(owners[key.name], oldKeys[i])
		if newKeys[i] != "" {
			owners[key.name][newKeys[i]] = newRow
		}
	}
	if e.composite {
		return e.StatementComplete(ctx) // which empties memory's maps
	}
	return nil
}

// owners are the rows by their loose keys as the running statement has left them.
func (e *editor) owners(ctx *sql.Context) (map[string]map[string]sql.Row, error) {
	if len(e.keys) == 0 {
		return nil, nil
	}
	if found := e.table.storage.edits[e.table.name]; found != nil {
		return found.owners, nil
	}
	rows, err := e.table.allRows(ctx)
	if err != nil {
		return nil, err
	}
	owners := map[string]map[string]sql.Row{}
	for _, key := range e.keys {
		owners[key.name] = map[string]sql.Row{}
		for _, row := range rows {
			k, err := key.of(ctx, row)
			if err != nil {
				return nil, err
			}
			if k != "" {
				owners[key.name][k] = row
			}
		}
	}
	e.table.storage.edits[e.table.name] = &edits{owners: owners}
	return owners, nil
}

// looseKey is a unique key that memory does not enforce: it compares texts letter
// by letter, whatever their collation, and decimals by their address.
type looseKey struct {
	name    string
	columns []keyColumn
}

type keyColumn struct {
	index int
	typ   sql.Type
	// length is how many characters count; 0 means all.
	length int
}

// looseKeys returns the unique keys that memory does not enforce.
func (t *table) looseKeys(ctx *sql.Context) ([]looseKey, error) {
	indexes, err := t.GetIndexes(ctx)
	if err != nil {
		return nil, err
	}
	schema := t.PrimaryKeySchema().Schema
	var out []looseKey
	for _, index := range indexes {
		if !index.IsUnique() || schema.HasVirtualColumns() {
			continue
		}
		key, loose := looseKey{name: index.ID()}, false
		for i, expr := range index.Expressions() {
			at := schema.IndexOfColName(expr[strings.LastIndexByte(expr, '.')+1:])
			if at < 0 {
				return nil, fmt.Errorf("index %s is on %s, which is no column", index.ID(), expr)
			}
			column := keyColumn{index: at, typ: schema[at].Type}
			if lengths := index.PrefixLengths(); i < len(lengths) {
				column.length = int(lengths[i])
			}
			key.columns = append(key.columns, column)
			switch t := column.typ.(type) {
			case sql.StringType:
				name := t.Collation().Name()
				loose = loose || name != "binary" && !strings.HasSuffix(name, "_bin")
			case sql.DecimalType:
				loose = true
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
	for _, c := range k.columns {
		if row == nil {
			return "", nil
		}
		v, err := sql.UnwrapAny(ctx, row[c.index])
		if err != nil || v == nil {
			return "", err
		}
		text := fmt.Sprint(v)
		switch t := c.typ.(type) {
		case sql.StringType:
			if runes := []rune(text); c.length > 0 && c.length < len(runes) {
				text = string(runes[:c.length])
			}
			var weights strings.Builder
			if err := t.Collation().WriteWeightString(&weights, text); err != nil {
				return "", err
			}
			text = weights.String()
		case sql.DecimalType:
			if d, ok := v.(decimal.Decimal); ok {
				text = d.StringFixed(int32(t.Scale()))
			}
		}
		fmt.Fprintf(&out, "%q,", text)
	}
	return out.String(), nil
}

// duplicate is the error of a row whose key another one has.
func (k looseKey) duplicate(row, owner sql.Row) error {
	var values []string
	for _, c := range k.columns {
		values = append(values, fmt.Sprint(row[c.index]))
	}
	return sql.NewUniqueKeyErr("["+strings.Join(values, ",")+"]", k.name == "PRIMARY", owner)
}
