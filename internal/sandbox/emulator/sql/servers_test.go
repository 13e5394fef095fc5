package sql_test

import (
	dbsql "database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/testcheck"
)

func TestServers_Close(t *testing.T) {
	s := start(t, &sql.Servers{})
	db := api(t, s)
	run(t, db, "CREATE TABLE t (a INT)")
	run(t, conn(t, db), "BEGIN", "INSERT INTO t VALUES (1)", "SELECT GET_LOCK('x', 1)")
	for _, stuck := range []string{"INSERT INTO t VALUES (2)", "SELECT GET_LOCK('x', 1000)", "SELECT SLEEP(1000)"} {
		c := conn(t, db)
		go func() { _, _ = c.ExecContext(t.Context(), stuck) }()
	}
	w := newWeb(t, s)
	w.query("BEGIN").want(t, 200)
	time.Sleep(50 * time.Millisecond) // most likely they all wait by now
	done := make(chan error)
	go func() { done <- s.Close() }()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("closing waits for statements that never end")
	}
	must(t, s.Close()) // repeatable
	testcheck.Error(t, s.CreateCluster(two), "closed")
	if host, port := s.Endpoint(one); host != "" || port != 0 {
		t.Errorf("closed servers have the endpoint %s:%d", host, port)
	}
	w.query("SELECT 1").want(t, 503)
	if _, err := os.Stat(s.CAFile()); !os.IsNotExist(err) {
		t.Errorf("the temporary folder stays: %v", err)
	}
}

func TestServers_DeleteCluster(t *testing.T) {
	s := start(t, &sql.Servers{Dir: t.TempDir()})
	must(t, s.CreateCluster(two))
	put(t, s, two, twoPrefix+"api", "role_admin", password)
	first, second := api(t, s), client(t, s, two, twoPrefix+"api", password, "test")
	run(t, first, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")
	wantRows(t, second, "SHOW TABLES")
	refused(t, client(t, s, two, onePrefix+"api", password, "test"), 1045)

	must(t, s.DeleteCluster(one))
	must(t, s.DeleteCluster(one)) // repeatable
	if err := first.PingContext(t.Context()); err == nil {
		t.Error("a deleted cluster answers")
	}
	if h, p := s.Endpoint(one); h != "" || p != 0 {
		t.Errorf("the endpoint of a deleted cluster is %q, %d", h, p)
	}
	testcheck.Error(t, s.PutUser(one, login(onePrefix+"api", "role_readwrite", password)), "no such cluster")
	run(t, second, "CREATE TABLE t (a INT)")

	must(t, s.CreateCluster(one))
	put(t, s, one, onePrefix+"api", "role_readwrite", password)
	wantRows(t, api(t, s), "SHOW TABLES")
}

// Four servers run at once. A fifth one takes the place of that which has been idle longest.
func TestServers_limit(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{})
	var ids []string
	open := func(i int) *dbsql.DB {
		return client(t, s, ids[i], fmt.Sprint(i, "ccccccccccccccc.api"), password, "test")
	}
	for i := range 5 {
		ids = append(ids, clusterID())
		must(t, s.CreateCluster(ids[i]))
		put(t, s, ids[i], fmt.Sprint(i, "ccccccccccccccc.api"), "role_admin", password)
		db := open(i)
		run(t, db, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")
		if i > 0 { // the first one keeps its connection
			must(t, db.Close())
			eventually(t, func() bool { return s.Idle(ids[i]) })
		}
	}
	want := slices.Sorted(slices.Values([]string{ids[0], ids[2], ids[3], ids[4]}))
	if got := s.Running(); !slices.Equal(got, want) {
		t.Errorf("of %q run %q, want %q", ids, got, want)
	}
	wantRows(t, open(1), "SELECT a FROM t", "1")
}

func TestServers_ports(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &sql.Servers{Dir: dir, Host: "localhost"})
	host, port := s.Endpoint(one)
	if host != "localhost" || port < 20000 || port >= 30000 {
		t.Errorf("the endpoint is %s:%d", host, port)
	}
	must(t, s.CreateCluster(two))
	if _, other := s.Endpoint(two); other == port {
		t.Errorf("two clusters have the port %d", port)
	}
	must(t, s.Close())

	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	must(t, err)
	s = &sql.Servers{Dir: dir}
	testcheck.Error(t, s.CreateCluster(one), strconv.Itoa(port))
	must(t, s.Close())
	must(t, l.Close())
	if _, again := start(t, &sql.Servers{Dir: dir}).Endpoint(one); again != port {
		t.Errorf("the port was %d, now it is %d", port, again)
	}
}

func TestServers_damaged(t *testing.T) {
	for _, name := range []string{"ports.json", one + ".users.json"} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600))
		s := &sql.Servers{Dir: dir}
		testcheck.Error(t, s.CreateCluster(one), name)
		must(t, s.Close())
	}
}
