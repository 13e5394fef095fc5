// Package migration reads a folder of SQL migrations as a tool lays it out. The tool's own CLI
// works on the same folder.
//
// The package parses no SQL, apart from quotes and comments. The program needs only names and
// hashes, and the provider, which applies the migrations, has TiDB's parser.
package migration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Format is the tool whose layout a folder has.
type Format string

// The formats, as the config key migrationsFormat names them.
const (
	// Goose has files such as 00001_create_guests.sql.
	// https://pressly.github.io/goose/documentation/annotations/
	Goose Format = "goose"
	// Drizzle0 has files such as 0000_init.sql, and meta/_journal.json with their order.
	Drizzle0 Format = "drizzle-0"
	// Drizzle1 has folders such as 20260401120000_init with migration.sql and snapshot.json.
	Drizzle1 Format = "drizzle-1"
	// Prisma has folders such as 20260401120000_init with migration.sql, and migration_lock.toml.
	Prisma Format = "prisma"
)

// Plain has the format of no tool: each file in the folder whose name ends in .sql runs once, in
// the order of the names. A folder has it only if the caller says so, and no config key offers it.
const Plain Format = "plain"

// LossPrefix begins each warning of a preview about a statement that takes data away. Plancheck
// looks for it.
const LossPrefix = "this migration takes data away: "

// Folder is a folder of migrations.
type Folder struct {
	Format Format
	// Migrations are in the order in which they run.
	Migrations []Migration
}

// Migration is one migration.
type Migration struct {
	// Name is the path of its SQL file below the folder, with slashes.
	Name string
	// ID is what the tool calls the migration: the number of a file of goose, the tag of
	// drizzle-kit 0.x, or the name of its folder.
	ID string
	// Version is the number that orders the migrations of goose, and those of drizzle-kit 0.x
	// and 1.x, where it is a time in milliseconds. It is 0 for Prisma.
	Version int64
	// Hash is the SHA-256 of the content in hexadecimal. Line ends count as line feeds, since
	// Git may check a file out with others.
	Hash string
	// Checksum is the SHA-256 of the content as it is, which drizzle-kit and Prisma record.
	Checksum string

	// Format is the folder's.
	Format Format

	text string
}

// SQL returns the SQL that applies the migration. Each line has the number that it has in the
// file, and each statement ends in a semicolon, except for the last one.
func (m Migration) SQL() (string, error) {
	switch m.Format {
	case Drizzle0, Drizzle1:
		return terminate(m.Name, m.text, breakpoint)
	case Prisma, Plain:
		return m.text, nil
	default:
		return m.gooseUp()
	}
}

// Read reads the migrations of a folder, in order. An empty format stands for the one that the
// folder has. The error lists all problems.
func Read(folder string, format Format) (Folder, error) {
	l, err := list(folder)
	if err != nil {
		return Folder{}, err
	}
	if format, err = l.format(format); err != nil {
		return Folder{}, err
	}
	var migrations []Migration
	switch format {
	case Drizzle0:
		migrations, err = l.readJournal()
	case Drizzle1, Prisma:
		migrations, err = l.readFolders(format)
	case Plain:
		migrations, err = l.readPlain()
	default:
		migrations, err = l.readGoose()
	}
	if err = errors.Join(err, l.notRead(format, migrations)); err == nil && len(migrations) == 0 {
		err = errors.New("it has no migrations yet")
		if format == Plain {
			err = errors.New("it has no file whose name ends in .sql")
		}
	}
	return Folder{format, migrations}, err
}

// IDOf returns the ID of the migration whose file has a name.
func IDOf(format Format, name string) (string, error) {
	id := path.Dir(name)
	switch format {
	case Goose:
		version, err := Version(name)
		return strconv.FormatInt(version, 10), err
	case Drizzle0, Plain:
		id = strings.TrimSuffix(name, ".sql")
	}
	if id == name || id == "." {
		return "", fmt.Errorf("%s is not the name of a migration of %s", name, format)
	}
	return id, nil
}

// Find returns the migration that a name stands for: the name of its file, with or without .sql,
// or what the tool calls it.
func (f Folder) Find(name string) (Migration, bool) {
	i := slices.IndexFunc(f.Migrations, func(m Migration) bool {
		return name == m.ID || name == m.Name || name+".sql" == m.Name
	})
	if i < 0 {
		return Migration{}, false
	}
	return f.Migrations[i], true
}

// readFile reads the SQL of a migration.
func readFile(folder, name string, format Format) (Migration, error) {
	content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	switch {
	case err != nil:
		return Migration{Name: name}, err
	case isUTF16(content):
		return Migration{Name: name}, fmt.Errorf("%s is UTF-16; save it as UTF-8", name)
	case format != Goose && !utf8.Valid(content): // the tools of JavaScript would hash another text
		return Migration{Name: name}, fmt.Errorf("%s is not UTF-8; save it as UTF-8", name)
	}
	lines := bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	m := Migration{Name: name, Hash: digest(lines), Checksum: digest(content), Format: format}
	// Some editors begin a file of UTF-8 with a mark, which is no SQL.
	m.text = strings.TrimPrefix(string(lines), "\ufeff")
	m.ID, err = IDOf(format, name)
	return m, err
}

// isUTF16 reports whether a text is UTF-16, with its mark or with an ASCII character first.
func isUTF16(b []byte) bool {
	return len(b) > 1 && (b[0] == 0 || b[1] == 0 || b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Hashes returns the hashes of the migrations by their names.
func (f Folder) Hashes() map[string]string {
	hashes := make(map[string]string, len(f.Migrations))
	for _, m := range f.Migrations {
		hashes[m.Name] = m.Hash
	}
	return hashes
}
