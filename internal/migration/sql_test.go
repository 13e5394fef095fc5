package migration_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// What a file has for the database, with its lines where they are.
func TestMigration_SQL(t *testing.T) {
	type rows = []struct{ name, text, want, wantErr string }
	const mark = "--> statement-breakpoint"
	test := func(name string, rows rows, more map[string]string) {
		for _, tt := range rows {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				files := map[string]string{name: tt.text}
				maps.Copy(files, more)
				got, err := read(t, files).Migrations[0].SQL()
				if got != tt.want {
					t.Errorf("got %q", got)
				}
				testcheck.Error(t, err, tt.wantErr)
			})
		}
	}
	test("1_a.sql", rows{
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
	}, nil)
	test("0000_a.sql", rows{
		{"as drizzle-kit writes it", "CREATE TABLE `a` (`b` int);\n" + mark + "\nALTER TABLE `a` ADD `c` int;" + mark + "\nDROP TABLE `a`;", "CREATE TABLE `a` (`b` int);\n\nALTER TABLE `a` ADD `c` int;\nDROP TABLE `a`;", ""},
		{"with its breakpoints off", "CREATE TABLE a (b int);\nDROP TABLE a;", "CREATE TABLE a (b int);\nDROP TABLE a;", ""},
		{"by hand, without semicolons", "\ufeffDELETE FROM a\r\n" + mark + "\r\nDELETE FROM b" + mark + "DELETE FROM c", "DELETE FROM a\n;\nDELETE FROM b;DELETE FROM c", ""},
		{"generate --custom", "-- Custom SQL migration file, put your code below! --", "-- Custom SQL migration file, put your code below! --", ""},
		{"empty pieces", mark + "\n-- nothing\n" + mark, "\n-- nothing\n", ""},
		{"introspect", "-- Current sql file\n/*\nCREATE TABLE a (b int);\n" + mark + "\nDROP TABLE a;\n*/" + mark, "-- Current sql file\n/*\nCREATE TABLE a (b int);\n" + mark + "\nDROP TABLE a;\n*/", ""},
		{"after a comment", "DELETE FROM a -- it's all\n# it's\n" + mark + "DELETE FROM b--" + mark + "\nDELETE FROM c", "DELETE FROM a -- it's all\n# it's\n;DELETE FROM b;\nDELETE FROM c", ""},
		{"in a comment", "DELETE FROM a -- all " + mark + "DELETE FROM b;", "DELETE FROM a ;DELETE FROM b;", ""},
		{"quotes", `INSERT INTO a VALUES ('it''s; -- \'', "/* "` + ", `#`) " + mark + "\n", `INSERT INTO a VALUES ('it''s; -- \'', "/* "` + ", `#`) ;\n", ""},
		{"not a comment", "SELECT 1--1" + mark, "SELECT 1--1;", ""},
		{"a comment that runs", "/*!40101 SET NAMES utf8 */ " + mark, "/*!40101 SET NAMES utf8 */ ;", ""},
		{"a breakpoint in quotes", "DELETE FROM a;\nINSERT INTO a VALUES ('\n" + mark + "');", "", `0000_a.sql:3: the tool splits the file at each "--> statement-breakpoint", even inside quotes`},
		{"a breakpoint in a comment that runs", "/*T! a\n" + mark + " */", "", "0000_a.sql:2: the tool splits"},
	}, map[string]string{"meta/_journal.json": journal("0000_a")})
	test("0_init/migration.sql", rows{
		{"as it is", "-- CreateTable\nCREATE TABLE a (b int);\n\n", "-- CreateTable\nCREATE TABLE a (b int);\n\n", ""},
	}, map[string]string{"migration_lock.toml": lock})
}

// A recorded checksum may be of other line ends, and old releases of Prisma left out zeros.
func TestMigration_Matches(t *testing.T) {
	const text = "SELECT 1;\nSELECT 2;\n"
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	unpadded := ""
	for _, b := range sha256.Sum256([]byte(text)) {
		unpadded += fmt.Sprintf("%x", b)
	}
	sums := map[string]bool{hash(text): true, hash(crlf): true, unpadded: true, hash("SELECT 1;\n"): false, "": false}
	for _, written := range []string{text, crlf} {
		m := read(t, map[string]string{"migration_lock.toml": lock, "1_a/migration.sql": written}).Migrations[0]
		for sum, want := range sums {
			if m.Matches(sum) != want {
				t.Errorf("%q matches %q: %v", written, sum, !want)
			}
		}
	}
	// A row of our own table has no text.
	if m := (migration.Migration{Checksum: hash(text)}); !m.Matches(hash(text)) || m.Matches(hash("")) {
		t.Error("a checksum alone")
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
