package provider_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"portfolio-infra/internal/provider"
	emulatedsql "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sqllogin"
)

// gateway is the host name of the clusters' SQL servers.
const gateway = "localhost"

// sqlServers are the emulated SQL servers of a cloud. They listen on real sockets, outside of the
// bubble. While a client in the bubble waits for them, its time stands still.
type sqlServers struct {
	*emulatedsql.Servers

	mu    sync.Mutex
	now   time.Time // of the last connection
	dials int
	// instead, where set, may answer a connection in place of the server.
	instead func() (packet []byte)
	// killer, where set, cuts the provider's connections.
	killer *killer
}

// newSQLServers starts the embedded servers. A new user's login is refused for the lag.
func newSQLServers(t *testing.T, c *cloud, lag time.Duration) *sqlServers {
	t.Helper()
	s := &sqlServers{now: bubbleStart}
	s.Servers = &emulatedsql.Servers{Dir: t.TempDir(), Host: gateway, LoginLag: lag, Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}}
	s.start(t, c)
	return s
}

// realServer starts MariaDB or MySQL, where one is installed, and returns a function that
// makes it the server of a cloud. A test in a bubble must call that in the bubble, since it has
// goroutines.
func realServer(t *testing.T) func(*testing.T, *cloud) *sqlServers {
	t.Helper()
	certs := &emulatedsql.Servers{Dir: t.TempDir()}
	if err := errors.Join(certs.Open(), certs.Close()); err != nil {
		t.Fatal(err)
	}
	dsn := sqltest.RealServer(t, certs.Dir, password)
	return func(t *testing.T, c *cloud) *sqlServers {
		t.Helper()
		s := &sqlServers{Servers: &emulatedsql.Servers{DSN: dsn, DSNCA: certs.CAFile(), Host: gateway}}
		s.start(t, c)
		return s
	}
}

// start starts the servers of a cloud and makes the provider trust them.
func (s *sqlServers) start(t *testing.T, c *cloud) {
	t.Helper()
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("TIDBCLOUD_SQL_CA_FILE", s.CAFile())
	c.SQL, c.Endpoint = s, s.Endpoint
}

// dial connects to a server, whatever its host is called.
func (s *sqlServers) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	instead, killer := s.instead, s.killer
	s.mu.Unlock()
	if killer != nil {
		conn, err := s.dialServer(ctx, network, addr)
		return killer.watch(conn), err
	}
	if instead != nil {
		if packet := instead(); packet != nil {
			client, server := net.Pipe()
			go func() {
				_, _ = server.Write(packet)
				_ = server.Close()
			}()
			return client, nil
		}
	}
	return s.dialServer(ctx, network, addr)
}

func (s *sqlServers) dialServer(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.now = time.Now()
	s.mu.Unlock()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// packet is a packet of the MySQL protocol, the first one that a server sends.
func packet(payload string) []byte {
	return append([]byte{byte(len(payload)), byte(len(payload) >> 8), 0, 0}, payload...)
}

// Answers of a server to a new connection.
var (
	hangUp = []byte{}
	// withoutTLS is a handshake of a server that has no TLS.
	withoutTLS = packet("\x0a8.0.11-TiDB\x00\x01\x00\x00\x00abcdefgh\x00\x09\xa2\x2d\x02\x00\x08\x00\x15" +
		strings.Repeat("\x00", 10) + "ijklmnopqrst\x00mysql_native_password\x00")
)

// refusal is the error 1105 of TiDB Cloud's gateway.
func refusal(text string) []byte { return packet("\xff\x51\x04#HY000" + text) }

// always answers each connection with a packet.
func always(packet []byte) func() []byte { return func() []byte { return packet } }

// until answers with a packet for a while.
func until(after time.Duration, packet []byte) func() []byte {
	end := time.Now().Add(after)
	return func() []byte {
		if time.Now().Before(end) {
			return packet
		}
		return nil
	}
}

// logins returns how many connections f makes.
func (s *sqlServers) logins(f func()) int {
	s.mu.Lock()
	before := s.dials
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials - before
}

// withSQL runs a test in a bubble, on a cloud with a cluster of ours, 1001, and its SQL server.
func withSQL(t *testing.T, typ tokens.Type, lag time.Duration, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) {
	t.Helper()
	c := newCloud()
	s := newSQLServers(t, c, lag)
	c.add("portfolio-db", tokyo, ours, bubbleStart.Add(-time.Hour))
	synctest.Test(t, func(t *testing.T) {
		f(t, c, s, configured(t, c, provider.Options{Dial: s.dial}, typ, keys))
	})
}

// open connects to a database by hand, as the user "hand".
func (s *sqlServers) open(t *testing.T, c *cloud, database string) *sql.DB {
	t.Helper()
	if _, exists := c.users(c.first())["p1001.hand"]; !exists {
		c.addUser("hand", password, "role_admin")
		time.Sleep(s.LoginLag)
	}
	host, port := s.Endpoint(c.first())
	login := sqllogin.Login{Host: host, Port: port, User: c.prefixes[c.first()] + ".hand", Password: password}
	db, err := login.Open(s.CAFile(), func(config *mysql.Config) {
		config.DialFunc, config.DBName, config.ParseTime = s.dialServer, database, true
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// run runs statements by hand.
func (s *sqlServers) run(t *testing.T, c *cloud, statements ...string) {
	t.Helper()
	db := s.open(t, c, "")
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// databases lists the databases named portfolio, portfolio-2, ... with their character sets and
// collations.
func (s *sqlServers) databases(t *testing.T, c *cloud) (list string) {
	t.Helper()
	db := s.open(t, c, "")
	defer db.Close()
	err := db.QueryRowContext(t.Context(), `SELECT COALESCE(GROUP_CONCAT(CONCAT(SCHEMA_NAME, ' ', DEFAULT_CHARACTER_SET_NAME, '/', DEFAULT_COLLATION_NAME)
		ORDER BY SCHEMA_NAME SEPARATOR ', '), '') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'portfolio%'`).Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
