package provider_test

import (
	"testing"

	"portfolio-infra/internal/testcheck"
)

// A preview parses the pending files, with a login or without, before any write. All that it refuses
// is one error.
func TestMigrations_preview(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		m.write(createGuests, map[string]string{"00002_a.sql": "-- +goose Up\nCREATE TABL a;\n", "00003_b.sql": "-- +goose Up\nDROP TABLE a, b;\n-- +goose Down\nnot SQL;\n"})
		for _, changes := range []map[string]any{nil, {"host": unknown, "password": unknown}} {
			_, err := m.preview(m.wanted(changes))
			testcheck.Error(t, err, "00002_a.sql:2: syntax error near: TABL a;", "00003_b.sql:2: an interrupted run would have dropped some of them")
		}
		same(t, "tables", m.rows("SHOW TABLES"), nil)
	})(t)
}
