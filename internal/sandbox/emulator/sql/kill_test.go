package sql_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// The environment variables that make the test binary serve a cluster in a folder
// until it is killed.
const (
	childDir     = "FAKESQL_TEST_DIR"
	childCluster = "FAKESQL_TEST_CLUSTER"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveForever(dir)
	}
	os.Exit(m.Run())
}

func serveForever(dir string) {
	s := &sql.Servers{Dir: dir}
	cluster := os.Getenv(childCluster)
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
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childCluster+"="+one)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return strings.TrimSpace(line), kill
}

func TestServers_kill(t *testing.T) {
	dir := t.TempDir()
	addr, kill := spawn(t, dir)
	conf := &tls.Config{RootCAs: rootsOf(t, dir), ServerName: "127.0.0.1"}

	db := connect(t, addr, onePrefix+"api", password, "test", conf)
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))")
	for i := range 5 {
		run(t, db, fmt.Sprintf("INSERT INTO t (v) VALUES ('%d')", i))
		kill() // no statement is under way, and the last one's answer has just come
		var again string
		again, kill = spawn(t, dir)
		if again != addr {
			t.Errorf("after a restart the server is at %s, before it was at %s", again, addr)
		}
		db = connect(t, addr, onePrefix+"api", password, "test", conf)
		wantRows(t, db, "SELECT COUNT(*), MAX(v), MAX(id) FROM t", fmt.Sprintf("%d|%d|%d", i+1, i, i+1))
	}
	tx, err := db.Begin()
	must(t, err)
	run(t, tx, "INSERT INTO t (v) VALUES ('open')")
	kill()
	s := start(t, &sql.Servers{Dir: dir})
	wantRows(t, api(t, s), "SELECT COUNT(*) FROM t", "5")
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
	if s.CAFile() != filepath.Join(dir, "ca.pem") {
		t.Errorf("the CA file is %q", s.CAFile())
	}

	s = start(t, &sql.Servers{Dir: dir})
	wantRows(t, client(t, s, one, onePrefix+"made", "made in SQL", "test"), "SHOW TABLES", "t")
	must(t, s.DeleteCluster(one))
	left, err := filepath.Glob(filepath.Join(dir, one+"*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("a deleted cluster left %q", left)
	}
	must(t, s.CreateCluster(one))
	must(t, s.PutUser(one, login(onePrefix+"api", "role_admin", password)))
	wantError(t, client(t, s, one, onePrefix+"made", "made in SQL", "test").PingContext(t.Context()), 1045)
}
