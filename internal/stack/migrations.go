package stack

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/migration"
)

// Migrations is the folder of migrations that make the tables.
type Migrations struct {
	// Folder is relative to the project's folder, so that the state is the same on every
	// machine.
	Folder string
	// Files maps the names of its files to their hashes.
	Files pulumi.StringMap
	// Format is the tool whose layout the folder has.
	Format migration.Format
	// Table is the tool's own table, or empty for the tool's default.
	Table string
	// Baseline is the file of the last migration whose tables were made otherwise, or empty.
	Baseline string
}

// migrations reads a folder of migrations, if there is one. The provider parses their SQL.
func (r *reader) migrations(key string) *Migrations {
	const formatKey, tableKey, baselineKey = "migrationsFormat", "migrationsTable", "migrationsBaseline"
	folder, format := r.text(key), migration.Format(r.checked(formatKey, checkFormat))
	table, baseline := r.checked(tableKey, checkTable), r.text(baselineKey)
	if folder == "" {
		for _, option := range []string{formatKey, tableKey, baselineKey} {
			if r.text(option) != "" {
				r.without(option, key)
			}
		}
		return nil
	}
	if err := checkFormat(string(format)); err != nil {
		return nil // it was noted
	}
	m, read := r.sqlFolder(key, folder, format)
	m.Table = table
	if m.Table != "" && m.Format == migration.Prisma {
		r.problem(tableKey, "Prisma's table is always _prisma_migrations: run `pulumi config rm %s`", tableKey)
	}
	if last, ok := read.Find(baseline); ok {
		m.Baseline = last.Name
	} else if baseline != "" && len(read.Migrations) > 0 {
		r.problem(baselineKey, "%q has no migration %q; the nearest are %s", folder, baseline, nearest(baseline, read.Migrations))
	}
	return m
}

// sqlFolder reads a folder of SQL files. What is wrong with it is noted, and it is empty then.
func (r *reader) sqlFolder(key, folder string, format migration.Format) (*Migrations, migration.Folder) {
	read, err := r.readMigrations(folder, format)
	if err != nil {
		r.problem(key, "%q: %v", folder, err)
		read = migration.Folder{}
	}
	m := &Migrations{Folder: filepath.ToSlash(filepath.Clean(folder)), Files: pulumi.StringMap{}, Format: read.Format}
	for name, hash := range read.Hashes() {
		m.Files[name] = pulumi.String(hash)
	}
	return m, read
}

func (r *reader) readMigrations(folder string, format migration.Format) (migration.Folder, error) {
	if err := checkPath(folder); err != nil {
		return migration.Folder{}, fmt.Errorf("%w; give a folder relative to the project's", err)
	}
	path := filepath.Join(r.program.Dir, folder)
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return migration.Folder{}, errors.New("there is no such folder")
	case err == nil && !info.IsDir():
		return migration.Folder{}, errors.New("it is not a folder")
	}
	return migration.Read(path, format)
}

// nearest lists the migrations whose names are most like a name.
func nearest(name string, migrations []migration.Migration) string {
	var names []string
	for _, m := range migrations {
		names = append(names, strings.TrimSuffix(m.Name, "/migration.sql"))
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(a, name), distance(b, name)) })
	return strings.Join(names[:min(3, len(names))], ", ")
}
