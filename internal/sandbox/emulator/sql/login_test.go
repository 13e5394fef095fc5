package sql_test

import (
	"crypto/tls"
	"database/sql"
	"net"
	"strconv"
	"testing"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/testcheck"
)

func TestServers_login(t *testing.T) {
	t.Parallel()
	s := start(t, &emulated.Servers{})
	host, port := s.Endpoint(one)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	secure := trusting(t, s.CAFile())
	user := onePrefix + "api"
	for name, tt := range map[string]struct {
		user, password, database string
		tls                      *tls.Config
		want                     string
	}{
		"wrong password":   {user, "wrong", "test", secure, "Error 1045 "},
		"unknown user":     {onePrefix + "nobody", password, "test", secure, "Error 1045 "},
		"unknown database": {user, password, "nowhere", secure, "Error 1049 "},
		"no TLS":           {user, "wrong", "test", nil, "Error 1105 (HY000): Connections using insecure transport are prohibited."},
		"another CA":       {user, password, "test", &tls.Config{ServerName: "localhost"}, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			testcheck.Error(t, connect(t, addr, tt.user, tt.password, tt.database, tt.tls).PingContext(t.Context()), tt.want)
		})
	}
	must(t, connect(t, addr, user, password, "", secure).PingContext(t.Context()))
	wantRows(t, api(t, s), "SELECT VERSION(), @@version, DATABASE(), CURRENT_USER()",
		"8.0.11-TiDB-v8.5.6|8.0.11-TiDB-v8.5.6|test|"+user+"@%")
}

func TestServers_PutUser_password(t *testing.T) {
	t.Parallel()
	s := start(t, &emulated.Servers{})
	user := onePrefix + "before"
	put(t, s, one, user, "role_readwrite", password)
	held := conn(t, client(t, s, one, user, password, "test"))

	put(t, s, one, user, "role_readwrite", "another password")
	refused(t, client(t, s, one, user, password, "test"), 1045)
	must(t, client(t, s, one, user, "another password", "test").PingContext(t.Context()))
	must(t, held.PingContext(t.Context()))

	must(t, s.DropUser(one, user))
	must(t, s.DropUser(one, user)) // repeatable
	refused(t, client(t, s, one, user, "another password", "test"), 1045)
	fails(t, held, 1142, "CREATE TABLE t (a INT)")
}

func TestServers_roles(t *testing.T) {
	t.Parallel()
	s := start(t, &emulated.Servers{})
	put(t, s, one, onePrefix+"writer", "role_readwrite", password)
	put(t, s, one, onePrefix+"reader", "role_readonly", password)
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
	wantRows(t, reader, "SELECT name FROM names ORDER BY name", "a", "b")
	wantRows(t, reader, "SELECT a FROM mine.t", "2")
	wantRows(t, reader, "SHOW DATABASES", "INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "mine", "mysql", "sys", "test")

	both := []string{
		"CREATE TABLE t (a INT)", "DROP TABLE things", "ALTER TABLE things DROP COLUMN name", "TRUNCATE TABLE things",
		"CREATE VIEW v AS SELECT 1", "DROP VIEW names", "CREATE INDEX i ON things (name)", "DROP INDEX by_name ON things",
		"RENAME TABLE things TO others", "CREATE DATABASE theirs", "DROP DATABASE mine",
		"CREATE USER x IDENTIFIED BY 'y'", "DROP USER '" + onePrefix + "reader'", "GRANT ALL ON *.* TO '" + onePrefix + "writer'",
		"SELECT User FROM mysql.user", "UPDATE mysql.user SET Super_priv = 'Y'", "DELETE FROM mysql.user", "SET GLOBAL max_connections = 10",
	}
	for _, tt := range []struct {
		role    string
		db      *sql.DB
		queries []string
	}{
		{"role_readwrite", writer, both},
		{"role_readonly", reader, append(both, "UPDATE things SET name = 'c'", "REPLACE INTO things VALUES (1, 'c', 1)")},
	} {
		for _, query := range tt.queries {
			if _, err := tt.db.ExecContext(t.Context(), query); err == nil {
				t.Errorf("%s may do this: %s", tt.role, query)
			}
		}
	}
	fails(t, writer, 1142, "CREATE TABLE t (a INT)")
	fails(t, reader, 1143, "INSERT INTO things (name) VALUES ('c')")
	fails(t, reader, 1142, "DELETE FROM things")

	run(t, admin, "CREATE USER '"+onePrefix+"made' IDENTIFIED BY 'in SQL'", "GRANT SELECT ON test.* TO '"+onePrefix+"made'")
	wantRows(t, client(t, s, one, onePrefix+"made", "in SQL", "test"), "SELECT COUNT(*) FROM things", "2")
	put(t, s, one, onePrefix+"reader", "role_readwrite", password)
	fails(t, reader, 1143, "SELECT name FROM things") // it has lost its role, and gets the new one when it logs in
	run(t, client(t, s, one, onePrefix+"reader", password, "test"), "INSERT INTO things (name) VALUES ('c')")
}
