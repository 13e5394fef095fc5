package migration_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/migration"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, files map[string]string) migration.Folder {
	t.Helper()
	read, err := migration.Read(folder(t, files), "")
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestRead(t *testing.T) {
	files := read(t, map[string]string{
		"10_rows.sql":        "-- +goose Up\nINSERT INTO a VALUES (1);\n",
		"00002_create_a.sql": "-- +goose Up\nCREATE TABLE a (id INT);\n",
		"README.md":          "not SQL",
		"helper.go":          "package migrations",
	}).Migrations
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"00002_create_a.sql", "10_rows.sql"}, names); diff != "" {
		t.Error(diff)
	}
	if files[0].Version != 2 || len(files[0].Hash) != 64 || files[0].Hash == files[1].Hash {
		t.Errorf("%+v", files)
	}
}

// A checkout with other line ends has the same hashes.
func TestRead_lineEnds(t *testing.T) {
	text := "-- +goose Up\nDELETE FROM a;\n"
	unix, windows := read(t, map[string]string{"1_a.sql": text}), read(t, map[string]string{"1_a.sql": strings.ReplaceAll(text, "\n", "\r\n")})
	if !maps.Equal(unix.Hashes(), windows.Hashes()) {
		t.Error("the hashes differ")
	}
}

func TestRead_errors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"empty", nil, []string{"no .sql files"}},
		{"no number", map[string]string{"create.sql": ""}, []string{"create.sql: the name must begin with a number"}},
		{"number zero", map[string]string{"0_create.sql": ""}, []string{"0_create.sql: the name"}},
		{"twice", map[string]string{"1_a.sql": "", "01_b.sql": ""}, []string{"01_b.sql and 1_a.sql have the same number"}},
		{"Go", map[string]string{"1_a.sql": "", "2_b.go": ""}, []string{"2_b.go: migrations in Go are not supported"}},
		{"two of them", map[string]string{"a.sql": "", "b.sql": ""}, []string{"a.sql: ", "b.sql: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := migration.Read(folder(t, tt.files), "")
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestMigration_SQL_goose(t *testing.T) {
	for _, tt := range []struct {
		name, text, want, wantErr string
	}{
		{"lines stay", "-- The first.\n\n-- +goose Up\nCREATE TABLE a (id INT);\n-- +goose Down\nDROP TABLE a;\n", "\n\n\nCREATE TABLE a (id INT);\n\n\n", ""},
		{"marks", "-- +goose NO TRANSACTION\n-- +goose up\n-- +goose StatementBegin\nDELETE FROM a;\n-- +goose StatementEnd\n", "\n\n\nDELETE FROM a;\n\n", ""},
		{"no Up", "-- nothing\n", "", `1_a.sql: it lacks the line "-- +goose Up"`},
		{"SQL first", "CREATE TABLE a (id INT);\n-- +goose Up\n", "", `1_a.sql:1: SQL before the line "-- +goose Up"`},
		{"two Ups", "-- +goose Up\n-- +goose Up\n", "", `1_a.sql:2: a second "-- +goose Up"`},
		{"Down first", "-- +goose Down\n", "", `1_a.sql:1: "-- +goose Down" must come once`},
		{"unknown", "-- +goose Up\n-- +goose Upp\n", "", `1_a.sql:2: unknown annotation "Upp"`},
		{"indented", " -- +goose Up\n", "", "1_a.sql:1: an annotation must begin its line"},
		{"variables", "-- +goose ENVSUB ON\n", "", `1_a.sql:1: the annotation "ENVSUB ON" is not supported`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, map[string]string{"1_a.sql": tt.text}).Migrations[0].SQL()
			if got != tt.want {
				t.Errorf("got %q", got)
			}
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
		})
	}
}
