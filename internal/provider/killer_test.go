package provider_test

import (
	"errors"
	"net"
	"sync"
)

// killer cuts all connections at a write, as the death of the process does.
type killer struct {
	at    int  // which write, from 1
	after bool // the server answers it, and the answer is lost

	mu        sync.Mutex
	writes    int
	answering bool // the lost answer is under way
	dead      bool
}

var errKilled = errors.New("killed")

// died reports whether the write was reached.
func (k *killer) died() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dead
}

func (k *killer) watch(conn net.Conn) net.Conn { return &watchedConn{conn, k} }

type watchedConn struct {
	net.Conn
	killer *killer
}

func (c *watchedConn) Write(b []byte) (int, error) {
	k := c.killer
	k.mu.Lock()
	k.writes++
	if k.writes == k.at {
		k.answering, k.dead = k.after, !k.after
	}
	dead := k.dead
	k.mu.Unlock()
	if dead {
		_ = c.Close()
		return 0, errKilled
	}
	return c.Conn.Write(b)
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	k := c.killer
	k.mu.Lock()
	k.dead = k.dead || k.answering
	dead := k.dead
	k.mu.Unlock()
	if dead {
		_ = c.Close()
		return 0, errKilled
	}
	return n, err
}
