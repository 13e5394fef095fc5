package sql

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// parser reads statements as the engine's own does, and changes them where TiDB
// makes something else of them.
type parser struct{ *sql.MysqlParser }

func (p parser) Parse(ctx *sql.Context, query string, multi bool) (stmt sqlparser.Statement, parsed, rest string, err error) {
	return p.ParseWithOptions(ctx, query, ';', multi, sql.LoadSqlMode(ctx).ParserOptions())
}

func (p parser) ParseWithOptions(ctx context.Context, query string, delimiter rune, multi bool, options sqlparser.ParserOptions) (stmt sqlparser.Statement, parsed, rest string, err error) {
	stmt, parsed, rest, err = p.MysqlParser.ParseWithOptions(ctx, query, delimiter, multi, options)
	return asTiDB(stmt), parsed, rest, err
}

func (p parser) ParseOneWithOptions(ctx context.Context, query string, options sqlparser.ParserOptions) (sqlparser.Statement, int, error) {
	stmt, end, err := p.MysqlParser.ParseOneWithOptions(ctx, query, options)
	return asTiDB(stmt), end, err
}

// asTiDB removes what TiDB accepts and ignores: CHECK constraints, as long as
// tidb_enable_check_constraint is off, and FULLTEXT indexes. Where a statement names
// a character set alone it adds TiDB's collation for that, which tells capitals
// apart, as MySQL's does not. And it stores generated columns, also virtual ones:
// package memory mixes up the columns of a table with those.
//
//   - https://docs.pingcap.com/tidb/stable/constraints#check
//   - https://docs.pingcap.com/tidb/stable/character-set-and-collation
//   - pkg/ddl/executor.go and create_table.go of github.com/pingcap/tidb
func asTiDB(stmt sqlparser.Statement) sqlparser.Statement {
	if alter, ok := stmt.(*sqlparser.AlterTable); ok {
		alter.Statements = slices.DeleteFunc(alter.Statements, isIgnored)
		if len(alter.Statements)+len(alter.PartitionSpecs) == 0 {
			return &sqlparser.Set{} // sets nothing
		}
	}
	for _, d := range definitions(stmt) {
		if d.TableSpec == nil {
			continue
		}
		d.TableSpec.Indexes = slices.DeleteFunc(d.TableSpec.Indexes, func(i *sqlparser.IndexDefinition) bool { return i.Info.Fulltext })
		if kept := slices.DeleteFunc(d.TableSpec.Constraints, isCheck); len(kept) > 0 {
			d.TableSpec.Constraints = kept
		} else if d.TableSpec.Constraints != nil {
			d.TableSpec.Constraints, d.ConstraintAction = nil, "" // that of ADD COLUMN ... CHECK
		}
		for _, column := range d.TableSpec.Columns {
			column.Type.Constraint = nil
			column.Type.Stored = column.Type.Stored || column.Type.GeneratedExpr != nil
		}
	}
	eachCollation(stmt, func(charset string, collation *string) {
		if charset != "" && *collation == "" {
			*collation = charset
			if !strings.EqualFold(charset, "binary") {
				*collation += "_bin"
			}
		}
	})
	return stmt
}

// definitions are the parts of a statement that define tables or parts of them.
func definitions(stmt sqlparser.Statement) []*sqlparser.DDL {
	switch stmt := stmt.(type) {
	case *sqlparser.DDL:
		return []*sqlparser.DDL{stmt}
	case *sqlparser.AlterTable:
		return stmt.Statements
	}
	return nil
}

func isCheck(c *sqlparser.ConstraintDefinition) bool {
	_, ok := c.Details.(*sqlparser.CheckConstraintDefinition)
	return ok
}

// isIgnored reports whether TiDB ignores a part of ALTER TABLE. DROP CONSTRAINT
// means DROP CHECK there.
func isIgnored(d *sqlparser.DDL) bool {
	if d.IndexSpec != nil {
		return d.IndexSpec.Type == sqlparser.FulltextStr
	}
	if d.ColumnAction != "" || d.ConstraintAction == "" || len(d.TableSpec.Constraints) != 1 {
		return false
	}
	c := d.TableSpec.Constraints[0]
	return isCheck(c) || c.Details == nil && d.ConstraintAction == sqlparser.DropStr
}

// eachCollation calls f for each character set and collation that a statement
// names together, "" for none. f may change the collation.
func eachCollation(stmt sqlparser.Statement, f func(charset string, collation *string)) {
	if db, ok := stmt.(*sqlparser.DBDDL); ok {
		options := map[string]string{}
		for _, option := range db.CharsetCollate {
			options[strings.ToLower(option.Type)] = option.Value
		}
		collation := options["collate"]
		if f(cmp.Or(options["character set"], options["charset"]), &collation); collation != "" {
			db.CharsetCollate = append(db.CharsetCollate, &sqlparser.CharsetAndCollate{Type: "collate", Value: collation})
		}
	}
	for _, d := range definitions(stmt) {
		if spec := d.AlterCollationSpec; spec != nil {
			f(spec.CharacterSet, &spec.Collation)
		}
		if d.TableSpec == nil {
			continue
		}
		for _, column := range d.TableSpec.Columns {
			f(column.Type.Charset, &column.Type.Collate)
		}
		options := map[string]string{}
		for _, option := range d.TableSpec.TableOpts {
			options[strings.ToLower(option.Name)] = option.Value
		}
		collation := options["collate"]
		if f(options["character set"], &collation); collation != "" {
			d.TableSpec.TableOpts = append(d.TableSpec.TableOpts, &sqlparser.TableOption{Name: "COLLATE", Value: collation})
		}
	}
}

// collations matches those that TiDB has.
var collations = regexp.MustCompile(`(?i)^(|binary|\w+_bin|utf8(mb[34])?_(general|unicode)_ci|utf8mb4_0900_ai_ci)$`)

// refuse refuses what TiDB lacks, and what would reach beyond the cluster: this
// machine's files and other clusters.
func refuse(stmt sqlparser.Statement) (err error) {
	switch stmt := stmt.(type) {
	case *sqlparser.Load:
		if !stmt.Local {
			return errFiles
		}
	case sqlparser.SelectStatement:
		if into := stmt.GetInto(); into != nil && (into.Outfile != "" || into.Dumpfile != "") {
			return errFiles
		}
	case *sqlparser.Set:
		for _, e := range stmt.Exprs {
			scope := e.Scope
			if scope == sqlparser.SetScope_None {
				if _, scope, _, err = sqlparser.VarScopeForColName(e.Name); err != nil {
					return err
				}
			}
			switch scope {
			case sqlparser.SetScope_Global, sqlparser.SetScope_Persist, sqlparser.SetScope_PersistOnly:
				return mysql.NewSQLError(mysql.ERSpecifiedAccessDenied, "42000",
					"Access denied; the global variables of an emulated cluster cannot be set")
			}
		}
	}
	for _, d := range definitions(stmt) {
		switch {
		case d.TriggerSpec != nil, d.ProcedureSpec != nil, d.EventSpec != nil:
			return lacking("triggers, stored procedures and events")
		case d.TableSpec == nil:
			continue
		}
		for _, column := range d.TableSpec.Columns {
			switch strings.ToLower(column.Type.Type) {
			case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
				return lacking("spatial types")
			}
		}
	}
	eachCollation(stmt, func(_ string, collation *string) {
		if !collations.MatchString(*collation) {
			err = mysql.NewSQLError(1273, mysql.SSUnknownSQLState, "Unknown collation: '%s'", *collation)
		}
	})
	return err
}

func lacking(what string) error {
	return mysql.NewSQLError(mysql.ERNotSupportedYet, mysql.SSUnknownSQLState, "TiDB does not support %s", what)
}

var errFiles = mysql.NewSQLError(mysql.EROptionPreventsStatement, mysql.SSUnknownSQLState,
	"The server is running with the --secure-file-priv option so it cannot execute this statement")
