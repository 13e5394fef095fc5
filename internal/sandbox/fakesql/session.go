package fakesql

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The first part of a session's name. A statement on its own gets a name too, but
// nothing is kept for it: the driver sends it back with its next statement, which
// may well be in another database.
const (
	keptName    = "kept-"
	passingName = "once-"
)

func isKept(name string) bool { return strings.HasPrefix(name, keptName) }

// passing names the session of a statement on its own.
func passing() string { return passingName + rand.Text() }

// sessions are the connections that outlive a request: those in a transaction and
// those that the client opened as stateful. The zero value has none.
type sessions struct {
	idle time.Duration

	mu     sync.Mutex
	open   map[string]*session
	closed bool
}

// session is such a connection.
type session struct {
	link     *link
	owner    [sha256.Size]byte
	stateful bool
	end      *time.Timer
	// busy is held while a statement runs.
	busy sync.Mutex
}

// keep makes a session of a connection and returns its name.
func (s *sessions) keep(c *call, l *link, out *answer) (*answer, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, "", errors.Join(errClosed, l.close())
	}
	name := keptName + rand.Text()
	if s.open == nil {
		s.open = map[string]*session{}
	}
	s.open[name] = &session{
		link: l, owner: c.owner(), stateful: c.stateful == "open",
		end: time.AfterFunc(s.idle, func() { s.drop(name) }),
	}
	return out, name, nil
}

// owner tells whose session it is without keeping the password.
func (c *call) owner() [sha256.Size]byte {
	return sha256.Sum256([]byte(c.user + ":" + c.password))
}

// drop closes a session's connection, which rolls back.
func (s *sessions) drop(name string) {
	s.mu.Lock()
	found := s.open[name]
	delete(s.open, name)
	s.mu.Unlock()
	if found != nil {
		found.end.Stop()
		_ = found.link.close() // it is of no use any more
	}
}

// run runs a statement in a session.
func (s *sessions) run(ctx context.Context, c *call) (*answer, string, error) {
	s.mu.Lock()
	found := s.open[c.session]
	s.mu.Unlock()
	if found == nil {
		return nil, "", refused(http.StatusBadRequest, "the session has ended: it was closed, or idle for too long")
	}
	if owner := c.owner(); subtle.ConstantTimeCompare(found.owner[:], owner[:]) == 0 {
		return nil, "", refused(http.StatusUnauthorized, "the session is another user's, or had another password")
	}
	if !found.busy.TryLock() {
		return nil, "", refused(http.StatusConflict, "the session runs a statement already: its statements must come one after the other")
	}
	defer found.busy.Unlock()
	switch c.stateful {
	case "open":
		return nil, "", refused(http.StatusBadRequest, "the session is open already")
	case "close":
		s.drop(c.session)
		return &answer{}, c.session, nil
	}
	found.end.Stop()
	out, err := found.link.run(ctx, c.query)
	if err != nil {
		// After an error of the statement's the transaction goes on.
		var e *mysql.MySQLError
		if !errors.As(err, &e) {
			s.drop(c.session)
			return nil, "", err
		}
	}
	if err == nil && ends(c.query) && !found.stateful {
		s.drop(c.session)
		return out, passing(), nil
	}
	found.end.Reset(s.idle)
	return out, c.session, err
}

func (s *sessions) close() {
	s.mu.Lock()
	s.closed = true
	var names []string
	for name := range s.open {
		names = append(names, name)
	}
	s.mu.Unlock()
	for _, name := range names {
		s.drop(name)
	}
}
