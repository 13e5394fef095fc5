package sql_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/testcheck"
)

// What surprises people who know MySQL.
func TestServers_dialect(t *testing.T) {
	t.Parallel()
	dialect, err := os.ReadFile("testdata/dialect.txt")
	must(t, err)
	db := api(t, start(t, &sql.Servers{}))
	first, second := conn(t, db), conn(t, db)
	for line := range strings.Lines(string(dialect)) {
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
	_, err = second.ExecContext(t.Context(), "UPDATE t SET n = 7 WHERE id = 1")
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
