package sql_test

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

// Two clusters. Their IDs decide their ports, so each process has others: two may run the tests at
// the same time. Tests that run in parallel have the next ports. Those that need a port again after
// a restart do not run in parallel.
var one, two = clusterID(), clusterID()

func clusterID() string { return fmt.Sprintf("1%019d", mathrand.Int64()) }

// The prefixes of the clusters' users.
const (
	onePrefix = "1aaaaaaaaaaaaaa."
	twoPrefix = "2bbbbbbbbbbbbbb."

	password = "correct horse"
)

// start opens servers with cluster one, and closes them at the end of the test. The
// cluster has the user "api", an administrator since most tests create tables.
func start(t *testing.T, s *emulated.Servers) *emulated.Servers {
	t.Helper()
	s.TiDB = sqltest.TiDB(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	must(t, s.CreateCluster(one))
	put(t, s, one, onePrefix+"api", "role_admin", password)
	return s
}

func put(t *testing.T, s *emulated.Servers, cluster, user, role, password string) {
	t.Helper()
	must(t, s.PutUser(cluster, login(user, role, password)))
}

// login is a user as tidbcloud hands it over. The roles other than the
// administrator's have the prefix before them.
func login(name, role, password string) tidbcloud.Login {
	prefix, _, _ := strings.Cut(name, ".")
	if role != "role_admin" {
		role = prefix + "." + role
	}
	return tidbcloud.Login{
		User:     tidbcloud.User{UserName: name, BuiltinRole: role},
		Password: password, Hash: hash(password),
	}
}

func hash(password string) string {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	return "*" + strings.ToUpper(hex.EncodeToString(twice[:]))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client returns a go-sql-driver client that trusts the servers' CA.
func client(t *testing.T, s *emulated.Servers, cluster, user, password, database string) *sql.DB {
	t.Helper()
	host, port := s.Endpoint(cluster)
	return connect(t, net.JoinHostPort(host, strconv.Itoa(port)), user, password, database, trusting(t, s.CAFile()))
}

// api returns a client of cluster one as the user that start created.
func api(t *testing.T, s *emulated.Servers) *sql.DB {
	t.Helper()
	return client(t, s, one, onePrefix+"api", password, "test")
}

func connect(t *testing.T, addr, user, password, database string, conf *tls.Config) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.TLS = "tcp", addr, user, password, database, conf
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	must(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func trusting(t *testing.T, caFile string) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// runner is a *sql.DB, *sql.Conn or *sql.Tx.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// run runs statements that must succeed.
func run(t *testing.T, db runner, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// rows returns a query's rows, each as its values with | between.
func rows(t *testing.T, db runner, query string) []string {
	t.Helper()
	out, err := tryRows(t, db, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func tryRows(t *testing.T, db runner, query string) (out []string, err error) {
	t.Helper()
	r, err := db.QueryContext(t.Context(), query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	columns, err := r.Columns()
	must(t, err)
	for r.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		must(t, r.Scan(into...))
		texts := make([]string, len(columns))
		for i, v := range values {
			texts[i] = v.String
			if !v.Valid {
				texts[i] = "NULL"
			}
		}
		out = append(out, strings.Join(texts, "|"))
	}
	return out, r.Err()
}

func wantRows(t *testing.T, db runner, query string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, rows(t, db, query)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

// number is how the text of a MySQL error begins.
func number(n int) string { return fmt.Sprintf("Error %d (", n) }

// refused fails the test unless the login fails with that number.
func refused(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	testcheck.Error(t, db.PingContext(t.Context()), number(n))
}

// fails fails the test unless the statement does, with that number.
func fails(t *testing.T, db runner, n int, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	testcheck.Error(t, err, number(n))
}

// conn returns one connection of a client.
func conn(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually fails the test unless the condition holds within a minute.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(end) {
			t.Fatal("it takes too long")
		}
	}
}
