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

// The folder changes the schema and rows by turns. A step that is lost, or executed twice, shows in
// the counters.
var killed = map[string]string{
	"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL);\nINSERT INTO a VALUES (1, 0);\nINSERT INTO a VALUES (2, 0);\n" +
		"ALTER TABLE a ADD COLUMN m INT;\nUPDATE a SET n = n + 1;\nUPDATE a SET n = n + 1 WHERE id = 2;\n",
	"2_b.sql": "-- +goose Up\nUPDATE a SET n = n + 10;\n",
	"3_c.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET m = 7 WHERE m IS NULL;\nALTER TABLE a RENAME COLUMN m TO k;\n",
}

const counters = "1 11 7,2 12 7"

// records are what the tables of the records say.
func (w *world) records() map[string][]string {
	w.Helper()
	return map[string][]string{
		"goose":   w.rows("SELECT version_id, is_applied FROM goose_db_version ORDER BY id"),
		"journal": w.rows("SELECT version, hash, name, finished FROM pulumi_migrations ORDER BY version, hash"),
		"steps":   w.rows("SELECT tool, migration, step, hash, name, finished FROM pulumi_migration_steps WHERE migration <> '' ORDER BY migration, step"),
	}
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

func (w *world) wantCounters() {
	w.Helper()
	same(w.T, "counters", strings.Join(w.rows("SELECT id, n, k FROM a ORDER BY id"), ","), counters)
}

// A run that dies before or after any write to the server is finished by the next one.
func TestApply_killed(t *testing.T) {
	undisturbed := newWorld(t)
	undisturbed.write(killed)
	undisturbed.want()
	undisturbed.wantCounters()
	want := undisturbed.records()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			for at, died := 1, true; died && !t.Failed(); at++ {
				w := newWorld(t)
				w.write(killed)
				k := &killer{at: at, after: after}
				w.dial = k.dial
				err := w.up()
				if died = k.died(); !died && err != nil {
					t.Fatal(err)
				}
				w.dial = nil
				w.want()
				w.wantCounters()
				same(t, fmt.Sprintf("records, killed at write %d", at), w.records(), want)
				w.hand("DROP DATABASE " + w.name)
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
	if err := errors.Join(os.WriteFile(program, []byte(script), 0o700), os.Symlink(emulatedsql.Bootstrapped(tidb), emulatedsql.Bootstrapped(program))); err != nil {
		t.Fatal(err)
	}
	s := &server{Servers: &emulatedsql.Servers{TiDB: program, Host: "localhost", Dir: filepath.Join(dir, "data")}}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	writes := &killer{}
	w := s.world(t)
	w.write(killed)
	w.dial = writes.dial
	w.want()
	for range 6 {
		w := s.world(t)
		w.write(killed)
		k := &killer{at: 1 + rand.IntN(writes.writes), kill: func() {
			b, err := os.ReadFile(program + ".pid")
			pid, atoiErr := strconv.Atoi(strings.TrimSpace(string(b)))
			if err := errors.Join(err, atoiErr); err != nil || pid <= 1 {
				t.Errorf("the ID of TiDB's process is %q: %v", b, err)
			} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}}
		w.dial = k.dial
		_ = w.up() // the last writes may be answered
		w.dial = nil
		w.wait()
		w.want()
		w.wantCounters()
	}
}
