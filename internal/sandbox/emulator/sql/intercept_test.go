package sql_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// A connection can be cut at a command, before it takes effect and after. A login is no command.
func TestServers_Intercept(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{})
	db := api(t, s)
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY)")
	for id, wantAfter := range []bool{false, true} {
		c := conn(t, api(t, s))
		var commands atomic.Int32
		s.Intercept(func(cluster string, after bool) bool {
			if cluster != one {
				t.Errorf("a command to %s", cluster)
			}
			if !after {
				commands.Add(1)
			}
			return after == wantAfter
		})
		if _, err := c.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO t VALUES (%d)", id)); err == nil {
			t.Error("the command was answered")
		}
		s.Intercept(nil)
		if n := commands.Load(); n != 1 {
			t.Errorf("%d commands, want one", n)
		}
	}
	wantRows(t, db, "SELECT id FROM t", "1")
}
