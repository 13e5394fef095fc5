package sql

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// dumpHead sets up a session that takes each value as it is written: 0 is a value
// of an AUTO_INCREMENT column, and tables come in the order of their names, so before
// those that they refer to.
const dumpHead = `-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
SET SESSION foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
`

// dumper writes databases as the SQL that creates them.
type dumper struct {
	bytes.Buffer
	ctx    *sql.Context
	engine *internalEngine
}

func (e *internalEngine) dump() ([]byte, error) {
	d := dumper{ctx: e.context(), engine: e}
	d.WriteString(dumpHead)
	dbs := e.storage.AllDatabases(d.ctx)
	for _, db := range dbs {
		collation := db.(*database).GetCollation(d.ctx)
		fmt.Fprintf(&d, "CREATE DATABASE %s CHARACTER SET %s COLLATE %s;\n", sql.QuoteIdentifier(db.Name()), collation.CharacterSet().Name(), collation.Name())
	}
	for _, db := range dbs {
		if err := d.database(db.(*database)); err != nil {
			return nil, err
		}
	}
	return d.Bytes(), nil
}

func (d *dumper) database(db *database) error {
	fmt.Fprintf(d, "USE %s;\n", sql.QuoteIdentifier(db.Name()))
	d.ctx.SetCurrentDatabase(db.Name())
	names, err := db.GetTableNames(d.ctx)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		t, _, err := db.GetTableInsensitive(d.ctx, name)
		if err == nil {
			err = errors.Join(d.createTable(t.(*table)), d.rows(t.(*table)))
		}
		if err != nil {
			return fmt.Errorf("table %s.%s: %w", db.Name(), name, err)
		}
	}
	views, err := db.AllViews(d.ctx)
	slices.SortFunc(views, func(a, b sql.ViewDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, view := range views {
		// The SQL mode decides how it is read. Its text may end in a comment, so the
		// semicolon has its own line.
		fmt.Fprintf(d, "SET SESSION sql_mode = %s;\n%s\n;\nSET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n", quote(view.SqlMode), view.CreateViewStatement)
	}
	return err
}

func (d *dumper) createTable(t *table) error {
	rows, err := d.engine.query(d.ctx, "SHOW CREATE TABLE "+sql.QuoteIdentifier(t.Name()))
	if err != nil {
		return err
	}
	create := rows[0][1].(string) // the first column is the name
	keys, err := t.GetDeclaredForeignKeys(d.ctx)
	for _, key := range keys { // SHOW leaves out the database that a key refers to
		clause := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES ", sql.QuoteIdentifier(key.Name), strings.Join(sql.QuoteIdentifiers(key.Columns), ","))
		create = strings.Replace(create, clause, clause+sql.QuoteIdentifier(key.ParentDatabase)+".", 1)
	}
	fmt.Fprintf(d, "%s;\n", create)
	return err
}

// rows writes the rows without generated columns.
func (d *dumper) rows(t *table) error {
	var columns []int
	var names []string
	schema := t.PrimaryKeySchema().Schema
	for i, column := range schema {
		if column.Generated == nil {
			columns = append(columns, i)
			names = append(names, sql.QuoteIdentifier(column.Name))
		}
	}
	rows, err := t.allRows(d.ctx)
	for part := range slices.Chunk(rows, 500) {
		separator := fmt.Sprintf("INSERT INTO %s (%s) VALUES\n(", sql.QuoteIdentifier(t.Name()), strings.Join(names, ","))
		for _, row := range part {
			values := make([]string, len(columns))
			for i, column := range columns {
				if values[i], err = literal(d.ctx, schema[column].Type, row[column]); err != nil {
					return fmt.Errorf("column %s: %w", schema[column].Name, err)
				}
			}
			d.WriteString(separator + strings.Join(values, ",") + ")")
			separator = ",\n("
		}
		d.WriteString(";\n")
	}
	return err
}

// literal returns a value of a column's type as SQL that reads as the same value.
func literal(ctx *sql.Context, t sql.Type, v any) (string, error) {
	switch v := v.(type) {
	case float32:
		// The shortest text of the largest number would be out of range.
		return strconv.FormatFloat(float64(v), 'e', -1, 64), nil
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64), nil
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'", nil
	case string:
		return quote(v), nil
	}
	value, err := t.SQL(ctx, nil, v)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	value.EncodeSQL(&text)
	return text.String(), nil
}

var escaper = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`, `\`, `\\`, `'`, `''`)

// quote returns a string of SQL on one line, and escape what is between its quotes.
func quote(s string) string  { return "'" + escape(s) + "'" }
func escape(s string) string { return escaper.Replace(s) }

// load runs a dump, with or without its rows.
func (e *internalEngine) load(dump string, rows bool) error {
	ctx := e.context()
	for n := 1; ; n++ {
		dump = strings.TrimSpace(dump) // as Parse does
		// One at a time, since the SQL mode decides how the next one is read.
		stmt, text, rest, err := e.Parser.Parse(ctx, dump, true)
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		if err == nil {
			_, inserts := stmt.(*sqlparser.Insert)
			if ddl, ok := stmt.(*sqlparser.DDL); ok && ddl.ViewSpec != nil {
				selected := ddl.SubStatementStr
				if selected == "" {
					selected = dump[ddl.SubStatementPositionStart:ddl.SubStatementPositionEnd]
				}
				err = e.createView(ctx, ddl.ViewSpec.ViewName.Name.String(), selected, text)
			} else if rows || !inserts {
				e.storage.resetOwners()
				_, err = e.query(ctx, text)
			}
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", n, err)
		}
		dump = rest
	}
}

// createView does not look at what a view selects from: that may come later in the
// dump, or no longer exist.
func (e *internalEngine) createView(ctx *sql.Context, name, selected, text string) error {
	db, err := e.storage.Database(ctx, ctx.GetCurrentDatabase())
	if err != nil {
		return err
	}
	return db.(*database).CreateView(ctx, name, selected, text)
}

// formatter writes definitions as MySQL reads them. The engine's own does not quote
// what is in comments and values, and has numbers as the defaults of ENUM and SET.
type formatter struct{ *sql.MySqlSchemaFormatter }

func (f formatter) GenerateCreateTableStatement(name string, parts []string, temp, autoInc, charset, collation, comment string) string {
	comment = strings.ReplaceAll(escape(comment), "''", "'") // the engine doubles the quotes
	return f.MySqlSchemaFormatter.GenerateCreateTableStatement(name, parts, temp, autoInc, charset, collation, comment)
}

func (f formatter) GenerateCreateTableColumnDefinition(column *sql.Column, value, onUpdate string, table sql.CollationID) string {
	quoted := *column
	quoted.Comment = escape(column.Comment)
	number, err := strconv.ParseUint(strings.Trim(value, "'"), 10, 64)
	var values []string
	switch t := column.Type.(type) {
	case sql.EnumType:
		values = t.Values()
		if text, ok := t.At(int(number)); err == nil && ok {
			value = quote(text)
		}
	case sql.SetType:
		values = t.Values()
		if text, bitsErr := t.BitsToString(number); err == nil && bitsErr == nil {
			value = quote(text)
		}
	}
	text := f.MySqlSchemaFormatter.GenerateCreateTableColumnDefinition(&quoted, value, onUpdate, table)
	for _, v := range values {
		text = strings.Replace(text, "'"+v+"'", quote(v), 1)
	}
	return text
}

func (f formatter) GenerateCreateTableIndexDefinition(unique, spatial, fulltext, vector bool, name string, columns []string, comment string) (string, bool) {
	return f.MySqlSchemaFormatter.GenerateCreateTableIndexDefinition(unique, spatial, fulltext, vector, name, columns, escape(comment))
}
