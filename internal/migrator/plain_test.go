package migrator_test

import (
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/testcheck"
)

// newPlain makes a world with plain files under a name.
func newPlain(t *testing.T, name string, files map[string]string) *world {
	t.Helper()
	w := newWorld(t)
	w.format, w.table = migration.Plain, name
	w.write(files)
	return w
}

// Plain files run once, in the order of their names. The table of steps alone records them.
func TestPlain(t *testing.T) {
	w := newPlain(t, "seeds", map[string]string{
		"b.sql": "INSERT INTO a VALUES (2), (20)", // without a semicolon
		"a.sql": "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
	})
	w.want()
	same(t, "rows", w.rows("SELECT id FROM a ORDER BY id"), []string{"1", "2", "20"})
	same(t, "tables", w.rows("SHOW TABLES"), []string{"a", "pulumi_migration_steps"})
	w.want()

	w.write(map[string]string{"a2.sql": "DELETE FROM a WHERE id = 20;\n"}) // late, which is no problem
	w.want()
	same(t, "rows", w.rows("SELECT id FROM a ORDER BY id"), []string{"1", "2"})
	same(t, "shown", strings.Contains(w.log.all(), "info applied a2.sql"), true)

	w.write(map[string]string{"b.sql": "INSERT INTO a VALUES (3)"})
	testcheck.Error(t, w.up(), "b.sql was changed after it had been applied: restore it, and put the change into a new file; or run `pulumi destroy` and then `pulumi up`")
	w.write(map[string]string{"b.sql": ""})
	testcheck.Error(t, w.up(), "b.sql has been applied, but its file is missing: restore it")

	w.table, w.folder = "more", t.TempDir() // another name is another record
	w.write(map[string]string{"b.sql": "INSERT INTO a VALUES (3)"})
	w.want()
	same(t, "rows", w.rows("SELECT id FROM a ORDER BY id"), []string{"1", "2", "3"})
}

// What is refused in the middle goes on there, and the advice of an unknown outcome is right.
func TestPlain_refused(t *testing.T) {
	w := newPlain(t, "seeds", map[string]string{"a.sql": "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO nobody VALUES (1);\n"})
	testcheck.Error(t, w.up(), "applying the file a.sql:2: Error 1146", "; step 1 of 2 is done and stays: change only this one")
	w.write(map[string]string{"a.sql": "CREATE TABLE b (id INT PRIMARY KEY);\n"})
	w.hand("UPDATE pulumi_migration_steps SET finished = FALSE WHERE step = 1", "DROP TABLE a")
	err := w.up()
	testcheck.Error(t, err, "step 1 was changed, and a run that was interrupted may have executed it", "tool = 'seeds'")
	w.hand(regexp.MustCompile("`(DELETE [^`]*)`").FindStringSubmatch(err.Error())[1])
	w.want()
}

// Plain files and the migrations of a tool do not know of each other, finished or not.
func TestPlain_besideTool(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT);\nCREATE TABLE c (id INT);\n"})
	w.want()
	migrations := w.folder
	w.write(map[string]string{"2_b.sql": "-- +goose Up\nCREATE TABLE b (id INT);\nALTER TABLE nobody ADD COLUMN x INT;\n"})
	testcheck.Error(t, w.up(), "2_b.sql:3")

	w.folder, w.format, w.table = t.TempDir(), migration.Plain, "seeds"
	w.write(map[string]string{"1_a.sql": "INSERT INTO a VALUES (1);\n"})
	w.want()
	w.write(map[string]string{"2_b.sql": "CREATE TABLE d (id INT);\nINSERT INTO nobody VALUES (1);\n"})
	testcheck.Error(t, w.up(), "2_b.sql:2")

	w.folder, w.format, w.table = migrations, "", ""
	w.write(map[string]string{"2_b.sql": "-- +goose Up\nCREATE TABLE b (id INT);\n"})
	w.want()
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{"seeds": true, "0123456789abcdef": true, "0123456789abcdefg": false, "": false, "goose": false, "prisma": false} {
		if err := migrator.CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
