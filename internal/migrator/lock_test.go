package migrator_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/testcheck"
)

const lost = "this run lost its lock, and another one has taken over the migrations of"

// withoutLock is the folder's job with a lock of its own, as if the other run had lost its lock.
func (w *world) withoutLock() migrator.Job {
	job := w.job()
	job.Database = "elsewhere"
	return job
}

// A run that lost its lock to another stops before its next step.
func TestApply_lostLock(t *testing.T) {
	for step := 1; step <= 2; step++ {
		w := newWorld(t)
		w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (n INT);\nINSERT INTO a VALUES (0);\n",
			"2_b.sql": "-- +goose Up\nUPDATE a SET n = n + 1;\nALTER TABLE a ADD COLUMN m INT;\n"})
		w.log.on(func(line string) {
			if !strings.HasSuffix(line, fmt.Sprintf("2_b.sql, step %d of 2", step)) {
				return
			}
			w.log.on(nil)
			testcheck.Error(t, w.apply(w.withoutLock()))
		})
		testcheck.Error(t, w.up(), "2_b.sql:", lost, "run `pulumi up` again")
		w.want()
		same(t, "a", w.rows("SELECT n, m FROM a"), []string{"1 "})
	}
}

// A run that changes rows finishes its transaction, and one that takes over waits for that.
func TestApply_lostLock_rows(t *testing.T) {
	w := newWorld(t)
	w.hand("CREATE TABLE a (id INT PRIMARY KEY, n INT)", "INSERT INTO a VALUES (1, 0)")
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nUPDATE a SET n = n + 1;\nALTER TABLE a ADD COLUMN m INT;\nUPDATE a SET n = n + 10;\n"})
	const waiting = `SELECT COUNT(*) FROM information_schema.data_lock_waits WHERE key_info LIKE CONCAT('%"', DATABASE(), '"%')`
	var second sync.WaitGroup
	var release func()
	meanwhile := make(chan struct{})
	release = w.block("step 1 of 3", "SELECT * FROM a FOR UPDATE", func() {
		defer close(meanwhile)
		w.until(1, waiting)
		second.Go(func() {
			testcheck.Error(t, w.apply(w.withoutLock()))
		})
		w.until(2, waiting)
		release()
	})
	if err := w.up(); err != nil {
		testcheck.Error(t, err, lost)
	}
	<-meanwhile
	second.Wait()
	w.want()
	same(t, "a", w.rows("SELECT n, m FROM a"), []string{"11 "})
}

// TiDB goes on with an index whose run is gone. The next run waits for it.
func TestApply_inProgress(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT);\nALTER TABLE a ADD INDEX by_id (id);\nINSERT INTO a VALUES (1);\n"})
	synctest.Test(t, func(t *testing.T) {
		w.enter(t)
		var second sync.WaitGroup
		meanwhile := make(chan struct{})
		var release func()
		release = w.block("step 2 of 3", "SELECT * FROM a", func() {
			w.until(1, "SELECT COUNT(*) FROM information_schema.ddl_jobs WHERE state = 'running' AND db_name = DATABASE()")
			w.log.on(func(line string) {
				if strings.HasSuffix(line, "waiting for the index of 1_a.sql, which an interrupted run began") {
					release()
				}
			})
			close(meanwhile)
		})
		second.Go(func() {
			<-meanwhile
			testcheck.Error(t, w.apply(w.withoutLock()))
		})
		testcheck.Error(t, w.up(), lost)
		second.Wait()
		w.want()
		same(t, "a", w.rows("SELECT id FROM a USE INDEX (by_id)"), []string{"1"})
	})
}

// Two runs at once apply everything once.
func TestApply_concurrent(t *testing.T) {
	w := newKilled(t, start(t), "goose")
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() {
			testcheck.Error(t, w.apply(w.job()))
		})
	}
	runs.Wait()
	w.finish("goose")
}

// A run waits for another one, but not for ever.
func TestApply_locked(t *testing.T) {
	w := newKilled(t, start(t), "goose")
	synctest.Test(t, func(t *testing.T) {
		w.enter(t)
		var err error
		var took time.Duration
		w.log.on(func(line string) {
			if !strings.HasSuffix(line, "1_m.sql, step 1 of 4") {
				return
			}
			w.log.on(nil)
			start := time.Now()
			err = w.apply(w.job().WithPatience(2 * time.Second))
			took = time.Since(start)
		})
		w.want()
		testcheck.Error(t, err, fmt.Sprintf("another run has been migrating database %q for 1 s; wait until it ends, then run `pulumi up` again", w.name))
		if took != time.Second {
			t.Errorf("waited for %s", took)
		}
	})
}
