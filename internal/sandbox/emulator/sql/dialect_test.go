package sql_test

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/testcheck"
)

// What surprises people who know MySQL. Each line is a statement and its result: rows, or the
// number of an error. A statement after "2>" runs in a second session.
const dialect = `
SELECT VERSION() => 8.0.11-TiDB-v8.5.6
SELECT @@time_zone, @@system_time_zone => SYSTEM|UTC

CREATE TABLE t (id INT PRIMARY KEY, n INT UNSIGNED, v VARCHAR(10), UNIQUE KEY by_v (v)) =>
INSERT INTO t VALUES (1, 2, 'a'), (2, 3, 'b') =>

SELECT * FROM t, LATERAL (SELECT t.n + 1) AS x => error 1064
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE => error 8048
SELECT SUM(9007199254740993 * n), SUM(id) / 2 FROM t => 45035996273704965|1.5000
SELECT n - 5 FROM t => error 1690
SELECT CAST(2 AS UNSIGNED) - 3 => error 1690

BEGIN =>
SELECT id FROM t WHERE id = 1 FOR UPDATE => 1
2> UPDATE t SET n = 3 WHERE id = 2 =>
2> BEGIN =>
2> SELECT id FROM t WHERE id = 1 FOR UPDATE NOWAIT => error 3572
2> SELECT id FROM t ORDER BY id FOR UPDATE SKIP LOCKED => 1; 2
ROLLBACK =>
2> ROLLBACK =>

CREATE TABLE times (at TIMESTAMP, day DATETIME) =>
SET time_zone = '+00:00' =>
INSERT INTO times VALUES ('2026-01-02 03:04:05', '2026-01-02 03:04:05') =>
SET time_zone = 'Asia/Tokyo' =>
SELECT * FROM times => 2026-01-02 12:04:05|2026-01-02 03:04:05
SET time_zone = DEFAULT =>

RENAME TABLE t TO moved, nothing TO gone => error 1146
SELECT COUNT(*) FROM t => 2
ALTER TABLE t CHANGE COLUMN v w VARCHAR(20) NOT NULL =>
INSERT INTO t VALUES (3, 4, 'a') => error 1062

CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1 => error 1064
CREATE PROCEDURE p() SELECT 1 => error 8108
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t => error 1064
CREATE TABLE g (p POINT) => error 1064
CREATE TABLE g (v TEXT COLLATE latin1_swedish_ci) => error 1273
CREATE TABLE g (n INT NOT NULL, KEY (n)) =>
ALTER TABLE g MODIFY n INT AUTO_INCREMENT => error 8200
ALTER TABLE g ADD COLUMN x INT, ADD COLUMN x INT => error 8200
ALTER TABLE g ADD CHECK (n > 0) =>
INSERT INTO g VALUES (-1) =>
SELECT 1; SELECT 2 => error 8130
SELECT 'ab' REGEXP 'a(?=b)' => error 1139
SELECT 'x' INTO OUTFILE '/tmp/x' => error 8132
`

func TestServers_dialect(t *testing.T) {
	t.Parallel()
	db := api(t, start(t, &sql.Servers{}))
	first, second := conn(t, db), conn(t, db)
	for line := range strings.Lines(dialect) {
		statement, want, ok := strings.Cut(strings.TrimSpace(line), " =>")
		if !ok {
			continue
		}
		session := first
		if _, other, ok := strings.Cut(statement, "2> "); ok {
			session, statement = second, other
		}
		rows, err := tryRows(t, session, statement)
		got := strings.Join(rows, "; ")
		if err != nil {
			got = errorNumber(err)
		}
		if want = strings.TrimSpace(want); got != want {
			t.Errorf("%s\n got %q\nwant %q", statement, got, want)
		}
	}

	run(t, first, "BEGIN", "SELECT * FROM t WHERE id = 1 FOR UPDATE")
	run(t, second, "BEGIN", "SELECT * FROM t WHERE id = 2 FOR UPDATE")
	done := make(chan error)
	go func() {
		_, err := first.ExecContext(t.Context(), "UPDATE t SET n = 7 WHERE id = 2")
		done <- err
	}()
	_, err := second.ExecContext(t.Context(), "UPDATE t SET n = 7 WHERE id = 1")
	testcheck.Error(t, cmp.Or(<-done, err), number(1213)) // a deadlock
}

func errorNumber(err error) string {
	if e := (*mysql.MySQLError)(nil); errors.As(err, &e) {
		return fmt.Sprintf("error %d", e.Number)
	}
	return err.Error()
}

// Each start of a server skips 30,000 values of an AUTO_INCREMENT column, so a small key
// reaches its end after two starts. If the table has AUTO_ID_CACHE 1, a start skips 4,000.
func TestServers_autoIncrement(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{"1", "30001", "error 1690"} {
		s := start(t, &sql.Servers{Dir: dir})
		db := api(t, s)
		if i == 0 {
			run(t, db, "CREATE TABLE t (id SMALLINT PRIMARY KEY AUTO_INCREMENT)", "CREATE TABLE single (id SMALLINT PRIMARY KEY AUTO_INCREMENT) AUTO_ID_CACHE 1")
		}
		got := ""
		if r, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES ()"); err != nil {
			got = errorNumber(err)
		} else {
			id, _ := r.LastInsertId()
			got = strconv.FormatInt(id, 10)
		}
		if got != want {
			t.Errorf("start %d: got %s, want %s", i+1, got, want)
		}
		run(t, db, "INSERT INTO single VALUES ()")
		wantRows(t, db, "SELECT MAX(id) FROM single", []string{"1", "4001", "8001"}[i])
		must(t, s.Close())
	}
}

// A server with 20,000 rows starts and answers in less than a second of CPU time. The time on
// the clock would depend on what else the machine does.
func TestServers_rows(t *testing.T) {
	dir := t.TempDir()
	first := start(t, &sql.Servers{Dir: dir})
	run(t, conn(t, api(t, first)), "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100), KEY (v))", "SET cte_max_recursion_depth = 20000",
		"INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM n WHERE id < 20000) SELECT id, CONCAT('row ', id) FROM n")
	must(t, first.Close())
	s := start(t, &sql.Servers{Dir: dir})
	wantRows(t, api(t, s), "SELECT COUNT(*), MAX(v) FROM t", "20000|row 9999")
	if took := s.CPUTime(one); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
