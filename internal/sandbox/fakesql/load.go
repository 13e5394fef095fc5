package fakesql

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// newDatabase is the database that a new cluster has.
const newDatabase = "test"

// load runs what save wrote. It is called before the first connection.
func (c *cluster) load() error {
	text := []byte("CREATE DATABASE " + newDatabase)
	if c.file != "" {
		kept, err := os.ReadFile(c.file)
		if err == nil {
			text = kept
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("loading the data: %w", err)
		}
	}
	if err := c.runAll(c.context(), string(text)); err != nil {
		return fmt.Errorf("loading %s (remove it to begin anew): %w", c.file, err)
	}
	return nil
}

// tryOut runs the definitions of a dump in databases of their own.
func tryOut(schema string) error {
	c := &cluster{storage: newStorage()}
	var err error
	if c.engine, err = newEngine(c.storage); err != nil {
		return err
	}
	return errors.Join(c.runAll(c.context(), schema), closeEngine(c.engine))
}

// runAll runs the statements of a dump one after the other.
func (c *cluster) runAll(ctx *sql.Context, text string) error {
	for n := 1; ; n++ {
		text = strings.TrimSpace(text) // as Parse does
		// The SQL mode of the moment decides how the next one is read.
		stmt, query, rest, err := c.engine.Parser.Parse(ctx, text, true)
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		if view, ok := stmt.(*sqlparser.DDL); err == nil && ok && view.ViewSpec != nil {
			selected := view.SubStatementStr
			if selected == "" {
				selected = text[view.SubStatementPositionStart:view.SubStatementPositionEnd]
			}
			err = c.loadView(ctx, view.ViewSpec.ViewName.Name.String(), selected, query)
		} else if err == nil {
			err = c.runOne(ctx, query)
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", n, err)
		}
		text = rest
	}
}

func (c *cluster) runOne(ctx *sql.Context, query string) error {
	// A context belongs to one statement, the session goes on.
	ctx = sql.NewContext(ctx, sql.WithSession(ctx.Session))
	c.storage.begin()
	_, rows, _, err := c.engine.Query(ctx, query)
	if err != nil {
		return err
	}
	_, err = sql.RowIterToRows(ctx, rows)
	return err
}

// loadView makes a view without looking at what it selects from: that may come
// later, or be gone.
func (c *cluster) loadView(ctx *sql.Context, name, selected, query string) error {
	db, err := c.storage.Database(ctx, ctx.GetCurrentDatabase())
	if err != nil {
		return err
	}
	return db.(*database).CreateView(ctx, name, selected, query)
}
