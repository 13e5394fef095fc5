package report

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/environment/settings"
	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/sqllogin"
)

// urlVariable names the environment variable with the connection string of the admin.
const urlVariable = "MIGRATION_URL"

// countPatience is how long the rows of all tables are counted. A copy may have many.
const countPatience = 2 * time.Minute

// connection is the admin's to the environment's server. Its errors say nothing of rows.
type connection struct {
	*sql.DB
	database string
	open     func(database string) (*sql.DB, error)
}

// connect parses the connection string, which internal/stack makes. No error has a part of it.
func connect(getenv func(string) string) (*connection, error) {
	u, err := url.Parse(getenv(urlVariable))
	if err != nil || u.Scheme != "mysql" || u.User == nil {
		return nil, errors.New(urlVariable + " is not set to mysql://USER:PASSWORD@HOST:PORT/DATABASE, the output migrationUrl of the stack")
	}
	port, err := strconv.Atoi(u.Port())
	c := &connection{database: strings.TrimPrefix(u.Path, "/")}
	if err != nil || c.database == "" {
		return nil, errors.New(urlVariable + " has no port or no database")
	}
	login := sqllogin.Login{Host: u.Hostname(), Port: port, User: u.User.Username()}
	login.Password, _ = u.User.Password()
	c.open = func(database string) (*sql.DB, error) {
		return login.OpenRedacted(getenv(sqllogin.CAFileVariable), func(m *mysql.Config) {
			m.DBName, m.Timeout = database, 30*time.Second
		})
	}
	c.DB, err = c.open(c.database)
	return c, err
}

// collect adds to the report what the database says.
func (c *connection) collect(ctx context.Context, r *Report, project settings.Settings, base string) (err error) {
	if r.Files, err = c.files(ctx); err != nil {
		return fmt.Errorf("reading what was applied: %w", err)
	}
	job := migrator.Job{Folder: migration.Folder{Format: migration.Format(project.MigrationsFormat)}, Table: project.MigrationsTable}
	after, names, err := schemaOf(ctx, c.DB, c.database, job)
	if err != nil {
		return fmt.Errorf("reading the tables: %w", err)
	}
	switch before, folder, err := c.before(ctx, project, base); {
	case err != nil:
		r.Schema.Unknown = err.Error()
	default:
		r.Schema.Diff = unified(before, after)
		for i, file := range r.Files {
			_, known := folder.Find(file.Name)
			r.Files[i].New = file.Kind == kindMigration && !known
		}
	}
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	for _, name := range names {
		t := Table{Name: name.name, Rows: -1}
		if !name.view {
			if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quote(name.name)).Scan(&t.Rows); err != nil {
				t.Rows = -1
			}
		}
		r.Schema.Tables = append(r.Schema.Tables, t)
	}
	return nil
}

// The kinds of files.
const kindMigration, kindSeed, kindMask = "migration", "seed", "mask"

// files reads the migrator's table of steps. Step 0 is written when a file is finished. The names
// of tools are formats, seeds have a name of their own, and masks a hash.
func (c *connection) files(ctx context.Context) (files []File, err error) {
	rows, err := c.QueryContext(ctx, "SELECT tool, MAX(name), SUM(step > 0), COALESCE(MAX(IF(step = 0, UNIX_TIMESTAMP(started_at), NULL)) - MIN(IF(step > 0, UNIX_TIMESTAMP(started_at), NULL)), 0)"+
		" FROM pulumi_migration_steps WHERE migration <> '' GROUP BY tool, migration ORDER BY MAX(IF(step = 0, started_at, NULL)), MAX(name)")
	if isRefused(err, errNoTable) {
		return nil, nil // nothing was applied
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var tool string
		var f File
		if err := rows.Scan(&tool, &f.Name, &f.Steps, &f.Seconds); err != nil {
			return nil, err
		}
		switch {
		case tool == "seeds":
			f.Kind = kindSeed
		case migrator.CheckName(tool) != nil: // a tool's
			f.Kind = kindMigration
		default:
			f.Kind = kindMask
		}
		f.Seconds = max(f.Seconds, 0)
		files = append(files, f)
	}
	kinds := []string{kindMask, kindMigration, kindSeed} // as they run
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)) })
	return files, rows.Err()
}

// Error numbers of the server. https://docs.pingcap.com/tidb/stable/error-codes/
const errDatabaseDenied, errNoTable = 1044, 1146

func isRefused(err error, number uint16) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == number
}

// quote returns a name as an SQL identifier.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
