package fakesql

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
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

// save writes the file. Its caller holds the gate. A schema that could not be read
// again is an error now and not at the next start: the file then stays as it was.
func (c *cluster) save() error {
	if c.file == "" {
		return nil
	}
	d := &dump{ctx: c.context()}
	if err := d.databases(c.storage.DbProvider, c.databaseNames()); err != nil {
		return fmt.Errorf("keeping the data: %w", err)
	}
	if schema := d.schema.String(); schema != c.schema {
		if err := tryOut(schema); err != nil {
			return fmt.Errorf("keeping the data: the emulated server cannot read its own definition: %w", err)
		}
		c.schema = schema
	}
	if err := writeFile(c.file, d.all.Bytes(), 0o600); err != nil {
		return fmt.Errorf("keeping the data: %w", err)
	}
	return nil
}

// databases adds all databases. It reads the tables and does without SHOW CREATE
// TABLE, which does not quote comments and leaves out the indexes of a table with a
// virtual column.
func (d *dump) databases(from *memory.DbProvider, names []string) error {
	d.define("%s", dumpHead)
	var dbs []*memory.Database
	for _, name := range names {
		db, err := from.Database(d.ctx, name)
		if err != nil {
			return err
		}
		dbs = append(dbs, db.(*memory.Database))
	}
	for _, db := range dbs {
		collation := db.GetCollation(d.ctx)
		d.define("CREATE DATABASE %s CHARACTER SET %s COLLATE %s;\n",
			sql.QuoteIdentifier(db.Name()), collation.CharacterSet().Name(), collation.Name())
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

func (d *dump) table(db *memory.Database, name string) error {
	found, ok, err := db.GetTableInsensitive(d.ctx, name)
	if err != nil {
		return err
	}
	t, isMemory := found.(*memory.Table)
	if !ok || !isMemory {
		return fmt.Errorf("it is no table but a %T", found)
	}
	create, err := createTable(d.ctx, t)
	if err != nil {
		return err
	}
	d.define("%s", create)
	if err := d.rows(t); err != nil {
		return err
	}
	if !t.PrimaryKeySchema().HasAutoIncrement() {
		return nil
	}
	next, err := t.PeekNextAutoIncrementValue(d.ctx)
	if err == nil && next > 1 {
		fmt.Fprintf(&d.all, "ALTER TABLE %s AUTO_INCREMENT = %d;\n", sql.QuoteIdentifier(t.Name()), next)
	}
	return err
}

// createTable is the statement that makes a table.
func createTable(ctx *sql.Context, t *memory.Table) (string, error) {
	schema := t.PrimaryKeySchema()
	var parts []string
	for _, column := range schema.Schema {
		part, err := defineColumn(ctx, column, t.Collation())
		if err != nil {
			return "", fmt.Errorf("column %s: %w", column.Name, err)
		}
		parts = append(parts, part)
	}
	if len(schema.PkOrdinals) > 0 {
		var columns []string
		for _, i := range schema.PkOrdinals {
			columns = append(columns, schema.Schema[i].Name)
		}
		parts = append(parts, sql.GenerateCreateTablePrimaryKeyDefinition(columns))
	}
	indexes, err := defineIndexes(ctx, t)
	if err != nil {
		return "", err
	}
	parts = append(parts, indexes...)
	keys, err := t.GetDeclaredForeignKeys(ctx)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		parts = append(parts, defineForeignKey(key))
	}
	checks, err := t.GetChecks(ctx)
	if err != nil {
		return "", err
	}
	for _, check := range checks {
		parts = append(parts, sql.GenerateCreateTableCheckConstraintClause(check.Name, check.CheckExpression, check.Enforced))
	}
	options := fmt.Sprintf("DEFAULT CHARSET=%s COLLATE=%s", t.Collation().CharacterSet().Name(), t.Collation().Name())
	if comment := t.Comment(); comment != "" {
		options += " COMMENT=" + quote(comment)
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s\n) %s;\n", sql.QuoteIdentifier(t.Name()), strings.Join(parts, ",\n"), options), nil
}

// defineColumn is the part of CREATE TABLE that makes a column.
func defineColumn(ctx *sql.Context, column *sql.Column, table sql.CollationID) (string, error) {
	text := "  " + sql.QuoteIdentifier(column.Name) + " " + typeName(column.Type, table)
	if !column.Nullable {
		text += " NOT NULL"
	}
	if column.AutoIncrement {
		text += " AUTO_INCREMENT"
	}
	for _, clause := range []struct {
		words string
		value *sql.ColumnDefaultValue
	}{
		{" GENERATED ALWAYS AS ", column.Generated},
		{" DEFAULT ", column.Default},
		{" ON UPDATE ", column.OnUpdate},
	} {
		// A generated column has its expression as its default too.
		if clause.value == nil || column.Generated != nil && clause.value != column.Generated {
			continue
		}
		value, err := expression(ctx, column.Type, clause.value)
		if err != nil {
			return "", err
		}
		text += clause.words + value
	}
	if column.Generated != nil && !column.Virtual {
		text += " STORED"
	}
	if column.Comment != "" {
		text += " COMMENT " + quote(column.Comment)
	}
	return text, nil
}

// typeName names a column's type, with the collation where it is not the table's.
func typeName(t sql.Type, table sql.CollationID) string {
	text := t.String()
	if collated, ok := t.(sql.TypeWithCollation); ok {
		text = collated.StringWithTableCollation(table)
	}
	// The library does not quote the values.
	var values []string
	switch t := t.(type) {
	case sql.EnumType:
		values = t.Values()
	case sql.SetType:
		values = t.Values()
	default:
		return text
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	kind, _, _ := strings.Cut(text, "(")
	return kind + "(" + strings.Join(quoted, ",") + text[strings.LastIndexByte(text, ')'):]
}

// expression writes the expression of a column. Tables hold it as the text that it
// was read from, or resolved where an ALTER TABLE did that.
func expression(ctx *sql.Context, t sql.Type, v *sql.ColumnDefaultValue) (string, error) {
	switch e := v.Expr.(type) {
	case sql.UnresolvedColumnDefault:
		return e.ExprString, nil
	case *sql.UnresolvedColumnDefault:
		return e.ExprString, nil
	}
	if !v.IsLiteral() {
		return v.String(), nil
	}
	value, err := v.Eval(ctx, nil)
	if err != nil {
		return "", err
	}
	return literal(ctx, t, value)
}

func defineIndexes(ctx *sql.Context, t *memory.Table) ([]string, error) {
	indexes, err := t.GetIndexes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(indexes, func(a, b sql.Index) int { return strings.Compare(a.ID(), b.ID()) })
	var out []string
	for _, index := range indexes {
		if index.ID() == "PRIMARY" {
			continue
		}
		lengths := index.PrefixLengths()
		var columns []string
		for i, expr := range index.Expressions() {
			column := plan.GetColumnFromIndexExpr(expr, t)
			if column == nil {
				return nil, fmt.Errorf("index %s is on %s, which is no column", index.ID(), expr)
			}
			text := sql.QuoteIdentifier(column.Name)
			if i < len(lengths) && lengths[i] != 0 {
				text += fmt.Sprintf("(%d)", lengths[i])
			}
			columns = append(columns, text)
		}
		text := fmt.Sprintf("  KEY %s (%s)", sql.QuoteIdentifier(index.ID()), strings.Join(columns, ","))
		if index.IsUnique() {
			text = "  UNIQUE" + text[1:]
		}
		if comment := index.Comment(); comment != "" {
			text += " COMMENT " + quote(comment)
		}
		out = append(out, text)
	}
	return out, nil
}

func defineForeignKey(key sql.ForeignKeyConstraint) string {
	text := fmt.Sprintf("  CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s.%s (%s)",
		sql.QuoteIdentifier(key.Name), strings.Join(sql.QuoteIdentifiers(key.Columns), ","),
		sql.QuoteIdentifier(key.ParentDatabase), sql.QuoteIdentifier(key.ParentTable),
		strings.Join(sql.QuoteIdentifiers(key.ParentColumns), ","))
	if key.OnDelete != "" && key.OnDelete != sql.ForeignKeyReferentialAction_DefaultAction {
		text += " ON DELETE " + string(key.OnDelete)
	}
	if key.OnUpdate != "" && key.OnUpdate != sql.ForeignKeyReferentialAction_DefaultAction {
		text += " ON UPDATE " + string(key.OnUpdate)
	}
	return text
}

// rows adds the rows, without the columns that are generated.
func (d *dump) rows(t *memory.Table) error {
	var stored []*sql.Column // as a row holds them
	var names []string
	for _, column := range t.PrimaryKeySchema().Schema {
		if column.Virtual {
			continue
		}
		stored = append(stored, column)
		if column.Generated == nil {
			names = append(names, sql.QuoteIdentifier(column.Name))
		}
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES\n(", sql.QuoteIdentifier(t.Name()), strings.Join(names, ","))
	partitions, err := t.Partitions(d.ctx)
	if err != nil {
		return err
	}
	rows := sql.NewTableRowIter(d.ctx, t, partitions)
	defer func() { _ = rows.Close(d.ctx) }()
	for n := 0; ; n++ {
		row, err := rows.Next(d.ctx)
		if err == io.EOF {
			if n > 0 {
				d.all.WriteString(";\n")
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case n == 0:
			d.all.WriteString(insert)
		case n%rowsPerInsert == 0:
			d.all.WriteString(";\n" + insert)
		default:
			d.all.WriteString(",\n(")
		}
		var values []string
		for i, column := range stored {
			if column.Generated != nil {
				continue
			}
			value, err := literal(d.ctx, column.Type, row[i])
			if err != nil {
				return fmt.Errorf("column %s: %w", column.Name, err)
			}
			values = append(values, value)
		}
		d.all.WriteString(strings.Join(values, ",") + ")")
	}
}

// views adds a database's views: the statements that made them, with the SQL mode
// by which they are read.
func (d *dump) views(db *memory.Database) error {
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
