// Package migration reads a folder of SQL migrations in the format of goose. Goose's CLI works on
// the same folder.
//
// The package parses no SQL. The program needs only names and hashes, and the provider, which
// applies the files, has TiDB's parser.
//
// https://pressly.github.io/goose/documentation/annotations/
package migration

import (
	"bytes"
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
	// Name is the name of the file, such as 00001_create_guests.sql.
	Name string
	// Hash is the SHA-256 of the content in hexadecimal. Line ends count as line feeds, since
	// Git may check a file out with others.
	Hash string

	text string
}

// Read reads the migrations of a folder, in order. Its error lists all problems.
func Read(folder string) ([]File, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []File
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
			f, err := readFile(folder, name, version)
			files, problems = append(files, f), append(problems, err)
		}
	}
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(files); i++ {
		if files[i].Version == files[i-1].Version {
			problems = append(problems, fmt.Errorf("%s and %s have the same number", files[i-1].Name, files[i].Name))
		}
	}
	if len(files) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("it has no .sql files"))
	}
	return files, errors.Join(problems...)
}

func readFile(folder, name string, version int64) (File, error) {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return File{}, err
	}
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	sum := sha256.Sum256(content)
	return File{Version: version, Name: name, Hash: hex.EncodeToString(sum[:]), text: string(content)}, nil
}

// Version returns the number that the name of a migration begins with.
func Version(name string) (int64, error) {
	number, _, ok := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 1 {
		return 0, fmt.Errorf("%s: the name must begin with a number and an underscore, such as 00001_create_guests.sql", name)
	}
	return version, nil
}

// Hashes returns the hashes of migrations by their names.
func Hashes(files []File) map[string]string {
	hashes := make(map[string]string, len(files))
	for _, f := range files {
		hashes[f.Name] = f.Hash
	}
	return hashes
}
