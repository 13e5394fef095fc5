package sql_test

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// The clusters of the tests. Their ports follow from their names, which are others
// in each process: two may run the tests at the same time.
var one, two = clusterID(), clusterID()

func clusterID() string { return fmt.Sprintf("1%019d", mathrand.Int64()) }

// The prefixes of the clusters' users.
const (
	onePrefix = "1aaaaaaaaaaaaaa."
	twoPrefix = "2bbbbbbbbbbbbbb."

	password = "correct horse"
)

// clock is a clock that moves when it is told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// start opens servers with cluster one, which has the user "api" with the
// password, and closes them at the end of the test. The user is an admin, since most
// tests make tables; those of the roles have users of their own.
func start(t *testing.T, s *emulated.Servers) *emulated.Servers {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	must(t, s.CreateCluster(one))
	must(t, s.PutUser(one, login(onePrefix+"api", "role_admin", password)))
	return s
}

// login is a user as faketidb hands it over. The roles other than the admin's have
// the prefix before them.
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

// client is a go-sql-driver client with the servers' CA.
func client(t *testing.T, s *emulated.Servers, cluster, user, password, database string) *sql.DB {
	t.Helper()
	host, port := s.Endpoint(cluster)
	conf := &tls.Config{RootCAs: rootsOf(t, filepath.Dir(s.CAFile())), ServerName: host}
	return connect(t, net.JoinHostPort(host, strconv.Itoa(port)), user, password, database, conf)
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

// api is a client of cluster one as the user that start made.
func api(t *testing.T, s *emulated.Servers) *sql.DB {
	t.Helper()
	return client(t, s, one, onePrefix+"api", password, "test")
}

// rootsOf holds the CA in dir.
func rootsOf(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
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

// rows returns what a query answers, each row as text: its values with | between.
func rows(t *testing.T, db runner, query string, args ...any) []string {
	t.Helper()
	r, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = r.Close() }()
	columns, err := r.Columns()
	must(t, err)
	var out []string
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
	if err := r.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// wantRows fails the test unless a query answers these rows.
func wantRows(t *testing.T, db runner, query string, want ...string) {
	t.Helper()
	got := rows(t, db, query)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\ngot  %q\nwant %q", query, got, want)
	}
}

// wantError fails the test unless err is the MySQL error of the number.
func wantError(t *testing.T, err error, number uint16) {
	t.Helper()
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != number {
		t.Errorf("got error %v, want error %d", err, number)
	}
}

// fails fails the test unless the statement does, with the number.
func fails(t *testing.T, db runner, query string, number uint16) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err == nil {
		t.Errorf("%s succeeds, want error %d", query, number)
	} else {
		t.Logf("%s: %v", query, err)
		wantError(t, err, number)
	}
}

// conn takes one connection of a client's.
func conn(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
