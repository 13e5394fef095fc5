package provider_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// A preview parses the pending files, with a login or without, before any write. All that it refuses
// is one error.
func TestMigrations_preview(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests, map[string]string{"00002_a.sql": "-- +goose Up\nCREATE TABL a;\n", "00003_b.sql": "-- +goose Up\nDROP TABLE a, b;\n-- +goose Down\nnot SQL;\n"})
		for _, changes := range []map[string]any{nil, {"host": unknown, "password": unknown}} {
			_, err := m.preview(m.wanted(changes))
			testcheck.Error(t, err, "00002_a.sql:2: syntax error near: TABL a;", "00003_b.sql:2: an interrupted run would have dropped some of them")
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
