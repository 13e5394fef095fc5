package migration

import (
	"fmt"
	"slices"
	"strings"
)

// The annotations of goose. The marks of statements and transactions mean nothing here, since
// TiDB's parser finds the statements and tells which of them fit in a transaction. Environment
// variables are refused: they would make the SQL depend on the machine.
var (
	annotations        = []string{"Up", "Down", "StatementBegin", "StatementEnd", "NO TRANSACTION"}
	refusedAnnotations = []string{"ENVSUB ON", "ENVSUB OFF"}
)

// Up returns the SQL that applies the migration. Other lines become empty, so that line numbers
// are those of the file.
//
// It refuses what goose refuses (internal/sqlparser/parser.go of v3.26.0).
func (f File) Up() (string, error) {
	var sql strings.Builder
	section, number := "", 0
	for line := range strings.Lines(f.text) {
		number++
		fail := func(format string, args ...any) (string, error) {
			return "", fmt.Errorf("%s:%d: %s", f.Name, number, fmt.Sprintf(format, args...))
		}
		trimmed := strings.TrimSpace(line)
		comment := strings.HasPrefix(trimmed, "--")
		if comment && strings.Contains(line, "+goose") {
			annotation, err := annotationOf(line)
			switch {
			case err != nil:
				return fail("%v", err)
			case annotation == "Up" && section != "":
				return fail(`a second "-- +goose Up"`)
			case annotation == "Down" && section != "Up":
				return fail(`"-- +goose Down" must come once, after "-- +goose Up"`)
			case annotation == "Up", annotation == "Down":
				section = annotation
			}
		} else if section == "Up" {
			sql.WriteString(line)
			continue
		} else if section == "" && trimmed != "" && !comment {
			return fail(`SQL before the line "-- +goose Up"`)
		}
		sql.WriteString("\n")
	}
	if section == "" {
		return "", fmt.Errorf(`%s: it lacks the line "-- +goose Up"`, f.Name)
	}
	return sql.String(), nil
}

// annotationOf returns the annotation of a comment.
func annotationOf(line string) (string, error) {
	before, after, _ := strings.Cut(line, "+goose")
	name := strings.TrimSpace(after)
	is := func(known string) bool { return strings.EqualFold(known, name) }
	switch i := slices.IndexFunc(annotations, is); {
	case !strings.HasPrefix(line, "--") || strings.TrimSpace(before) != "--":
		return "", fmt.Errorf(`an annotation must begin its line, as in "-- +goose Up"`)
	case slices.ContainsFunc(refusedAnnotations, is):
		return "", fmt.Errorf("the annotation %q is not supported: the SQL must be the same on every machine", name)
	case i < 0:
		return "", fmt.Errorf("unknown annotation %q; goose has %s", name, strings.Join(annotations, ", "))
	default:
		return annotations[i], nil
	}
}
