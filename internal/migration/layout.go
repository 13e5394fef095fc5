package migration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// layouts shows the layout of each format.
const layouts = "goose (00001_create_guests.sql), drizzle-0 (0000_init.sql, meta/_journal.json), " +
	"drizzle-1 (20260401120000_init/migration.sql and snapshot.json), prisma (20260401120000_init/migration.sql, migration_lock.toml)"

// Files that tell the formats apart.
const (
	journalFile  = "meta/_journal.json"
	lockFile     = "migration_lock.toml"
	scriptFile   = "migration.sql"
	snapshotFile = "snapshot.json"
)

// listing is what lies in a folder of migrations.
type listing struct {
	path string
	// files are the names of its files, and folders those of its folders. Prisma ignores links
	// to folders, so that linked has them.
	files, folders, linked []string
}

func list(folder string) (listing, error) {
	l := listing{path: folder}
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		name := entry.Name()
		switch info, err := os.Stat(filepath.Join(folder, name)); {
		case entry.IsDir():
			l.folders = append(l.folders, name)
		case err == nil && info.IsDir():
			l.linked = append(l.linked, name)
		default:
			l.files = append(l.files, name)
		}
	}
	return l, err
}

func (l listing) has(name string) bool {
	_, err := os.Stat(filepath.Join(l.path, filepath.FromSlash(name)))
	return err == nil
}

// formats returns the formats that the folder has, with the file that shows each, and a migration
// in a folder of its own, which may be one of several formats.
func (l listing) formats() (found []Format, shown []string, script string) {
	add := func(f Format, file string) {
		found, shown = append(found, f), append(shown, fmt.Sprintf("%s (%s)", f, file))
	}
	for _, name := range slices.Concat(l.folders, l.linked) {
		if l.has(path.Join(name, scriptFile)) {
			script = path.Join(name, scriptFile)
			if file := path.Join(name, snapshotFile); l.has(file) && !slices.Contains(found, Drizzle1) {
				add(Drizzle1, file)
			}
		}
	}
	if l.has(lockFile) {
		add(Prisma, lockFile)
	}
	if l.has(journalFile) {
		add(Drizzle0, journalFile)
	}
	others := len(found) > 0 || script != ""
	for _, name := range l.files {
		if isSQL(name) && (!others || l.isAnnotated(name)) {
			add(Goose, name)
			break
		}
	}
	return found, shown, script
}

// format returns the given format if the folder has it, or else the only one that the folder has.
func (l listing) format(given Format) (Format, error) {
	found, shown, script := l.formats()
	has := func(f Format) bool { return slices.Contains(found, f) }
	either := len(found) == 0 && script != ""
	switch {
	case given == Plain:
		return Plain, nil
	case !slices.Contains([]Format{"", Goose, Drizzle0, Drizzle1, Prisma}, given):
		return "", fmt.Errorf("%q is not a format; the formats are %s", given, layouts)
	case has(Drizzle0) && script != "" && !has(Prisma) && given != Prisma && given != Goose:
		// https://unpkg.com/drizzle-orm@1.0.0-rc.5/migrator.js
		return "", fmt.Errorf("it has both of drizzle-kit's layouts (%s and %s), which drizzle refuses too: run `npx drizzle-kit up` of drizzle-kit 1", journalFile, script)
	case has(given), either && (given == Drizzle1 || given == Prisma):
		return given, nil
	case either && given == "":
		return "", fmt.Errorf("%s may be one of drizzle-kit 1, without its %s, or one of Prisma, without its %s: run `pulumi config set migrationsFormat drizzle-1` or `pulumi config set migrationsFormat prisma`",
			script, snapshotFile, lockFile)
	case either:
		return "", fmt.Errorf("the config key migrationsFormat is %s, but the folder has %s; the layouts are %s", given, script, layouts)
	case len(found) == 0:
		return "", fmt.Errorf("it has no migrations; the layouts are %s", layouts)
	case given != "":
		return "", fmt.Errorf("the config key migrationsFormat is %s, but the folder is laid out as %s", given, strings.Join(shown, " and as "))
	case len(found) > 1:
		return "", fmt.Errorf("it is laid out as %s: move what is not a migration of one tool out of it, or name the tool by `pulumi config set migrationsFormat %s`", strings.Join(shown, " and as "), found[0])
	}
	return found[0], nil
}

// isSQL reports whether a file is SQL by its name.
func isSQL(name string) bool { return strings.EqualFold(path.Ext(name), ".sql") }

// isAnnotated reports whether a file has goose's annotations.
func (l listing) isAnnotated(name string) bool {
	content, _ := os.ReadFile(filepath.Join(l.path, name))
	return strings.Contains(string(content), "-- +goose ")
}

// notRead refuses the SQL that looks like a migration but that the tool never runs. What lies
// beside a migration in its folder, such as a down.sql, is no migration.
func (l listing) notRead(format Format, read []Migration) error {
	var problems []error
	err := fs.WalkDir(os.DirFS(l.path), ".", func(name string, entry fs.DirEntry, err error) error {
		is := func(m Migration) bool { return m.Name == name || m.Name == path.Join(path.Dir(name), scriptFile) }
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir() || !isSQL(name) || slices.ContainsFunc(read, is):
		case format == Goose && strings.Contains(name, "/"):
			problems = append(problems, fmt.Errorf("%s: goose does not look into folders: move the file", name))
		case format == Plain && strings.Contains(name, "/"):
			problems = append(problems, fmt.Errorf("%s: only the files directly in the folder run: move the file", name))
		case format == Plain && path.Ext(name) != ".sql":
			problems = append(problems, fmt.Errorf("%s: only files whose names end in .sql run: rename the file", name))
		case path.Ext(name) != ".sql":
			problems = append(problems, fmt.Errorf("%s: %s reads only files whose names end in .sql: rename the file", name, format))
		case format == Drizzle0:
			problems = append(problems, fmt.Errorf("%s is not in %s, so drizzle-kit never runs it: restore its entry, or move the file", name, journalFile))
		case format == Drizzle1 || format == Prisma:
			problems = append(problems, fmt.Errorf("%s: %s runs only FOLDER/%s: rename the file, or move it", name, format, scriptFile))
		}
		return nil
	})
	return errors.Join(append(problems, err)...)
}
