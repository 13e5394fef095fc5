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

// rowsPerInsert keeps the statements of a dump at a size that can be read.
const rowsPerInsert = 500

// save writes the cluster's databases to its file, as the SQL that makes them. Its
// caller holds locks.statements. A definition that could not be read again is an
// error now and not at the next start: the file then stays as it was.
func (c *cluster) save() error {
	if c.file == "" {
		return nil
	}
	d := dump{ctx: c.context()}
	d.WriteString(dumpHead)
	names := c.databaseNames()
	dbs := make([]*database, len(names))
	for i, name := range names {
		db, err := c.storage.Database(d.ctx, name)
		if err != nil {
			return err
		}
		dbs[i] = db.(*database) // all are
		collation := dbs[i].GetCollation(d.ctx)
		fmt.Fprintf(&d, "CREATE DATABASE %s CHARACTER SET %s COLLATE %s;\n", sql.QuoteIdentifier(db.Name()), collation.CharacterSet().Name(), collation.Name())
	}
	for _, db := range dbs {
		if err := d.database(db); err != nil {
			return err
		}
	}
	if c.redefined {
		trial := &cluster{storage: newStorage()}
		var err error
		if trial.engine, err = newEngine(trial.storage); err == nil {
			err = errors.Join(trial.runAll(d.String(), false), closeEngine(trial.engine))
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
	ctx *sql.Context
}

func (d *dump) database(db *database) error {
	fmt.Fprintf(d, "USE %s;\n", sql.QuoteIdentifier(db.Name()))
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
		create, err := createTable(d.ctx, db, t)
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
	for part := range slices.Chunk(rows, rowsPerInsert) {
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

// createTable is the statement that makes a table, as SHOW CREATE TABLE has it. The
// engine's plan of that leaves out the indexes of a table with virtual columns and
// the databases of foreign keys, so here is another one.
func createTable(ctx *sql.Context, db *database, t *table) (string, error) {
	show := plan.NewShowCreateTable(plan.NewResolvedTable(t.Table, db, nil), false)
	show.PrimaryKeySchema = t.PrimaryKeySchema()
	var err error
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
	keys, err := t.GetDeclaredForeignKeys(ctx)
	for _, key := range keys {
		clause := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES ", sql.QuoteIdentifier(key.Name), strings.Join(sql.QuoteIdentifiers(key.Columns), ","))
		text = strings.Replace(text, clause, clause+sql.QuoteIdentifier(key.ParentDatabase)+".", 1)
	}
	return text, err
}

// asWritten is a column's expression in a form that is shown as it was written.
// Tables hold it as that text, or resolved where an ALTER TABLE did that.
func asWritten(ctx *sql.Context, t sql.Type, v *sql.ColumnDefaultValue) (*sql.ColumnDefaultValue, error) {
	if v == nil {
		return nil, nil
	}
	text := v.String()
	if e, ok := v.Expr.(*sql.UnresolvedColumnDefault); ok {
		text = e.ExprString
	} else if v.IsLiteral() {
		value, err := v.Eval(ctx, nil)
		if err != nil {
			return nil, err
		}
		if text, err = literal(ctx, t, value); err != nil {
			return nil, err
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

// escape makes what is between the quotes of a string of SQL, on one line.
func escape(s string) string { return escaper.Replace(s) }

func quote(s string) string { return "'" + escape(s) + "'" }

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
		stmt, query, rest, err := c.engine.Parser.Parse(ctx, text, true)
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		_, isInsert := stmt.(*sqlparser.Insert)
		if view, ok := stmt.(*sqlparser.DDL); ok && view.ViewSpec != nil {
			selected := view.SubStatementStr
			if selected == "" {
				selected = text[view.SubStatementPositionStart:view.SubStatementPositionEnd]
			}
			err = c.loadView(ctx, view.ViewSpec.ViewName.Name.String(), selected, query)
		} else if err == nil && (inserts || !isInsert) {
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
