package migrator

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals need a driver

	"portfolio-infra/internal/migration"
)

// Step is a part of a migration that takes effect as a whole: a statement that changes the schema,
// or statements that change rows, in a transaction.
type Step struct {
	// Statements are one if the step changes the schema.
	Statements []Statement

	schema bool
	hash   string   // of the statements
	done   []uint16 // see schemaChange
}

// Statement is a statement of a migration.
type Statement struct {
	// Text is the statement without the comments before it.
	Text string
	// Line is that of the file in which it begins.
	Line int

	node ast.StmtNode
}

// parse returns the steps of a migration. Its errors list all problems.
func parse(m migration.Migration) (steps []Step, err error) {
	text, err := m.SQL()
	if err != nil {
		return nil, err
	}
	nodes, _, err := parser.New().Parse(text, "", "")
	if err != nil {
		return nil, syntaxError(m.Name, err)
	}
	var problems []error
	end := 0 // of the statement before
	for _, node := range nodes {
		start := end + strings.Index(text[end:], node.OriginalText())
		end = start + len(node.OriginalText())
		start += leading(node.OriginalText())
		s := Statement{Text: text[start:end], Line: 1 + strings.Count(text[:start], "\n"), node: node}
		step := Step{Statements: []Statement{s}}
		if m.Format == migration.Goose && !strings.HasSuffix(s.Text, ";") {
			problems = append(problems, fmt.Errorf("%s:%d: the statement must end in a semicolon, as goose's CLI needs it: %s", m.Name, s.Line, FirstLine(s.Text)))
		}
		switch node.(type) {
		case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
			if n := len(steps); n > 0 && !steps[n-1].schema {
				steps[n-1].Statements = append(steps[n-1].Statements, s)
				continue
			}
		default:
			var problem string
			step.schema = true
			if step.done, problem = schemaChange(node); problem != "" {
				problems = append(problems, fmt.Errorf("%s:%d: %s: %s", m.Name, s.Line, problem, FirstLine(s.Text)))
			}
		}
		steps = append(steps, step)
	}
	for i := range steps {
		sum := sha256.New()
		for _, s := range steps[i].Statements {
			sum.Write([]byte(s.Text + "\n"))
		}
		steps[i].hash = hex.EncodeToString(sum.Sum(nil))
	}
	return steps, errors.Join(problems...)
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
