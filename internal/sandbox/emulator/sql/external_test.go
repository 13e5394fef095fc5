package sql_test

import (
	"crypto/tls"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
)

const adminPassword = "p@ss/word:of?the#admin"

// realServer is a MariaDB or MySQL server of the test's own.
func realServer(t *testing.T, certs string) (dsn string) {
	t.Helper()
	return sqltest.RealServer(t, certs, adminPassword)
}

func TestServers_DSN(t *testing.T) {
	certs := t.TempDir()
	embedded := &emulated.Servers{Dir: certs}
	must(t, embedded.Open())
	must(t, embedded.Close())
	dsn := realServer(t, certs)
	s := &emulated.Servers{Dir: t.TempDir(), DSN: dsn, DSNCA: filepath.Join(certs, "ca.pem")}
	start(t, s)
	must(t, s.CreateCluster(one)) // repeatable
	must(t, s.CreateCluster(two))
	must(t, s.PutUser(one, login(onePrefix+"reader", "role_readonly", password)))
	must(t, s.PutUser(one, login(onePrefix+"root", "role_admin", password)))
	must(t, s.PutUser(two, login(twoPrefix+"api", "role_readwrite", password)))
	if s.CAFile() != filepath.Join(certs, "ca.pem") {
		t.Errorf("the CA file is %q", s.CAFile())
	}

	host, port := s.Endpoint(one)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	conf := &tls.Config{RootCAs: rootsOf(t, certs), ServerName: "127.0.0.1"}
	as := func(user, password string) *sql.DB { return connect(t, addr, user, password, "test", conf) }
	must(t, s.PutUser(one, login(onePrefix+"api", "role_readwrite", password)))
	root, writer, reader := as(onePrefix+"root", password), as(onePrefix+"api", password), as(onePrefix+"reader", password)
	run(t, root, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))", "CREATE DATABASE mine", "CREATE TABLE mine.t (a INT)")
	run(t, writer, "INSERT INTO t (v) VALUES ('a')")
	for _, query := range []string{"CREATE TABLE u (a INT)", "DROP TABLE t", "ALTER TABLE t ADD COLUMN b INT", "CREATE INDEX i ON t (v)"} {
		fails(t, writer, query, 1142)
	}
	fails(t, writer, "CREATE DATABASE theirs", 1044)
	wantRows(t, reader, "SELECT v FROM t", "a")
	wantRows(t, reader, "SELECT COUNT(*) FROM mine.t", "0")
	for query, number := range map[string]uint16{"INSERT INTO t (v) VALUES ('b')": 1142, "CREATE TABLE u (a INT)": 1142} {
		fails(t, reader, query, number)
	}
	fails(t, writer, "CREATE USER x", 1227)
	fails(t, writer, "DELETE FROM mysql.db", 1142)
	fails(t, reader, "SELECT * FROM mysql.db", 1142)
	run(t, root, "CREATE DATABASE brief", "DROP DATABASE brief", "CREATE USER '"+onePrefix+"extra' IDENTIFIED BY 'x'", "GRANT SELECT ON test.* TO '"+onePrefix+"extra'")
	wantError(t, connect(t, addr, onePrefix+"api", password, "test", nil).PingContext(t.Context()), 1045)

	must(t, s.PutUser(one, login(onePrefix+"api", "role_readwrite", "another password")))
	wantError(t, as(onePrefix+"api", password).PingContext(t.Context()), 1045)
	must(t, as(onePrefix+"api", "another password").PingContext(t.Context()))
	must(t, s.PutUser(one, login(onePrefix+"reader", "role_readwrite", password)))
	run(t, as(onePrefix+"reader", password), "INSERT INTO t (v) VALUES ('b')")
	must(t, s.PutUser(one, login(onePrefix+"reader", "role_readonly", password)))
	fails(t, as(onePrefix+"reader", password), "INSERT INTO t (v) VALUES ('c')", 1142)

	w := newWeb(t, s)
	w.password = "another password"
	r := w.query("SELECT id, v FROM t ORDER BY id").want(t, 200, "1|a", "2|b")
	if r.Types[0].Type != "INT" || r.Types[1].Type != "VARCHAR" {
		t.Errorf("the types are %v", r.Types)
	}
	tx := w.query("BEGIN").want(t, 200).session
	w.query("DELETE FROM t", "TiDB-Session", tx).want(t, 200)
	w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
	w.query("SELECT COUNT(*) FROM t").want(t, 200, "2")
	w.password = password
	w.query("SELECT 1").want(t, 401)

	must(t, s.DropUser(one, onePrefix+"reader"))
	must(t, s.DropUser(one, onePrefix+"reader")) // repeatable
	wantError(t, as(onePrefix+"reader", password).PingContext(t.Context()), 1045)
	must(t, s.DeleteCluster(one))
	must(t, s.DeleteCluster(one)) // repeatable
	for _, user := range []string{"api", "root", "extra"} {
		wantError(t, as(onePrefix+user, password).PingContext(t.Context()), 1045)
	}
	wantRows(t, as(twoPrefix+"api", password), "SELECT COUNT(*) FROM t", "2") // databases are shared, and stay

	// After a restart the users are put again, with their hashes alone.
	must(t, s.Close())
	s = &emulated.Servers{DSN: dsn}
	t.Cleanup(func() { _ = s.Close() })
	must(t, s.CreateCluster(two))
	again := login(twoPrefix+"api", "role_readwrite", password)
	again.Password = ""
	must(t, s.PutUser(two, again))
	must(t, as(twoPrefix+"api", password).PingContext(t.Context()))
}

func TestServers_DSN_errors(t *testing.T) {
	noTLS := realServer(t, "")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, []byte("no certificate"), 0o600))
	for _, tt := range []struct{ name, dsn, ca, want string }{
		{"no TLS", noTLS, "", "has no TLS"},
		{"wrong password", strings.Replace(noTLS, "admin:"+adminPassword, "admin:secret-"+adminPassword, 1), "", ""},
		{"unreadable", "admin:" + adminPassword + "@tcp(127.0.0.1:1", "", "invalid DSN"},
		{"socket", "admin:" + adminPassword + "@unix(/tmp/x)/", "", "network tcp"},
		{"nobody there", "admin:" + adminPassword + "@tcp(127.0.0.1:1)/", "", "connection refused"},
		{"no CA file", noTLS, "/nowhere/ca.pem", "/nowhere/ca.pem"},
		{"no CA", noTLS, ca, "no certificate in PEM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &emulated.Servers{DSN: tt.dsn, DSNCA: tt.ca}
			defer func() { _ = s.Close() }()
			err := s.Open()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an error with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), "the#admin") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
