package migration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func TestRead(t *testing.T) {
	files, err := migration.Read(folder(t, map[string]string{
		"10_rows.sql":        "-- +goose Up\nINSERT INTO a VALUES (1);\n",
		"00002_create_a.sql": "-- The first.\n-- +goose Up\n-- +goose StatementBegin\nCREATE TABLE a (id INT);\n-- +goose StatementEnd\n-- +goose Down\nDROP TABLE a;\n",
		"README.md":          "not SQL",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Version != 2 || files[1].Name != "10_rows.sql" || len(files[1].Hash) != 64 {
		t.Fatalf("%+v", files)
	}
	up, err := files[0].Up()
	if err != nil || up != "\n\n\nCREATE TABLE a (id INT);\n\n\n\n" {
		t.Errorf("%q, %v", up, err)
	}
}

func TestRead_errors(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"empty":       {nil, []string{"no .sql files"}},
		"no number":   {map[string]string{"create.sql": "-- +goose Up\n"}, []string{"create.sql", "begin with a number"}},
		"number zero": {map[string]string{"0_create.sql": "-- +goose Up\n"}, []string{"0_create.sql"}},
		"twice":       {map[string]string{"1_a.sql": "-- +goose Up\n", "01_b.sql": "-- +goose Up\n"}, []string{"01_b.sql", "1_a.sql", "same number"}},
		"no Up":       {map[string]string{"1_a.sql": "CREATE TABLE a (id INT);"}, []string{"1_a.sql", "+goose Up"}},
		"environment": {map[string]string{"1_a.sql": "-- +goose ENVSUB ON\n-- +goose Up\n"}, []string{"1_a.sql", "ENVSUB ON"}},
		"two of them": {map[string]string{"1_a.sql": "", "2_b.sql": ""}, []string{"1_a.sql", "2_b.sql"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := migration.Read(folder(t, test.files))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}
