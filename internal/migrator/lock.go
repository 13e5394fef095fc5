package migrator

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"portfolio-infra/internal/rest"
)

// lockPatience is how long a run waits for another. An index on a large table takes long.
const lockPatience = 10 * time.Minute

// lock waits for the lock of the database's migrations, and for those of the tool.
func (r *run) lock(ctx context.Context) error {
	for _, name := range append([]string{lockName(r.Database)}, r.ledger.locks()...) {
		if err := r.take(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// take waits for a lock. The connection holds it, and takes it along when it ends.
// https://docs.pingcap.com/tidbcloud/locking-functions/
//
// It polls, since one long wait could not be shown or cancelled.
func (r *run) take(ctx context.Context, name string) error {
	start := time.Now()
	for pause := time.Second; ; pause = min(pause+time.Second, 5*time.Second) {
		var locked sql.NullInt64
		if err := r.conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&locked); err != nil {
			return fmt.Errorf("locking the migrations of %q: %w", r.Database, err)
		}
		waited := time.Since(start)
		if locked.Int64 == 1 {
			return nil
		}
		if waited+pause > lockPatience {
			return fmt.Errorf("another run has been migrating database %q for %s; wait until it ends, then run `pulumi up` again", r.Database, seconds(waited))
		}
		r.Log.InfoStatusf("waiting for another run's migrations, %s", seconds(waited))
		if err := rest.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("locking the migrations of %q: %w", r.Database, err)
		}
	}
}

// stillLocked returns an error if the lock is free. The session that took it would not notice, so
// it asks on another connection (pkg/session/session.go of TiDB v8.5.6, IsUsedAdvisoryLock).
func (r *run) stillLocked(ctx context.Context) error {
	var free sql.NullInt64
	if err := r.pool.QueryRowContext(ctx, "SELECT IS_FREE_LOCK(?)", lockName(r.Database)).Scan(&free); err != nil {
		return fmt.Errorf("looking for the lock of the migrations of %q: %w", r.Database, err)
	}
	if free.Int64 == 1 {
		return fmt.Errorf("the lock of the migrations of %q was lost; run `pulumi up` again", r.Database)
	}
	return nil
}

// lockName returns the name of a database's lock. All databases of a server share the names, which
// have at most 64 characters, as many as the name of a database.
func lockName(database string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(database)))
	return journalTable + ":" + hex.EncodeToString(sum[:16])
}

// seconds formats a duration for a status line.
func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds())) }
