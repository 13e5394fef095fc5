package sql

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// newDatabase is the database that a new cluster has.
const newDatabase = "test"

// dumpHead makes a session that takes each value as it is written. Zero is a value
// of an AUTO_INCREMENT column, and tables come in the order of their names, so
// before those that they refer to.
const dumpHead = `-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
SET SESSION foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
`

// save writes the cluster's databases to its file, as the SQL that makes them. Its
// caller holds locks.statements. A definition that could not be read again is an
// error now and not at the next start: the file then stays as it was.
func (c *cluster) save() error {
	if c.file == "" {
		return nil
	}
	d := dump{ctx: c.context(), engine: c.own}
	d.WriteString(dumpHead)
	dbs := c.storage.AllDatabases(d.ctx)
	slices.SortFunc(dbs, func(a, b sql.Database) int { return strings.Compare(a.Name(), b.Name()) })
	for _, db := range dbs {
		collation := db.(*database).GetCollation(d.ctx) // all are
		fmt.Fprintf(&d, "CREATE DATABASE %s CHARACTER SET %s COLLATE %s;\n", sql.QuoteIdentifier(db.Name()), collation.CharacterSet().Name(), collation.Name())
	}
	for _, db := range dbs {
		if err := d.database(db.(*database)); err != nil {
			return err
		}
	}
	if c.redefined {
		trial := &cluster{storage: newStorage()}
		var err error
		if trial.own, err = newEngine(trial.storage); err == nil {
			err = errors.Join(trial.runAll(d.String(), false), closeEngine(trial.own))
		}
		if err != nil {
			return fmt.Errorf("the emulated server cannot read its own definition: %w", err)
		}
	}
	return writeFile(c.file, d.Bytes(), 0o600)
}

// dump is a text of SQL.
type dump struct {
	bytes.Buffer
	ctx    *sql.Context
	engine *sqle.Engine
}

func (d *dump) database(db *database) error {
	fmt.Fprintf(d, "USE %s;\n", sql.QuoteIdentifier(db.Name()))
	d.ctx.SetCurrentDatabase(db.Name())
	names, err := db.GetTableNames(d.ctx)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		found, _, err := db.GetTableInsensitive(d.ctx, name)
		if err != nil {
			return err
		}
		t := found.(*table) // all are
		create, err := d.createTable(t)
		if err == nil {
			fmt.Fprintf(d, "%s;\n", create)
			err = d.rows(t)
		}
		if err != nil {
			return fmt.Errorf("table %s.%s: %w", db.Name(), name, err)
		}
	}
	views, err := db.AllViews(d.ctx)
	slices.SortFunc(views, func(a, b sql.ViewDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, view := range views {
		// By its SQL mode it is read. Its text may end in a comment, so the semicolon has
		// a line of its own.
		fmt.Fprintf(d, "SET SESSION sql_mode = %s;\n%s\n;\nSET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n", quote(view.SqlMode), view.CreateViewStatement)
	}
	return err
}

// createTable is the statement that makes a table.
func (d *dump) createTable(t *table) (string, error) {
	rows, err := query(d.ctx, d.engine, "SHOW CREATE TABLE "+sql.QuoteIdentifier(t.Name()))
	if err != nil {
		return "", err
	}
	text := rows[0][1].(string) // the name is the first
	keys, err := t.GetDeclaredForeignKeys(d.ctx)
	for _, key := range keys { // the engine leaves their databases out
		clause := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES ", sql.QuoteIdentifier(key.Name), strings.Join(sql.QuoteIdentifiers(key.Columns), ","))
		text = strings.Replace(text, clause, clause+sql.QuoteIdentifier(key.ParentDatabase)+".", 1)
	}
	return text, err
}

// rows adds the rows, without the columns that are generated.
func (d *dump) rows(t *table) error {
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
		between := fmt.Sprintf("INSERT INTO %s (%s) VALUES\n(", sql.QuoteIdentifier(t.Name()), strings.Join(names, ","))
		for _, row := range part {
			values := make([]string, len(columns))
			for i, at := range columns {
				if values[i], err = literal(d.ctx, schema[at].Type, row[at]); err != nil {
					return fmt.Errorf("column %s: %w", schema[at].Name, err)
				}
			}
			d.WriteString(between + strings.Join(values, ",") + ")")
			between = ",\n("
		}
		d.WriteString(";\n")
	}
	return err
}

// formatter writes definitions as MySQL reads them: the engine's own does not quote
// what is in comments and values, and has numbers for the defaults of ENUM and SET.
type formatter struct{ *sql.MySqlSchemaFormatter }

func (f formatter) GenerateCreateTableStatement(name string, parts []string, temp, autoInc, charset, collation, comment string) string {
	comment = strings.ReplaceAll(escape(comment), "''", "'") // which the engine does quote
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

// literal writes a value of a column's type as SQL that reads as the same value.
func literal(ctx *sql.Context, t sql.Type, v any) (string, error) {
	v, err := sql.UnwrapAny(ctx, v)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "NULL", nil
	case float32:
		// With all digits: the shortest text of the largest number is beyond it.
		return strconv.FormatFloat(float64(v), 'e', -1, 64), nil
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64), nil
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'", nil
	case string:
		return quote(v), nil
	}
	if types.IsBit(t) {
		return fmt.Sprintf("b'%b'", v), nil
	}
	sv, err := t.SQL(ctx, nil, v)
	if err != nil || types.IsNumber(t) {
		return sv.ToString(), err
	}
	return quote(sv.ToString()), nil
}

var escaper = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`, `\`, `\\`, `'`, `''`)

// quote makes a string of SQL on one line, escape what is between its quotes.
func quote(s string) string  { return "'" + escape(s) + "'" }
func escape(s string) string { return escaper.Replace(s) }

// writeFile writes a file whole or not at all. What was written survives the end
// of this process, however sudden, but not that of the machine.
func writeFile(path string, content []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

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
	if err := c.runAll(string(text), true); err != nil {
		return fmt.Errorf("loading %s (remove it to begin anew): %w", c.file, err)
	}
	return nil
}

// runAll runs the statements of a dump one after the other, with or without those
// that insert rows.
func (c *cluster) runAll(text string, inserts bool) error {
	ctx := c.context()
	for n := 1; ; n++ {
		text = strings.TrimSpace(text) // as Parse does
		// The SQL mode of the moment decides how the next one is read.
		stmt, statement, rest, err := c.own.Parser.Parse(ctx, text, true)
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		_, isInsert := stmt.(*sqlparser.Insert)
		if view, ok := stmt.(*sqlparser.DDL); ok && view.ViewSpec != nil {
			// Without a look at what it selects from: that may come later, or be gone.
			selected := view.SubStatementStr
			if selected == "" {
				selected = text[view.SubStatementPositionStart:view.SubStatementPositionEnd]
			}
			var db sql.Database
			if db, err = c.storage.Database(ctx, ctx.GetCurrentDatabase()); err == nil {
				err = db.(*database).CreateView(ctx, view.ViewSpec.ViewName.Name.String(), selected, statement)
			}
		} else if err == nil && (inserts || !isInsert) {
			c.storage.begin()
			_, err = query(ctx, c.own, statement)
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", n, err)
		}
		text = rest
	}
}

// query runs one statement.
func query(ctx *sql.Context, e *sqle.Engine, text string) ([]sql.Row, error) {
	// A context belongs to one statement, the session goes on.
	ctx = sql.NewContext(ctx, sql.WithSession(ctx.Session))
	_, rows, _, err := e.Query(ctx, text)
	if err != nil {
		return nil, err
	}
	return sql.RowIterToRows(ctx, rows)
}
