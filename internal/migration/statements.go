package migration

import (
	"fmt"
	"regexp"
	"strings"
)

// breakpoint separates the statements of drizzle-kit. Drizzle splits a file at this string,
// wherever it is.
// https://unpkg.com/drizzle-orm@0.45.4/migrator.js, https://unpkg.com/drizzle-orm@1.0.0-rc.5/migrator.js
const breakpoint = "--> statement-breakpoint"

// terminate puts a semicolon in place of each mark that ends a statement, unless the statement has
// one already.
func terminate(name, text, mark string) (string, error) {
	if !strings.Contains(text, mark) {
		return text, nil
	}
	// Texts, quoted names and comments. A mark ends a comment of one line, too.
	quotedMark := regexp.QuoteMeta(mark)
	tokens := regexp.MustCompile(`(?m)` + quotedMark + `|'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|` + "`[^`]*`" +
		`|/\*[\s\S]*?\*/|(?:--(?:[ \t].*?)?|#.*?)(?:` + quotedMark + `|$)`)
	var sql strings.Builder
	open, end := false, 0 // open reports whether a statement has begun
	code := func(s string) {
		if trimmed := strings.TrimSpace(s); trimmed != "" {
			open = !strings.HasSuffix(trimmed, ";")
		}
		sql.WriteString(s)
	}
	for _, at := range tokens.FindAllStringIndex(text, -1) {
		code(text[end:at[0]])
		token := text[at[0]:at[1]]
		end = at[1]
		switch within := strings.Index(token, mark); {
		case strings.HasSuffix(token, mark):
			if open {
				code(";")
			}
		case plainComment.MatchString(token):
			sql.WriteString(token)
		case within >= 0:
			line := 1 + strings.Count(text[:at[0]+within], "\n")
			return "", fmt.Errorf("%s:%d: the tool splits the file at each %q, even inside quotes", name, line, mark)
		default:
			code(token)
		}
	}
	code(text[end:])
	return sql.String(), nil
}

// plainComment matches comments, without those that MySQL and TiDB execute.
var plainComment = regexp.MustCompile(`^(--|#|/\*(?:$|[^!T]|T[^!]))`)
