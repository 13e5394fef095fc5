package fakesql

import (
	"context"
	"strings"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// kind is what a statement does, as far as its order among others matters.
type kind int

const (
	// local touches no table, and may wait: SELECT GET_LOCK('a', 10).
	local kind = iota
	// reading reads tables.
	reading
	// setting sets a variable, perhaps autocommit.
	setting
	// bounding begins or ends a transaction.
	bounding
	// writing is all the rest.
	writing
)

// parse reads the first statement of a query. It returns nil for what the server
// will refuse to read, or for nothing.
func parse(ctx context.Context, query string, options sqlparser.ParserOptions) sqlparser.Statement {
	stmt, _, err := sqlparser.ParseOneWithOptions(ctx, query, options)
	if err != nil {
		return nil
	}
	return stmt
}

// kindOf tells what a statement does; when in doubt, that it writes.
func kindOf(stmt sqlparser.Statement) kind {
	switch stmt := stmt.(type) {
	case nil:
		return local
	case *sqlparser.Set:
		return setting
	case *sqlparser.Begin, *sqlparser.Commit, *sqlparser.Rollback:
		return bounding
	case *sqlparser.Use, *sqlparser.Show:
		return reading
	case *sqlparser.Explain:
		if _, ok := stmt.Statement.(sqlparser.SelectStatement); ok || stmt.Statement == nil {
			return reading
		}
		return writing
	case sqlparser.SelectStatement:
		return kindOfSelect(stmt)
	default:
		return writing
	}
}

func kindOfSelect(stmt sqlparser.SelectStatement) kind {
	k := local
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		switch node := node.(type) {
		case *sqlparser.Select:
			if node.Lock != "" {
				k = writing
			}
		case *sqlparser.SetOp:
			if node.Lock != "" {
				k = writing
			}
		case *sqlparser.AliasedTableExpr:
			if name, ok := node.Expr.(sqlparser.TableName); ok && name.Name.String() != "dual" {
				k = max(k, reading)
			}
		}
		return true, nil
	}, stmt)
	return k
}

// refuse returns the error of a statement that no client may run: what TiDB lacks,
// and what would reach beyond the cluster, to this machine's files or to other
// clusters.
func refuse(stmt sqlparser.Statement) error {
	switch stmt := stmt.(type) {
	case *sqlparser.DDL:
		switch {
		case stmt.TriggerSpec != nil:
			return lacking("triggers")
		case stmt.ProcedureSpec != nil:
			return lacking("stored procedures")
		case stmt.EventSpec != nil:
			return lacking("events")
		}
	case *sqlparser.Set:
		return refuseGlobals(stmt)
	case *sqlparser.Call:
		return lacking("stored procedures")
	case *sqlparser.Load:
		if !stmt.Local {
			return noFiles()
		}
	case sqlparser.SelectStatement:
		if into := stmt.GetInto(); into != nil && (into.Outfile != "" || into.Dumpfile != "") {
			return noFiles()
		}
	}
	return refuseDefinitions(stmt)
}

// refuseGlobals refuses to set what all clusters of the process share.
func refuseGlobals(stmt *sqlparser.Set) error {
	for _, e := range stmt.Exprs {
		scope := e.Scope
		if scope == sqlparser.SetScope_None {
			_, named, _, err := sqlparser.VarScopeForColName(e.Name)
			if err != nil {
				return err
			}
			scope = named
		}
		switch scope {
		case sqlparser.SetScope_Global, sqlparser.SetScope_Persist, sqlparser.SetScope_PersistOnly:
			return mysql.NewSQLError(mysql.ERSpecifiedAccessDenied, "42000",
				"Access denied; the global variables of an emulated cluster cannot be set")
		}
	}
	return nil
}

// refuseDefinitions is refuse for what a statement defines.
func refuseDefinitions(stmt sqlparser.Statement) error {
	var parts []*sqlparser.DDL
	switch stmt := stmt.(type) {
	case *sqlparser.DDL:
		parts = append(parts, stmt)
	case *sqlparser.AlterTable:
		parts = stmt.Statements
	}
	for _, d := range parts {
		if d.IndexSpec != nil {
			if err := refuseIndex(d.IndexSpec.Type == sqlparser.SpatialStr, d.IndexSpec.Type == sqlparser.FulltextStr); err != nil {
				return err
			}
		}
		if d.TableSpec == nil {
			continue
		}
		for _, column := range d.TableSpec.Columns {
			if spatial[strings.ToLower(column.Type.Type)] {
				return lacking("spatial types")
			}
		}
		for _, index := range d.TableSpec.Indexes {
			if err := refuseIndex(index.Info.Spatial, index.Info.Fulltext); err != nil {
				return err
			}
		}
	}
	return nil
}

// spatial are the column types that TiDB lacks.
var spatial = map[string]bool{
	"geometry": true, "point": true, "linestring": true, "polygon": true,
	"multipoint": true, "multilinestring": true, "multipolygon": true, "geometrycollection": true,
}

func refuseIndex(isSpatial, isFulltext bool) error {
	switch {
	case isSpatial:
		return lacking("spatial indexes")
	case isFulltext:
		return lacking("FULLTEXT indexes")
	}
	return nil
}

func lacking(what string) error {
	return mysql.NewSQLError(mysql.ERNotSupportedYet, mysql.SSUnknownSQLState, "TiDB does not support %s", what)
}

func noFiles() error {
	return mysql.NewSQLError(mysql.EROptionPreventsStatement, mysql.SSUnknownSQLState,
		"The server is running with the --secure-file-priv option so it cannot execute this statement")
}
