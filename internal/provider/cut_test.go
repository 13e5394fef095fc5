package provider_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// cut ends a connection at a command to a SQL server, before or after it took effect. The command is
// the first one, the second one and so on of all connections.
type cut struct {
	at    int
	after bool
	// instead, where set, is called before each command, and the connections stay.
	instead func(conn *cutConn, n, size int)

	mu   sync.Mutex
	seen int // commands
}

// happened reports whether the connection was ended.
func (c *cut) happened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen >= c.at
}

// cutConn is a client's connection that may be ended.
type cutConn struct {
	net.Conn
	cut    *cut
	writes int
	ended  bool
}

// handshake is how many writes a client needs to log in: the request for TLS, two of TLS, and the login.
const handshake = 4

func (c *cutConn) Write(b []byte) (int, error) {
	if c.writes++; c.writes <= handshake {
		return c.Conn.Write(b)
	}
	c.cut.mu.Lock()
	c.cut.seen++
	n := c.cut.seen
	c.cut.mu.Unlock()
	if c.cut.instead != nil {
		c.cut.instead(c, n, len(b))
		return c.Conn.Write(b)
	}
	if c.ended = c.ended || n == c.cut.at; !c.ended {
		return c.Conn.Write(b)
	}
	if c.cut.after {
		_, _ = c.Conn.Write(b)
		_, _ = c.Conn.Read(make([]byte, 1)) // now the command has taken effect
	}
	_ = c.Conn.Close()
	return len(b), nil
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	return c.Conn.Read(b)
}

// setCut sets what happens to the connections that begin from now on; nil means nothing.
func (s *sqlServers) setCut(c *cut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = c
}

// cuts calls before, run and check in turn, with a cut at each command that run makes, before and after
// it takes effect. Unless MATRIX is full it cuts at one of some commands, before or after in turn. It
// returns how often run failed.
func (s *sqlServers) cuts(some int, before func(), run func() error, check func(cut string)) (failed int) {
	for i := 1; ; i++ {
		c := &cut{at: some * i, after: i%2 == 0}
		if os.Getenv("MATRIX") == "full" {
			c.at = (i + 1) / 2
		}
		before()
		s.setCut(c)
		err := run()
		s.setCut(nil)
		check(fmt.Sprintf("cut at command %d, after its effect: %v", c.at, c.after))
		if err != nil {
			failed++
		}
		if !c.happened() {
			return failed
		}
	}
}
