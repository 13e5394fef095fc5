package provider_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/testcheck"
)

func TestMigrations_Diff(t *testing.T) {
	away := func(m *schema) { m.s.instead = always(hangUp) }
	for _, tt := range []struct {
		name    string
		files   map[string]string
		hand    func(m *schema)
		changes map[string]any
		want    []string
		wantErr []string
		warn    string
	}{
		{name: "nothing"},
		{name: "new login", changes: map[string]any{"user": "web", "password": "x"}, warn: "using the recorded state of the migrations"},
		{name: "unknown login", changes: map[string]any{"user": unknown, "password": unknown, "host": unknown, "port": unknown}},
		{name: "server away", hand: away, warn: "using the recorded state of the migrations"},
		{name: "other database", changes: map[string]any{"database": "blog"}, want: []string{"database update&replace"}},
		{name: "unknown cluster", changes: map[string]any{"clusterId": unknown}, want: []string{"clusterId update&replace"}},
		{name: "new file", files: map[string]string{"00004_x.sql": "-- +goose Up\nCREATE TABLE x (id INT);\n"}, want: []string{`files["00004_x.sql"] add`}},
		{name: "new file, server away", files: map[string]string{"00004_x.sql": "-- +goose Up\nCREATE TABLE x (id INT);\n"}, hand: away,
			want: []string{`files["00004_x.sql"] add`}, warn: "using the recorded state"},
		{name: "changed file", files: map[string]string{"00002_first_guests.sql": "-- +goose Up\nDELETE FROM guests;\n"},
			wantErr: []string{"00002_first_guests.sql was changed after it had been applied: restore it"}},
		{name: "changed file, server away", files: map[string]string{"00002_first_guests.sql": "-- +goose Up\nDELETE FROM guests;\n"}, hand: away,
			wantErr: []string{"00002_first_guests.sql was changed after it had been applied"}, warn: "using the recorded state"},
		{name: "missing file that goose took back", files: map[string]string{"00003_add_email.sql": ""}, hand: func(m *schema) { m.hand("DELETE FROM goose_db_version WHERE version_id = 3") },
			want: []string{`files["00003_add_email.sql"] delete`}},
		{name: "renamed file", files: map[string]string{"00002_first_guests.sql": "", "2_guests.sql": firstGuests["00002_first_guests.sql"]},
			want: []string{`files["00002_first_guests.sql"] delete`, `files["2_guests.sql"] add`}},
		{name: "lost version", hand: func(m *schema) { m.hand("DELETE FROM goose_db_version WHERE version_id = 3") },
			want: []string{`files["00003_add_email.sql"] update`}, warn: "00003_add_email.sql: it will be applied again"},
		{name: "lost database", hand: func(m *schema) { m.s.run(m.T, m.c, "DROP DATABASE portfolio") },
			want: []string{`files["00001_create_guests.sql"] update`, `files["00002_first_guests.sql"] update`, `files["00003_add_email.sql"] update`}, warn: "it will be applied again"},
	} {
		t.Run(tt.name, withSchema(func(m *schema) {
			t := m.T
			m.write(createGuests, firstGuests, addEmail)
			m.steps(m.wanted(nil), "create")
			m.log.clear()
			m.write(tt.files)
			if tt.hand != nil {
				tt.hand(m)
			}
			wanted := m.wanted(tt.changes)
			if got := m.s.logins(func() {
				diff, err := m.diff(wanted)
				testcheck.Error(t, err, tt.wantErr...)
				if err == nil {
					same(t, "diff", properties(diff), tt.want)
				} else if strings.Contains(err.Error(), password) {
					t.Errorf("the password is in %v", err)
				}
			}); got > 1 {
				t.Errorf("%d logins", got)
			}
			m.log.want(t, tt.warn)
		}))
	}
}

// A refresh compares with the recorded inputs, whatever the folder is by then.
func TestMigrations_Diff_otherFolder(t *testing.T) {
	for name, change := range map[string]func(m *schema) error{
		"another file": func(m *schema) error { m.write(addEmail); return nil },
		"a file less":  func(m *schema) error { return os.Remove(filepath.Join(m.folder, "00002_first_guests.sql")) },
		"no folder":    func(m *schema) error { return os.RemoveAll(m.folder) },
	} {
		t.Run(name, withSchema(func(m *schema) {
			m.write(createGuests, firstGuests)
			recorded := m.wanted(nil)
			m.steps(recorded, "create")
			if err := change(m); err != nil {
				m.Fatal(err)
			}
			m.unchanged()
			m.wantDiff(recorded)
			m.tryUp(recorded.Set("baseline", property.New("00002_first_guests.sql")), "migrations in")
		}))
	}
}

func TestMigrations_Read(t *testing.T) {
	all := []string{"00001_create_guests.sql", "00002_first_guests.sql", "00003_add_email.sql"}
	for _, tt := range []struct {
		name string
		hand func(m *schema)
		want []string
	}{
		{"unchanged", func(*schema) {}, all},
		{"lost version", func(m *schema) { m.hand("DELETE FROM goose_db_version WHERE version_id = 3") }, all[:2]},
		{"lost table", func(m *schema) { m.hand("DROP TABLE goose_db_version") }, nil},
		{"lost database", func(m *schema) { m.s.run(m.T, m.c, "DROP DATABASE portfolio", "CREATE DATABASE portfolio") }, nil},
		{"server away", func(m *schema) { m.s.instead = until(time.Minute, hangUp) }, all},
	} {
		t.Run(tt.name, withSchema(func(m *schema) {
			t := m.T
			m.write(createGuests, firstGuests, addEmail)
			m.steps(m.wanted(nil), "create")
			tt.hand(m)
			m.refreshes()
			for _, files := range []property.Value{m.inputs.Get("files"), m.outputs.Get("files")} {
				same(t, "files", slices.Sorted(maps.Keys(files.AsMap().AsMap())), tt.want)
			}
		}))
	}
}

func TestMigrations_import(t *testing.T) {
	withSchema(func(m *schema) {
		t := m.T
		m.id = m.c.first() + "/portfolio"
		_, err := m.refresh()
		testcheck.Error(t, err, "cannot be imported and need not be")
	})(t)
}
