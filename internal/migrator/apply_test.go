package migrator_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// A migration that is refused in the middle goes on where it stopped, with another text of what was
// not executed. Finished steps stay as they are.
func TestApply_refused(t *testing.T) {
	w := newWorld(t)
	const done = "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id INT);\n"
	write := func(up string) { w.write(map[string]string{"1_a.sql": "-- +goose Up\n" + up}) }
	write(done + "ALTER TABLE nobody ADD COLUMN x INT;\nDROP TABLE b;\n")
	for range 2 {
		testcheck.Error(t, w.up(), "1_a.sql:5: Error 1146", "; steps 1 to 3 of 5 are done and stay: change only this one and those that follow, and run `pulumi up` again")
	}
	write(strings.Replace(done, "b (id INT)", "b (id BIGINT)", 1))
	testcheck.Error(t, w.up(), "1_a.sql:4: step 3 was executed and was changed since: restore it, and change only what comes after it")
	write(createA)
	testcheck.Error(t, w.up(), "1_a.sql:2: step 1 was executed and was changed since", "1_a.sql: step 2 was executed", "1_a.sql: step 3 was executed")
	w.write(map[string]string{"1_a.sql": "", "2_b.sql": "-- +goose Up\n"})
	testcheck.Error(t, w.up(), "a part of 1_a.sql has been applied, but its file is missing: restore it")
	w.write(map[string]string{"2_b.sql": ""})

	write("/* Another comment. */\n" + done + "-- The fourth.\nALTER TABLE a ADD COLUMN x INT;\nUPDATE a SET x = 5;\nCREATE TABLE c (id INT);\n")
	w.want()
	same(t, "a", w.rows("SELECT a.*, b.id, c.id FROM a LEFT JOIN b ON TRUE LEFT JOIN c ON TRUE"), []string{"1 5  "})
	same(t, "versions", w.rows("SELECT version_id FROM goose_db_version ORDER BY id"), []string{"0", "1"})
}

// A first step that is refused leaves no record, whatever TiDB's error says.
func TestApply_refused_first(t *testing.T) {
	w := newWorld(t)
	w.hand("CREATE TABLE there (id INT PRIMARY KEY)", "INSERT INTO there VALUES (1)")
	for _, refused := range []string{
		"ALTER TABLE nobody ADD COLUMN x INT",
		"ALTER TABLE there MODIFY id BIGINT UNSIGNED AUTO_INCREMENT",        // 8200
		"CREATE TABLE a AS SELECT 1",                                        // 1105
		"INSERT INTO there VALUES (1), (2), (1)",                            // 1062
		"-- portfolio:repeatable\nBATCH ON x LIMIT 1 DELETE FROM there",     // 1105
		"-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE there SET z=1", // 1054
	} {
		w.write(map[string]string{"1_a.sql": "-- +goose Up\n" + refused + ";\nCREATE TABLE b (id INT);\n"})
		err := w.up()
		testcheck.Error(t, err, "applying the migration 1_a.sql:", ": Error ")
		if err != nil && strings.Contains(err.Error(), ";") {
			t.Errorf("%s: %v", refused, err)
		}
		same(t, refused, w.rows("SELECT step FROM pulumi_migration_steps WHERE migration <> ''"), []string(nil))
		same(t, refused, w.rows("SELECT version FROM pulumi_migrations"), []string(nil))
	}
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE b (id INT);\n"})
	w.want()
}

// interrupt makes the database look as if a run had died before it recorded the end of a step, which
// is the last one.
func (w *world) interrupt(step int) {
	w.Helper()
	w.hand("DELETE FROM goose_db_version WHERE version_id > 0", "UPDATE pulumi_migrations SET finished = FALSE",
		"DELETE FROM pulumi_migration_steps WHERE step = 0 AND migration <> ''",
		fmt.Sprintf("UPDATE pulumi_migration_steps SET finished = FALSE WHERE step = %d", step))
}

// A step of unknown outcome must be as it was, unless somebody looked, or the server refuses it.
func TestApply_unknown(t *testing.T) {
	w := newWorld(t)
	write := func(second string) { w.write(map[string]string{"1_a.sql": "-- +goose Up\n" + createA + second}) }
	write("ALTER TABLE a ADD COLUMN x INT;\n")
	w.want()
	w.interrupt(2)
	w.hand("ALTER TABLE a DROP COLUMN x") // it was not made
	write("ALTER TABLE a ADD COLUMN y INT;\n")
	err := w.up()
	testcheck.Error(t, err, "1_a.sql:3: step 2 was changed, and a run that was interrupted may have executed it as it was: restore it")
	write("")
	testcheck.Error(t, w.up(), "1_a.sql: step 2 was changed")
	w.hand(regexp.MustCompile("`(.*)`").FindStringSubmatch(err.Error())[1])
	write("ALTER TABLE a ADD COLUMN y INT;\n")
	w.want()
	same(t, "columns", w.rows("SELECT id, y FROM a"), []string(nil))

	w.interrupt(2)
	write("ALTER TABLE a ADD COLUMN y INT;\nALTER TABLE a ADD COLUMN z INT;\n") // more may follow
	w.want()
	w.interrupt(3)
	w.hand("DROP TABLE a")
	testcheck.Error(t, w.up(), "1_a.sql:4: Error 1146", "; steps 1 to 2 of 3 are done and stay: change only this one")
	write("ALTER TABLE a ADD COLUMN y INT;\n") // the steps after a finished one may all be removed
	w.want()
}

// The semicolon of a last statement may be missing until a step comes after it.
func TestApply_unknown_semicolon(t *testing.T) {
	w := newPrisma(t, map[string]string{first: createA + "ALTER TABLE a ADD COLUMN x INT"})
	w.want()
	w.hand("UPDATE _prisma_migrations SET finished_at = NULL", "DELETE FROM pulumi_migration_steps WHERE step = 0 AND migration <> ''",
		"UPDATE pulumi_migration_steps SET finished = FALSE WHERE step = 2")
	w.write(map[string]string{first + "/migration.sql": createA + "ALTER TABLE a ADD COLUMN x INT;\n" + createB})
	w.want()
	same(t, "b", w.rows("SELECT * FROM b"), []string(nil))
}

// A run that is cancelled during a change of the schema says that TiDB goes on, and the next one
// waits for that.
func TestApply_cancelled(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT);\nALTER TABLE a ADD COLUMN x INT;\n"})
	ctx, cancel := context.WithCancel(t.Context())
	release := w.block("step 2 of 2", "SELECT * FROM a", func() {
		w.until(1, "SELECT COUNT(*) FROM information_schema.ddl_jobs WHERE state = 'running' AND db_name = DATABASE()")
		cancel()
	})
	db := w.open(w.name)
	defer db.Close()
	err := w.job().Apply(ctx, db)
	testcheck.Error(t, err, "1_a.sql:3: ", "; step 1 of 2 is done and stays; TiDB may go on with this statement, and the next run waits for it")
	release()
	w.want()
	same(t, "columns", w.rows("SELECT id, x FROM a"), []string(nil))
}

// block runs a query in a transaction before a step begins, so that the step waits for its end. Then
// it calls meanwhile.
func (w *world) block(step, query string, meanwhile func()) (release func()) {
	w.Helper()
	var tx *sql.Tx
	w.log.on(func(line string) {
		if !strings.HasSuffix(line, step) {
			return
		}
		w.log.on(nil)
		var err error
		if tx, err = w.db.BeginTx(w.Context(), nil); err == nil {
			_, err = tx.ExecContext(w.Context(), query)
		}
		testcheck.Error(w, err)
		go meanwhile()
	})
	return func() { _ = tx.Rollback() }
}

// until waits until a query returns a number.
func (w *world) until(want int, query string) {
	for got := -1; got != want; {
		if err := w.db.QueryRowContext(w.Context(), query).Scan(&got); err != nil {
			w.Error(err)
			return
		}
	}
}

// A statement of BATCH runs again after a kill. After a refusal that had no effect its text may be
// changed, and otherwise not.
func TestApply_batch(t *testing.T) {
	const create = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY, x INT, u INT UNIQUE);\nINSERT INTO a (id, x) VALUES (1, 0), (2, 0), (3, 0);\n"
	batch := func(set string) map[string]string {
		return map[string]string{"1_a.sql": create + "-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET " + set + ";\n"}
	}
	w := newWorld(t)
	w.write(batch("nobody = 1"))
	testcheck.Error(t, w.up(), "1_a.sql:6: Error 1054", "steps 1 to 2 of 3 are done and stay: change only this one")
	w.write(batch("id = 1"))
	testcheck.Error(t, w.up(), "shard column cannot be updated", "change only this one")
	w.write(batch("u = 1")) // fails at its second row
	testcheck.Error(t, w.up(), "1_a.sql:6: Error 8143", "whether this step took effect is not known: leave it as it is")
	same(t, "rows", w.rows("SELECT id, u FROM a ORDER BY id"), []string{"1 1", "2 ", "3 "})
	w.write(batch("x = 1"))
	testcheck.Error(t, w.up(), "1_a.sql:6: step 3 was changed, and a run that was interrupted may have executed it as it was")
	w.write(batch("u = 1"))
	testcheck.Error(t, w.up(), "1_a.sql:6: Error 8143")
	w.hand("ALTER TABLE a RENAME COLUMN u TO v")
	testcheck.Error(t, w.up(), "1_a.sql:6: Error 1054", "whether this step took effect is not known: leave it as it is")
	w.hand("ALTER TABLE a RENAME COLUMN v TO u", "DELETE FROM a WHERE id > 1")
	w.want()
	w.interrupt(3)
	w.want()
}
