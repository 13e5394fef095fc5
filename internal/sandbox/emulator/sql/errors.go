package sql

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer/analyzererrors"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// numbers are the formats of the errors to which the engine gives no number, by
// those of MySQL and TiDB. Only the text of an error is left when the engine hands it
// out.
var numbers = map[int][]string{
	1044: {sql.ErrDatabaseAccessDeniedForUser.Message}, 1046: {sql.ErrNoDatabaseSelected.Message},
	1050: {sql.ErrTableAlreadyExists.Message, sql.ErrExistingView.Message},
	1051: {sql.ErrUnknownTable.Message, sql.ErrViewDoesNotExist.Message},
	1052: {sql.ErrAmbiguousColumnName.Message}, 1054: {sql.ErrColumnNotFound.Message, sql.ErrTableColumnNotFound.Message},
	1055: {analyzererrors.ErrValidationGroupBy.Message}, 1060: {sql.ErrColumnExists.Message}, 1061: {sql.ErrDuplicateKey.Message},
	1064: {"syntax error at position "}, 1136: {sql.ErrInsertIntoMismatchValueCount.Message}, 1139: {"Got error '%s' from regexp"},
	1142: {sql.ErrPrivilegeCheckFailed.Message, sql.ErrTableAccessDeniedForUser.Message},
	1193: {sql.ErrUnknownSystemVariable.Message}, 1235: {sql.ErrUnsupportedFeature.Message},
	1264: {sql.ErrValueOutOfRange.Message, types.ErrConvertToDecimalLimit.Message},
	1265: {types.ErrConvertingToEnum.Message, sql.ErrInvalidSetValue.Message},
	1290: {sql.ErrSecureFilePriv.Message, sql.ErrLoadDataCannotOpen.Message},
	1292: {types.ErrConvertingToTime.Message}, 1305: {sql.ErrFunctionNotFound.Message},
	1364: {sql.ErrInsertIntoNonNullableDefaultNullColumn.Message}, 1406: {types.ErrLengthBeyondLimit.Message},
}

// states are the SQLSTATEs other than HY000.
var states = map[int]string{
	1044: "42000", 1045: "28000", 1046: "3D000", 1048: "23000", 1049: "42000", 1050: "42S01", 1051: "42S02", 1052: "23000",
	1054: "42S22", 1055: "42000", 1060: "42S21", 1061: "42000", 1062: "23000", 1064: "42000", 1136: "21S01", 1139: "42000",
	1142: "42000", 1143: "42000", 1146: "42S02", 1213: "40001", 1264: "22003", 1265: "01000", 1292: "22007", 1305: "42000", 1406: "22001", 1451: "23000", 1452: "23000",
}

// tidbError returns the engine's error of a statement with TiDB's number and SQLSTATE,
// since clients go by them.
func tidbError(err error, stmt sqlparser.Statement) error {
	if err == nil {
		return nil
	}
	var e *mysql.SQLError
	if !errors.As(err, &e) {
		return mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, "%s", err.Error())
	}
	out := *e
	if out.Num == mysql.ERUnknownError {
		for number, formats := range numbers {
			if slices.ContainsFunc(formats, func(f string) bool { return hasFormat(out.Message, f) }) {
				out.Num = number
			}
		}
	}
	switch stmt.(type) {
	case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update:
		if out.Num == 1142 {
			out.Num = 1143 // TiDB checks columns since 8.5.6: https://github.com/pingcap/tidb/pull/66667
		}
	}
	if state, ok := states[out.Num]; ok {
		out.State = state
	}
	return &out
}

var verb = regexp.MustCompile(`%[a-z]`)

// hasFormat reports whether the format may have produced the beginning of text.
func hasFormat(text, format string) bool {
	for i, fixed := range verb.Split(format, -1) {
		at := strings.Index(text, fixed)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(fixed):]
	}
	return true
}
