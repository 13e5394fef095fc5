package sql_test

import (
	"bufio"
	dbsql "database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/testfiles"
)

// In another process, childDir makes the test binary serve the folder until it is
// killed.
const (
	childDir     = "SQL_TEST_DIR"
	childCluster = "SQL_TEST_CLUSTER"
	childTiDB    = "SQL_TEST_TIDB"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveForever(&sql.Servers{TiDB: os.Getenv(childTiDB), Dir: dir}, os.Getenv(childCluster))
	}
	os.Exit(m.Run())
}

func serveForever(s *sql.Servers, cluster string) {
	err := s.CreateCluster(cluster)
	if err == nil {
		err = s.PutUser(cluster, login(onePrefix+"api", "role_admin", password))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	host, port := s.Endpoint(cluster)
	fmt.Printf("%s:%d\n", host, port)
	select {}
}

// spawn serves dir in another process and returns its address and what kills it
// without a warning.
func spawn(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childCluster+"="+one, childTiDB+"="+sqltest.TiDB(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return strings.TrimSpace(line), func() { _, _ = cmd.Process.Kill(), cmd.Wait() }
}

// A sandbox that is killed takes its TiDB with it, and what was answered is there again.
func TestServers_kill(t *testing.T) {
	dir := t.TempDir()
	addr, kill := spawn(t, dir)
	open := func() *dbsql.DB {
		return connect(t, addr, onePrefix+"api", password, "test", trusting(t, filepath.Join(dir, "ca.pem")))
	}
	run(t, open(), "CREATE TABLE t (v VARCHAR(10))")
	for i := range 2 {
		run(t, open(), fmt.Sprintf("INSERT INTO t (v) VALUES ('%d')", i))
		kill() // no statement is running, and the last one's answer has just come
		again := ""
		if again, kill = spawn(t, dir); again != addr {
			t.Errorf("after a restart the server is at %s, before it was at %s", again, addr)
		}
		wantRows(t, open(), "SELECT COUNT(*), MAX(v) FROM t", fmt.Sprintf("%d|%d", i+1, i))
	}
	run(t, conn(t, open()), "BEGIN", "INSERT INTO t (v) VALUES ('open')")
	kill()
	eventually(t, func() bool { // no TiDB is left that holds the folder
		lock := flock.New(filepath.Join(dir, one, "lock"))
		free, err := lock.TryLock()
		must(t, errors.Join(err, lock.Unlock()))
		return free
	})
	wantRows(t, api(t, start(t, &sql.Servers{Dir: dir})), "SELECT COUNT(*) FROM t", "2")
}

// TiDB is killed at any moment while clients write to two tables at once. Nothing that was
// answered is lost, and nothing is half there.
func TestServers_killTiDB(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{Dir: t.TempDir()})
	run(t, api(t, s), "CREATE TABLE a (id BIGINT PRIMARY KEY)", "CREATE TABLE b (id BIGINT PRIMARY KEY, pad VARCHAR(200))")
	pad := strings.Repeat("x", 200)
	var answered, next atomic.Int64
	for range 3 {
		db := api(t, s)
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for {
					tx, err := db.BeginTx(t.Context(), nil)
					if err != nil {
						return
					}
					id := next.Add(1)
					_, err = tx.Exec("INSERT INTO a VALUES (?)", id)
					if err == nil {
						_, err = tx.Exec("INSERT INTO b VALUES (?, ?)", id, pad)
					}
					if err == nil {
						err = tx.Commit()
					}
					if err != nil {
						return
					}
					answered.Add(1)
				}
			})
		}
		before := answered.Load()
		eventually(t, func() bool { return answered.Load() > before })
		time.Sleep(time.Duration(mathrand.IntN(200)) * time.Millisecond)
		s.KillTiDB(one)
		writers.Wait()
		must(t, db.Close())
		wantRows(t, api(t, s), "SELECT COUNT(*) FROM a LEFT JOIN b USING (id) WHERE b.id IS NULL", "0")
		wantRows(t, api(t, s), "SELECT COUNT(*) FROM b LEFT JOIN a USING (id) WHERE a.id IS NULL", "0")
		var have int64
		must(t, api(t, s).QueryRowContext(t.Context(), "SELECT COUNT(*) FROM a").Scan(&have))
		// One for each writer may have been written, and its answer lost.
		if have < answered.Load() || have > answered.Load()+4 {
			t.Fatalf("%d transactions were answered, %d are there", answered.Load(), have)
		}
		answered.Store(have)
	}
}

func TestServers_files(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sql")
	s := start(t, &sql.Servers{Dir: dir})
	run(t, api(t, s), "CREATE TABLE t (a INT)", "CREATE USER '"+onePrefix+"made' IDENTIFIED BY 'made in SQL'", "GRANT SELECT ON test.* TO '"+onePrefix+"made'")
	must(t, s.Close())
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		want := os.FileMode(0o600)
		switch {
		case e.IsDir():
			want = 0o700
		case e.Name() == "ca.pem" || e.Name() == "server.pem":
			want = 0o644
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v", e.Name(), info.Mode().Perm(), want)
		}
	}
	testfiles.Lack(t, dir, password, "made in SQL")
	if _, err := os.Stat(filepath.Join(dir, one, "mysql.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}

	s = start(t, &sql.Servers{Dir: dir})
	wantRows(t, client(t, s, one, onePrefix+"made", "made in SQL", "test"), "SHOW TABLES", "t")
	must(t, s.DeleteCluster(one))
	must(t, s.CreateCluster(one))
	put(t, s, one, onePrefix+"api", "role_admin", password)
	refused(t, client(t, s, one, onePrefix+"made", "made in SQL", "test"), 1045)
}
