package migrator_test

import (
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

const there = "something outside the migrations already made this change: "

// Only a re-run of a statement may find its change made.
func TestApply_resumes(t *testing.T) {
	for _, ddl := range []string{
		"CREATE TABLE b (id INT)",
		"CREATE TABLE b LIKE a",
		"CREATE VIEW b AS SELECT 1",
		"CREATE SEQUENCE b",
		"DROP TABLE old",
		"DROP VIEW v",
		"DROP SEQUENCE s",
		"ALTER TABLE a ADD COLUMN c INT",
		"ALTER TABLE a ADD INDEX by_x (x)",
		"ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES parent (id)",
		"ALTER TABLE old ADD PRIMARY KEY (id)",
		"ALTER TABLE a DROP COLUMN y",
		"ALTER TABLE a DROP INDEX by_y",
		"ALTER TABLE a DROP FOREIGN KEY g",
		"ALTER TABLE a RENAME COLUMN x TO z",
		"ALTER TABLE a CHANGE COLUMN x z BIGINT",
		"ALTER TABLE a RENAME INDEX by_y TO by_z",
		"ALTER TABLE a RENAME TO b",
		"RENAME TABLE a TO b",
		"CREATE INDEX by_x ON a (x)",
		"DROP INDEX by_y ON a",
		"ALTER TABLE a ADD COLUMN c INT, DROP COLUMN y",
		"ALTER TABLE p ADD PARTITION (PARTITION p3 VALUES LESS THAN (40))",
		"ALTER TABLE p DROP PARTITION p0",
		"ALTER TABLE p REORGANIZE PARTITION p0, p1 INTO (PARTITION p1 VALUES LESS THAN (20))",
		"ALTER TABLE p REORGANIZE PARTITION p0 INTO (PARTITION p00 VALUES LESS THAN (5), PARTITION p0 VALUES LESS THAN (10))",
		"ALTER TABLE p REMOVE PARTITIONING",
	} {
		t.Run(ddl, func(t *testing.T) {
			t.Parallel()
			w := newMade(t, ddl)
			testcheck.Error(t, w.up(), "applying the migration 1_change.sql:2: Error ", there)
			w.began(w.job().Migrations[0])
			w.want()
		})
	}
}

// These take effect as often as they are executed.
func TestApply_repeats(t *testing.T) {
	for _, ddl := range []string{
		"ALTER TABLE a MODIFY COLUMN x VARCHAR(9)",
		"ALTER TABLE a COMMENT 'x', AUTO_INCREMENT 100",
		"ALTER TABLE a ADD COLUMN IF NOT EXISTS c INT",
		"CREATE OR REPLACE VIEW v AS SELECT 2",
		"CREATE TABLE IF NOT EXISTS b (id INT)",
		"DROP TABLE IF EXISTS old",
		"ALTER SEQUENCE s CACHE 5",
	} {
		t.Run(ddl, func(t *testing.T) {
			t.Parallel()
			w := newMade(t, ddl)
			w.want()
			w.interrupt(1)
			w.want()
		})
	}
}

// newMade makes a world with a change of the schema as its migration, and made already.
func newMade(t *testing.T, ddl string) *world {
	t.Helper()
	w := newWorld(t)
	w.write(map[string]string{"1_change.sql": "-- +goose Up\n" + ddl + ";\n"})
	var made []string
	for _, created := range objects {
		if regexp.MustCompile(`\b` + created.name + `\b`).MatchString(ddl) {
			made = append(made, created.by)
		}
	}
	w.hand(append(made, ddl)...)
	return w
}

// objects are there before the change.
var objects = []struct{ name, by string }{
	{"parent", "CREATE TABLE parent (id INT PRIMARY KEY)"},
	{"a", "CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, KEY by_y (y))"},
	{"g", "ALTER TABLE a ADD CONSTRAINT g FOREIGN KEY (x) REFERENCES a (id)"},
	{"old", "CREATE TABLE old (id INT NOT NULL)"},
	{"v", "CREATE VIEW v AS SELECT 1"},
	{"s", "CREATE SEQUENCE s"},
	{"p", "CREATE TABLE p (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (30))"},
}

// began records that a run of the version before, which had no table of steps, began with a migration.
func (w *world) began(m migration.Migration) {
	w.Helper()
	w.hand("INSERT INTO pulumi_migrations (version, hash, name) VALUES (" + m.ID + ", '" + m.Hash + "', '" + m.Name + "')")
}

// A database of the version before: what was applied counts, what was interrupted resumes, and a
// content that it began with may have been executed.
func TestApply_versionBefore(t *testing.T) {
	const first, second = "-- +goose Up\nCREATE TABLE a (id INT);\n", "-- +goose Up\nALTER TABLE a ADD COLUMN x INT;\n"
	before := func() *world {
		w := newWorld(t)
		w.write(map[string]string{"1_a.sql": first, "2_b.sql": second})
		w.want()
		w.hand("DROP TABLE pulumi_migration_steps", "DELETE FROM goose_db_version WHERE version_id = 2", "UPDATE pulumi_migrations SET finished = FALSE WHERE version = 2")
		return w
	}
	w := before()
	w.want()
	same(t, "steps", w.rows("SELECT migration, step, finished FROM pulumi_migration_steps WHERE migration <> '' ORDER BY migration, step"), []string{"1 0 1", "2 0 1", "2 1 1"})

	w = before()
	w.write(map[string]string{"1_a.sql": first + "INSERT INTO a VALUES (1);\n"})
	testcheck.Error(t, w.up(), "1_a.sql was changed after it had been applied: restore it")
	w.write(map[string]string{"1_a.sql": first, "2_b.sql": strings.Replace(second, "INT", "BIGINT", 1)})
	for range 2 {
		testcheck.Error(t, w.up(), "2_b.sql:2: Error 1060", "another content of this file", "restore that content")
	}
	w.write(map[string]string{"2_b.sql": second})
	w.want()

	// The older program finished what this one began, and goose took it back.
	w.interrupt(1)
	w.hand("INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, 1)", "UPDATE pulumi_migrations SET finished = TRUE WHERE version = 1",
		"DELETE FROM pulumi_migrations WHERE version = 2", "DELETE FROM pulumi_migration_steps WHERE migration = '2'", "ALTER TABLE a DROP COLUMN x")
	w.want()
	w.hand("DELETE FROM goose_db_version WHERE version_id > 0", "ALTER TABLE a DROP COLUMN x") // a is there, and not ours
	testcheck.Error(t, w.up(), "1_a.sql:2: Error 1050", there)
}

// What the version before reads: of a migration that this one began, the hash of its file, unfinished,
// and of one that it applied, the hash, finished, and goose's version. A file of more steps it refuses
// to begin, whatever the journal says.
func TestApply_versionBefore_reads(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT);\n", "2_b.sql": "-- +goose Up\nCREATE TABLE b (id INT);\nALTER TABLE nobody ADD COLUMN x INT;\n"})
	testcheck.Error(t, w.up(), "2_b.sql:3: Error 1146")
	files := w.job().Migrations
	same(t, "journal", w.rows("SELECT version, hash, name, finished FROM pulumi_migrations ORDER BY version"), []string{"1 " + files[0].Hash + " 1_a.sql 1", "2 " + files[1].Hash + " 2_b.sql 0"})
	same(t, "versions", w.rows("SELECT version_id, is_applied FROM goose_db_version ORDER BY id"), []string{"0 1", "1 1"})
}
