package provider

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals need a driver

	"portfolio-infra/internal/migration"
)

// migrationPlan is a pending migration, parsed.
type migrationPlan struct {
	pendingMigration
	statements []statement
	// schema reports whether it is one statement that changes the schema. TiDB commits before
	// and after such a statement, so it cannot be part of a transaction.
	// https://docs.pingcap.com/tidbcloud/transaction-overview/
	schema bool
}

// statement is a statement of a migration.
type statement struct {
	text string
	line int      // of the file, in which it begins
	done []uint16 // see schemaChange
}

// planMigrations parses migrations. Its error lists all problems.
func planMigrations(pending []pendingMigration) ([]migrationPlan, error) {
	var plans []migrationPlan
	var problems []error
	for _, m := range pending {
		plan, err := planMigration(m.File)
		plan.pendingMigration = m
		plans, problems = append(plans, plan), append(problems, err)
	}
	return plans, errors.Join(problems...)
}

// planMigration parses a migration with TiDB's own parser. It refuses anything but one statement
// that changes the schema, or statements that change rows, since a run could leave it half done.
func planMigration(f migration.File) (plan migrationPlan, err error) {
	up, err := f.Up()
	if err != nil {
		return plan, err
	}
	nodes, _, err := parser.New().Parse(up, "", "")
	if err != nil {
		return plan, syntaxError(f.Name, err)
	}
	end := 0 // of the statement before
	for _, node := range nodes {
		start := end + strings.Index(up[end:], node.OriginalText())
		end = start + len(node.OriginalText())
		start += leading(node.OriginalText())
		s := statement{text: up[start:end], line: 1 + strings.Count(up[:start], "\n")}
		fail := func(why string) (migrationPlan, error) {
			return plan, fmt.Errorf("%s:%d: %s: %s", f.Name, s.line, why, firstLine(s.text))
		}
		switch node.(type) {
		case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		default:
			problem := ""
			if s.done, problem = schemaChange(node); problem != "" {
				return fail(problem)
			}
			plan.schema = true
		}
		plan.statements = append(plan.statements, s)
		switch {
		case plan.schema && len(plan.statements) > 1:
			return fail("a statement that changes the schema cannot share a transaction: give each its own file")
		case !strings.HasSuffix(s.text, ";"):
			return fail("the statement must end in a semicolon, as goose's CLI needs it")
		}
	}
	if len(nodes) == 0 {
		return plan, fmt.Errorf("%s: it has no statement", f.Name)
	}
	return plan, nil
}

// leading returns the length of the white space and the comment lines before a statement.
func leading(text string) int {
	rest := text
	for {
		rest = strings.TrimSpace(rest)
		if !strings.HasPrefix(rest, "--") && !strings.HasPrefix(rest, "#") {
			return strings.LastIndex(text, rest)
		}
		_, rest, _ = strings.Cut(rest, "\n")
	}
}

// syntaxPosition matches the beginning of the parser's errors.
var syntaxPosition = regexp.MustCompile(`^line (\d+) column \d+ near "`)

// syntaxError returns an error of the parser as "name:line: syntax error near …".
func syntaxError(name string, err error) error {
	text := err.Error()
	m := syntaxPosition.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%s: %s", name, firstLine(text))
	}
	near := strings.TrimSuffix(strings.TrimSpace(text[len(m[0]):]), `"`)
	return fmt.Errorf("%s:%s: syntax error near: %s", name, m[1], firstLine(near))
}

// firstLine returns the first line of SQL, shortened for messages.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(line); len(runes) > 80 {
		line = string(runes[:80]) + "…"
	}
	return line
}
