package fakesql

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// maxRows is how many rows an answer of the HTTP endpoint has at most.
// https://docs.pingcap.com/tidbcloud/serverless-driver/#limitations
const maxRows = 10000

// noSession is the session of a statement on its own. The driver sends it back
// with its next statement, which may well be in another database.
const noSession = "none"

// answer is the body of a success. What a statement does not have is null.
type answer struct {
	Types        []column    `json:"types"`
	Rows         [][]*string `json:"rows"`
	RowsAffected *int64      `json:"rowsAffected"`
	LastInsertID *string     `json:"sLastInsertID"`
}

type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// link is one connection to a cluster's server, with a client's own login: what
// the client may do is the server's to say.
type link struct {
	db   *sql.DB
	conn *sql.Conn
}

func dial(ctx context.Context, addr string, conf *tls.Config, r *request) (*link, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd = r.user, r.password
	config.Net, config.Addr = "tcp", addr
	config.DBName = cmp.Or(r.database, newDatabase)
	config.TLS = conf
	config.Timeout = 10 * time.Second
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
	return &link{db: db, conn: conn}, nil
}

func (l *link) close() error { return errors.Join(l.conn.Close(), l.db.Close()) }

// run runs one statement.
func (l *link) run(ctx context.Context, query string) (*answer, error) {
	if returnsRows(query) {
		return l.rows(ctx, query)
	}
	result, err := l.conn.ExecContext(ctx, query)
	if err != nil {
		return nil, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	// The driver has it as a signed number, the server does not.
	text := strconv.FormatUint(uint64(id), 10)
	return &answer{RowsAffected: &n, LastInsertID: &text}, nil
}

func (l *link) rows(ctx context.Context, query string) (_ *answer, err error) {
	rows, err := l.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := &answer{Types: []column{}, Rows: [][]*string{}}
	for _, t := range types {
		nullable, ok := t.Nullable()
		out.Types = append(out.Types, column{Name: t.Name(), Type: t.DatabaseTypeName(), Nullable: nullable || !ok})
	}
	values := make([]sql.RawBytes, len(types))
	into := make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if len(out.Rows) == maxRows {
			return nil, refused(http.StatusBadRequest, "the result has more than %d rows", maxRows)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]*string, len(values))
		for i, v := range values {
			if v != nil {
				text := encode(out.Types[i].Type, v)
				row[i] = &text
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, rows.Err()
}

// encode writes a value as the endpoint does: what is binary in hexadecimal, the
// rest as text.
func encode(typ string, v []byte) string {
	switch typ {
	case "BIT", "BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB":
		return hex.EncodeToString(v)
	}
	return string(v)
}

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

// owner tells whose session it is without keeping the password.
func (r *request) owner() [sha256.Size]byte { return sha256.Sum256([]byte(r.user + ":" + r.password)) }

// add makes a session of a connection and returns its name.
func (s *sessions) add(r *request, l *link, out *answer) (*answer, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, "", errors.Join(errClosed, l.close())
	}
	name := rand.Text()
	if s.open == nil {
		s.open = map[string]*session{}
	}
	s.open[name] = &session{
		link: l, owner: r.owner(), stateful: r.stateful == "open",
		end: time.AfterFunc(s.idle, func() { s.drop(name) }),
	}
	return out, name, nil
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
func (s *sessions) run(ctx context.Context, r *request) (*answer, string, error) {
	s.mu.Lock()
	found := s.open[r.session]
	s.mu.Unlock()
	switch {
	case found == nil:
		return nil, "", refused(http.StatusBadRequest, "the session has ended: it was closed, or idle for too long")
	case found.owner != r.owner():
		return nil, "", refused(http.StatusUnauthorized, "the session is another user's, or had another password")
	case !found.busy.TryLock():
		return nil, "", refused(http.StatusConflict, "the session runs a statement already: its statements must come one after the other")
	}
	defer found.busy.Unlock()
	switch r.stateful {
	case "open":
		return nil, "", refused(http.StatusBadRequest, "the session is open already")
	case "close":
		s.drop(r.session)
		return &answer{}, r.session, nil
	}
	found.end.Stop()
	out, err := found.link.run(ctx, r.query)
	var e *mysql.MySQLError
	switch {
	case err != nil && !errors.As(err, &e): // after the statement's own error the transaction goes on
		s.drop(r.session)
		return nil, "", err
	case err == nil && ends(r.query) && !found.stateful:
		s.drop(r.session)
		return out, noSession, nil
	}
	found.end.Reset(s.idle)
	return out, r.session, err
}

func (s *sessions) close() {
	s.mu.Lock()
	s.closed = true
	names := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, name := range names {
		s.drop(name)
	}
}
