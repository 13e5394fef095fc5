// Package migration reads a folder of SQL migrations as a tool lays it out. The tool's own CLI
// works on the same folder.
//
// The package parses no SQL. The program needs only names and hashes, and the provider, which
// applies the migrations, has TiDB's parser.
package migration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
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
	default:
		return m.gooseUp()
	}
}

// Read reads the migrations of a folder, in order. An empty format stands for the one that the
// folder has. The error lists all problems.
func Read(folder string, format Format) (Folder, error) {
	migrations, err := readGoose(folder)
	return Folder{Goose, migrations}, err
}

// IDOf returns the ID of the migration whose file has a name.
func IDOf(format Format, name string) (string, error) {
	version, err := Version(name)
	return fmt.Sprint(version), err
}

// readFile reads the SQL of a migration. Name and format are the caller's.
func readFile(folder, name string) (Migration, error) {
	content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return Migration{}, err
	}
	lines := bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	return Migration{Name: name, Hash: digest(lines), Checksum: digest(content), text: string(lines)}, nil
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
