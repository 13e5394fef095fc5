package migration_test

import (
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestRead_plain(t *testing.T) {
	dir := testfiles.Folder(t, map[string]string{"b.sql": "B", "10.sql": "ten", "2_a.sql": "A", "README.md": "", ".hidden.sql": "", "notes/a.txt": ""})
	got, err := migration.Read(dir, migration.Plain)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"10", "2_a", "b"}
	for i, m := range got.Migrations {
		text, err := m.SQL()
		if id, idErr := migration.IDOf(migration.Plain, m.Name); i >= len(want) || m.ID != want[i] || id != m.ID || m.Name != id+".sql" || m.Hash != hash(text) || err != nil || idErr != nil {
			t.Errorf("%d: %+v, %v, %v", i, m, err, idErr)
		}
	}
	if len(got.Migrations) != len(want) {
		t.Errorf("%d files", len(got.Migrations))
	}
	for _, format := range []migration.Format{"", migration.Goose} { // it is never found
		if _, err := migration.Read(dir, format); err == nil {
			t.Errorf("format %q reads it", format)
		}
	}
}

func TestRead_plain_errors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", map[string]string{"README.md": ""}, "it has no file whose name ends in .sql"},
		{"a folder", map[string]string{"a.sql": "", "more/b.sql": ""}, "more/b.sql: only the files directly in the folder run: move the file"},
		{"capitals", map[string]string{"a.sql": "", "b.SQL": ""}, "b.SQL: only files whose names end in .sql run: rename the file"},
		{"another encoding", map[string]string{"a.sql": "\xff\xfea"}, "a.sql is UTF-16; save it as UTF-8"},
		{"goose", map[string]string{"1_a.sql": up + "CREATE TABLE a (id INT);\n-- +goose Down\nDROP TABLE a;\n"}, "1_a.sql has goose's annotations, but all of it would run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := migration.Read(testfiles.Folder(t, tt.files), migration.Plain)
			testcheck.Error(t, err, tt.want)
		})
	}
}
