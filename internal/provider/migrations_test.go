package provider_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/testcheck"
)

const migrationsType = "tidbcloud:index:Migrations"

// The migrations of most tests.
var (
	createGuests = map[string]string{"00001_create_guests.sql": "-- +goose Up\n" +
		"CREATE TABLE guests (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL);\n-- +goose Down\nDROP TABLE guests;\n"}
	firstGuests = map[string]string{"00002_first_guests.sql": "-- +goose Up\n" +
		"INSERT INTO guests (name) VALUES ('Ada');\nINSERT INTO guests (name)\n  VALUES ('Grace; Hopper');\n-- +goose Down\nDELETE FROM guests;\n"}
	addEmail = map[string]string{"00003_add_email.sql": "-- +goose Up\n" +
		"ALTER TABLE guests ADD COLUMN email VARCHAR(100), ADD INDEX name_and_id (name, id);\n-- +goose Down\nALTER TABLE guests DROP COLUMN email, DROP INDEX name_and_id;\n"}
)

// schema is a database, a folder with its migrations and the engine that applies them.
type schema struct {
	*testing.T
	*engine
	c      *cloud
	s      *sqlServers
	folder string
	name   string // the database's
}

// withSchema runs a test in a bubble, with an empty database.
func withSchema(f func(m *schema)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		s := newSQLServers(t, c, 0)
		c.add("portfolio-db", tokyo, ours, bubbleStart.Add(-time.Hour)) // serves it outside of the bubble
		synctest.Test(t, func(t *testing.T) { f(newSchema(t, c, s)) })
	}
}

func newSchema(t *testing.T, c *cloud, s *sqlServers) *schema {
	t.Helper()
	c.addUser("admin", password, "role_admin")
	m := &schema{T: t, c: c, s: s, folder: t.TempDir(), name: "portfolio",
		engine: configured(t, c, provider.Options{Dial: s.dial}, migrationsType, keys)}
	s.run(t, c, "CREATE DATABASE "+m.name)
	return m
}

// write adds files to the folder. An empty text removes one.
func (m *schema) write(files ...map[string]string) {
	m.T.Helper()
	for _, files := range files {
		for name, text := range files {
			path := filepath.Join(m.folder, name)
			err := os.Remove(path)
			if text != "" {
				err = os.WriteFile(path, []byte(text), 0o600)
			}
			if err != nil {
				m.Fatal(err)
			}
		}
	}
}

// wanted is the inputs for the folder.
func (m *schema) wanted(changes map[string]any) property.Map {
	m.T.Helper()
	folder, err := migration.Read(m.folder, "")
	if err != nil {
		m.Fatal(err)
	}
	hashes := map[string]any{}
	for name, hash := range folder.Hashes() {
		hashes[name] = hash
	}
	values := map[string]any{"name": nil, "database": m.name, "folder": m.folder, "files": hashes}
	maps.Copy(values, changes)
	return portfolio(m.c, values)
}

// applied fails the test unless both tables have the files as applied, each file once.
func (m *schema) applied(want ...string) {
	m.T.Helper()
	same(m.T, "journal", m.rows("SELECT name FROM pulumi_migrations WHERE finished ORDER BY version"), want)
	var versions []string
	for _, name := range want {
		version, err := migration.Version(name)
		if err != nil {
			m.Fatal(err)
		}
		versions = append(versions, fmt.Sprint(version))
	}
	same(m.T, "versions", m.rows("SELECT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied ORDER BY version_id"), versions)
}

// rows returns the first column of a query by hand.
func (m *schema) rows(query string) (rows []string) {
	m.T.Helper()
	m.db(func(db *sql.DB) {
		result, err := db.QueryContext(m.Context(), query)
		if err != nil {
			m.Fatal(err)
		}
		defer result.Close()
		for result.Next() {
			var row string
			if err := result.Scan(&row); err != nil {
				m.Fatal(err)
			}
			rows = append(rows, row)
		}
		if err := result.Err(); err != nil {
			m.Fatal(err)
		}
	})
	return rows
}

// hand runs statements by hand.
func (m *schema) hand(statements ...string) {
	m.T.Helper()
	m.db(func(db *sql.DB) {
		for _, statement := range statements {
			if _, err := db.ExecContext(m.Context(), statement); err != nil {
				m.Fatalf("%s: %v", statement, err)
			}
		}
	})
}

func (m *schema) db(f func(*sql.DB)) {
	m.T.Helper()
	db := m.s.open(m.T, m.c, m.name)
	defer db.Close()
	f(db)
}

// goose runs goose itself on the folder and the database.
func (m *schema) goose(f func(context.Context, *goose.Provider) error) {
	m.T.Helper()
	m.db(func(db *sql.DB) {
		g, err := goose.NewProvider(goose.DialectTiDB, db, os.DirFS(m.folder))
		if err == nil {
			err = f(m.Context(), g)
		}
		if err != nil {
			m.Fatal(err)
		}
	})
}

func gooseUp(ctx context.Context, g *goose.Provider) error { _, err := g.Up(ctx); return err }

func gooseDown(ctx context.Context, g *goose.Provider) error { _, err := g.Down(ctx); return err }

// gooseAgrees fails the test unless goose has nothing to do.
func (m *schema) gooseAgrees() {
	m.T.Helper()
	m.goose(func(ctx context.Context, g *goose.Provider) error {
		pending, err := g.HasPending(ctx)
		if pending {
			m.Error("goose has pending migrations")
		}
		return err
	})
}

func TestMigrations_life(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		m.write(createGuests, firstGuests)
		if _, err := m.preview(m.wanted(nil)); err != nil {
			t.Fatal(err)
		}
		same(t, "shown", m.log.all(), fmt.Sprintf("info the migrations in %q have the format of goose\n", m.folder)+
			"info pending migration: 00001_create_guests.sql, 1 step\n  step 1, line 2: CREATE TABLE guests (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT …\n"+
			"info pending migration: 00002_first_guests.sql, 1 step\n  step 1, line 2: INSERT INTO guests (name) VALUES ('Ada'); and 1 more statement")
		m.log.clear()
		m.steps(m.wanted(nil), "create", "same")
		m.unchanged()
		same(t, "guests", m.rows("SELECT name FROM guests ORDER BY id"), []string{"Ada", "Grace; Hopper"})
		same(t, "ID", m.short(m.id), "1001/portfolio")
		m.gooseAgrees()

		m.write(addEmail)
		m.wantDiff(m.wanted(nil), `files["00003_add_email.sql"] add`)
		m.log.clear()
		m.steps(m.wanted(nil), "update", "same")
		if !m.log.has("info", "pending migration: 00003_add_email.sql") || m.log.has("00001") {
			t.Errorf("shown:\n%s", m.log.all())
		}
		m.unchanged()
		m.applied("00001_create_guests.sql", "00002_first_guests.sql", "00003_add_email.sql")
		same(t, "emails", m.rows("SELECT COUNT(email) FROM guests"), []string{"0"})
		m.gooseAgrees()

		// A new login, or another path to the folder, changes nothing.
		m.steps(m.wanted(map[string]any{"folder": m.folder + "/../" + filepath.Base(m.folder)}), "same")
		if !m.outputs.Get("password").Secret() {
			t.Error("the password is not a secret")
		}
		m.deletes()
		same(t, "guests", m.rows("SELECT COUNT(*) FROM guests"), []string{"2"})
		m.steps(m.wanted(nil), "create", "same")
		same(t, "guests", m.rows("SELECT COUNT(*) FROM guests"), []string{"2"})
	})(t)
}

// Whatever goose itself applied counts, and goose goes on after us.
func TestMigrations_goose(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		twoTables := map[string]string{"00001_create_guests.sql": createGuests["00001_create_guests.sql"] + "-- one more\n", "00002_two_tables.sql": "-- +goose Up\n" +
			"CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\n-- +goose Down\nDROP TABLE a;\nDROP TABLE b;\n"}
		m.write(twoTables)
		m.goose(gooseUp)
		m.write(addEmail)
		m.steps(m.wanted(nil), "create", "same")
		m.applied("00001_create_guests.sql", "00002_two_tables.sql", "00003_add_email.sql")
		if m.log.has("pending migration: 00001") || !m.log.has("pending migration: 00003") {
			t.Errorf("shown:\n%s", m.log.all())
		}
		m.gooseAgrees()

		m.goose(gooseDown)
		m.wantDiff(m.wanted(nil), `files["00003_add_email.sql"] update`)
		m.log.want(t, `database "portfolio" no longer has the migration 00003_add_email.sql`)
		m.steps(m.wanted(nil), "update", "same")
		m.gooseAgrees()

		m.write(map[string]string{"00004_c.sql": "-- +goose Up\nCREATE TABLE c (id INT);\n"})
		m.goose(gooseUp)
		m.wantDiff(m.wanted(nil), `files["00004_c.sql"] add`)
		m.steps(m.wanted(nil), "update", "same")
		m.applied("00001_create_guests.sql", "00002_two_tables.sql", "00003_add_email.sql", "00004_c.sql")

		m.write(map[string]string{"00001_create_guests.sql": "-- +goose Up\nCREATE TABLE other (id INT);\n"})
		m.tryDiff(m.wanted(nil), "00001_create_guests.sql was changed after it had been applied")
	})(t)
}

// A run that fails leaves what it applied before.
func TestMigrations_Create_fails(t *testing.T) {
	broken := map[string]string{"00003_broken.sql": "-- +goose Up\nINSERT INTO guests (name) VALUES ('Edsger');\n\nINSERT INTO nobody (name) VALUES ('x');\n"}
	for _, tt := range []struct {
		name    string
		files   []map[string]string
		changes map[string]any
		wantErr []string
		applied []string
		guests  string
	}{
		{"a statement", []map[string]string{createGuests, firstGuests, broken}, nil, []string{"applying the migration 00003_broken.sql:4: Error 1146"},
			[]string{"00001_create_guests.sql", "00002_first_guests.sql"}, "2"},
		{"no privilege", []map[string]string{createGuests}, map[string]any{"user": "reader"}, []string{"Error 1142", "use one of role_admin"}, nil, ""},
		{"no database", []map[string]string{createGuests}, map[string]any{"database": "nowhere"}, []string{"Error 1049"}, nil, ""},
		{"no login", []map[string]string{createGuests}, map[string]any{"password": "wrong-" + password}, []string{"Error 1045"}, nil, ""},
	} {
		t.Run(tt.name, withSchema(func(m *schema) {
			t := m.T
			m.c.addUser("reader", password, "role_readonly")
			m.write(tt.files...)
			_, err := m.up(m.wanted(tt.changes))
			testcheck.Error(t, err, tt.wantErr...)
			if err != nil && strings.Contains(err.Error()+m.log.all(), password) {
				t.Error("the password is shown")
			}
			if m.id != "" {
				t.Errorf("managing %q", m.id)
			}
			if tt.applied != nil {
				m.applied(tt.applied...)
				same(t, "guests", m.rows("SELECT COUNT(*) FROM guests"), []string{tt.guests})
			}
		}))
	}
}
