package provider_test

import (
	"strings"
	"testing"
	"time"
)

// A preview warns of what a run takes away. What the state has as applied does not count if the
// database cannot be read, and what the database lost does, since it is applied again.
func TestMigrations_losses(t *testing.T) {
	withSchema(func(m *schema) {
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
	})(t)
}
