package fakesql

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// newDatabase is the database that a new cluster has, and newCollation the one of
// TiDB's databases.
const (
	newDatabase  = "test"
	newCollation = sql.Collation_utf8mb4_bin
)

// load runs what save wrote. It is called before the first connection.
func (c *cluster) load() error {
	ctx := c.context()
	if c.file != "" {
		text, err := os.ReadFile(c.file)
		if err == nil {
			if err := c.runAll(ctx, string(text)); err != nil {
				return fmt.Errorf("loading %s (remove it to begin anew): %w", c.file, err)
			}
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("loading the data: %w", err)
		}
	}
	if err := c.storage.CreateDatabase(ctx, newDatabase); err != nil {
		return err
	}
	db, err := c.storage.DbProvider.Database(ctx, newDatabase)
	if err != nil {
		return err
	}
	return db.(*memory.Database).SetCollation(ctx, newCollation)
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
		// The SQL mode of the moment decides how the next one is read.
		stmt, end, err := sqlparser.ParseOneWithOptions(ctx, text, sql.LoadSqlMode(ctx).ParserOptions())
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", n, err)
		}
		query, rest := text, ""
		if end != 0 && end < len(text) {
			query, rest = text[:end], text[end:]
		}
		if view, ok := stmt.(*sqlparser.DDL); ok && view.ViewSpec != nil {
			err = c.loadView(ctx, view, query)
		} else {
			err = c.runOne(ctx, query)
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", n, err)
		}
		if rest == "" {
			return nil
		}
		text = rest
	}
}

func (c *cluster) runOne(ctx *sql.Context, query string) error {
	// A context belongs to one statement, the session goes on.
	ctx = sql.NewContext(ctx, sql.WithSession(ctx.Session))
	c.storage.begin()
	_, rows, _, err := c.engine.Query(ctx, sql.RemoveSpaceAndDelimiter(query, ';'))
	if err != nil {
		return err
	}
	for {
		if _, err := rows.Next(ctx); err == io.EOF {
			return rows.Close(ctx)
		} else if err != nil {
			return errors.Join(err, rows.Close(ctx))
		}
	}
}

// loadView makes a view without looking at what it selects from: that may come
// later, or be gone.
func (c *cluster) loadView(ctx *sql.Context, view *sqlparser.DDL, query string) error {
	db, err := c.storage.DbProvider.Database(ctx, ctx.GetCurrentDatabase())
	if err != nil {
		return err
	}
	selected := view.SubStatementStr
	if selected == "" {
		selected = query[view.SubStatementPositionStart:view.SubStatementPositionEnd]
	}
	return db.(*memory.Database).CreateView(ctx, view.ViewSpec.ViewName.Name.String(), selected, sql.RemoveSpaceAndDelimiter(query, ';'))
}
