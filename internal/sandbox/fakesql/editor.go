package fakesql

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
)

// editor edits a table that memory's own editor would get wrong, see storage.
type editor struct {
	sql.ForeignKeyEditor
	table *table
	// pk are the columns of a composite primary key, or none.
	pk []int
	// uniques are the keys that memory compares too finely.
	uniques []unique
}

// StatementComplete implements sql.EditOpenerCloser.
func (e *editor) StatementComplete(ctx *sql.Context) error {
	e.table.pending().touched = map[string]string{}
	return e.ForeignKeyEditor.StatementComplete(ctx)
}

// DiscardChanges implements sql.EditOpenerCloser.
func (e *editor) DiscardChanges(ctx *sql.Context, cause error) error {
	e.table.forget()
	return e.ForeignKeyEditor.DiscardChanges(ctx, cause)
}

// Insert implements sql.RowInserter.
func (e *editor) Insert(ctx *sql.Context, row sql.Row) error {
	if err := e.touch(ctx, row); err != nil {
		return err
	}
	if err := e.claim(ctx, row); err != nil {
		return err
	}
	err := e.ForeignKeyEditor.Insert(ctx, row)
	if err != nil {
		if failed := e.release(ctx, row); failed != nil {
			return failed
		}
	}
	return err // as it is: the engine goes by its kind
}

// Delete implements sql.RowDeleter.
func (e *editor) Delete(ctx *sql.Context, row sql.Row) error {
	if err := e.touch(ctx, row); err != nil {
		return err
	}
	if err := e.release(ctx, row); err != nil {
		return err
	}
	return e.ForeignKeyEditor.Delete(ctx, row)
}

// Update implements sql.RowUpdater.
func (e *editor) Update(ctx *sql.Context, oldRow, newRow sql.Row) error {
	if err := e.touch(ctx, oldRow, newRow); err != nil {
		return err
	}
	if err := e.exchange(ctx, oldRow, newRow); err != nil {
		return err
	}
	return e.ForeignKeyEditor.Update(ctx, oldRow, newRow)
}

// IndexedAccess implements sql.IndexAddressable: cascades find their rows by it.
func (e *editor) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return e.table.indexed(e.ForeignKeyEditor.IndexedAccess(ctx, lookup))
}

// touch notes the rows that are about to be edited. Where one of them has the
// joined key of another, the edits so far are applied first, which empties
// memory's maps.
func (e *editor) touch(ctx *sql.Context, rows ...sql.Row) error {
	if len(e.pk) == 0 {
		return nil
	}
	for range 2 {
		touched := e.table.pending().touched
		clash := false
		for _, row := range rows {
			joined, exact := e.key(row)
			other, ok := touched[joined]
			clash = clash || ok && other != exact
			touched[joined] = exact
		}
		if !clash {
			return nil
		}
		if err := e.StatementComplete(ctx); err != nil {
			return err
		}
	}
	// An update that swaps the two halves of a key: nothing is collected now that
	// could be mixed up with it.
	return nil
}

// key returns a row's primary key as memory joins it and in a form of its own for
// each key.
func (e *editor) key(row sql.Row) (joined, exact string) {
	var j, x strings.Builder
	for _, i := range e.pk {
		fmt.Fprintf(&j, "%v", row[i])
		fmt.Fprintf(&x, "%q,", fmt.Sprint(row[i]))
	}
	return j.String(), x.String()
}
