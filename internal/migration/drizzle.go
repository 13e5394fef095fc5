package migration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// readJournal reads a folder of drizzle-kit 0.x. Its journal says which files there are, in which
// order, and when each was generated.
// https://unpkg.com/drizzle-orm@0.45.4/migrator.js
func (l listing) readJournal() (migrations []Migration, err error) {
	var journal struct {
		Dialect string
		Entries []struct {
			Tag  string
			When int64
		}
	}
	if err := l.decode(journalFile, &journal); err != nil {
		return nil, err
	}
	problems := []error{checkDialect(journalFile, journal.Dialect)}
	tags, times := map[string]bool{}, map[int64]string{}
	for _, entry := range journal.Entries {
		name := entry.Tag + ".sql"
		switch {
		case !filepath.IsLocal(name) || path.Base(name) != name:
			problems = append(problems, fmt.Errorf("%s: %q cannot be the tag of a migration", journalFile, entry.Tag))
			continue
		case tags[entry.Tag]:
			problems = append(problems, fmt.Errorf("%s has %s twice", journalFile, entry.Tag))
			continue
		case times[entry.When] != "":
			problems = append(problems, fmt.Errorf("%s: %s and %s have the same time, by which drizzle tells them apart: add 1 to the \"when\" of the later one", journalFile, times[entry.When], entry.Tag))
		}
		tags[entry.Tag], times[entry.When] = true, entry.Tag
		m, err := readFile(l.path, name, Drizzle0)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s is missing, but %s has it: restore the file", name, journalFile)
		}
		m.Version = entry.When
		migrations, problems = append(migrations, m), append(problems, err)
	}
	return migrations, errors.Join(problems...)
}

func (l listing) decode(name string, v any) error {
	text, err := os.ReadFile(filepath.Join(l.path, filepath.FromSlash(name)))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// checkDialect refuses migrations for other databases.
func checkDialect(file, dialect string) error {
	if dialect != "" && dialect != "mysql" {
		return fmt.Errorf("%s is for %s, and TiDB needs migrations for mysql", file, dialect)
	}
	return nil
}

// dialect checks the dialect of a migration of drizzle-kit 1.x.
func (l listing) dialect(folder string) error {
	file := path.Join(folder, snapshotFile)
	var snapshot struct{ Dialect string }
	if err := l.decode(file, &snapshot); err != nil {
		return nil // drizzle runs the migration without it
	}
	return checkDialect(file, snapshot.Dialect)
}

var folderTime = regexp.MustCompile(`^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)`)

// millis returns the time that the name of a folder of drizzle-kit 1.x begins with.
// https://unpkg.com/drizzle-orm@1.0.0-rc.5/migrator.utils.js, formatToMillis
func millis(folder string) (int64, error) {
	found := folderTime.FindStringSubmatch(folder)
	if found == nil {
		return 0, fmt.Errorf("%s: the folder's name must begin with its time, such as 20260401120000_init", folder)
	}
	var n [6]int
	for i, digits := range found[1:] {
		n[i], _ = strconv.Atoi(digits)
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC).UnixMilli(), nil
}
