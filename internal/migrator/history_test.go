package migrator_test

import (
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// What was applied must be there unchanged, and what is new comes after it.
func TestPending_history(t *testing.T) {
	const a, b = "-- +goose Up\nCREATE TABLE a (id INT);\n", "-- +goose Up\nCREATE TABLE b (id INT);\n"
	for _, tt := range []struct {
		name    string
		files   map[string]string // changes of 1_a.sql and 3_b.sql, which were applied
		want    []string
		wantErr string
	}{
		{"nothing", nil, nil, ""},
		{"new", map[string]string{"4_c.sql": b, "10_d.sql": b}, []string{"4_c.sql", "10_d.sql"}, ""},
		{"renamed", map[string]string{"1_a.sql": "", "001_tables.sql": a}, nil, ""},
		{"other line ends", map[string]string{"1_a.sql": "-- +goose Up\r\nCREATE TABLE a (id INT);\r\n"}, nil, ""},
		{"changed", map[string]string{"1_a.sql": b}, nil, "1_a.sql was changed after it had been applied: restore it, and put the change into a new migration"},
		{"missing", map[string]string{"1_a.sql": ""}, nil, "1_a.sql has been applied, but its file is missing: restore it"},
		{"number too low", map[string]string{"2_c.sql": b}, nil, "2_c.sql is new, but migration 3 has been applied already: give it a number above 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{T: t, folder: t.TempDir()}
			w.write(map[string]string{"1_a.sql": a, "3_b.sql": b})
			applied, err := migration.Read(w.folder, migration.Goose)
			if err != nil {
				t.Fatal(err)
			}
			w.write(tt.files)
			job := w.job()
			pending, err := job.Pending(job.Recorded(applied.Hashes()))
			var names []string
			for _, p := range pending {
				names = append(names, p.Name)
			}
			same(t, "pending", names, tt.want)
			if tt.wantErr != "" || err != nil {
				testcheck.Error(t, err, tt.wantErr)
			}
		})
	}
}
