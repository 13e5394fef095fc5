package migration

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readGoose reads a folder of goose, in the order of the numbers.
func (l listing) readGoose() (migrations []Migration, err error) {
	var problems []error
	for _, name := range l.files {
		version, err := Version(name)
		switch {
		case filepath.Ext(name) == ".go" && err == nil && !strings.HasSuffix(name, "_test.go"):
			problems = append(problems, fmt.Errorf("%s: migrations in Go are not supported", name))
		case filepath.Ext(name) != ".sql":
		case err != nil:
			problems = append(problems, err)
		default:
			m, err := readFile(l.path, name, Goose)
			m.Version = version
			migrations, problems = append(migrations, m), append(problems, err)
		}
	}
	slices.SortStableFunc(migrations, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(migrations); i++ {
		if migrations[i].Version == migrations[i-1].Version {
			problems = append(problems, fmt.Errorf("%s and %s have the same number", migrations[i-1].Name, migrations[i].Name))
		}
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

// The annotations of goose. That of a transaction means nothing here, since TiDB's parser tells
// which statements fit in one. Environment variables are refused: they would make the SQL depend
// on the machine.
var (
	annotations        = []string{"Up", "Down", statementBegin, statementEnd, "NO TRANSACTION"}
	refusedAnnotations = []string{"ENVSUB ON", "ENVSUB OFF"}
)

const statementBegin, statementEnd = "StatementBegin", "StatementEnd"

// endOfBlock is the line at which goose ends a statement, with or without a semicolon.
const endOfBlock = "-- +goose " + statementEnd

// gooseUp returns the Up part. Other lines become empty, so that line numbers are those of the
// file.
//
// It refuses what goose refuses.
// https://github.com/pressly/goose/blob/v3.26.0/internal/sqlparser/parser.go
func (m Migration) gooseUp() (string, error) {
	var sql strings.Builder
	section, number, block := "", 0, 0 // block is the line that began one
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
			case block > 0 && annotation != statementEnd && annotation != "NO TRANSACTION":
				return fail(`"-- +goose %s" in the block of line %d, which lacks its "%s"`, annotation, block, endOfBlock)
			case annotation == "Up" && section != "":
				return fail(`a second "-- +goose Up"`)
			case annotation == "Down" && section != "Up":
				return fail(`"-- +goose Down" must come once, after "-- +goose Up"`)
			case annotation == "Up", annotation == "Down":
				section = annotation
			case annotation == statementBegin && section == "":
				return fail(`"-- +goose StatementBegin" must come after "-- +goose Up"`)
			case annotation == statementBegin:
				block = number
			case annotation == statementEnd && block == 0:
				return fail(`"%s" without its "-- +goose StatementBegin"`, endOfBlock)
			case annotation == statementEnd && section == "Up":
				sql.WriteString(endOfBlock)
				fallthrough
			case annotation == statementEnd:
				block = 0
			}
		} else if section == "Up" {
			sql.WriteString(line)
			continue
		} else if section == "" && trimmed != "" && !comment {
			return fail(`SQL before the line "-- +goose Up"`)
		}
		sql.WriteString("\n")
	}
	switch {
	case section == "":
		return "", fmt.Errorf(`%s: it lacks the line "-- +goose Up"`, m.Name)
	case block > 0:
		return "", fmt.Errorf(`%s:%d: this block lacks its "%s"`, m.Name, block, endOfBlock)
	}
	return terminate(m.Name, sql.String(), endOfBlock)
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
