package sql_test

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

func TestServers_Login(t *testing.T) {
	s := start(t, &sql.Servers{})
	host, port := s.Endpoint(one)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	secure := &tls.Config{RootCAs: rootsOf(t, filepath.Dir(s.CAFile())), ServerName: "127.0.0.1"}
	user := onePrefix + "api"
	for _, tt := range []struct {
		name                     string
		user, password, database string
		tls                      *tls.Config
		number                   uint16 // of the error, 0 for none
	}{
		{"right", user, password, "test", secure, 0},
		{"no database", user, password, "", secure, 0},
		{"wrong password", user, "wrong", "test", secure, 1045},
		{"no password", user, "", "test", secure, 1045},
		{"unknown user", onePrefix + "nobody", password, "test", secure, 1045},
		{"no prefix", "api", password, "test", secure, 1045},
		{"unknown database", user, password, "nowhere", secure, 1049},
		{"no TLS", user, password, "test", nil, 1105},
		{"no TLS and wrong password", user, "wrong", "test", nil, 1105},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := connect(t, addr, tt.user, tt.password, tt.database, tt.tls)
			err := db.PingContext(t.Context())
			if tt.number == 0 {
				must(t, err)
				return
			}
			wantError(t, err, tt.number)
		})
	}

	err := connect(t, addr, user, password, "test", &tls.Config{}).PingContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a client that does not trust the CA: %v", err)
	}
	err = connect(t, addr, user, password, "test", nil).PingContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "insecure transport") {
		t.Errorf("a client without TLS: %v", err)
	}
	wantRows(t, api(t, s), "SELECT VERSION(), @@version, DATABASE(), CURRENT_USER()",
		"8.0.11-TiDB-v7.5.2-serverless|8.0.11-TiDB-v7.5.2-serverless|test|"+user+"@%")
}

func TestServers_PutUser_password(t *testing.T) {
	s := start(t, &sql.Servers{LoginLag: time.Hour, Now: newClock().Now})
	before := login(onePrefix+"before", "role_readwrite", password)
	before.Password = "" // as after a restart: a user that does not lag
	must(t, s.PutUser(one, before))
	old := client(t, s, one, onePrefix+"before", password, "test")
	held := conn(t, old)
	must(t, held.PingContext(t.Context()))

	must(t, s.PutUser(one, login(onePrefix+"before", "role_readwrite", "another password")))
	wantError(t, client(t, s, one, onePrefix+"before", password, "test").PingContext(t.Context()), 1045)
	must(t, client(t, s, one, onePrefix+"before", "another password", "test").PingContext(t.Context()))
	must(t, held.PingContext(t.Context()))

	must(t, s.DropUser(one, onePrefix+"before"))
	must(t, s.DropUser(one, onePrefix+"before")) // repeatable
	wantError(t, client(t, s, one, onePrefix+"before", "another password", "test").PingContext(t.Context()), 1045)
	fails(t, held, "CREATE TABLE t (a INT)", 1045)
}

func TestServers_LoginLag(t *testing.T) {
	c := newClock()
	s := start(t, &sql.Servers{LoginLag: time.Minute, Now: c.Now})
	wantError(t, api(t, s).PingContext(t.Context()), 1045)
	c.Advance(59 * time.Second)
	wantError(t, api(t, s).PingContext(t.Context()), 1045)
	// Another password does not start the lag anew.
	must(t, s.PutUser(one, login(onePrefix+"api", "role_readwrite", password)))
	c.Advance(time.Second)
	must(t, api(t, s).PingContext(t.Context()))
}

func TestServers_roles(t *testing.T) {
	s := start(t, &sql.Servers{})
	must(t, s.PutUser(one, login(onePrefix+"writer", "role_readwrite", password)))
	must(t, s.PutUser(one, login(onePrefix+"reader", "role_readonly", password)))
	admin := api(t, s)
	writer := client(t, s, one, onePrefix+"writer", password, "test")
	reader := client(t, s, one, onePrefix+"reader", password, "test")

	run(t, admin,
		"CREATE TABLE things (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))",
		"INSERT INTO things (name) VALUES ('a'), ('b')",
		"ALTER TABLE things ADD COLUMN size INT",
		"CREATE INDEX by_name ON things (name)",
		"CREATE VIEW names AS SELECT name FROM things",
		"CREATE DATABASE mine", "CREATE TABLE mine.t (a INT)", "INSERT INTO mine.t VALUES (1)",
		"CREATE TABLE gone (a INT)", "DROP TABLE gone", "TRUNCATE TABLE mine.t", "INSERT INTO mine.t VALUES (2)",
		"CREATE DATABASE brief", "DROP DATABASE brief",
	)
	run(t, writer, "INSERT INTO things (name) VALUES ('c')", "UPDATE things SET size = 1", "DELETE FROM things WHERE name = 'c'",
		"REPLACE INTO mine.t VALUES (2)", "DELETE FROM mine.t LIMIT 1")
	wantRows(t, writer, "SELECT name FROM names ORDER BY name", "a", "b")
	for _, query := range []string{
		"CREATE TABLE t (a INT)", "DROP TABLE things", "ALTER TABLE things DROP COLUMN name", "TRUNCATE TABLE things",
		"CREATE VIEW v AS SELECT 1", "DROP VIEW names", "CREATE INDEX i ON things (name)", "DROP INDEX by_name ON things",
		"RENAME TABLE things TO others", "CREATE DATABASE theirs", "DROP DATABASE mine",
		"CREATE USER x IDENTIFIED BY 'y'",
		"DROP USER '" + onePrefix + "reader'",
		"GRANT ALL ON *.* TO '" + onePrefix + "writer'",
		"SELECT User FROM mysql.user",
		"UPDATE mysql.user SET Super_priv = 'Y'",
		"DELETE FROM mysql.user",
		"SET GLOBAL max_connections = 10",
	} {
		if _, err := writer.ExecContext(t.Context(), query); err == nil {
			t.Errorf("%s: role_readwrite may do that", query)
		} else {
			t.Logf("%s: %v", query, err)
		}
	}
	fails(t, writer, "CREATE TABLE t (a INT)", 1142)
	wantRows(t, reader, "SELECT name FROM names ORDER BY name", "a", "b")
	wantRows(t, reader, "SELECT a FROM mine.t", "2")
	for _, query := range []string{
		"INSERT INTO things (name) VALUES ('c')", "UPDATE things SET name = 'c'", "DELETE FROM things",
		"CREATE TABLE t (a INT)", "DROP TABLE things", "ALTER TABLE things DROP COLUMN name", "TRUNCATE TABLE things",
		"CREATE VIEW v AS SELECT 1", "REPLACE INTO things VALUES (1, 'c', 1)", "CREATE INDEX i ON things (name)",
		"SELECT User FROM mysql.user", "CREATE DATABASE theirs", "DROP DATABASE mine", "CREATE USER x",
	} {
		if _, err := reader.ExecContext(t.Context(), query); err == nil {
			t.Errorf("%s: role_readonly may do that", query)
		} else {
			t.Logf("%s: %v", query, err)
		}
	}
	fails(t, reader, "INSERT INTO things (name) VALUES ('c')", 1143)
	fails(t, reader, "DELETE FROM things", 1142)
	wantRows(t, reader, "SHOW DATABASES", "information_schema", "mine", "mysql", "test")

	run(t, admin, "CREATE USER '"+onePrefix+"made' IDENTIFIED BY 'in SQL'", "GRANT SELECT ON test.* TO '"+onePrefix+"made'")
	wantRows(t, client(t, s, one, onePrefix+"made", "in SQL", "test"), "SELECT COUNT(*) FROM things", "2")

	// Another role counts at once.
	must(t, s.PutUser(one, login(onePrefix+"reader", "role_readwrite", password)))
	run(t, reader, "INSERT INTO things (name) VALUES ('c')")
}

func TestServers_DeleteCluster(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &sql.Servers{Dir: dir})
	must(t, s.CreateCluster(two))
	must(t, s.PutUser(two, login(twoPrefix+"api", "role_admin", password)))
	first, second := api(t, s), client(t, s, two, twoPrefix+"api", password, "test")
	run(t, first, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")
	wantRows(t, second, "SHOW TABLES")
	wantError(t, client(t, s, two, onePrefix+"api", password, "test").PingContext(t.Context()), 1045)
	if _, p := s.Endpoint(one); p == 0 {
		t.Error("cluster one has no port")
	}
	host, port := s.Endpoint(one)

	must(t, s.DeleteCluster(one))
	must(t, s.DeleteCluster(one)) // repeatable
	if err := first.PingContext(t.Context()); err == nil {
		t.Error("a deleted cluster answers")
	}
	if c, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
		_ = c.Close()
		t.Error("a deleted cluster listens")
	}
	if h, p := s.Endpoint(one); h != "" || p != 0 {
		t.Errorf("the endpoint of a deleted cluster is %q, %d", h, p)
	}
	if err := s.PutUser(one, login(onePrefix+"api", "role_readwrite", password)); err == nil {
		t.Error("a deleted cluster takes a user")
	}
	run(t, second, "CREATE TABLE t (a INT)")

	must(t, s.CreateCluster(one))
	must(t, s.PutUser(one, login(onePrefix+"api", "role_readwrite", password)))
	wantRows(t, api(t, s), "SHOW TABLES")
}
