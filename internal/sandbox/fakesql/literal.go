package fakesql

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

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
func float(v float64) string {
	return strconv.FormatFloat(v, 'e', -1, 64)
}

var escaper = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`, `\`, `\\`, `'`, `''`)

// quote makes a string of SQL that stays on its line.
func quote(s string) string { return "'" + escaper.Replace(s) + "'" }

// outside matches what is no name in an expression: texts, names in quotes, and
// functions that are called.
const outside = `'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `|[\w$]+ *\(`

// quoteColumns puts quotes around the names of columns in an expression that has
// none.
func quoteColumns(expr string, schema sql.Schema) string {
	var names []string
	for _, column := range schema {
		name := regexp.QuoteMeta(column.Name)
		if word.MatchString(column.Name) {
			name = `\b` + name + `\b`
		}
		names = append(names, name)
	}
	// The longest first: it may hold another.
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	words := regexp.MustCompile(`(?is)` + outside + `|` + strings.Join(names, "|") + `|[\w$]+`)
	return words.ReplaceAllStringFunc(expr, func(found string) string {
		if schema.IndexOfColName(found) < 0 {
			return found
		}
		return sql.QuoteIdentifier(found)
	})
}

// word matches a name that begins and ends like a word.
var word = regexp.MustCompile(`^\w(?:.*\w)?$`)
