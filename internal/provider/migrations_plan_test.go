package provider_test

import (
	"strings"
	"testing"
	"time"
)

// A preview parses the pending files, with a login or without, before any write. All that it refuses
// is one error.
func TestMigrations_preview(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests, map[string]string{"00002_a.sql": "-- +goose Up\nCREATE TABL a;\n", "00003_b.sql": "-- +goose Up\nDROP TABLE a, b;\n-- +goose Down\nnot SQL;\n"})
		for _, changes := range []map[string]any{nil, {"host": unknown, "password": unknown}} {
			_, err := m.preview(m.wanted(changes))
			wantErr(t, err, "00002_a.sql:2: syntax error near: TABL a;", "00003_b.sql:2: an interrupted run would have dropped some of them")
		}
		same(t, "tables", m.rows("SHOW TABLES"), nil)
	})
}

func TestMigrations_Check(t *testing.T) {
	least := map[string]any{"clusterId": "1", "host": gateway, "port": 4000, "user": "p.api", "password": "x", "database": "portfolio",
		"folder": "migrations", "files": map[string]any{"1_a.sql": strings.Repeat("0", 64)}}
	with := func(key string, value any) map[string]any {
		return map[string]any{key: value}
	}
	for _, tt := range []struct {
		name    string
		changes map[string]any
		failure string
	}{
		{"least", nil, ""},
		{"a cluster that is not ready", map[string]any{"host": "", "port": 0}, ""},
		{"no user", with("user", nil), "user: is required"},
		{"port", with("port", 70000), "port: 70000 must be a port number"},
		{"database", with("database", "a`; DROP DATABASE b"), "database: "},
		{"no files", with("files", map[string]any{}), "files: must not be empty"},
		{"misspelt", with("folders", "x"), "folders: unknown property; check the spelling"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := map[string]any{}
			for _, from := range []map[string]any{least, tt.changes} {
				for key, value := range from {
					values[key] = value
				}
			}
			wantFailure(t, migrationsType, inputs(values), tt.failure)
		})
	}
}

// A preview warns of what a run takes away. What the state has as applied does not count if the
// database cannot be read, and what the database lost does, since it is applied again.
func TestMigrations_losses(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		const drops = "warn this migration takes data away: 00004_x.sql:2: drops the column guests.email: ALTER TABLE guests DROP COLUMN email;"
		preview := func(changes map[string]any, want, never string) {
			t.Helper()
			m.log.clear()
			if _, err := m.preview(m.wanted(changes)); err != nil {
				t.Fatal(err)
			}
			if all := m.log.all(); !strings.Contains(all, want) || strings.Contains(all, never) {
				t.Errorf("want %q and not %q:\n%s", want, never, all)
			}
		}
		unknownLogin := map[string]any{"host": unknown, "password": unknown}
		dropEmail := map[string]string{"00004_x.sql": "-- +goose Up\nALTER TABLE guests DROP COLUMN email;\n"}

		m.write(createGuests, addEmail, dropEmail)
		preview(unknownLogin, "is not known yet", "takes data away") // the first deployment of a long history
		preview(nil, "pending migration: 00004_x.sql", "takes data away")
		m.write(map[string]string{"00004_x.sql": ""})
		m.steps(m.wanted(nil), "create")

		m.write(dropEmail)
		preview(nil, drops, "is not known yet")
		preview(unknownLogin, drops, "pending migration: 00003")
		m.s.instead = until(time.Minute, hangUp)
		preview(nil, drops, "pending migration: 00003")
		m.s.instead = nil
		time.Sleep(time.Hour)

		m.log.clear()
		m.hand("INSERT INTO guests (name) VALUES ('Ada')")
		if _, err := m.up(m.wanted(nil)); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(m.log.all(), "takes data away"); n != 1 {
			t.Errorf("%d warnings in an up with its preview:\n%s", n, m.log.all())
		}
		m.hand("ALTER TABLE guests ADD COLUMN email INT", "DELETE FROM goose_db_version WHERE version_id = 4")
		preview(nil, drops, "pending migration: 00003")
		m.s.instead = until(time.Minute, hangUp)
		preview(nil, "using the recorded state", "takes data away")
	})
}
