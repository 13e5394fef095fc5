package migrator

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/pingcap/tidb/pkg/parser/ast"
	parsermysql "github.com/pingcap/tidb/pkg/parser/mysql"
)

const (
	notRepeatable = "an interrupted run would do it twice"
	notOurs       = "a migration changes tables, views, indexes, sequences or rows, and nothing else"
)

// errGateway is any error of TiDB Cloud's gateway.
const errGateway = 1105

// schemaChange returns the errors of a change of the schema that was made before, or why a
// migration may not make the change.
//
// A re-run executes the statement again, so the second time it must fail or have no effect. The
// numbers are TiDB's. If MySQL has the error, too, they are the same.
// https://docs.pingcap.com/tidbcloud/error-codes/
func schemaChange(node ast.StmtNode) (done []uint16, problem string) {
	switch node := node.(type) {
	case *ast.CreateTableStmt, *ast.CreateViewStmt, *ast.CreateSequenceStmt:
		return []uint16{parsermysql.ErrTableExists}, ""
	case *ast.DropTableStmt:
		if len(node.Tables) > 1 { // TiDB drops them one after the other (pkg/ddl/executor.go, dropTableObject)
			return nil, "an interrupted run would have dropped some of them; drop one a statement"
		}
		return []uint16{parsermysql.ErrBadTable}, ""
	case *ast.DropSequenceStmt:
		return []uint16{parsermysql.ErrUnknownSequence, parsermysql.ErrBadTable}, ""
	case *ast.CreateIndexStmt:
		return []uint16{parsermysql.ErrDupKeyName}, ""
	case *ast.DropIndexStmt:
		return []uint16{parsermysql.ErrCantDropFieldOrKey}, ""
	case *ast.RenameTableStmt:
		if len(node.TableToTables) > 1 { // it could swap two tables
			return nil, notRepeatable + "; rename one table a statement"
		}
		return renamedTable, ""
	case *ast.TruncateTableStmt:
		return nil, notRepeatable + ", and remove what was written in between; use DELETE"
	case *ast.AlterSequenceStmt:
		return nil, ""
	case *ast.AlterTableStmt:
		for _, spec := range node.Specs {
			numbers, problem := alteration(spec)
			if problem != "" {
				return nil, problem
			}
			done = append(done, numbers...)
		}
		return done, ""
	}
	return nil, notOurs
}

// renamedTable has the errors of renaming a table that was renamed before. The old name is missing
// (MySQL, and ALTER TABLE in TiDB), or the new one exists (RENAME TABLE in TiDB,
// pkg/ddl/executor.go, ExtractTblInfos).
var renamedTable = []uint16{parsermysql.ErrNoSuchTable, parsermysql.ErrTableExists}

// renamedColumn is renamedTable for a column.
var renamedColumn = []uint16{parsermysql.ErrBadField, parsermysql.ErrDupFieldName}

// alteration is schemaChange for a part of ALTER TABLE. All parts take effect together.
// https://docs.pingcap.com/tidbcloud/sql-statement-alter-table/
func alteration(spec *ast.AlterTableSpec) (done []uint16, problem string) {
	switch spec.Tp {
	case ast.AlterTableAddColumns:
		return []uint16{parsermysql.ErrDupFieldName}, ""
	case ast.AlterTableAddConstraint:
		// TiDB makes up another name each time (pkg/ddl/index.go, GetName4AnonymousIndex).
		if spec.Constraint.Name == "" && spec.Constraint.Tp != ast.ConstraintPrimaryKey {
			return nil, notRepeatable + "; give the index or constraint a name"
		}
		return []uint16{parsermysql.ErrDupKeyName, parsermysql.ErrMultiplePriKey, parsermysql.ErrFkDupName, errDupCheck}, ""
	case ast.AlterTableDropColumn, ast.AlterTableDropIndex, ast.AlterTableDropPrimaryKey, ast.AlterTableDropForeignKey:
		return []uint16{parsermysql.ErrCantDropFieldOrKey}, ""
	case ast.AlterTableDropCheck:
		return []uint16{errNoCheck}, ""
	case ast.AlterTableChangeColumn, ast.AlterTableRenameColumn:
		return renamedColumn, ""
	case ast.AlterTableRenameIndex:
		return []uint16{parsermysql.ErrKeyDoesNotExist}, ""
	case ast.AlterTableRenameTable:
		return renamedTable, ""
	case ast.AlterTableAddPartitions:
		if spec.Num > 0 {
			return nil, notRepeatable
		}
		return []uint16{parsermysql.ErrSameNamePartition, parsermysql.ErrRangeNotIncreasing}, ""
	case ast.AlterTableDropPartition:
		return []uint16{parsermysql.ErrDropPartitionNonExistent}, ""
	case ast.AlterTableExchangePartition, ast.AlterTableCoalescePartitions, ast.AlterTableTruncatePartition:
		return nil, notRepeatable
	}
	return nil, ""
}

// Errors of check constraints, which the parser's list lacks.
// https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
const (
	errDupCheck = 3822
	errNoCheck  = 3940
)

// isDone reports whether an error says that the step was executed before.
func (s Step) isDone(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && slices.Contains(s.done, refused.Number)
}

// inProgress reports whether TiDB is still adding the index of an interrupted run. The number means
// that the index exists; only the text tells (pkg/ddl/index.go of TiDB, checkIndexNameAndColumns).
func inProgress(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == parsermysql.ErrDupKeyName && strings.Contains(refused.Message, "a background job")
}

// hadNoEffect reports whether an error proves that the statement had no effect. It does not if the
// error is TiDB's own or the gateway's: the change may go on (assumed).
func hadNoEffect(err error) bool {
	const firstOfTiDB = 8001 // https://docs.pingcap.com/tidbcloud/error-codes/
	ambiguous := []uint16{errGateway, parsermysql.ErrQueryInterrupted, parsermysql.ErrServerShutdown}
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number < firstOfTiDB && !slices.Contains(ambiguous, refused.Number)
}
