package migrator

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/pingcap/tidb/pkg/parser/ast"
	parsermysql "github.com/pingcap/tidb/pkg/parser/mysql"
)

// Why a migration may not have a statement.
const (
	notRepeatable  = "an interrupted run would do it twice"
	notOurs        = "a migration changes tables, views, indexes, sequences or rows, and nothing else"
	ofSession      = "ends with the session, and a run may go on in another one"
	ofTransaction  = "a run makes the transactions: what changes rows between two changes of the schema is one"
	changesNothing = "it changes nothing"
	readsFile      = "it reads a file, which is not a part of the migration; use INSERT"
	oneAtATime     = "an interrupted run would have dropped some of them; drop one a statement"
)

// errUnknown is any error of TiDB that has no number, and any of TiDB Cloud's gateway.
const errUnknown = 1105

// schemaChange returns the errors of a change of the schema that was made before, or why a
// migration may not make the change.
//
// A re-run executes the statement again, so the second time it must fail or have no effect. The
// numbers are TiDB's. If MySQL has the error, too, they are the same.
// https://docs.pingcap.com/tidbcloud/error-codes/
func schemaChange(node ast.StmtNode) (done []uint16, problem string) {
	switch node := node.(type) {
	case *ast.CreateTableStmt:
		if node.TemporaryKeyword == ast.TemporaryLocal {
			return nil, "it " + ofSession
		}
		return []uint16{parsermysql.ErrTableExists}, ""
	case *ast.CreateViewStmt, *ast.CreateSequenceStmt:
		return []uint16{parsermysql.ErrTableExists}, ""
	case *ast.DropTableStmt: // and DROP VIEW
		switch {
		case node.TemporaryKeyword == ast.TemporaryLocal:
			return nil, "it " + ofSession
		case len(node.Tables) > 1: // TiDB drops them one after the other (pkg/ddl/executor.go, dropTableObject)
			return nil, oneAtATime
		}
		return []uint16{parsermysql.ErrBadTable}, ""
	case *ast.DropSequenceStmt:
		if len(node.Sequences) > 1 {
			return nil, oneAtATime
		}
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
		if dropConstraint.MatchString(node.OriginalText()) {
			return nil, notDropped
		}
		for _, spec := range node.Specs {
			numbers, problem := alteration(spec)
			if problem != "" {
				return nil, problem
			}
			done = append(done, numbers...)
		}
		return done, ""
	case *ast.SetStmt:
		if slices.ContainsFunc(node.Variables, func(v *ast.VariableAssignment) bool { return v.IsGlobal }) {
			return nil, notOurs
		}
		return nil, "it " + ofSession
	case *ast.UseStmt, *ast.LockTablesStmt, *ast.UnlockTablesStmt, *ast.PrepareStmt, *ast.ExecuteStmt, *ast.DeallocateStmt:
		return nil, "it " + ofSession
	case *ast.BeginStmt, *ast.CommitStmt, *ast.RollbackStmt, *ast.SavepointStmt, *ast.ReleaseSavepointStmt:
		return nil, ofTransaction
	case *ast.SelectStmt, *ast.SetOprStmt, *ast.ShowStmt, *ast.ExplainStmt, *ast.DoStmt:
		return nil, changesNothing
	case *ast.LoadDataStmt, *ast.ImportIntoStmt:
		return nil, readsFile
	}
	return nil, notOurs
}

// renamedTable has the errors of renaming a table that was renamed before. The old name is missing
// (MySQL, and ALTER TABLE in TiDB), or the new one exists (RENAME TABLE in TiDB,
// pkg/ddl/executor.go, ExtractTblInfos).
var renamedTable = []uint16{parsermysql.ErrNoSuchTable, parsermysql.ErrTableExists}

// renamedColumn is renamedTable for a column.
var renamedColumn = []uint16{parsermysql.ErrBadField, parsermysql.ErrDupFieldName}

// TiDB takes DROP CONSTRAINT for DROP CHECK, and ignores it unless checks are on
// (pkg/ddl/executor.go of v8.5.6). Drizzle-kit 1.x drops foreign keys by it.
var dropConstraint = regexp.MustCompile(`(?i)\bDROP\s+CONSTRAINT\b`)

const notDropped = "TiDB drops no foreign key or index by DROP CONSTRAINT; write DROP FOREIGN KEY, DROP INDEX or DROP CHECK"

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
	case ast.AlterTableReorganizePartition:
		return []uint16{parsermysql.ErrWrongPartitionName, parsermysql.ErrSameNamePartition}, ""
	case ast.AlterTableRemovePartitioning:
		return []uint16{parsermysql.ErrPartitionMgmtOnNonpartitioned}, ""
	case ast.AlterTableExchangePartition, ast.AlterTableCoalescePartitions, ast.AlterTableTruncatePartition:
		return nil, notRepeatable
	case ast.AlterTableDropFirstPartition, ast.AlterTableAddLastPartition:
		return nil, "the next run could not tell whether an interrupted one did it; use DROP PARTITION or ADD PARTITION"
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

// isUnnumbered reports whether an error is TiDB's without a number.
func isUnnumbered(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == errUnknown
}

// isOutdated reports whether TiDB returned an error of a change of the schema as another one, since
// somebody else changed the schema meanwhile (pkg/executor/ddl.go of v8.5.6, toErr). It may be that of
// a change that was made before.
func isOutdated(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == errSchemaChanged
}

// hadNoEffect reports whether an error proves that the step had no effect. TiDB returns the error of
// a change of the schema after it has rolled the change back (pkg/ddl/executor.go of v8.5.6,
// DoDDLJobWrapper). The numbers of the storage, from 9001, prove nothing, and neither does the end of
// a connection.
//
// BATCH returns an error of its first transaction as it is, and those of the later ones as 8143.
// What it refuses itself has no number (pkg/session/nontransactional.go).
func (s Step) hadNoEffect(err error) bool {
	const firstOfStorage = 9001 // https://docs.pingcap.com/tidbcloud/error-codes/
	ambiguous := []uint16{errUnknown, errBatch, parsermysql.ErrQueryInterrupted, parsermysql.ErrServerShutdown}
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return false
	}
	if s.repeatable && refused.Number == errUnknown {
		return strings.HasPrefix(refused.Message, "Non-transactional ") || strings.HasPrefix(refused.Message, "shard column ")
	}
	return refused.Number < firstOfStorage && !slices.Contains(ambiguous, refused.Number)
}

// errBatch is the error of a later transaction of BATCH.
const errBatch = 8143

// isAboutStatement reports whether an error is about the statement, and not about the user or the
// moment. Such an error of a re-run proves that the interrupted run changed nothing either, since a
// change that was made is one of [Step.done].
func isAboutStatement(err error) bool {
	about := []uint16{parsermysql.ErrDBaccessDenied, parsermysql.ErrAccessDenied, parsermysql.ErrTableaccessDenied, parsermysql.ErrColumnaccessDenied,
		parsermysql.ErrSpecificAccessDenied, parsermysql.ErrLockWaitTimeout, parsermysql.ErrLockDeadlock, errSchemaExpired, errSchemaChanged}
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && !slices.Contains(about, refused.Number)
}

// Errors of a server that does not know the newest schema. The parser's list lacks them.
const (
	errSchemaExpired = 8027
	errSchemaChanged = 8028
)
