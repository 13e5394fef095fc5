package migration_test

import (
	"testing"

	"portfolio-infra/internal/testcheck"
)

func TestMigration_SQL_drizzle(t *testing.T) {
	const mark = "--> statement-breakpoint"
	for _, tt := range []struct {
		name, text, want, wantErr string
	}{
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, map[string]string{"0000_a.sql": tt.text, "meta/_journal.json": journal("0000_a")}).Migrations[0].SQL()
			if got != tt.want {
				t.Errorf("got %q", got)
			}
			testcheck.Error(t, err, tt.wantErr)
		})
	}
}

func TestMigration_SQL_prisma(t *testing.T) {
	for _, text := range []string{"", "-- This is an empty migration.", "-- CreateTable\nCREATE TABLE a (b int);\n\n-- AddForeignKey\nDROP TABLE a;\n"} {
		got, err := read(t, map[string]string{"migration_lock.toml": lock, "0_init/migration.sql": text}).Migrations[0].SQL()
		if got != text || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
