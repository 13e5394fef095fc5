package stack

import (
	"errors"
	"io/fs"
	"path/filepath"

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
}

// migrations reads a folder of migrations, if there is one. The provider parses their SQL.
func (r *reader) migrations(key string) *Migrations {
	folder := r.text(key)
	if folder == "" {
		return nil
	}
	var read migration.Folder
	err := checkPath(folder)
	if err == nil {
		read, err = migration.Read(filepath.Join(r.program.Dir, folder), "")
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no such folder")
	}
	if err != nil {
		r.problem(key, "%q: %v; give a folder of SQL files in goose's format, relative to the project's folder", folder, err)
	}
	m := &Migrations{Folder: filepath.ToSlash(filepath.Clean(folder)), Files: pulumi.StringMap{}}
	for name, hash := range read.Hashes() {
		m.Files[name] = pulumi.String(hash)
	}
	return m
}
