package migrator_test

import (
	"context"
	"errors"
	"fmt"
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
	"portfolio-infra/internal/testcheck"
)

// killer makes something die at a write to the server.
type killer struct {
	at    int    // which write, from 1
	after bool   // the server answers it, and the answer is lost
	kill  func() // kills the server; by default all connections are cut, as when the process dies

	mu        sync.Mutex
	writes    []write
	answering bool // the lost answer is under way
	dead      bool
}

// write is how many bytes were sent, and received before the next one.
type write struct{ sent, answered int }

var errKilled = errors.New("killed")

// died reports whether the write was reached.
func (k *killer) died() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.writes) >= k.at
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

// cut notes what happens on the connection, and reports whether it is cut.
func (c *watchedConn) cut(note func(k *killer)) bool {
	c.killer.mu.Lock()
	defer c.killer.mu.Unlock()
	if note(c.killer); c.killer.dead {
		_ = c.Close()
	}
	return c.killer.dead
}

func (c *watchedConn) Write(b []byte) (int, error) {
	var kill func()
	if c.cut(func(k *killer) {
		if k.writes = append(k.writes, write{sent: len(b)}); len(k.writes) != k.at {
			return
		}
		if kill = k.kill; kill == nil {
			k.answering, k.dead = k.after, !k.after
		}
	}) {
		return 0, errKilled
	}
	n, err := c.Conn.Write(b)
	if kill != nil {
		kill()
	}
	return n, err
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut(func(k *killer) {
		if len(k.writes) > 0 {
			k.writes[len(k.writes)-1].answered += n
		}
		k.dead = k.dead || k.answering
	}) {
		return 0, errKilled
	}
	return n, err
}

// points are the writes of a run at which it is killed: all for `make matrix`, and otherwise one of
// each kind that leaves something behind. That is a COMMIT, by the statement before it, and what is not
// in a transaction, unless it returns rows before there is any. TLS hides the statements, and not how
// long they and their answers are. The first writes and the last one, the end of the connection, are
// none.
func (k *killer) points(first int) (at []int) {
	const start, commit, rows = 44, 33, 70 // START TRANSACTION, COMMIT, and the least answer with rows
	seen, begun, open, before := map[int]bool{}, false, false, 0
	for i, w := range k.writes {
		kind := w.sent
		switch w.sent {
		case start:
			begun, open = true, true
		case commit:
			kind, open = -before, false
		}
		counts := i >= first && i < len(k.writes)-1 && !open && !seen[kind] && (begun || w.answered < rows)
		if counts || os.Getenv("MATRIX") == "full" {
			at = append(at, i+1)
		}
		seen[kind], before = true, w.sent
	}
	return at
}

// killed are worlds whose run is killed. The migrations change the schema and rows by turns. A step
// that is lost, or executed twice, shows in the rows.
var killed = map[string]struct {
	set func(w *world)
	// shows is the query of the tool's records at the end, beside ours.
	shows string
	// died are conditions, and queries that are 1 at any moment where they have a row.
	died map[string]string
	// before reports whether the run is also killed before each write. For the database that is as
	// after the one before.
	before bool
}{
	"goose": {
		set: func(w *world) {
			for name, sql := range map[string]string{
				"1_m.sql": "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL);\nINSERT INTO a VALUES (1, 0);\nINSERT INTO a VALUES (2, 0);\n" +
					"ALTER TABLE a ADD COLUMN m INT;\nUPDATE a SET n = n + 1;\nUPDATE a SET n = n + 1 WHERE id = 2;\n",
				"2_m.sql": "UPDATE a SET n = n + 10;\n",
				"3_m.sql": "-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET m = 7 WHERE m IS NULL;\nALTER TABLE a RENAME COLUMN m TO k;\n",
			} {
				w.write(map[string]string{name: "-- +goose NO TRANSACTION\n-- +goose Up\n" + sql})
			}
		},
		shows:  "SELECT version_id, is_applied, a.* FROM goose_db_version, a UNION ALL SELECT hash, finished, 0, 0, 0 FROM pulumi_migrations ORDER BY 1, 3",
		before: true,
	},
	"drizzle-0": {
		set:   func(w *world) { w.journal([]int{1, 2}, "0000_m: "+killedOnce, "0001_m: UPDATE a SET n = n + 10;") },
		shows: "SELECT hash, created_at, a.* FROM __drizzle_migrations, a ORDER BY created_at, a.id",
	},
	"plain": {
		set: func(w *world) {
			w.format, w.table, w.redact = migration.Plain, "seeds", true
			w.write(map[string]string{"1_m.sql": strings.ReplaceAll(killedOnce, breakpoint, ""), "2_m.sql": "UPDATE a SET n = n + 10;"})
		},
		shows: "SELECT * FROM a ORDER BY id",
	},
	// Prisma stops as long as a migration is begun, and applies nothing that is made.
	"prisma": {
		set: func(w *world) {
			w.lay(migration.Prisma)
			w.write(map[string]string{third + "/migration.sql": "CREATE TABLE x (id INT PRIMARY KEY, n INT);\nINSERT INTO x VALUES (1, 0);\nUPDATE x SET n = n + 1;\nALTER TABLE x ADD COLUMN m INT;\n"})
		},
		shows: "SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at, applied_steps_count, x.* FROM _prisma_migrations, x ORDER BY migration_name",
		died: map[string]string{
			"SHOW TABLES LIKE 'x'": "SELECT COUNT(*) FROM _prisma_migrations WHERE migration_name = '" + third + "' AND rolled_back_at IS NULL",
		},
	},
	// Drizzle upgrades a table without the column by itself. In another it takes a row without a
	// name for a migration that it does not know.
	"drizzle-1, upgrade": {
		set: func(w *world) {
			w.lay(migration.Drizzle1)
			w.hand(drizzleTable0, createA, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('1', 1775044800123)")
		},
		shows: "SELECT hash, created_at, name FROM __drizzle_migrations ORDER BY created_at",
		died: map[string]string{
			"SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '__drizzle_migrations' AND column_name = 'name'": "SELECT COUNT(*) FROM __drizzle_migrations WHERE name = '" + first + "'",
		},
	},
	"baseline": {
		set: func(w *world) {
			w.lay(migration.Drizzle0)
			w.hand(createA, createB, "INSERT INTO a VALUES (7)")
			w.baseline = w.job().Migrations[1].Name
		},
		shows: "SELECT hash, created_at, a.id FROM __drizzle_migrations, a ORDER BY created_at",
	},
}

const (
	breakpoint = "--> statement-breakpoint\n"
	killedOnce = "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL);" + breakpoint + "INSERT INTO a VALUES (1, 1), (2, 2);" + breakpoint + "ALTER TABLE a ADD COLUMN k INT DEFAULT 7;"
)

// newKilled makes a world of killed.
func newKilled(t *testing.T, s *server, name string) *world {
	t.Helper()
	w := s.world(t)
	killed[name].set(w)
	return w
}

// finish applies the migrations, and returns what the tables say then.
func (w *world) finish(name string) []string {
	w.Helper()
	w.dial = nil
	w.want()
	return append(w.rows(killed[name].shows), w.rows("SELECT migration, step, hash, name, finished, checksum FROM pulumi_migration_steps WHERE migration <> '' ORDER BY migration, step")...)
}

// undisturbed returns what the tables say after a run that nothing disturbs, and its writes.
func undisturbed(t *testing.T, s *server, name string) (says []string, run *killer) {
	t.Helper()
	w, run := newKilled(t, s, name), &killer{}
	w.dial = run.dial
	testcheck.Error(t, w.up())
	return w.finish(name), run
}

// A run that dies before or after any write to the server is finished by the next one. What the
// database then says is what it says after an undisturbed run. In between the tools' tables are right
// for the tool itself.
func TestApply_killed(t *testing.T) {
	s := start(t)
	for name, test := range killed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, run := undisturbed(t, s, name)
			connected := 6 // how a run connects and locks is the same for all
			if test.before {
				connected = 0
			}
			points := run.points(connected)
			if len(points) < 3 {
				t.Errorf("it is killed only at the writes %v of %v: has TLS other lengths?", points, run.writes)
			}
			for _, at := range points {
				for _, after := range []bool{true, false} {
					if !after && !test.before {
						continue
					}
					where := fmt.Sprintf("killed at write %d of %d, after=%v", at, len(run.writes), after)
					w, k := newKilled(t, s, name), &killer{at: at, after: after}
					w.dial = k.dial
					if err := w.up(); !k.died() {
						t.Fatalf("not %s: %v", where, err)
					}
					w.dial = nil
					for condition, then := range test.died {
						if len(w.rows(condition)) > 0 {
							same(t, where+": "+then, w.rows(then), []string{"1"})
						}
					}
					same(t, "records, "+where, w.finish(name), want)
					w.hand("DROP DATABASE " + w.name)
					_ = w.db.Close()
				}
			}
		})
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
	testcheck.Error(t, os.WriteFile(program, []byte(script), 0o700))
	s := &server{Servers: &emulatedsql.Servers{TiDB: program, Host: "localhost", Dir: filepath.Join(dir, "data")}}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	want, run := undisturbed(t, s, "goose")
	for i := range 5 {
		w, at := newKilled(t, s, "goose"), (i+1)*len(run.writes)/6
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
		for err := errKilled; err != nil; { // until it has started again
			err = w.db.PingContext(t.Context())
		}
		same(t, fmt.Sprintf("records, killed at write %d", at), w.finish("goose"), want)
	}
}
