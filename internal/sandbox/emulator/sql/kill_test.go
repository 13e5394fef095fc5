package sql_test

import (
	"bufio"
	dbsql "database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// In another process, childDir makes the test binary serve the folder until it is
// killed.
const (
	childDir     = "SQL_TEST_DIR"
	childCluster = "SQL_TEST_CLUSTER"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveForever(&sql.Servers{Dir: dir}, os.Getenv(childCluster))
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
	cmd.Env = append(os.Environ(), childDir+"="+dir, childCluster+"="+one)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return strings.TrimSpace(line), func() { _, _ = cmd.Process.Kill(), cmd.Wait() }
}

func TestServers_kill(t *testing.T) {
	dir := t.TempDir()
	addr, kill := spawn(t, dir)
	open := func() *dbsql.DB {
		return connect(t, addr, onePrefix+"api", password, "test", trusting(t, filepath.Join(dir, "ca.pem")))
	}
	run(t, open(), "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))")
	for i := range 4 {
		run(t, open(), fmt.Sprintf("INSERT INTO t (v) VALUES ('%d')", i))
		kill() // no statement is running, and the last one's answer has just come
		again := ""
		if again, kill = spawn(t, dir); again != addr {
			t.Errorf("after a restart the server is at %s, before it was at %s", again, addr)
		}
		wantRows(t, open(), "SELECT COUNT(*), MAX(v), MAX(id) FROM t", fmt.Sprintf("%d|%d|%d", i+1, i, i+1))
	}
	run(t, conn(t, open()), "BEGIN", "INSERT INTO t (v) VALUES ('open')")
	kill()
	wantRows(t, api(t, start(t, &sql.Servers{Dir: dir})), "SELECT COUNT(*) FROM t", "4")
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
		if e.Name() == "ca.pem" || e.Name() == "server.pem" {
			want = 0o644
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v", e.Name(), info.Mode().Perm(), want)
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		for _, secret := range []string{password, hash(password), "made in SQL"} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds %q", e.Name(), secret)
			}
		}
	}

	s = start(t, &sql.Servers{Dir: dir})
	wantRows(t, client(t, s, one, onePrefix+"made", "made in SQL", "test"), "SHOW TABLES", "t")
	must(t, s.DeleteCluster(one))
	must(t, s.CreateCluster(one))
	put(t, s, one, onePrefix+"api", "role_admin", password)
	refused(t, client(t, s, one, onePrefix+"made", "made in SQL", "test"), 1045)
}
