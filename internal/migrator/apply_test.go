package migrator_test

import "testing"

// A migration of several statements that is refused in the middle goes on where it stopped, with
// another text of what was not executed.
func TestApply_refused(t *testing.T) {
	w := newWorld(t)
	first := "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n"
	w.write(map[string]string{"1_a.sql": first + "ALTER TABLE nobody ADD COLUMN x INT;\nCREATE TABLE b (id INT);\n"})
	for range 2 {
		wantErr(t, w.up(), "1_a.sql:5: Error 1146", "steps 1 to 2 of 4 are done and stay: change only this one and those that follow")
	}
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id BIGINT PRIMARY KEY);\n"})
	wantErr(t, w.up(), "1_a.sql:2: step 1 was executed and was changed since: restore it", "1_a.sql: step 2 was executed")
	w.write(map[string]string{"1_a.sql": first + "ALTER TABLE a ADD COLUMN x INT;\nCREATE TABLE b (id INT);\nINSERT INTO b VALUES (7);\n"})
	w.want()
	same(t, "a", w.rows("SELECT id, x FROM a ORDER BY id"), []string{"1 ", "2 "})
	same(t, "b", w.rows("SELECT id FROM b"), []string{"7"})
	same(t, "versions", w.rows("SELECT version_id FROM goose_db_version ORDER BY id"), []string{"0", "1"})
}
