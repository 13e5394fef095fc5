package migrator_test

import (
	"regexp"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
)

var xDot = regexp.MustCompile(`\bx\.`)

// Whatever a statement does, the database that it names is found.
func TestElsewhere(t *testing.T) {
	for _, statement := range []string{
		"CREATE TABLE x.a (id INT)", "CREATE TABLE a LIKE x.b", "CREATE TABLE a (b INT, CONSTRAINT f FOREIGN KEY (b) REFERENCES x.b (id))",
		"CREATE VIEW a AS SELECT 1 FROM x.b", "CREATE VIEW x.a AS SELECT 1", "DROP VIEW x.a", "CREATE SEQUENCE x.a", "DROP SEQUENCE x.a", "ALTER SEQUENCE x.a INCREMENT 2",
		"CREATE INDEX i ON x.a (b)", "DROP INDEX i ON x.a", "DROP TABLE x.a", "RENAME TABLE a TO x.a", "RENAME TABLE x.a TO a",
		"ALTER TABLE x.a ADD b INT", "ALTER TABLE a RENAME TO x.a", "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES x.b (id)",
		"INSERT INTO x.a VALUES (1)", "INSERT INTO a SELECT 1 FROM x.b", "INSERT INTO a VALUES ((SELECT 1 FROM x.b))", "INSERT INTO a VALUES (NEXTVAL(x.s))",
		"UPDATE x.a SET b = 1", "UPDATE a, x.b SET a.c = 1", "DELETE FROM x.a", "DELETE x.a FROM x.a", "DELETE FROM a WHERE b IN (SELECT c FROM x.b)",
		"-- portfolio:repeatable\nBATCH ON id LIMIT 1 DELETE FROM x.a",
	} {
		for database, want := range map[string]bool{"x": true, "": false} {
			text := statement
			if database == "" {
				text = xDot.ReplaceAllString(statement, "")
			}
			_, pending, err := planned(t, migration.Plain, map[string]string{"a.sql": text + ";"})
			if err != nil {
				t.Fatal(err)
			}
			if err := migrator.Elsewhere(pending); (err != nil) != want {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}
