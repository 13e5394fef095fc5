package migrator

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
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
// It polls, since one long wait could not be shown or cancelled. TiDB waits for a second each time
// (pkg/session/advisory_locks.go of v8.5.6: the least lock wait timeout).
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
		if waited+pause > cmp.Or(r.patience, lockPatience) {
			return fmt.Errorf("another run has been migrating database %q for %s; wait until it ends, then run `pulumi up` again", r.Database, rest.Seconds(waited))
		}
		r.Log.InfoStatusf("waiting for another run's migrations, %s", rest.Seconds(waited))
		if err := rest.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("locking the migrations of %q: %w", r.Database, err)
		}
	}
}

// takeOver makes this run the only one that may write. Whoever has the lock takes over from a run
// that lost it. It waits for a transaction of that run, since both need the row.
func (r *run) takeOver(ctx context.Context) error {
	if _, err := r.conn.ExecContext(ctx, createSteps); err != nil {
		return err
	}
	r.token = rand.Text()
	_, err := r.conn.ExecContext(ctx, "INSERT INTO "+stepsTable+" (tool, migration, step, hash, name) VALUES (?, '', 0, ?, '') ON DUPLICATE KEY UPDATE hash = VALUES(hash)",
		r.tool(), r.token)
	if err != nil {
		return fmt.Errorf("waiting for another run's changes of rows: %w", err)
	}
	return nil
}

// isOurs returns an error if another run took over. In the transaction no other run can.
func (r *run) isOurs(ctx context.Context, tx *sql.Tx) error {
	var token string
	err := tx.QueryRowContext(ctx, "SELECT hash FROM "+stepsTable+" WHERE tool = ? AND migration = '' AND step = 0 FOR UPDATE", r.tool()).Scan(&token)
	if err == nil && token != r.token || errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("this run lost its lock, and another one has taken over the migrations of %q; wait until that one ends, then run `pulumi up` again", r.Database)
	}
	return err
}

// lockName returns the name of a database's lock. All databases of a server share the names, which
// have at most 64 characters, as many as the name of a database.
func lockName(database string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(database)))
	return journalTable + ":" + hex.EncodeToString(sum[:16])
}
