package migrator

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals need a driver

	"portfolio-infra/internal/migration"
)

// Step is a part of a migration that takes effect as a whole: a statement that changes the schema,
// or statements that change rows, in a transaction. A BATCH statement is one, too: it is its own
// series of transactions.
type Step struct {
	// Statements are one unless the step is a transaction.
	Statements []Statement

	schema     bool
	repeatable bool     // BATCH: it may run again after a part of it took effect
	hash       string   // of the statements
	done       []uint16 // see schemaChange
}

// alone reports whether the step cannot be in a transaction.
func (s Step) alone() bool { return s.schema || s.repeatable }

// Statement is a statement of a migration.
type Statement struct {
	// Text is the statement without the comments before it.
	Text string
	// Line is that of the file in which it begins.
	Line int

	node ast.StmtNode
}

// repeatableMark is the comment line above a BATCH statement.
const repeatableMark = "-- portfolio:repeatable"

// parse returns the steps of a migration. Its errors list all problems. Redacted ones do not show the
// statements.
func parse(m migration.Migration, redact bool) (steps []Step, err error) {
	text, err := m.SQL()
	if err != nil {
		return nil, err
	}
	nodes, _, err := parser.New().Parse(text, "", "")
	if err != nil {
		return nil, syntaxError(m.Name, err, redact)
	}
	var problems []error
	end := 0 // of the statement before
	for _, node := range nodes {
		start := end + strings.Index(text[end:], node.OriginalText())
		end = start + len(node.OriginalText())
		before := node.OriginalText()[:leading(node.OriginalText())]
		start += len(before)
		s := Statement{Text: text[start:end], Line: 1 + strings.Count(text[:start], "\n"), node: node}
		fail := func(problem string) {
			if problem != "" {
				if !redact {
					problem += ": " + FirstLine(s.Text)
				}
				problems = append(problems, fmt.Errorf("%s:%d: %s", m.Name, s.Line, problem))
			}
		}
		if m.Format == migration.Goose && !strings.HasSuffix(s.Text, ";") {
			fail("the statement must end in a semicolon, as goose's CLI needs it")
		}
		above := strings.TrimSpace(before)
		marked := above[strings.LastIndex(above, "\n")+1:] == repeatableMark
		if _, batch := node.(*ast.NonTransactionalDMLStmt); marked && !batch {
			fail("`" + repeatableMark + "` is for a BATCH statement")
		}
		step := Step{Statements: []Statement{s}}
		switch node := node.(type) {
		case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
			if n := len(steps); n > 0 && !steps[n-1].alone() {
				steps[n-1].Statements = append(steps[n-1].Statements, s)
				continue
			}
			if slices.ContainsFunc(below[*ast.FuncCallExpr](node), func(f *ast.FuncCallExpr) bool { return f.FnName.L == ast.LastInsertId && len(f.Args) == 0 }) {
				fail("LAST_INSERT_ID() here " + ofSession + "; use a subquery")
			}
		case *ast.NonTransactionalDMLStmt:
			step.repeatable = true
			if node.DryRun != ast.NoDryRun {
				fail(changesNothing)
			} else if !marked {
				fail("an interrupted run would have done a part of it, and the next one does all of it again; if it may, put the line `" + repeatableMark + "` directly above it")
			}
		default:
			var problem string
			step.schema = true
			step.done, problem = schemaChange(node)
			fail(problem)
		}
		steps = append(steps, step)
	}
	for i := range steps {
		steps[i].hash = hash(steps[i].Statements)
	}
	return steps, errors.Join(problems...)
}

// hash returns the hash of a step. The semicolon of a last statement may be missing until one comes
// after it.
func hash(statements []Statement) string {
	sum := sha256.New()
	for _, s := range statements {
		sum.Write([]byte(strings.TrimRight(s.Text, "; \t\n") + ";\n"))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// leading returns the length of what is before a statement: white space, comments, and the
// semicolons of empty statements. TiDB executes a comment that begins with /*! or /*T!.
func leading(text string) int {
	rest := text
	for {
		rest = strings.TrimLeft(rest, "; \t\r\n")
		switch {
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#"):
			_, rest, _ = strings.Cut(rest, "\n")
		case strings.HasPrefix(rest, "/*") && !strings.HasPrefix(rest, "/*!") && !strings.HasPrefix(rest, "/*T!"):
			_, rest, _ = strings.Cut(rest, "*/")
		default:
			return len(text) - len(rest)
		}
	}
}

// syntaxPosition matches the beginning of the parser's errors.
var syntaxPosition = regexp.MustCompile(`^line (\d+) column \d+ near "`)

// syntaxError returns an error of the parser as "name:line: syntax error near …".
func syntaxError(name string, err error, redact bool) error {
	text := err.Error()
	m := syntaxPosition.FindStringSubmatch(text)
	switch {
	case m == nil && redact:
		return fmt.Errorf("%s: TiDB's parser refuses it", name)
	case redact:
		return fmt.Errorf("%s:%s: syntax error", name, m[1])
	case m == nil:
		return fmt.Errorf("%s: %s", name, FirstLine(text))
	}
	near := strings.TrimSuffix(strings.TrimSpace(text[len(m[0]):]), `"`)
	return fmt.Errorf("%s:%s: syntax error near: %s", name, m[1], FirstLine(near))
}

// FirstLine returns the first line of SQL, shortened for messages.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(line); len(runes) > 80 {
		line = string(runes[:80]) + "…"
	}
	return plain(line)
}
