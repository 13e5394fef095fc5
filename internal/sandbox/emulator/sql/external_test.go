package sql_test

import (
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

func TestServers_DSN(t *testing.T) {
	embedded := &emulated.Servers{Dir: t.TempDir()}
	must(t, embedded.Open())
	must(t, embedded.Close())
	ca := embedded.CAFile()
	dsn := sqltest.RealServer(t, embedded.Dir, adminPassword)
	s := start(t, &emulated.Servers{DSN: dsn, DSNCA: ca})
	must(t, s.CreateCluster(one)) // repeatable
	must(t, s.CreateCluster(two))
	put(t, s, one, onePrefix+"root", "role_admin", password)
	put(t, s, one, onePrefix+"api", "role_readwrite", password)
	put(t, s, one, onePrefix+"reader", "role_readonly", password)
	put(t, s, two, twoPrefix+"api", "role_readwrite", password)
	if s.CAFile() != ca {
		t.Errorf("the CA file is %q", s.CAFile())
	}

	host, port := s.Endpoint(one)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	as := func(user, password string) *sql.DB { return connect(t, addr, user, password, "test", trusting(t, ca)) }
	root, writer, reader := as(onePrefix+"root", password), as(onePrefix+"api", password), as(onePrefix+"reader", password)
	run(t, root, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))", "CREATE DATABASE mine", "CREATE TABLE mine.t (a INT)")
	run(t, writer, "INSERT INTO t (v) VALUES ('a')")
	fails(t, writer, 1142, "CREATE TABLE u (a INT)", "DROP TABLE t", "ALTER TABLE t ADD COLUMN b INT", "CREATE INDEX i ON t (v)", "DELETE FROM mysql.db")
	fails(t, writer, 1044, "CREATE DATABASE theirs")
	fails(t, writer, 1227, "CREATE USER x")
	wantRows(t, reader, "SELECT v FROM t", "a")
	wantRows(t, reader, "SELECT COUNT(*) FROM mine.t", "0")
	fails(t, reader, 1142, "INSERT INTO t (v) VALUES ('b')", "CREATE TABLE u (a INT)", "SELECT * FROM mysql.db")
	run(t, root, "CREATE DATABASE brief", "DROP DATABASE brief", "CREATE USER '"+onePrefix+"extra' IDENTIFIED BY 'x'", "GRANT SELECT ON test.* TO '"+onePrefix+"extra'")
	refused(t, connect(t, addr, onePrefix+"api", password, "test", nil), 1045)

	put(t, s, one, onePrefix+"api", "role_readwrite", "another password")
	refused(t, as(onePrefix+"api", password), 1045)
	must(t, as(onePrefix+"api", "another password").PingContext(t.Context()))
	put(t, s, one, onePrefix+"reader", "role_readwrite", password)
	run(t, as(onePrefix+"reader", password), "INSERT INTO t (v) VALUES ('b')")
	put(t, s, one, onePrefix+"reader", "role_readonly", password)
	fails(t, as(onePrefix+"reader", password), 1142, "INSERT INTO t (v) VALUES ('c')")

	w := newWeb(t, s).as(onePrefix+"api", "another password")
	r := w.query("SELECT id, v FROM t ORDER BY id").want(t, 200, "1|a", "2|b")
	if r.Types[0].Type != "INT" || r.Types[1].Type != "VARCHAR" {
		t.Errorf("the types are %v", r.Types)
	}
	tx := w.query("BEGIN").want(t, 200).session
	w.query("DELETE FROM t", "TiDB-Session", tx).want(t, 200)
	w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
	w.query("SELECT COUNT(*) FROM t").want(t, 200, "2")
	w.as(onePrefix+"api", password).query("SELECT 1").want(t, 401)

	must(t, s.DropUser(one, onePrefix+"reader"))
	must(t, s.DropUser(one, onePrefix+"reader")) // repeatable
	refused(t, as(onePrefix+"reader", password), 1045)
	must(t, s.DeleteCluster(one))
	must(t, s.DeleteCluster(one)) // repeatable
	for _, user := range []string{"api", "root", "extra"} {
		refused(t, as(onePrefix+user, password), 1045)
	}
	wantRows(t, as(twoPrefix+"api", password), "SELECT COUNT(*) FROM t", "2") // databases are shared, and stay

	must(t, s.Close())
	s = start(t, &emulated.Servers{DSN: dsn})
	must(t, s.CreateCluster(two))
	must(t, s.PutUser(two, existing(twoPrefix+"api", "role_readwrite", password)))
	must(t, as(twoPrefix+"api", password).PingContext(t.Context()))
}

func TestServers_DSN_errors(t *testing.T) {
	noTLS := sqltest.RealServer(t, "", adminPassword)
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
