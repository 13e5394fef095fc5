package migrator_test

import (
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// steps parses the Up part of a file of goose, without a database. A step is the lines of its
// statements.
func steps(t *testing.T, up string) (steps []string, err error) {
	t.Helper()
	_, pending, err := planned(t, migration.Goose, map[string]string{"1_x.sql": "-- +goose Up\n" + up + "\n-- +goose Down\nnot SQL;\n"})
	for _, p := range pending {
		for _, step := range p.Steps {
			var lines []string
			for _, s := range step.Statements {
				lines = append(lines, fmt.Sprint(s.Line))
			}
			steps = append(steps, strings.Join(lines, "+"))
		}
	}
	return steps, err
}

func TestPending_steps(t *testing.T) {
	for _, tt := range []struct {
		name, up string
		want     string
	}{
		{"nothing", "-- later", ""},
		{"empty statements", ";\n;\nDELETE FROM a;;\n", "4"},
		{"a table and rows", "CREATE TABLE a (id INT);\nINSERT INTO a VALUES ('x;y');\nUPDATE a SET id = 2;\nDROP TABLE a;\nDELETE FROM b;", "2 3+4 5 6"},
		{"comments", "-- one; two\n/* three; */ INSERT INTO a VALUES (1);\n# four\nUPDATE a SET id = 2; -- five\n/*\nsix */\nDELETE FROM a;\n-- seven", "3+5+8"},
		{"TiDB's comments", "CREATE TABLE a (id BIGINT /*T![auto_rand] AUTO_RANDOM(5) */ PRIMARY KEY);\n/*!50000 DELETE FROM a */;\n/*T! DELETE FROM a */;", "2 3+4"},
		{"goose's marks", "-- +goose StatementBegin\nDELETE FROM a;\n-- +goose StatementEnd", "3"},
		{"goose's marks, no semicolon", "-- +goose StatementBegin\nDELETE FROM a\n-- +goose StatementEnd\n-- +goose StatementBegin\nCREATE TABLE a (id INT)\n-- +goose StatementEnd", "3 6"},
		{"the last ID", "INSERT INTO a VALUES ();\nINSERT INTO b VALUES (LAST_INSERT_ID());\nUPDATE c SET id = LAST_INSERT_ID(id + 1);", "2+3+4"},
		{"rows", "REPLACE INTO a VALUES (1);\nINSERT INTO a SELECT * FROM b ON DUPLICATE KEY UPDATE id = 1;\nWITH c AS (SELECT 1 AS id) DELETE FROM a WHERE id IN (SELECT id FROM c);\n" +
			"UPDATE a JOIN b USING (id) SET a.x = b.x;\nDELETE a FROM a JOIN b USING (id);", "2+3+4+5+6"},
		{"batch", "DELETE FROM a;\n-- portfolio:repeatable\nBATCH ON id LIMIT 1 DELETE FROM a;\n-- Why.\n-- portfolio:repeatable\nBATCH LIMIT 1 UPDATE a SET x = 1;\nDELETE FROM a;", "2 4 7 8"},
		{"tables", "CREATE TABLE IF NOT EXISTS a LIKE b;\nCREATE GLOBAL TEMPORARY TABLE g (id INT) ON COMMIT DELETE ROWS;\nDROP TABLE IF EXISTS a;\nCREATE OR REPLACE VIEW v AS SELECT 1;\nCREATE SEQUENCE s;\nALTER SEQUENCE s CACHE 5;", "2 3 4 5 6 7"},
		{"keys without a name in a new table", "CREATE TABLE a (id INT, x INT UNIQUE, KEY (id), FOREIGN KEY (x) REFERENCES b (id), CHECK (x > 0));", "2"},
		{"keys with a name", "ALTER TABLE a ADD INDEX by_x (x), ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b (id);\nALTER TABLE a ADD PRIMARY KEY (x);", "2 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := steps(t, tt.up)
			if got := strings.Join(got, " "); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// A preview refuses what a run could leave half done, by file and line. Whoever allows one of these has
// to teach it to [migrator.Job.Losses], and how a re-run sees it to TestApply_resumes.
func TestPending_refused(t *testing.T) {
	const twice, some = "an interrupted run would do it twice", "an interrupted run would have dropped some of them; drop one a statement"
	const session, transaction = "it ends with the session, and a run may go on in another one", "a run makes the transactions"
	const nothing, file, ours = "it changes nothing", "it reads a file", "a migration changes tables, views, indexes, sequences or rows, and nothing else"
	const mark = "put the line `-- portfolio:repeatable` directly above it"
	for statement, want := range map[string]string{
		"CREATE TABLE a (\n  id INT,,\n)":                 "1_x.sql:3: syntax error near: ,",
		"INSERT INTO a VALUES ('x)":                       "1_x.sql:5: syntax error near: 'x);",
		"DROP TABLE a, b":                                 some,
		"DROP SEQUENCE a, b":                              some,
		"RENAME TABLE a TO c, b TO a, c TO b":             twice + "; rename one table a statement",
		"TRUNCATE TABLE a":                                "use DELETE",
		"ALTER TABLE a ADD INDEX (x)":                     twice + "; give the index or constraint a name",
		"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b": twice,
		"ALTER TABLE a ADD PARTITION PARTITIONS 2":        twice,
		"ALTER TABLE a TRUNCATE PARTITION p":              twice,
		"ALTER TABLE a LAST PARTITION LESS THAN (3)":      "use DROP PARTITION or ADD PARTITION",
		"ALTER TABLE a FIRST PARTITION LESS THAN (3)":     "use DROP PARTITION or ADD PARTITION",
		"ALTER TABLE b DROP CONSTRAINT f":                 "TiDB drops no foreign key or index by DROP CONSTRAINT; write DROP FOREIGN KEY", // as drizzle-kit 1.x does
		"CREATE TEMPORARY TABLE a (id INT)":               session,
		"DROP TEMPORARY TABLE a":                          session,
		"SET @a = 1":                                      session,
		"INSERT INTO b SELECT LAST_INSERT_ID() + 1":       "LAST_INSERT_ID() here ends with the session, and a run may go on in another one; use a subquery",
		"USE blog":                            session,
		"LOCK TABLES a WRITE":                 session,
		"UNLOCK TABLES":                       session,
		"PREPARE p FROM 'DELETE FROM a'":      session,
		"EXECUTE p":                           session,
		"DEALLOCATE PREPARE p":                session,
		"BEGIN":                               transaction,
		"COMMIT":                              transaction,
		"ROLLBACK":                            transaction,
		"SAVEPOINT s":                         transaction,
		"SELECT 1":                            nothing,
		"SELECT 1 UNION SELECT 2":             nothing,
		"SHOW TABLES":                         nothing,
		"EXPLAIN DELETE FROM a":               nothing,
		"DO SLEEP(1)":                         nothing,
		"BATCH LIMIT 1 DRY RUN DELETE FROM a": nothing,
		"LOAD DATA LOCAL INFILE 'x' INTO TABLE a":                      file,
		"IMPORT INTO a FROM '/x'":                                      file,
		"SET GLOBAL max_connections = 1":                               ours,
		"FLASHBACK DATABASE a":                                         ours,
		"CREATE USER x":                                                ours,
		"DROP DATABASE blog":                                           ours,
		"BATCH ON id LIMIT 1 DELETE FROM a":                            mark,
		"-- portfolio:repeatable\n-- but\nBATCH LIMIT 1 DELETE FROM a": "1_x.sql:4: an interrupted run would have done a part of it, and the next one does all of it again; if it may, " + mark,
		"-- portfolio:repeatable\nDELETE FROM a":                       "1_x.sql:3: `-- portfolio:repeatable` is for a BATCH statement",
		"-- +goose ENVSUB ON\nDELETE FROM a":                           `1_x.sql:2: the annotation "ENVSUB ON" is not supported`,
	} {
		_, err := steps(t, statement+";")
		testcheck.Error(t, err, "1_x.sql:", want)
	}
	_, err := steps(t, "INSERT INTO a VALUES (1)")
	testcheck.Error(t, err, "1_x.sql:2: the statement must end in a semicolon")
	_, err = steps(t, "SELECT 1;\nBEGIN;\nDELETE FROM a;\nCOMMIT;")
	testcheck.Error(t, err, "1_x.sql:2: it changes nothing: SELECT 1;", "1_x.sql:3: a run makes", "1_x.sql:5: a run makes")
}

// All problems of all pending files are one error.
func TestPending_all(t *testing.T) {
	_, _, err := planned(t, migration.Goose, map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABL a;\n", "2_b.sql": "-- +goose Up\nSELECT 1;\n", "3_c.sql": "CREATE TABLE c (id INT);\n"})
	testcheck.Error(t, err, "1_a.sql:2: syntax error near: TABL a;", "2_b.sql:2: it changes nothing", `3_c.sql:1: SQL before the line "-- +goose Up"`)
}
