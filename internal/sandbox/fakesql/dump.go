package fakesql

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

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// dumpHead makes a session that takes each value as it is written. Zero is a value
// of an AUTO_INCREMENT column, and tables come in the order of their names, so
// before those that they refer to.
const dumpHead = `-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
SET SESSION foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
`

// rowsPerInsert keeps the statements of a dump at a size that can be read.
const rowsPerInsert = 500

// dump is a cluster's databases as the SQL that makes them.
type dump struct {
	ctx *sql.Context
	// all is the whole text, schema the part of it that defines things.
	all, schema bytes.Buffer
}

// define adds a statement that defines something.
func (d *dump) define(format string, args ...any) {
	fmt.Fprintf(&d.schema, format, args...)
	fmt.Fprintf(&d.all, format, args...)
}

// save writes the file. Its caller holds locks.statements. A definition that could
// not be read again is an error now and not at the next start: the file then stays
// as it was.
func (c *cluster) save() error {
	if c.file == "" {
		return nil
	}
	d := &dump{ctx: c.context()}
	if err := d.databases(c.storage, c.databaseNames()); err != nil {
		return err
	}
	if c.redefined {
		if err := tryOut(d.schema.String()); err != nil {
			return fmt.Errorf("the emulated server cannot read its own definition: %w", err)
		}
	}
	return writeFile(c.file, d.all.Bytes(), 0o600)
}

// databases adds all databases.
func (d *dump) databases(from *storage, names []string) error {
	d.define("%s", dumpHead)
	var dbs []*database
	for _, name := range names {
		db, err := from.Database(d.ctx, name)
		if err != nil {
			return err
		}
		found := db.(*database) // all are
		collation := found.GetCollation(d.ctx)
		d.define("CREATE DATABASE %s CHARACTER SET %s COLLATE %s;\n",
			sql.QuoteIdentifier(found.Name()), collation.CharacterSet().Name(), collation.Name())
		dbs = append(dbs, found)
	}
	for _, db := range dbs {
		d.define("USE %s;\n", sql.QuoteIdentifier(db.Name()))
		names, err := db.GetTableNames(d.ctx)
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			if err := d.table(db, name); err != nil {
				return fmt.Errorf("table %s.%s: %w", db.Name(), name, err)
			}
		}
		if err := d.views(db); err != nil {
			return err
		}
	}
	return nil
}

func (d *dump) table(db *database, name string) error {
	found, _, err := db.GetTableInsensitive(d.ctx, name)
	if err != nil {
		return err
	}
	t, ok := found.(*table)
	if !ok {
		return fmt.Errorf("it is no table but a %T", found)
	}
	create, err := createTable(d.ctx, db, t)
	if err != nil {
		return err
	}
	d.define("%s;\n", create)
	return d.rows(t)
}

// createTable is the statement that makes a table, as SHOW CREATE TABLE has it. The
// engine's plan for that statement leaves out the indexes of a table with virtual
// columns, so here is another one.
func createTable(ctx *sql.Context, db *database, t *table) (string, error) {
	keys, err := t.GetDeclaredForeignKeys(ctx)
	if err != nil {
		return "", err
	}
	show := plan.NewShowCreateTable(plan.NewResolvedTable(t.Table, db, nil), false)
	show.PrimaryKeySchema = t.PrimaryKeySchema()
	if show.Indexes, err = t.GetIndexes(ctx); err != nil {
		return "", err
	}
	slices.SortFunc(show.Indexes, func(a, b sql.Index) int { return strings.Compare(a.ID(), b.ID()) })
	schema := show.PrimaryKeySchema.Schema.Copy()
	for _, column := range schema {
		for _, value := range []**sql.ColumnDefaultValue{&column.Default, &column.Generated, &column.OnUpdate} {
			if *value, err = asWritten(ctx, column.Type, *value); err != nil {
				return "", fmt.Errorf("column %s: %w", column.Name, err)
			}
		}
	}
	node, err := show.WithTargetSchema(schema)
	if err != nil {
		return "", err
	}
	rows, err := rowexec.DefaultBuilder.Build(ctx, node, nil)
	if err != nil {
		return "", err
	}
	row, err := rows.Next(ctx)
	if err != nil {
		return "", err
	}
	text := row[1].(string) // the name is the first
	for _, key := range keys {
		if !strings.EqualFold(key.ParentDatabase, db.Name()) { // it leaves that out
			clause := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES ", sql.QuoteIdentifier(key.Name), strings.Join(sql.QuoteIdentifiers(key.Columns), ","))
			text = strings.Replace(text, clause, clause+sql.QuoteIdentifier(key.ParentDatabase)+".", 1)
		}
	}
	return text, nil
}

// asWritten is a column's expression in a form that is shown as it was written.
// Tables hold it as that text, or resolved where an ALTER TABLE did that.
func asWritten(ctx *sql.Context, t sql.Type, v *sql.ColumnDefaultValue) (*sql.ColumnDefaultValue, error) {
	if v == nil {
		return nil, nil
	}
	var text string
	switch e := v.Expr.(type) {
	case sql.UnresolvedColumnDefault:
		text = e.ExprString
	case *sql.UnresolvedColumnDefault:
		text = e.ExprString
	default:
		text = v.String()
		if v.IsLiteral() {
			value, err := v.Eval(ctx, nil)
			if err != nil {
				return nil, err
			}
			if text, err = literal(ctx, t, value); err != nil {
				return nil, err
			}
		}
	}
	return &sql.ColumnDefaultValue{Expr: sql.UnresolvedColumnDefault{ExprString: text}, OutType: types.Text, Literal: true}, nil
}

// formatter writes definitions as MySQL reads them: the engine's own does not quote
// what is in comments and values.
type formatter struct{ *sql.MySqlSchemaFormatter }

func (f formatter) GenerateCreateTableStatement(name string, parts []string, temp, autoInc, charset, collation, comment string) string {
	comment = strings.ReplaceAll(escape(comment), "''", "'") // which the engine does quote
	return f.MySqlSchemaFormatter.GenerateCreateTableStatement(name, parts, temp, autoInc, charset, collation, comment)
}

func (f formatter) GenerateCreateTableColumnDefinition(column *sql.Column, value, onUpdate string, table sql.CollationID) string {
	quoted := *column
	quoted.Comment = escape(column.Comment)
	text := f.MySqlSchemaFormatter.GenerateCreateTableColumnDefinition(&quoted, value, onUpdate, table)
	if set, ok := column.Type.(interface{ Values() []string }); ok { // SET or ENUM
		for _, v := range set.Values() {
			text = strings.Replace(text, "'"+v+"'", quote(v), 1)
		}
	}
	return text
}

func (f formatter) GenerateCreateTableIndexDefinition(unique, spatial, fulltext, vector bool, name string, columns []string, comment string) (string, bool) {
	return f.MySqlSchemaFormatter.GenerateCreateTableIndexDefinition(unique, spatial, fulltext, vector, name, columns, escape(comment))
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
	if err != nil {
		return err
	}
	for part := range slices.Chunk(rows, rowsPerInsert) {
		between := fmt.Sprintf("INSERT INTO %s (%s) VALUES\n(", sql.QuoteIdentifier(t.Name()), strings.Join(names, ","))
		for _, row := range part {
			values := make([]string, len(columns))
			for i, at := range columns {
				if values[i], err = literal(d.ctx, schema[at].Type, row[at]); err != nil {
					return fmt.Errorf("column %s: %w", schema[at].Name, err)
				}
			}
			d.all.WriteString(between + strings.Join(values, ",") + ")")
			between = ",\n("
		}
		d.all.WriteString(";\n")
	}
	return nil
}

// views adds a database's views: the statements that made them, with the SQL mode
// by which they are read.
func (d *dump) views(db *database) error {
	views, err := db.AllViews(d.ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(views, func(a, b sql.ViewDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, view := range views {
		// A line of its own for the semicolon: the text may end in a comment.
		d.define("SET SESSION sql_mode = %s;\n%s\n;\n", quote(view.SqlMode), view.CreateViewStatement)
	}
	if len(views) > 0 {
		d.define("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n")
	}
	return nil
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
		return float(float64(v)), nil
	case float64:
		return float(v), nil
	case []byte:
		if len(v) == 0 {
			return "''", nil
		}
		return "x'" + hex.EncodeToString(v) + "'", nil
	case string:
		return quote(v), nil
	}
	if types.IsBit(t) {
		return fmt.Sprintf("b'%b'", v), nil
	}
	sv, err := t.SQL(ctx, nil, v)
	if err != nil {
		return "", fmt.Errorf("writing a %s: %w", t, err)
	}
	if types.IsNumber(t) {
		return sv.ToString(), nil
	}
	return quote(sv.ToString()), nil
}

// float writes a number so that it is read as a DOUBLE. The sign of a zero is lost.
func float(v float64) string { return strconv.FormatFloat(v, 'e', -1, 64) }

var escaper = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`, `\`, `\\`, `'`, `''`)

// escape makes what is between the quotes of a string of SQL, on one line.
func escape(s string) string { return escaper.Replace(s) }

func quote(s string) string { return "'" + escape(s) + "'" }

// writeFile writes a file whole or not at all. What was written survives the end
// of this process, however sudden, but not that of the machine.
func writeFile(path string, content []byte, mode os.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
