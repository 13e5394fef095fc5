package provider_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// seeds is the inputs for plain files, as an environment's seeds are.
func (m *schema) seeds(changes map[string]any) map[string]any {
	m.T.Helper()
	folder, err := migration.Read(m.folder, migration.Plain)
	if err != nil {
		m.Fatal(err)
	}
	files := map[string]any{}
	for name, hash := range folder.Hashes() {
		files[name] = hash
	}
	values := map[string]any{"name": nil, "database": m.name, "folder": m.folder, "files": files, "format": "plain", "table": "seeds"}
	for key, value := range changes {
		values[key] = value
	}
	return values
}

// Seeds run once. An edited one is one error, which says what to do.
func TestMigrations_plain(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		m.hand("CREATE TABLE guests (id INT PRIMARY KEY, name VARCHAR(60))")
		m.write(map[string]string{"guests.sql": "INSERT INTO guests VALUES (1, 'Ada'), (2, 'Grace');\n"})
		if _, err := m.preview(portfolio(m.c, m.seeds(nil))); err != nil {
			t.Fatal(err)
		}
		same(t, "shown", m.log.all(), "info pending file: guests.sql, 1 step\n  step 1, line 1: INSERT INTO guests VALUES (1, 'Ada'), (2, 'Grace');")
		m.steps(portfolio(m.c, m.seeds(nil)), "create", "same")
		same(t, "guests", m.rows("SELECT name FROM guests ORDER BY id"), []string{"Ada", "Grace"})

		m.write(map[string]string{"more.sql": "INSERT INTO guests VALUES (3, 'Edsger');\n"})
		m.wantDiff(portfolio(m.c, m.seeds(nil)), `files["more.sql"] add`)
		m.steps(portfolio(m.c, m.seeds(nil)), "update", "same")
		m.refreshes()
		m.steps(portfolio(m.c, m.seeds(nil)), "same")

		m.write(map[string]string{"guests.sql": "INSERT INTO guests VALUES (1, 'Alan');\n"})
		for _, changes := range []map[string]any{nil, {"host": unknown, "password": unknown}} {
			_, err := m.diff(portfolio(m.c, m.seeds(changes)))
			testcheck.Error(t, err, "guests.sql was changed after it had been applied: restore it, and put the change into a new file; or run `pulumi destroy` and then `pulumi up`")
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one error: %v", err)
			}
		}
	})(t)
}

// No value of a row or of a statement is in an error or a message, only the number, the file and
// the line.
func TestMigrations_redactErrors(t *testing.T) {
	const address = "alice@example.com"
	for name, tt := range map[string]struct {
		files   map[string]string
		changes map[string]any
		want    string
	}{
		"duplicate":    {map[string]string{"00001_a.sql": "-- +goose Up\nUPDATE a SET address = CONCAT('alice@', 'example.com');\n"}, nil, "00001_a.sql:2: Error 1062"},
		"the schema":   {map[string]string{"00001_a.sql": "-- +goose Up\nALTER TABLE a ADD UNIQUE INDEX d (domain);\n"}, nil, "00001_a.sql:2: Error 1062"},
		"privilege":    {map[string]string{"00001_a.sql": "-- +goose Up\nCREATE TABLE b (id INT);\n"}, map[string]any{"user": "reader"}, "Error 1142 (42000): (the server's text is not shown, since it may have values of rows); this user lacks the privilege"},
		"no login":     {map[string]string{"00001_a.sql": "-- +goose Up\nCREATE TABLE b (id INT);\n"}, map[string]any{"password": "wrong-" + password}, "Error 1045"},
		"syntax error": {map[string]string{"00001_a.sql": "-- +goose Up\nINSERT INTO '" + address + "';\n"}, nil, "00001_a.sql:2: syntax error"},
	} {
		t.Run(name, withSchema(func(m *schema) {
			t := m.T
			m.c.addUser("reader", password, "role_readonly")
			m.hand("CREATE TABLE a (id INT PRIMARY KEY, address VARCHAR(100) UNIQUE, domain VARCHAR(100))",
				"INSERT INTO a VALUES (1, '"+address+"', 'example.com'), (2, 'bob@example.com', 'example.com')")
			m.write(tt.files)
			wanted := m.wanted(map[string]any{"redactErrors": true})
			for key, value := range tt.changes {
				wanted = m.wanted(map[string]any{"redactErrors": true, key: value})
			}
			_, previewErr := m.preview(wanted)
			_, err := m.up(wanted)
			testcheck.Error(t, err, tt.want)
			shown := m.log.all()
			for _, err := range []error{previewErr, err} {
				if err != nil {
					shown += "\n" + err.Error()
				}
			}
			for _, secret := range []string{address, "bob", "Duplicate", "denied"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is in:\n%s", secret, shown)
				}
			}
		}))
	}
}

// A preview's warning that it could not read the database does not say what the server said.
func TestMigrations_redactErrors_warning(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		m.write(createGuests)
		m.steps(m.wanted(nil), "create")
		wrong := map[string]any{"password": "wrong-" + password}
		for _, redacted := range []bool{false, true} {
			m.log.clear()
			wrong["redactErrors"] = redacted
			m.wantDiff(m.wanted(wrong)) // another login and redactErrors alone change nothing
			if said := strings.Contains(m.log.all(), "Access denied"); said == redacted || !m.log.has("warn", "using the recorded state") {
				t.Errorf("redacted %t:\n%s", redacted, m.log.all())
			}
		}
	})(t)
}
