package migrator_test

import (
	"database/sql"
	"regexp"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/testcheck"
)

// A statement that takes long shows for how long, and an index how many rows it has.
func TestApply_progress(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY, x INT);\nINSERT INTO a VALUES (1, 1), (2, 2), (3, 3);\nALTER TABLE a ADD INDEX by_x (x);\n"})
	reader := func() *sql.Tx {
		tx, err := w.db.BeginTx(t.Context(), nil)
		if err == nil {
			_, err = tx.ExecContext(t.Context(), "SELECT * FROM a")
		}
		testcheck.Error(t, err)
		return tx
	}
	ticks, seen, done := make(chan time.Time), make(chan struct{}), make(chan struct{})
	w.log.on(func(line string) {
		switch {
		case strings.HasSuffix(line, "step 3 of 3"):
			old, began := reader(), time.Now() // the step begins directly afterwards
			go func() {
				defer close(done)
				defer func() { _ = old.Rollback() }()
				// TiDB goes on to the next state of the index when no transaction is left in
				// an older one. It reads the rows in the last but one.
				for state := "none"; ; {
					var next string
					var rows int
					err := w.db.QueryRowContext(t.Context(), "SELECT schema_state, row_count FROM information_schema.ddl_jobs WHERE db_name = DATABASE() AND state = 'running'").Scan(&next, &rows)
					switch {
					case err != nil && err != sql.ErrNoRows:
						t.Error(err)
						return
					case rows > 0:
						ticks <- began.Add(12 * time.Second)
						<-seen
						return
					case err == nil && next != state:
						state = next
						tx := reader()
						_ = old.Rollback()
						old = tx
					}
				}
			}()
		case strings.HasSuffix(line, "rows done"):
			close(seen)
		}
	})
	testcheck.Error(t, w.apply(w.job().WithTicks(ticks)))
	<-done
	if !regexp.MustCompile(`status applying 1_a.sql, step 3 of 3, 1[12] s, 3 rows done`).MatchString(w.log.all()) {
		t.Error(w.log.all())
	}
}
