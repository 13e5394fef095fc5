package report

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"portfolio-infra/internal/environment/settings"
	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
)

// before returns the schema that the base's migrations make, in a database of their own on the
// same server, and the base's folder.
func (c *connection) before(ctx context.Context, project settings.Settings, base string) (schema string, folder migration.Folder, err error) {
	switch {
	case base == "":
		return "", folder, errors.New("the pull request's base was not given")
	case project.Migrations == "":
		return "", folder, errors.New("the environment has no migrations")
	}
	of, err := settings.Read(base)
	if err != nil {
		return "", folder, fmt.Errorf("the settings of the pull request's base cannot be read: %s", brief(err))
	}
	path := cmp.Or(of.Migrations, project.Migrations) // the base may have no environments yet
	if _, err := os.Stat(filepath.Join(base, path)); errors.Is(err, fs.ErrNotExist) {
		return "", folder, fmt.Errorf("the pull request's base has no folder %s", path)
	}
	folder, err = migration.Read(filepath.Join(base, path), migration.Format(of.MigrationsFormat))
	if err != nil {
		return "", folder, fmt.Errorf("the migrations of the pull request's base cannot be read: %s", brief(err))
	}
	schema, err = c.scratch(ctx, migrator.Job{Folder: folder, Table: of.MigrationsTable, Redact: true, Log: silent{}})
	switch {
	case isRefused(err, errDatabaseDenied):
		return "", folder, fmt.Errorf("the login may not make the database %s, in which the base's migrations would run", c.scratchName())
	case err != nil:
		return "", folder, fmt.Errorf("the migrations of the pull request's base cannot be applied to an empty database: %s", brief(err))
	}
	return schema, folder, nil
}

// brief returns the first line of an error, without the advice that is for who runs the migrations.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	line, _, _ = strings.Cut(line, "; ")
	return line
}

// scratch returns the schema that a job makes. Each environment has one name for its scratch
// database, so that what a killed report left is dropped by the next one.
func (c *connection) scratch(ctx context.Context, job migrator.Job) (schema string, err error) {
	name := c.scratchName()
	var charset, collation string
	if err := c.QueryRowContext(ctx, "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()").Scan(&charset, &collation); err != nil {
		return "", err
	}
	drop := func(ctx context.Context) error {
		_, err := c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(name))
		return err
	}
	if err := drop(ctx); err != nil {
		return "", err
	}
	// The tables take the database's character set, if they do not say another.
	if _, err := c.ExecContext(ctx, "CREATE DATABASE "+quote(name)+" CHARACTER SET "+charset+" COLLATE "+collation); err != nil {
		return "", err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // also after a signal
		defer cancel()
		if dropErr := drop(ctx); err == nil && dropErr != nil {
			err = fmt.Errorf("dropping %s: %w", name, dropErr)
		}
	}()
	db, err := c.open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	job.Database = name
	h, err := job.History(ctx, db)
	if err != nil {
		return "", err
	}
	pending, err := job.Pending(h)
	if err == nil {
		err = migrator.Elsewhere(pending)
	}
	if err == nil {
		err = job.Apply(ctx, db)
	}
	if err != nil {
		return "", err
	}
	schema, _, err = schemaOf(ctx, db, name, job)
	return schema, err
}

func (c *connection) scratchName() string { return migrator.ScratchName(c.database) }

// tableName is the name of a table, a view or a sequence.
type tableName struct {
	name string
	view bool // it has no rows of its own
}

// Parts of a schema that are of one database, and not of its migrations: the next automatic
// number, and who made a view.
var ofDatabase = regexp.MustCompile("(?: AUTO_INCREMENT=[0-9]+| /\\*T!\\[auto_rand_base\\] AUTO_RANDOM_BASE=[0-9]+ \\*/| DEFINER=`[^`]*`@`[^`]*`)")

// schemaOf returns the statements that would make the tables of a database, and their names. It
// leaves out what records migrations.
func schemaOf(ctx context.Context, db *sql.DB, database string, job migrator.Job) (schema string, names []tableName, err error) {
	rows, err := db.QueryContext(ctx, "SELECT table_name, table_type <> 'BASE TABLE' FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t tableName
		if err := rows.Scan(&t.name, &t.view); err != nil {
			return "", nil, err
		}
		if !job.Records(t.name) {
			names = append(names, t)
		}
	}
	if err := rows.Err(); err != nil {
		return "", nil, err
	}
	var b strings.Builder
	for _, t := range names {
		statement, err := create(ctx, db, t.name)
		if err != nil {
			return "", nil, err
		}
		// A view has the database's name before those of its tables.
		statement = strings.ReplaceAll(ofDatabase.ReplaceAllString(statement, ""), quote(database)+".", "")
		b.WriteString(statement + ";\n\n")
	}
	return b.String(), names, nil
}

// create returns the second column of SHOW CREATE TABLE, which has four for a view.
func create(ctx context.Context, db *sql.DB, table string) (statement string, err error) {
	rows, err := db.QueryContext(ctx, "SHOW CREATE TABLE "+quote(table))
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return "", err
		}
		statement = string(*values[1].(*sql.RawBytes))
	}
	return statement, rows.Err()
}

// unified returns a unified diff, without its header of file names.
func unified(before, after string) string {
	text := string(diff.Diff("before", []byte(before), "after", []byte(after)))
	if _, hunks, ok := strings.Cut(text, "\n+++ after\n"); ok {
		return hunks
	}
	return text
}

// silent shows nothing.
type silent struct{}

func (silent) Infof(string, ...any)       {}
func (silent) InfoStatusf(string, ...any) {}
func (silent) Warningf(string, ...any)    {}
