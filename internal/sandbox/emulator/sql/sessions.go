package sql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// session is a connection for the HTTP endpoint. It outlives a request if it is in a
// transaction, or if the client opened it as stateful.
type session struct {
	db                    *sql.DB
	conn                  *sql.Conn
	owner                 string
	stateful, transaction bool
	expiry                *time.Timer
}

// dial opens a session.
func (s *Servers) dial(ctx context.Context, c *cluster, r *request) (*session, error) {
	switch {
	case r.stateful == "close":
		return nil, httpErrorf(http.StatusBadRequest, "there is no session to close")
	case c == nil:
		return nil, httpErrorf(http.StatusUnauthorized, "no cluster has the prefix of the user %q", r.user)
	}
	config := mysql.NewConfig()
	config.User, config.Passwd = r.user, r.password
	config.Net, config.Addr = "tcp", c.listener.Addr().String()
	config.DBName = cmp.Or(r.database, "test")
	config.TLS = s.tlsConfig()
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &session{db: db, conn: conn, owner: r.user + ":" + r.password}, nil
}

// close closes the connection, which rolls back its transaction.
func (s *session) close() error { return errors.Join(s.conn.Close(), s.db.Close()) }

// sessions has, by name, the sessions that no request is using.
type sessions struct {
	idle time.Duration

	mu     sync.Mutex
	byName map[string]*session
	closed bool
}

// take removes a session for the duration of a request.
func (s *sessions) take(name string, r *request) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byName[name]
	if found == nil {
		return nil, httpErrorf(http.StatusBadRequest, "no such session: it was closed, was idle for too long, or is running another statement")
	}
	if found.owner != r.user+":"+r.password {
		return nil, httpErrorf(http.StatusUnauthorized, "the session was opened with another login")
	}
	found.expiry.Stop()
	delete(s.byName, name)
	return found, nil
}

func (s *sessions) put(name string, idle *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errClosed, idle.close())
	}
	if s.byName == nil {
		s.byName = map[string]*session{}
	}
	s.byName[name] = idle
	idle.expiry = time.AfterFunc(s.idle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.byName[name] == idle {
			delete(s.byName, name)
			_ = idle.close()
		}
	})
	return nil
}

// close closes the sessions that no request uses.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, session := range s.byName {
		session.expiry.Stop()
		_ = session.close()
	}
	clear(s.byName)
}
