package provider

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser needs a driver for values

	"portfolio-infra/internal/migration"
)

// migrationPlan is what a migration does.
type migrationPlan struct {
	migration.File
	statements []string
	// ddl: it is one statement that changes the schema. TiDB runs it by itself and commits
	// whatever came before it, so that it cannot be part of a transaction.
	// https://docs.pingcap.com/tidb/stable/transaction-overview/#ddl-statements
	ddl bool
}

// planMigration parses a migration with TiDB's own parser. It must be one statement that
// changes the schema, or any number of statements that change rows, which run in one
// transaction: anything else could be left half done.
func planMigration(f migration.File) (migrationPlan, error) {
	up, err := f.Up()
	if err != nil {
		return migrationPlan{}, fmt.Errorf("%s: %w", f.Name, err)
	}
	nodes, _, err := parser.New().Parse(up, "", "")
	if err != nil {
		return migrationPlan{}, fmt.Errorf("%s%w", f.Name, syntaxError(err))
	}
	plan := migrationPlan{File: f}
	end := 0 // of the statement before
	for _, node := range nodes {
		statement := withoutComments(node.Text())
		end += strings.Index(up[end:], statement)
		place := fmt.Sprintf("%s:%d", f.Name, 1+strings.Count(up[:end], "\n"))
		end += len(statement)
		switch node.(type) {
		case ast.DDLNode:
			plan.ddl = true
		case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		default:
			return plan, fmt.Errorf("%s: a migration changes the schema or rows, and nothing else: %s", place, firstLine(statement))
		}
		plan.statements = append(plan.statements, statement)
		if plan.ddl && len(plan.statements) > 1 {
			return plan, fmt.Errorf("%s: a statement that changes the schema needs a file of its own, since it cannot be part of a transaction: %s",
				place, firstLine(statement))
		}
	}
	if len(nodes) == 0 {
		return plan, fmt.Errorf("%s: it has no statement", f.Name)
	}
	return plan, nil
}

// withoutComments returns a statement without the comments before it.
func withoutComments(statement string) string {
	for {
		statement = strings.TrimSpace(statement)
		if !strings.HasPrefix(statement, "--") && !strings.HasPrefix(statement, "#") {
			return statement
		}
		_, statement, _ = strings.Cut(statement, "\n")
	}
}

// position matches the place in an error of the parser.
var position = regexp.MustCompile(`^line (\d+) column (\d+) near "`)

// syntaxError turns an error of the parser into ":line: syntax error near …".
func syntaxError(err error) error {
	text := err.Error()
	m := position.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf(": %s", firstLine(text))
	}
	near := strings.TrimSuffix(strings.TrimPrefix(text, m[0]), `" `)
	return errors.New(":" + m[1] + ": syntax error near: " + firstLine(near))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(line); len(runes) > 80 {
		line = string(runes[:80]) + "…"
	}
	return line
}
