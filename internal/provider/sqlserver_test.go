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
	emulatedcloud "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sqllogin"
)

// gateway is the host name of the clusters' SQL servers.
const gateway = "localhost"

// sqlServers are the emulated SQL servers of a cloud with one cluster. They listen on real sockets,
// outside of the bubble. While a client in the bubble waits for them, its time stands still.
type sqlServers struct {
	*emulatedsql.Servers
	// place is the cluster of the pool that serves the cloud's cluster. It is "" when that is deleted.
	cluster, place string
	branches       []string

	// lag is how long a new user's login is refused: in TiDB Cloud it takes a while until all
	// servers know one.
	lag time.Duration

	mu    sync.Mutex
	now   time.Time          // of the last connection
	known map[string]bool    // the users, by name
	late  map[string]lagging // those whose login is refused yet, by name
	dials int
	// instead, where set, may answer a connection in place of the server.
	instead func() (packet []byte)
	// cut, where set, ends one connection.
	cut *cut
	// work is done, with an answer, outside of the bubble.
	work chan func() error
	done chan error
}

// lagging is a new user, and when it can log in.
type lagging struct {
	place string
	login emulatedcloud.Login
	at    time.Time
}

// newSQLServers gives a cloud SQL servers. A new user's login is refused for the lag.
func newSQLServers(t *testing.T, c *cloud, lag time.Duration) *sqlServers {
	t.Helper()
	s := &sqlServers{Servers: pool.open(t), now: bubbleStart, lag: lag, known: map[string]bool{}, late: map[string]lagging{}, work: make(chan func() error), done: make(chan error)}
	s.place = pool.take(t)
	t.Cleanup(func() {
		close(s.work)
		for _, id := range s.branches {
			if err := s.DeleteCluster(id); err != nil {
				t.Error(err)
			}
		}
		if s.place != "" {
			pool.give(t, s.place)
		}
	})
	go func() {
		for f := range s.work {
			s.done <- f()
		}
	}()
	c.SQL, c.Endpoint = s, s.Endpoint
	return s
}

// at returns which cluster or branch of the pool serves one of the cloud.
func (s *sqlServers) at(id string) string {
	if id == s.cluster {
		return s.place
	}
	return id
}

// CreateCluster takes the place for the cluster. There are no others.
func (s *sqlServers) CreateCluster(id string) error {
	if s.cluster != "" {
		return errors.New("a second cluster")
	}
	s.cluster = id
	return nil
}

// DeleteCluster deletes the cluster with its place.
func (s *sqlServers) DeleteCluster(id string) error {
	place := s.at(id)
	if id == s.cluster {
		s.place = ""
	}
	return s.Servers.DeleteCluster(place)
}

func (s *sqlServers) SetEndpoint(id string, disabled bool) error {
	return s.Servers.SetEndpoint(s.at(id), disabled)
}

func (s *sqlServers) Endpoint(id string) (host string, port int) { return s.Servers.Endpoint(s.at(id)) }

// PutUser lets a new user in with no password until the lag is over. One that comes without
// its password existed before.
func (s *sqlServers) PutUser(id string, l emulatedcloud.Login) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, late := s.late[l.UserName]
	if s.lag > 0 && (late || !s.known[l.UserName] && l.Password != "") {
		at := s.now.Add(s.lag)
		if late {
			at = s.late[l.UserName].at
		}
		s.late[l.UserName] = lagging{s.at(id), l, at}
		l.Hash = "*" + strings.Repeat("0", 40) // that of no password
	}
	s.known[l.UserName] = true
	return s.Servers.PutUser(s.at(id), l)
}

// CreateBranch creates or resets a branch outside of the bubble, where it can listen. Its moment is
// that of the real time, in which the parent was written.
func (s *sqlServers) CreateBranch(parent, id string, _ time.Time) error {
	s.branches = append(s.branches, id)
	s.work <- func() error { return s.Servers.CreateBranch(s.at(parent), id, time.Now()) }
	return <-s.done
}

// DropUser forgets the user.
func (s *sqlServers) DropUser(id, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name)
	delete(s.late, name)
	return s.Servers.DropUser(s.at(id), name)
}

// dial connects to a server, whatever its host is called.
func (s *sqlServers) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	instead, cut := s.instead, s.cut
	s.mu.Unlock()
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
	conn, err := s.dialServer(ctx, network, addr)
	if err != nil || cut == nil {
		return conn, err
	}
	return &cutConn{Conn: conn, cut: cut}, nil
}

// advance notes the time, and lets in the users whose lag is over.
func (s *sqlServers) advance() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = time.Now()
	for name, user := range s.late {
		if s.now.Before(user.at) {
			continue
		}
		delete(s.late, name)
		if err := s.Servers.PutUser(user.place, user.login); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlServers) dialServer(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := s.advance(); err != nil {
		return nil, err
	}
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

// withSQL runs a test in a bubble, beside others, on a cloud with a cluster of ours, 1001, and its SQL server.
func withSQL(typ tokens.Type, lag time.Duration, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		s := newSQLServers(t, c, lag)
		c.add("portfolio-db", tokyo, ours, bubbleStart.Add(-time.Hour))
		synctest.Test(t, func(t *testing.T) {
			f(t, c, s, configured(t, c, provider.Options{Dial: s.dial}, typ, keys))
		})
	}
}

// open connects to a database by hand, as the user "hand".
func (s *sqlServers) open(t *testing.T, c *cloud, database string) *sql.DB {
	t.Helper()
	if _, exists := c.users(c.first())["p1001.hand"]; !exists {
		c.addUser("hand", password, "role_admin")
		time.Sleep(s.lag)
	}
	host, port := s.Endpoint(c.first())
	return s.connect(t, sqllogin.Login{Host: host, Port: port, User: c.prefixes[c.first()] + ".hand", Password: password}, database)
}

// login is the login that the outputs have, of the user in one of them.
func (e *engine) login(user string) sqllogin.Login {
	return sqllogin.Login{Host: e.out("host"), Port: int(e.outputs.Get("port").AsNumber()), User: e.out(user), Password: e.out("password")}
}

// connect connects to a database with a login, past the cut.
func (s *sqlServers) connect(t *testing.T, login sqllogin.Login, database string) *sql.DB {
	t.Helper()
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
