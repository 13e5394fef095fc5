package migration_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

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

// What a state of before has must not change: the names of the files, and the SHA-256 of their
// bytes with line feeds.
func TestFolder_Hashes_goose(t *testing.T) {
	got := read(t, map[string]string{
		"00001_a.sql": "-- +goose Up\r\nDELETE FROM a;\n",
		"2_b.sql":     "\ufeff-- +goose Up\n",
	}).Hashes()
	want := map[string]string{
		"00001_a.sql": hash("-- +goose Up\nDELETE FROM a;\n"),
		"2_b.sql":     hash("\ufeff-- +goose Up\n"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
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

func TestMigration_SQL_goose(t *testing.T) {
	for _, tt := range []struct {
		name, text, want, wantErr string
	}{
		{"lines stay", "-- The first.\n\n-- +goose Up\nCREATE TABLE a (id INT);\n-- +goose Down\nDROP TABLE a;\n", "\n\n\nCREATE TABLE a (id INT);\n\n\n", ""},
		{"nothing", "-- +goose Up\n", "\n", ""},
		{"a mark of UTF-8", "\ufeff-- +goose Up\nDELETE FROM a;\n", "\nDELETE FROM a;\n", ""},
		{"block", "-- +goose NO TRANSACTION\n-- +goose up\n-- +goose StatementBegin\nDELETE FROM a;\n-- +goose StatementEnd\n", "\n\n\nDELETE FROM a;\n\n", ""},
		{"block without a semicolon", "-- +goose Up\n-- +goose StatementBegin\nDELETE FROM a -- b;\n-- +goose StatementEnd\nDELETE FROM b;\n", "\n\nDELETE FROM a -- b;\n;\nDELETE FROM b;\n", ""},
		{"block of two", "-- +goose Up\n-- +goose StatementBegin\nDELETE FROM a;\nDELETE FROM b\n-- +goose StatementEnd\n", "\n\nDELETE FROM a;\nDELETE FROM b\n;\n", ""},
		{"block in Down", "-- +goose Up\n-- +goose Down\n-- +goose StatementBegin\nDELETE FROM a\n-- +goose StatementEnd\n", "\n\n\n\n\n", ""},
		{"block without an end", "-- +goose Up\n\n-- +goose StatementBegin\nDELETE FROM a;\n", "", `1_a.sql:3: this block lacks its "-- +goose StatementEnd"`},
		{"block without an end before Down", "-- +goose Up\n-- +goose StatementBegin\n-- +goose Down\n", "", `1_a.sql:3: "-- +goose Down" in the block of line 2`},
		{"block in a block", "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementBegin\n", "", `1_a.sql:3: "-- +goose StatementBegin" in the block of line 2`},
		{"end without a block", "-- +goose Up\n-- +goose StatementEnd\n", "", `1_a.sql:2: "-- +goose StatementEnd" without its`},
		{"block before Up", "-- +goose StatementBegin\n", "", `1_a.sql:1: "-- +goose StatementBegin" must come after "-- +goose Up"`},
		{"no Up", "-- nothing\n", "", `1_a.sql: it lacks the line "-- +goose Up"`},
		{"SQL first", "CREATE TABLE a (id INT);\n-- +goose Up\n", "", `1_a.sql:1: SQL before the line "-- +goose Up"`},
		{"two Ups", "-- +goose Up\n-- +goose Up\n", "", `1_a.sql:2: a second "-- +goose Up"`},
		{"Down first", "-- +goose Down\n", "", `1_a.sql:1: "-- +goose Down" must come once`},
		{"unknown", "-- +goose Up\n-- +goose Upp\n", "", `1_a.sql:2: unknown annotation "Upp"`},
		{"two annotations", "-- +goose Up +goose Down\n", "", `1_a.sql:1: unknown annotation "Up +goose Down"`},
		{"indented", " -- +goose Up\n", "", "1_a.sql:1: an annotation must begin its line"},
		{"variables", "-- +goose ENVSUB ON\n", "", `1_a.sql:1: the annotation "ENVSUB ON" is not supported`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, map[string]string{"1_a.sql": tt.text}).Migrations[0].SQL()
			if got != tt.want {
				t.Errorf("got %q", got)
			}
			testcheck.Error(t, err, tt.wantErr)
		})
	}
}
