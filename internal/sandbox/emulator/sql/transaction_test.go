package sql_test

import (
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

func TestServers_transactions(t *testing.T) {
	db := api(t, start(t, &sql.Servers{}))
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 2)")
	a, b := conn(t, db), conn(t, db)
	run(t, b, "SET innodb_lock_wait_timeout = 1")
	run(t, a, "BEGIN", "UPDATE t SET v = 9 WHERE id = 1")
	run(t, b, "UPDATE t SET v = 8 WHERE id = 2") // rows are locked, not tables
	run(t, b, "BEGIN")                           // outside of a transaction it would try for longer
	fails(t, b, 1205, "UPDATE t SET v = 7 WHERE id = 1")
	run(t, b, "ROLLBACK")
	wantRows(t, b, "SELECT v FROM t ORDER BY id", "1", "8")
	run(t, a, "ROLLBACK")
	wantRows(t, a, "SELECT v FROM t ORDER BY id", "1", "8")
	run(t, a, "BEGIN", "SELECT * FROM t WHERE id = 1 FOR UPDATE")
	run(t, b, "BEGIN", "SELECT * FROM t WHERE id = 2 FOR UPDATE", "SET innodb_lock_wait_timeout = 50")
	done := make(chan error)
	go func() {
		_, err := a.ExecContext(t.Context(), "UPDATE t SET v = 7 WHERE id = 2")
		done <- err
	}()
	_, errB := b.ExecContext(t.Context(), "UPDATE t SET v = 7 WHERE id = 1")
	errA := <-done
	if errA == nil {
		errA = errB
	}
	wantError(t, errA, 1213)
}
