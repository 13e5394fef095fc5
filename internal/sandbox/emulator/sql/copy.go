package sql

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// safePoint lets a session read the past. The real one is set by the garbage collector, which
// does not run here. https://docs.pingcap.com/tidb/stable/read-historical-data/
const safePoint = `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20000101-00:00:00.000 +0000', '')`

// The settings of the two sessions. What the source has may violate what the target checks by
// default: order of foreign keys, zeros in keys and dates.
const (
	sourceSession = "SET time_zone = '+00:00', tidb_snapshot = '%s'"
	targetSession = "SET time_zone = '+00:00', foreign_key_checks = 0, allow_auto_random_explicit_insert = 1, " +
		"sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"
)

// systemSchemas are in every server.
var systemSchemas = []string{"information_schema", "performance_schema", "metrics_schema", "mysql", "sys"}

// copyData copies the schemas, sequences, tables, rows and views that a server had at a moment.
// They are read from conn, and run writes them to a server that has only the database "test".
// root becomes the definer of the views, since the others are not copied.
func copyData(ctx context.Context, conn *sql.Conn, at time.Time, root string, run func(script string) error) error {
	c := &copier{ctx: ctx, conn: conn, run: run, root: root}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(sourceSession, at.Format("2006-01-02 15:04:05.000"))); err != nil {
		return err
	}
	if err := run(targetSession + ";\nDROP DATABASE test"); err != nil {
		return err
	}
	schemas, err := c.rows("SHOW DATABASES")
	if err != nil {
		return err
	}
	var views []string
	for _, row := range schemas {
		if schema := row[0]; !slices.Contains(systemSchemas, strings.ToLower(schema)) {
			more, err := c.schema(schema)
			if err != nil {
				return fmt.Errorf("database %s: %w", schema, err)
			}
			views = append(views, more...)
		}
	}
	return c.views(views)
}

type copier struct {
	ctx  context.Context
	conn *sql.Conn
	run  func(script string) error
	root string
}

// schema copies all of a database but its views, whose statements it returns.
func (c *copier) schema(schema string) (views []string, err error) {
	create, err := c.show("DATABASE", identifier(schema))
	if err != nil {
		return nil, err
	}
	if err := c.run(create); err != nil {
		return nil, err
	}
	objects, err := c.rows("SHOW FULL TABLES FROM " + identifier(schema))
	if err != nil {
		return nil, err
	}
	// A table's default may use a sequence.
	slices.SortStableFunc(objects, func(a, b []string) int { return cmp.Compare(kindOrder[a[1]], kindOrder[b[1]]) })
	for _, o := range objects {
		name, kind := identifier(schema)+"."+identifier(o[0]), o[1]
		create, err := c.show(strings.TrimPrefix(kind, "BASE "), name)
		if err != nil {
			return nil, err
		}
		create = "USE " + identifier(schema) + ";\n" + create
		switch kind {
		case "VIEW":
			views = append(views, create)
			continue
		case "SEQUENCE":
			create, err = c.sequence(create, name)
		}
		if err == nil {
			err = c.run(create)
		}
		if err == nil && kind == "BASE TABLE" {
			err = c.table(name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return views, nil
}

var kindOrder = map[string]int{"SEQUENCE": 0, "BASE TABLE": 1, "VIEW": 2}

// sequence adds to the statement that creates a sequence where it goes on. Like any of several
// servers, the copy begins behind the values that another one has reserved.
func (c *copier) sequence(create, name string) (string, error) {
	rows, err := c.rows("SHOW TABLE " + name + " NEXT_ROW_ID")
	for _, row := range rows {
		if next, isNumber := strconv.ParseInt(row[3], 10, 64); isNumber == nil && row[4] == "SEQUENCE" {
			create += fmt.Sprintf(";\nDO SETVAL(%s, %d)", name, next-1)
		}
	}
	return create, err
}

// rowsInStatement is how many rows one INSERT has.
const rowsInStatement = 200

// table copies the rows of a table.
func (c *copier) table(name string) error {
	described, err := c.rows("SHOW COLUMNS FROM " + name)
	if err != nil {
		return err
	}
	var columns []string
	for _, row := range described {
		if extra := row[5]; !strings.HasSuffix(extra, " GENERATED") { // VIRTUAL or STORED
			columns = append(columns, identifier(row[0]))
		}
	}
	list := strings.Join(columns, ", ")
	rows, err := c.query("SELECT " + list + " FROM " + name)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	var batch []string
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		statement := "INSERT INTO " + name + " (" + list + ") VALUES\n" + strings.Join(batch, ",\n")
		batch = nil
		return c.run(statement)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		literals := make([]string, len(values))
		for i, v := range values {
			literals[i] = literal(v, types[i].DatabaseTypeName())
		}
		batch = append(batch, "("+strings.Join(literals, ", ")+")")
		if len(batch) == rowsInStatement {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), flush())
}

// views creates views. One may need another, so it goes on while any can be created.
func (c *copier) views(statements []string) error {
	for len(statements) > 0 {
		var failed []string
		var last error
		for _, create := range statements {
			create = definer.ReplaceAllLiteralString(create, "DEFINER="+identifier(c.root)+"@`%`")
			if err := c.run(create); err != nil {
				failed, last = append(failed, create), err
			}
		}
		if len(failed) == len(statements) {
			return last
		}
		statements = failed
	}
	return nil
}

var definer = regexp.MustCompile("DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`")

// show returns the statement that creates something.
func (c *copier) show(kind, name string) (string, error) {
	rows, err := c.rows("SHOW CREATE " + kind + " " + name)
	if err != nil {
		return "", err
	}
	return rows[0][1], nil
}

// query runs a query.
func (c *copier) query(query string) (*sql.Rows, error) {
	rows, err := c.conn.QueryContext(c.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return rows, nil
}

// rows returns the rows of a query.
func (c *copier) rows(query string) (all [][]string, err error) {
	rows, err := c.query(query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// literal returns a value as SQL. A script is text, so bytes are written as digits.
func literal(value sql.RawBytes, typ string) string {
	switch {
	case value == nil:
		return "NULL"
	case isBinary(typ):
		return "x'" + hex.EncodeToString(value) + "'"
	}
	return quote(string(value))
}

// isBinary reports whether a column of that type has bytes, not text.
func isBinary(typ string) bool {
	return typ == "BIT" || strings.HasSuffix(typ, "BINARY") || strings.HasSuffix(typ, "BLOB")
}

func identifier(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
