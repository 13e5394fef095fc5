package migrator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"portfolio-infra/internal/migration"
	emulatedsql "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
)

// killer makes something die at a write to the server.
type killer struct {
	at    int    // which write, from 1
	after bool   // the server answers it, and the answer is lost
	kill  func() // kills the server; by default all connections are cut, as when the process dies

	mu        sync.Mutex
	writes    int
	answering bool // the lost answer is under way
	dead      bool
}

var errKilled = errors.New("killed")

// died reports whether the write was reached.
func (k *killer) died() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writes >= k.at
}

func (k *killer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &watchedConn{conn, k}, nil
}

type watchedConn struct {
	net.Conn
	killer *killer
}

func (c *watchedConn) Write(b []byte) (int, error) {
	k := c.killer
	k.mu.Lock()
	k.writes++
	reached := k.writes == k.at
	if reached && k.kill == nil {
		k.answering, k.dead = k.after, !k.after
	}
	dead := k.dead
	k.mu.Unlock()
	if dead {
		_ = c.Close()
		return 0, errKilled
	}
	n, err := c.Conn.Write(b)
	if reached && k.kill != nil {
		k.kill()
	}
	return n, err
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	k := c.killer
	k.mu.Lock()
	k.dead = k.dead || k.answering
	dead := k.dead
	k.mu.Unlock()
	if dead {
		_ = c.Close()
		return 0, errKilled
	}
	return n, err
}

// The migrations change the schema and rows by turns. A step that is lost, or executed twice, shows in
// the counters.
var (
	killed = [][]string{
		{"CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL);", "INSERT INTO a VALUES (1, 0);", "INSERT INTO a VALUES (2, 0);",
			"ALTER TABLE a ADD COLUMN m INT;", "UPDATE a SET n = n + 1;", "UPDATE a SET n = n + 1 WHERE id = 2;"},
		{"UPDATE a SET n = n + 10;"},
		{"-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET m = 7 WHERE m IS NULL;", "ALTER TABLE a RENAME COLUMN m TO k;"},
	}
	killedLess = [][]string{
		{"CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL);", "INSERT INTO a VALUES (1, 1), (2, 2);", "ALTER TABLE a ADD COLUMN k INT DEFAULT 7;"},
		{"UPDATE a SET n = n + 10;"},
	}
)

const counters = "1 11 7,2 12 7"

// layouts write the migrations as a tool does, with the query of the tool's records. See
// TestApply_killed_ledgers for the other tools.
var layouts = map[migration.Format]struct {
	write   func(w *world)
	records string
}{
	migration.Goose: {func(w *world) {
		for i, statements := range killed {
			w.write(map[string]string{fmt.Sprintf("%d_m.sql", i+1): "-- +goose NO TRANSACTION\n-- +goose Up\n" + strings.Join(statements, "\n") + "\n"})
		}
	}, "SELECT version_id, is_applied FROM goose_db_version UNION ALL SELECT hash, finished FROM pulumi_migrations ORDER BY 1"},
	migration.Drizzle0: {func(w *world) {
		var files []string
		for i, statements := range killedLess {
			files = append(files, fmt.Sprintf("%04d_m: ", i)+strings.Join(statements, "--> statement-breakpoint\n"))
		}
		w.journal([]int{1, 2}, files...)
	}, "SELECT hash, created_at FROM __drizzle_migrations ORDER BY id"},
	migration.Plain: {func(w *world) {
		w.format, w.table, w.redact = migration.Plain, "seeds", true
		for i, statements := range killedLess {
			w.write(map[string]string{fmt.Sprintf("%d_m.sql", i+1): strings.Join(statements, "\n")})
		}
	}, "SELECT COUNT(*) FROM pulumi_migration_steps WHERE tool = 'seeds' AND migration <> '' AND step = 0"},
}

// newKilled makes a world with the migrations in a format.
func newKilled(t *testing.T, s *server, format migration.Format) *world {
	t.Helper()
	w := s.world(t)
	layouts[format].write(w)
	return w
}

// finish applies the migrations, and returns what the tables of the records say.
func (w *world) finish(format migration.Format) []string {
	w.Helper()
	w.dial = nil
	w.want()
	same(w.T, "counters", strings.Join(w.rows("SELECT id, n, k FROM a ORDER BY id"), ","), counters)
	return append(w.rows(layouts[format].records), w.rows("SELECT migration, step, hash, name, finished, checksum FROM pulumi_migration_steps WHERE migration <> '' ORDER BY migration, step")...)
}

// wait waits until the server, which was killed, has started again.
func (w *world) wait() {
	w.Helper()
	db := w.open("")
	defer db.Close()
	for serves := false; !serves; {
		serves = db.PingContext(w.Context()) == nil
	}
}

// A run that dies before or after any write to the server is finished by the next one. What the
// database then says is what it says after an undisturbed run.
func TestApply_killed(t *testing.T) {
	s := start(t)
	for format := range layouts {
		undisturbed := newKilled(t, s, format)
		if err := undisturbed.up(); err != nil {
			t.Fatal(err)
		}
		want := undisturbed.finish(format)
		for _, after := range []bool{false, true} {
			if !after && format != migration.Goose {
				continue // for the database it is as after the write before
			}
			t.Run(fmt.Sprintf("%s, after=%v", format, after), func(t *testing.T) {
				t.Parallel()
				for at, died := 1, true; died && !t.Failed(); at++ {
					w := newKilled(t, s, format)
					k := &killer{at: at, after: after}
					w.dial = k.dial
					err := w.up()
					if died = k.died(); !died && err != nil {
						t.Fatal(err)
					}
					same(t, fmt.Sprintf("records, killed at write %d", at), w.finish(format), want)
					w.hand("DROP DATABASE " + w.name)
				}
			})
		}
	}
}

// TiDB may die at any moment.
func TestApply_killedTiDB(t *testing.T) {
	dir := t.TempDir()
	tidb, err := filepath.Abs(sqltest.TiDB(t))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "tidb")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s.pid\nexec %s \"$@\"\n", program, tidb)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &server{Servers: &emulatedsql.Servers{TiDB: program, Host: "localhost", Dir: filepath.Join(dir, "data")}}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	undisturbed := newKilled(t, s, migration.Goose)
	writes := &killer{}
	undisturbed.dial = writes.dial
	if err := undisturbed.up(); err != nil {
		t.Fatal(err)
	}
	want := undisturbed.finish(migration.Goose)
	for range 6 {
		w := newKilled(t, s, migration.Goose)
		at := 1 + rand.IntN(writes.writes)
		w.dial = (&killer{at: at, kill: func() {
			b, err := os.ReadFile(program + ".pid")
			pid, atoiErr := strconv.Atoi(strings.TrimSpace(string(b)))
			if err := errors.Join(err, atoiErr); err != nil || pid <= 1 {
				t.Errorf("the ID of TiDB's process is %q: %v", b, err)
			} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}}).dial
		_ = w.up() // the last writes may be answered
		w.dial = nil
		w.wait()
		same(t, fmt.Sprintf("records, killed at write %d", at), w.finish(migration.Goose), want)
	}
}
