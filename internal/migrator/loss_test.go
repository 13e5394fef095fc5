package migrator_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// What takes data away is found by TiDB's AST, so that no way to write it hides it.
func TestJob_Losses(t *testing.T) {
	for _, tt := range []struct {
		sql  string
		want string // a line each, without the file
	}{
		{"DROP TABLE a;", "2: drops the table a: DROP TABLE a;"},
		{"drop table if exists `A`;", "2: drops the table A: drop table if exists `A`;"},
		{"-- tidy up\nDROP TABLE blog.a;", "3: drops the table blog.a: DROP TABLE blog.a;"},
		{"DROP SEQUENCE s;", "2: drops the sequence s: DROP SEQUENCE s;"},
		{"DROP VIEW v;", ""},
		{"DROP INDEX i ON a;", ""},
		{"ALTER TABLE a DROP COLUMN x;", "2: drops the column a.x: ALTER TABLE a DROP COLUMN x;"},
		{"ALTER TABLE a ADD y INT, DROP x, DROP IF EXISTS z;",
			"2: drops the column a.x: ALTER TABLE a ADD y INT, DROP x, DROP IF EXISTS z;\n2: drops the column a.z: ALTER TABLE a ADD y INT, DROP x, DROP IF EXISTS z;"},
		{"ALTER TABLE a DROP PARTITION p, q;", "2: drops the partitions p, q of a: ALTER TABLE a DROP PARTITION p, q;"},
		{"ALTER TABLE a MODIFY x INT;", "2: may change the type of a.x, and its values: ALTER TABLE a MODIFY x INT;"},
		{"ALTER TABLE a CHANGE x y INT;", "2: may change the type of a.x, and its values: ALTER TABLE a CHANGE x y INT;"},
		{"ALTER TABLE a TTL = at + INTERVAL 1 DAY;", "2: lets TiDB delete rows of a by their age: ALTER TABLE a TTL = at + INTERVAL 1 DAY;"},
		{"ALTER TABLE a TTL_ENABLE = 'ON';", "2: lets TiDB delete rows of a by their age: ALTER TABLE a TTL_ENABLE = 'ON';"},
		{"ALTER TABLE a TTL_ENABLE = 'OFF';\nALTER TABLE a REMOVE TTL;", ""},
		{"ALTER TABLE a RENAME COLUMN x TO y, DROP INDEX i, DROP PRIMARY KEY, ALTER COLUMN z SET DEFAULT 1, ADD INDEX j (z);", ""},
		{"ALTER TABLE a CONVERT TO CHARACTER SET utf8mb4;", ""},
		{"DELETE FROM a;", "2: deletes all rows of a: DELETE FROM a;"},
		{"DELETE FROM a ORDER BY x LIMIT 3;", "2: deletes all rows of a: DELETE FROM a ORDER BY x LIMIT 3;"},
		{"DELETE FROM a WHERE TRUE OR 1 = 2;", "2: deletes all rows of a: DELETE FROM a WHERE TRUE OR 1 = 2;"},
		{"DELETE FROM a WHERE x = 1;", ""},
		{"DELETE g, b FROM a AS g JOIN b USING (x);", "2: deletes all rows of g, b: DELETE g, b FROM a AS g JOIN b USING (x);"},
		{"DELETE FROM g USING a AS g JOIN b WHERE g.x = b.x;", ""},
		{"-- portfolio:repeatable\nBATCH ON x LIMIT 9 DELETE FROM a;", "3: deletes all rows of a: BATCH ON x LIMIT 9 DELETE FROM a;"},
		{"-- portfolio:repeatable\nBATCH ON x LIMIT 9 DELETE FROM a WHERE x < 3;", ""},
		{"UPDATE a SET x = NULL;\nREPLACE INTO a VALUES (1);\nINSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE x = 2;", ""},

		{"/*!80000 DROP TABLE a */;", "2: drops the table a: /*!80000 DROP TABLE a */;"},
		{"/*T! DROP TABLE a */;", "2: drops the table a: /*T! DROP TABLE a */;"},
		{"/*T![ttl] ALTER TABLE a DROP x */;", "2: drops the column a.x: /*T![ttl] ALTER TABLE a DROP x */;"},
		{"ALTER TABLE a ADD y INT /*! , DROP x */;", "2: drops the column a.x: ALTER TABLE a ADD y INT /*! , DROP x */;"},
		{"/* CREATE TABLE a (x INT); */\nDrOp/**/tAbLe/**/a;", "3: drops the table a: DrOp/**/tAbLe/**/a;"},
		{"INSERT INTO a VALUES ('DROP TABLE a;'); -- DROP TABLE a;\n/* DROP TABLE a; */", ""},
		{"DROP TABLE `<{%fg 1%}>\x1b[2K\xff`;", "2: drops the table < {%fg 1%}> [2K?: DROP TABLE `< {%fg 1%}> [2K�`;"},

		// What the run itself makes has no data yet.
		{"CREATE TABLE a (x INT, y INT);\nALTER TABLE A DROP y, MODIFY x BIGINT;\nDELETE FROM a;\nDROP TABLE portfolio.a;", ""},
		{"CREATE TABLE blog.a (x INT);\nDROP TABLE a;", "3: drops the table a: DROP TABLE a;"},
		{"CREATE TABLE IF NOT EXISTS a (x INT);\nDROP TABLE a;", "3: drops the table a: DROP TABLE a;"},
		{"CREATE SEQUENCE s;\nDROP SEQUENCE s;", ""},
		{"DROP TABLE a;\nCREATE TABLE IF NOT EXISTS a (x INT);\nALTER TABLE a DROP x;", "2: drops the table a: DROP TABLE a;"},
		{"ALTER TABLE a ADD COLUMN (x INT, y INT);\nALTER TABLE a DROP X, MODIFY y BIGINT;", ""},
		{"ALTER TABLE a ADD COLUMN x INT;\nDELETE FROM a;\nDROP TABLE a;", "3: deletes all rows of a: DELETE FROM a;\n4: drops the table a: DROP TABLE a;"},
		{"ALTER TABLE a ADD COLUMN IF NOT EXISTS x INT;\nALTER TABLE a DROP x;", "3: drops the column a.x: ALTER TABLE a DROP x;"},
		{"ALTER TABLE a DROP x;\nALTER TABLE a ADD COLUMN IF NOT EXISTS x INT;\nALTER TABLE a DROP x;", "2: drops the column a.x: ALTER TABLE a DROP x;"},
		{"ALTER TABLE a ADD x INT;\nALTER TABLE a RENAME COLUMN x TO y;\nALTER TABLE a CHANGE y z BIGINT;\nALTER TABLE a DROP z;", ""},
		{"ALTER TABLE a ADD x INT;\nALTER TABLE a DROP x;\nALTER TABLE a RENAME COLUMN y TO x;\nALTER TABLE a DROP x;", "5: drops the column a.x: ALTER TABLE a DROP x;"},
		{"CREATE TABLE new (x INT);\nRENAME TABLE a TO old;\nRENAME TABLE new TO a;\nALTER TABLE a DROP x;\nDROP TABLE old;", "6: drops the table old: DROP TABLE old;"},
		{"CREATE TABLE b (x INT);\nALTER TABLE b RENAME TO c;\nALTER TABLE a RENAME AS b;\nALTER TABLE c DROP x;\nDROP TABLE b;", "6: drops the table b: DROP TABLE b;"},
		{"ALTER TABLE a ADD x INT;\nALTER TABLE a RENAME TO b, DROP y;\nALTER TABLE b DROP x;", "3: drops the column a.y: ALTER TABLE a RENAME TO b, DROP y;"},
		{"CREATE TABLE g (x INT);\nDELETE g FROM a AS g JOIN g AS h;", "3: deletes all rows of g: DELETE g FROM a AS g JOIN g AS h;"},
	} {
		t.Run(tt.sql, func(t *testing.T) {
			job, pending, err := planned(t, migration.Goose, map[string]string{"1_x.sql": "-- +goose Up\n" + tt.sql + "\n"})
			if err != nil {
				t.Fatal(err)
			}
			losses := job.Losses(job.Recorded(nil), pending)
			same(t, "losses", strings.ReplaceAll(strings.Join(losses, "\n"), "1_x.sql:", ""), tt.want)
		})
	}
}

// A run makes what an earlier of its migrations makes. What an earlier run did, no longer counts.
func TestPending_done(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nDROP TABLE IF EXISTS a;\nCREATE TABLE a (x INT);\nDROP TABLE IF EXISTS blog.a;\n"})
	_, losses, _ := w.pending()
	same(t, "losses of an empty database", losses, []string{"1_a.sql:4: drops the table blog.a: DROP TABLE IF EXISTS blog.a;"})
	w.want()
	w.hand("CREATE TABLE old (x INT, y INT, z INT)")
	w.write(map[string]string{
		"2_b.sql": "-- +goose Up\nALTER TABLE old DROP y;\nCREATE TABLE b (\n  x INT\n);\nINSERT INTO b VALUES (1);\nINSERT INTO missing VALUES (2);\n",
		"3_c.sql": "-- +goose Up\nDROP TABLE b;\nDROP TABLE a;\n",
		"4_d.sql": "-- +goose Up\n-- later\n",
	})
	outlines, losses, _ := w.pending()
	same(t, "outlines", outlines, []string{
		"pending migration: 2_b.sql, 3 steps\n  step 1, line 2: ALTER TABLE old DROP y;\n  step 2, line 3: CREATE TABLE b (\n  step 3, line 6: INSERT INTO b VALUES (1); and 1 more statement",
		"pending migration: 3_c.sql, 2 steps\n  step 1, line 2: DROP TABLE b;\n  step 2, line 3: DROP TABLE a;",
		"pending migration: 4_d.sql, 0 steps"})
	same(t, "losses", losses, []string{"2_b.sql:2: drops the column old.y: ALTER TABLE old DROP y;", "3_c.sql:3: drops the table a: DROP TABLE a;"})

	testcheck.Error(t, w.up(), "2_b.sql:7: ")
	outlines, losses, _ = w.pending()
	same(t, "outline after two steps", outlines[0], "pending migration: 2_b.sql, 3 steps, 2 of them done\n  step 3, line 6: INSERT INTO b VALUES (1); and 1 more statement")
	// The table b may have got rows since.
	same(t, "losses after two steps", losses, []string{"3_c.sql:2: drops the table b: DROP TABLE b;", "3_c.sql:3: drops the table a: DROP TABLE a;"})
}
