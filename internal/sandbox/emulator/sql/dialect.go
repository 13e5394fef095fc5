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

// parser is the engine's own, with TiDB's reading of some statements.
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

// asTiDB removes what TiDB accepts and ignores: CHECK constraints, since
// tidb_enable_check_constraint is off, and FULLTEXT indexes. To a character set without
// a collation it adds TiDB's default, which is case-sensitive where MySQL's is not. And
// it stores virtual columns: package memory mixes up the columns of such a table.
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

// definitions returns the parts of a statement that define tables or parts of them.
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

// eachCollation calls f for each character set and collation, or "", that stand
// together in a statement. f may change the collation.
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

// spatialTypes matches MySQL's.
var spatialTypes = regexp.MustCompile(`(?i)^(geometry|(multi)?(point|linestring|polygon)|geometrycollection)$`)

// refuse refuses what TiDB lacks, and what would reach other clusters.
func refuse(stmt sqlparser.Statement) (err error) {
	if set, ok := stmt.(*sqlparser.Set); ok {
		for _, e := range set.Exprs {
			scope := e.Scope
			if scope == sqlparser.SetScope_None {
				if _, scope, _, err = sqlparser.VarScopeForColName(e.Name); err != nil {
					return err
				}
			}
			switch scope {
			case sqlparser.SetScope_Global, sqlparser.SetScope_Persist, sqlparser.SetScope_PersistOnly:
				return mysql.NewSQLError(mysql.ERSpecifiedAccessDenied, "42000", "Access denied; an emulated cluster has no global variables of its own")
			}
		}
	}
	for _, d := range definitions(stmt) {
		if d.TriggerSpec != nil || d.ProcedureSpec != nil || d.EventSpec != nil {
			return errUnsupported("triggers, stored procedures and events")
		}
		if d.TableSpec == nil {
			continue
		}
		for _, column := range d.TableSpec.Columns {
			if spatialTypes.MatchString(column.Type.Type) {
				return errUnsupported("spatial types")
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

func errUnsupported(what string) error {
	return mysql.NewSQLError(mysql.ERNotSupportedYet, mysql.SSUnknownSQLState, "TiDB does not support %s", what)
}
