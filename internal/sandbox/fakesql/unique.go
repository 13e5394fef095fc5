package fakesql

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/shopspring/decimal"
)

// unique is a unique key that memory does not enforce: it compares texts letter by
// letter, whatever their collation, and decimals by their address.
type unique struct {
	name    string
	columns []uniqueColumn
}

type uniqueColumn struct {
	index int
	typ   sql.Type
	// length is how many characters count; 0 means all.
	length int
}

// uniques returns the unique keys that memory does not enforce.
func (t *table) uniques(ctx *sql.Context) ([]unique, error) {
	indexes, err := t.GetIndexes(ctx)
	if err != nil {
		return nil, err
	}
	schema := t.PrimaryKeySchema().Schema
	var out []unique
	for _, index := range indexes {
		if !index.IsUnique() || schema.HasVirtualColumns() {
			continue
		}
		u := unique{name: index.ID()}
		loose := false
		for i, expr := range index.Expressions() {
			at := schema.IndexOfColName(expr[strings.LastIndexByte(expr, '.')+1:])
			if at < 0 {
				return nil, fmt.Errorf("index %s is on %s, which is no column", index.ID(), expr)
			}
			c := uniqueColumn{index: at, typ: schema[at].Type}
			if lengths := index.PrefixLengths(); i < len(lengths) {
				c.length = int(lengths[i])
			}
			u.columns = append(u.columns, c)
			loose = loose || c.isLoose()
		}
		if loose {
			out = append(out, u)
		}
	}
	return out, nil
}

// isLoose reports whether different values of the column may count as the same.
func (c uniqueColumn) isLoose() bool {
	switch t := c.typ.(type) {
	case sql.StringType:
		name := t.Collation().Name()
		return name != "binary" && !strings.HasSuffix(name, "_bin")
	case sql.DecimalType:
		return true
	}
	return false
}

// key is the same for rows that must not both be there. It is false for a row that
// the key does not concern, because it has a NULL.
func (u unique) key(ctx *sql.Context, row sql.Row) (string, bool, error) {
	var out strings.Builder
	for _, c := range u.columns {
		v, err := sql.UnwrapAny(ctx, row[c.index])
		if err != nil {
			return "", false, err
		}
		if v == nil {
			return "", false, nil
		}
		text := fmt.Sprint(v)
		switch t := c.typ.(type) {
		case sql.StringType:
			var weights strings.Builder
			if err := t.Collation().WriteWeightString(&weights, c.prefix(text)); err != nil {
				return "", false, err
			}
			text = weights.String()
		case sql.DecimalType:
			if d, ok := v.(decimal.Decimal); ok {
				text = d.StringFixed(int32(t.Scale()))
			}
		}
		fmt.Fprintf(&out, "%q,", text)
	}
	return out.String(), true, nil
}

func (c uniqueColumn) prefix(text string) string {
	if c.length == 0 {
		return text
	}
	runes := []rune(text)
	return string(runes[:min(c.length, len(runes))])
}

// claim takes the row's unique keys, or fails as memory does where another row has
// one of them.
func (e *editor) claim(ctx *sql.Context, row sql.Row) error {
	owners, err := e.owners(ctx)
	if err != nil {
		return err
	}
	for _, u := range e.uniques {
		key, ok, err := u.key(ctx, row)
		if err != nil {
			return err
		}
		if other, taken := owners[u.name][key]; ok && taken {
			var values []string
			for _, c := range u.columns {
				values = append(values, fmt.Sprint(row[c.index]))
			}
			return sql.NewUniqueKeyErr("["+strings.Join(values, ",")+"]", u.name == "PRIMARY", other)
		}
	}
	return e.eachKey(ctx, row, func(name, key string) { owners[name][key] = row })
}

// release gives up the row's unique keys.
func (e *editor) release(ctx *sql.Context, row sql.Row) error {
	owners, err := e.owners(ctx)
	if err != nil {
		return err
	}
	return e.eachKey(ctx, row, func(name, key string) { delete(owners[name], key) })
}

// exchange releases a row and claims another, or leaves all as it is.
func (e *editor) exchange(ctx *sql.Context, oldRow, newRow sql.Row) error {
	if err := e.release(ctx, oldRow); err != nil {
		return err
	}
	if err := e.claim(ctx, newRow); err != nil {
		if again := e.claim(ctx, oldRow); again != nil {
			return again
		}
		return err
	}
	return nil
}

func (e *editor) eachKey(ctx *sql.Context, row sql.Row, do func(name, key string)) error {
	for _, u := range e.uniques {
		key, ok, err := u.key(ctx, row)
		if err != nil {
			return err
		}
		if ok {
			do(u.name, key)
		}
	}
	return nil
}

// owners are the rows by their unique keys, by the keys' names, as the running
// statement has left them.
func (e *editor) owners(ctx *sql.Context) (map[string]map[string]sql.Row, error) {
	p := e.table.pending()
	if p.owners != nil || len(e.uniques) == 0 {
		return p.owners, nil
	}
	owners := map[string]map[string]sql.Row{}
	for _, u := range e.uniques {
		owners[u.name] = map[string]sql.Row{}
	}
	partitions, err := e.table.Table.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := sql.RowIterToRows(ctx, sql.NewTableRowIter(ctx, e.table.Table, partitions))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := e.eachKey(ctx, row, func(name, key string) { owners[name][key] = row }); err != nil {
			return nil, err
		}
	}
	p.owners = owners
	return owners, nil
}
