package fakesql

import (
	"slices"
	"strings"
)

// rowKeywords begin the statements that answer with rows. The connection has to be
// told in advance, and a real server behind a DSN may know statements that the
// parser of the embedded ones does not.
var rowKeywords = []string{"SELECT", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "TABLE", "VALUES", "ADMIN", "CHECK", "ANALYZE", "TRACE"}

// returnsRows reports whether a statement answers with rows.
func returnsRows(query string) bool {
	word, rest := keyword(query)
	if word != "WITH" {
		return slices.Contains(rowKeywords, word)
	}
	// What follows the common table expressions decides, and they are in
	// parentheses.
	depth := 0
	for rest != "" {
		switch {
		case rest[0] == '(':
			depth++
		case rest[0] == ')':
			depth--
		case strings.IndexByte("'\"`", rest[0]) >= 0:
			rest = skipQuoted(rest)
			continue
		case isLetter(rest[0]):
			word, rest = keyword(rest)
			if depth == 0 && slices.Contains([]string{"SELECT", "TABLE", "VALUES", "UPDATE", "DELETE", "INSERT", "REPLACE"}, word) {
				return slices.Contains(rowKeywords, word)
			}
			continue
		}
		rest = rest[1:]
	}
	return true
}

// begins and ends report whether a statement begins or ends a transaction.
func begins(query string) bool {
	word, rest := keyword(query)
	second, _ := keyword(rest)
	return word == "BEGIN" || word == "START" && second == "TRANSACTION"
}

func ends(query string) bool {
	word, rest := keyword(query)
	second, _ := keyword(rest)
	return word == "COMMIT" || word == "ROLLBACK" && second != "TO"
}

// keyword returns the first word of a statement, in capitals, and what follows it.
// It skips space, comments and opening parentheses.
func keyword(query string) (word, rest string) {
	for query != "" {
		switch {
		case strings.HasPrefix(query, "/*"):
			_, query, _ = strings.Cut(query[2:], "*/")
		case strings.HasPrefix(query, "--"), query[0] == '#':
			_, query, _ = strings.Cut(query, "\n")
		case strings.IndexByte(" \t\r\n(", query[0]) >= 0:
			query = query[1:]
		default:
			n := 0
			for n < len(query) && isLetter(query[n]) {
				n++
			}
			return strings.ToUpper(query[:n]), query[n:]
		}
	}
	return "", ""
}

func isLetter(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b >= 0x80
}

// skipQuoted cuts a quoted string or identifier off the front.
func skipQuoted(s string) string {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return s[i+1:]
		}
	}
	return ""
}
