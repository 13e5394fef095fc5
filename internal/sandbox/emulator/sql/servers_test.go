package sql_test

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

func TestServers_Close(t *testing.T) {
	s := start(t, &sql.Servers{LockWait: time.Hour})
	db := api(t, s)
	run(t, db, "CREATE TABLE t (a INT)")
	a, b, c, d := conn(t, db), conn(t, db), conn(t, db), conn(t, db)
	run(t, a, "BEGIN", "INSERT INTO t VALUES (1)", "SELECT GET_LOCK('x', 1)")
	for _, stuck := range []struct {
		on    runner
		query string
	}{{b, "INSERT INTO t VALUES (2)"}, {c, "SELECT GET_LOCK('x', 1000)"}, {d, "SELECT SLEEP(1000)"}} {
		go func() { _, _ = stuck.on.ExecContext(t.Context(), stuck.query) }()
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
	if err := s.CreateCluster(two); err == nil {
		t.Error("closed servers start a cluster")
	}
	if host, port := s.Endpoint(one); host != "" || port != 0 {
		t.Errorf("closed servers have the endpoint %s:%d", host, port)
	}
	w.query("SELECT 1").want(t, 503)
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
	if host, port := s.Endpoint("unknown"); host != "" || port != 0 {
		t.Errorf("an unknown cluster has the endpoint %s:%d", host, port)
	}
	must(t, s.Close())

	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	must(t, err)
	s = &sql.Servers{Dir: dir}
	if err := s.CreateCluster(one); err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("a port that another process has: %v", err)
	}
	must(t, s.Close())
	must(t, l.Close())
	if _, again := start(t, &sql.Servers{Dir: dir}).Endpoint(one); again != port {
		t.Errorf("the port was %d, now it is %d", port, again)
	}
}

func TestServers_unreadable(t *testing.T) {
	for name, content := range map[string]string{one + ".sql": "CREATE TABLE t (", "ports.json": "{", one + ".users": "nonsense"} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		s := &sql.Servers{Dir: dir}
		if err := s.CreateCluster(one); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a spoilt %s: %v", name, err)
		}
		must(t, s.Close())
	}
}

func TestServers_certificates(t *testing.T) {
	dir := t.TempDir()
	read := func() string {
		t.Helper()
		var out []byte
		for _, name := range []string{"ca.pem", "server.pem", "server-key.pem"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			out = append(out, b...)
		}
		return string(out)
	}
	open := func() string {
		t.Helper()
		s := &sql.Servers{Dir: dir}
		must(t, s.Open())
		must(t, s.Close())
		return read()
	}
	verified := func(name string) {
		t.Helper()
		s := start(t, &sql.Servers{Dir: dir, Host: "localhost"})
		_, port := s.Endpoint(one)
		conf := &tls.Config{RootCAs: rootsOf(t, dir), ServerName: name}
		must(t, connect(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), onePrefix+"api", password, "test", conf).PingContext(t.Context()))
		must(t, s.Close())
	}
	first := open()
	for _, name := range []string{"127.0.0.1", "::1", "localhost"} {
		verified(name)
	}
	if open() != first {
		t.Error("the certificates are created again")
	}
	for _, name := range []string{"server-key.pem", "ca.pem"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		verified("localhost")
	}
}
