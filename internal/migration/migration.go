// Package migration reads a folder of SQL migrations in the format of goose, so that the
// goose CLI works on the same folder.
//
// It knows no SQL: the program only needs names and hashes, and the provider, which runs
// the files, has TiDB's own parser.
//
// https://pressly.github.io/goose/documentation/annotations/
package migration

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// File is one migration.
type File struct {
	// Version is the number that the name begins with. Migrations run in its order.
	Version int64
	// Name is that of the file, such as 00001_create_guests.sql.
	Name string
	// Hash is the SHA-256 of the file in hexadecimal.
	Hash string

	text string
}

// Read reads the SQL files of a folder, in order. An error has all problems.
func Read(folder string) ([]File, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []File
	var problems []error
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".sql" {
			continue
		}
		f, err := readFile(folder, entry.Name())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", entry.Name(), err))
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Version, b.Version) })
	for i, f := range files[min(1, len(files)):] {
		if f.Version > 0 && f.Version == files[i].Version {
			problems = append(problems, fmt.Errorf("%s and %s have the same number", files[i].Name, f.Name))
		}
	}
	if len(files) == 0 {
		problems = append(problems, errors.New("it has no .sql files"))
	}
	return files, errors.Join(problems...)
}

func readFile(folder, name string) (File, error) {
	number, _, ok := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 1 {
		return File{}, errors.New("the name must begin with a number and an underscore, such as 00001_create_guests.sql")
	}
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(content)
	f := File{Version: version, Name: name, Hash: hex.EncodeToString(sum[:]), text: string(content)}
	_, err = f.Up()
	return f, err
}

// Up returns the SQL that applies the migration. What precedes it becomes empty lines, so
// that a place in it is one in the file.
func (f File) Up() (string, error) {
	var up strings.Builder
	in, found := false, false
	for line := range strings.Lines(f.text) {
		annotation, ok := annotationOf(line)
		switch {
		case !ok && in:
			up.WriteString(line)
			continue
		case !ok:
		case annotation == "Up":
			in, found = true, true
		case annotation == "Down":
			in = false
		case annotation == "StatementBegin", annotation == "StatementEnd", annotation == "NO TRANSACTION":
			// TiDB's parser finds the ends of statements, and says what needs a transaction.
		default:
			return "", fmt.Errorf("the annotation %q is not supported", annotation)
		}
		up.WriteString("\n")
	}
	if !found {
		return "", errors.New(`it lacks the line "-- +goose Up"`)
	}
	return up.String(), nil
}

func annotationOf(line string) (string, bool) {
	comment, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
	if !ok {
		return "", false
	}
	annotation, ok := strings.CutPrefix(strings.TrimSpace(comment), "+goose")
	return strings.TrimSpace(annotation), ok
}
