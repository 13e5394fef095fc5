package migrator

import (
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/rest"
)

// progress shows what the run does, and every few seconds for how long. It ends with stop.
func (r *run) progress(ctx context.Context, what string, schema bool) (stop func()) {
	r.Log.InfoStatusf("%s", what)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(done)
		ticks := r.ticks
		if ticks == nil {
			ticker := time.NewTicker(5 * time.Second)
			defer ticker.Stop()
			ticks = ticker.C
		}
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticks:
				text := what + ", " + rest.Seconds(now.Sub(start))
				if schema {
					rows, err := r.rowsDone(ctx)
					schema = err == nil // a user who may not read it sees the time alone
					if rows > 0 {
						text += fmt.Sprintf(", %d rows done", rows)
					}
				}
				r.Log.InfoStatusf("%s", text)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// rowsDone returns how many rows TiDB has read for an index or a new type of a column.
// https://docs.pingcap.com/tidb/stable/information-schema-ddl-jobs/
func (r *run) rowsDone(ctx context.Context) (rows int64, err error) {
	err = r.pool.QueryRowContext(ctx, "SELECT COALESCE(MAX(row_count), 0) FROM information_schema.ddl_jobs WHERE db_name = ? AND state = 'running'", r.Database).Scan(&rows)
	return rows, err
}
