package migration

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// readFolders reads a folder of drizzle-kit 1.x or of Prisma, where each migration has a folder.
// Both sort by JavaScript's localeCompare.
//
//   - https://unpkg.com/drizzle-orm@1.0.0-rc.5/migrator.js
//   - https://github.com/prisma/prisma/blob/0572e06c8b1043e83b57364dc2c2f0543dff0d73/packages/migrate/src/utils/listMigrations.ts
func (l listing) readFolders(format Format) (migrations []Migration, err error) {
	folders, problems := l.folders, []error(nil)
	if format == Drizzle1 {
		folders = slices.Concat(folders, l.linked)
	} else {
		problems = append(problems, l.checkProvider())
	}
	slices.SortFunc(folders, collate.New(language.Und).CompareString)
	for _, folder := range folders {
		if !l.has(path.Join(folder, scriptFile)) {
			// Prisma refuses any such folder (P3015 of
			// https://www.prisma.io/docs/orm/reference/error-reference). Drizzle passes over it.
			if format == Prisma || l.has(path.Join(folder, snapshotFile)) {
				problems = append(problems, fmt.Errorf("%s has no %s: restore the file, or remove the folder", folder, scriptFile))
			}
			continue
		}
		m, err := readFile(l.path, path.Join(folder, scriptFile), format)
		problems = append(problems, err)
		if format == Drizzle1 {
			m.Version, err = millis(folder)
			problems = append(problems, err, l.dialect(folder))
		}
		migrations = append(migrations, m)
	}
	return migrations, errors.Join(problems...)
}

var providerLine = regexp.MustCompile(`(?m)^provider\s*=\s*"(.*?)"`)

// checkProvider refuses Prisma's migrations for other databases.
// https://github.com/prisma/prisma-engines/blob/0a9267bf3e1cc41eac5baaea7bef2d46063dead2/schema-engine/connectors/schema-connector/src/migrations_directory.rs
func (l listing) checkProvider() error {
	text, err := os.ReadFile(filepath.Join(l.path, lockFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	found := providerLine.FindSubmatch(text)
	if found == nil {
		return fmt.Errorf(`%s lacks its line provider = "mysql"`, lockFile)
	}
	return checkDialect(lockFile, string(found[1]))
}
