package migration

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readGoose reads a folder of goose.
func readGoose(folder string) ([]Migration, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var migrations []Migration
	var problems []error
	for _, entry := range entries {
		name := entry.Name()
		version, err := Version(name)
		switch {
		case filepath.Ext(name) == ".go" && err == nil:
			problems = append(problems, fmt.Errorf("%s: migrations in Go are not supported", name))
		case filepath.Ext(name) != ".sql":
		case err != nil:
			problems = append(problems, err)
		default:
			m, err := readFile(folder, name)
			m.ID, m.Version, m.Format = strconv.FormatInt(version, 10), version, Goose
			migrations, problems = append(migrations, m), append(problems, err)
		}
	}
	slices.SortStableFunc(migrations, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(migrations); i++ {
		if migrations[i].Version == migrations[i-1].Version {
			problems = append(problems, fmt.Errorf("%s and %s have the same number", migrations[i-1].Name, migrations[i].Name))
		}
	}
	if len(migrations) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("it has no .sql files"))
	}
	return migrations, errors.Join(problems...)
}

// Version returns the number that the name of a file of goose begins with.
func Version(name string) (int64, error) {
	number, _, ok := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 1 {
		return 0, fmt.Errorf("%s: the name must begin with a number and an underscore, such as 00001_create_guests.sql", name)
	}
	return version, nil
}

// The annotations of goose. The marks of statements and transactions mean nothing here, since
// TiDB's parser finds the statements and tells which of them fit in a transaction. Environment
// variables are refused: they would make the SQL depend on the machine.
var (
	annotations        = []string{"Up", "Down", "StatementBegin", "StatementEnd", "NO TRANSACTION"}
	refusedAnnotations = []string{"ENVSUB ON", "ENVSUB OFF"}
)

// gooseUp returns the Up part. Other lines become empty, so that line numbers are those of the
// file.
//
// It refuses what goose refuses (internal/sqlparser/parser.go of v3.26.0).
func (m Migration) gooseUp() (string, error) {
	var sql strings.Builder
	section, number := "", 0
	for line := range strings.Lines(m.text) {
		number++
		fail := func(format string, args ...any) (string, error) {
			return "", fmt.Errorf("%s:%d: %s", m.Name, number, fmt.Sprintf(format, args...))
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
		return "", fmt.Errorf(`%s: it lacks the line "-- +goose Up"`, m.Name)
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
