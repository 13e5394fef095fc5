package sql

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator"
)

// sqlPath is the path of the HTTP endpoint.
const sqlPath = "/v1beta/sql"

// maxRows is how many rows an answer has at most.
// https://docs.pingcap.com/tidbcloud/serverless-driver/#limitations
const maxRows = 10000

// noSession is the session of a statement on its own. The driver takes an empty one
// for a failure, and sends this one back with its next statement.
const noSession = "none"

// request is one request to the HTTP endpoint.
type request struct {
	user, password, database, query string
	session                         string // that an answer named, or ""
	isolation                       string // of the transaction that the query begins, or ""
	stateful                        string // "open" or "close" in place of a query, or ""
}

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

// refusal is the error of a request that reached no server.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refused(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// serveSQL answers one request. The code of an error is the number of the MySQL
// error, or else the HTTP status.
func (s *Servers) serveSQL(w http.ResponseWriter, r *http.Request) {
	req, err := readRequest(r)
	if err == nil {
		var out *answer
		var session string
		if out, session, err = s.runRequest(r.Context(), req); err == nil {
			w.Header().Set("TiDB-Session", session)
			emulator.Reply(w, http.StatusOK, out)
			return
		}
	}
	status, code, message := http.StatusServiceUnavailable, 0, err.Error()
	var refusal *refusal
	var e *mysql.MySQLError
	switch {
	case errors.As(err, &refusal):
		status = refusal.status
	case errors.As(err, &e):
		status, code, message = http.StatusBadRequest, int(e.Number), e.Error()
		if e.Number == 1045 {
			status = http.StatusUnauthorized
		}
	}
	emulator.Reply(w, status, map[string]string{"code": strconv.Itoa(cmp.Or(code, status)), "message": message})
}

// readRequest reads a request and refuses what the driver never sends.
func readRequest(r *http.Request) (*request, error) {
	user, password, ok := r.BasicAuth()
	switch {
	case r.URL.Path != sqlPath:
		return nil, refused(http.StatusNotFound, "there is no %s %s: only POST %s", r.Method, r.URL.Path, sqlPath)
	case r.Method != http.MethodPost:
		return nil, refused(http.StatusMethodNotAllowed, "%s takes POST, not %s", sqlPath, r.Method)
	case !ok:
		return nil, refused(http.StatusUnauthorized, "the request has no Basic credentials")
	}
	var body struct {
		Query string `json:"query"`
	}
	if err := emulator.Decode(r, &body); err != nil {
		return nil, refused(http.StatusBadRequest, "reading the body: %v", err)
	}
	req := &request{
		user: user, password: password, query: body.Query,
		database:  r.Header.Get("TiDB-Database"),
		session:   r.Header.Get("TiDB-Session"),
		isolation: r.Header.Get("TiDB-Isolation-Level"),
		stateful:  r.Header.Get("TiDB-Stateful-Action"),
	}
	begins, _ := bounds(req.query)
	switch {
	case !slices.Contains([]string{"", "READ COMMITTED", "REPEATABLE READ"}, req.isolation):
		return nil, refused(http.StatusBadRequest, "TiDB-Isolation-Level is %q, neither READ COMMITTED nor REPEATABLE READ", req.isolation)
	case req.isolation != "" && !begins:
		return nil, refused(http.StatusBadRequest, "TiDB-Isolation-Level comes without BEGIN")
	case !slices.Contains([]string{"", "open", "close"}, req.stateful):
		return nil, refused(http.StatusBadRequest, "TiDB-Stateful-Action is %q, neither open nor close", req.stateful)
	case req.stateful == "" && req.query == "":
		return nil, refused(http.StatusBadRequest, "the query is empty")
	}
	return req, nil
}

// runRequest runs a request's statement on a connection with the client's own
// login: what the client may do is the server's to say. It returns the session that
// the client goes on with.
func (s *Servers) runRequest(ctx context.Context, r *request) (*answer, string, error) {
	b, err := s.open()
	if err != nil {
		return nil, "", err
	}
	name := r.session
	var session *session
	if name != "" && name != noSession {
		session, err = s.sessions.take(name, r)
	} else {
		name = rand.Text()
		session, err = dial(ctx, b, r)
	}
	if err != nil {
		return nil, "", err
	}
	out := &answer{}
	switch {
	case r.stateful == "open":
		session.stateful = true
	case r.stateful == "close":
		session.stateful, session.transaction = false, false
	default:
		if r.isolation != "" {
			_, err = session.conn.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL "+r.isolation)
		}
		if err == nil {
			out, err = session.run(ctx, r.query)
		}
		var e *mysql.MySQLError
		if begins, ends := bounds(r.query); err == nil {
			session.transaction = (session.transaction || begins) && !ends
		} else if !errors.As(err, &e) { // after an error of the statement's the transaction goes on
			session.stateful, session.transaction = false, false
		}
	}
	if session.stateful || session.transaction {
		return out, name, errors.Join(err, s.sessions.put(name, session))
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	delete(s.sessions.open, name)
	if r.stateful != "close" {
		name = noSession
	}
	return out, name, errors.Join(err, session.close())
}

// session is a connection. It outlives a request in a transaction and when the
// client opened it as stateful.
type session struct {
	db                    *sql.DB
	conn                  *sql.Conn
	owner                 [sha256.Size]byte
	stateful, transaction bool
	end                   *time.Timer
}

func dial(ctx context.Context, b backend, r *request) (*session, error) {
	addr, conf, ok := b.target(r.user)
	switch {
	case r.stateful == "close":
		return nil, refused(http.StatusBadRequest, "there is no session to close")
	case !ok:
		return nil, refused(http.StatusUnauthorized, "the user %q is no cluster's", r.user)
	}
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
	return &session{db: db, conn: conn, owner: r.owner()}, nil
}

// owner tells whose session it is without keeping the password.
func (r *request) owner() [sha256.Size]byte { return sha256.Sum256([]byte(r.user + ":" + r.password)) }

// close closes the connection, which rolls back.
func (s *session) close() error { return errors.Join(s.conn.Close(), s.db.Close()) }

// run runs one statement.
func (s *session) run(ctx context.Context, query string) (*answer, error) {
	if first, _ := firstWords(query); slices.Contains(rowKeywords, first) {
		return s.rows(ctx, query)
	}
	result, err := s.conn.ExecContext(ctx, query)
	if err != nil {
		return nil, err
	}
	n, _ := result.RowsAffected() // neither fails
	id, _ := result.LastInsertId()
	text := strconv.FormatUint(uint64(id), 10) // it is a signed number of the driver's alone
	return &answer{RowsAffected: &n, LastInsertID: &text}, nil
}

func (s *session) rows(ctx context.Context, query string) (_ *answer, err error) {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := &answer{Types: []column{}, Rows: [][]*string{}}
	values := make([]sql.RawBytes, len(types))
	into := make([]any, len(types))
	for i, t := range types {
		nullable, ok := t.Nullable()
		out.Types = append(out.Types, column{Name: t.Name(), Type: t.DatabaseTypeName(), Nullable: nullable || !ok})
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
			if v == nil {
				continue
			}
			text := string(v)
			if typ := out.Types[i].Type; typ == "BIT" || strings.HasSuffix(typ, "BINARY") || strings.HasSuffix(typ, "BLOB") {
				text = hex.EncodeToString(v)
			}
			row[i] = &text
		}
		out.Rows = append(out.Rows, row)
	}
	return out, rows.Err()
}

// sessions are those between two requests, by name; nil while a request has them.
type sessions struct {
	idle time.Duration

	mu     sync.Mutex
	open   map[string]*session
	closed bool
}

// take takes a session for a request.
func (s *sessions) take(name string, r *request) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[name]
	switch {
	case !ok:
		return nil, refused(http.StatusBadRequest, "the session has ended: it was closed, or idle for too long")
	case found == nil:
		return nil, refused(http.StatusConflict, "the session runs a statement already: its statements must come one after the other")
	case found.owner != r.owner():
		return nil, refused(http.StatusUnauthorized, "the session is another user's, or had another password")
	}
	found.end.Stop()
	s.open[name] = nil
	return found, nil
}

// put gives a session back.
func (s *sessions) put(name string, back *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errClosed, back.close())
	}
	if s.open == nil {
		s.open = map[string]*session{}
	}
	s.open[name] = back
	back.end = time.AfterFunc(s.idle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[name] == back {
			delete(s.open, name)
			_ = back.close() // it is of no use any more
		}
	})
	return nil
}

// close closes the sessions that no request has.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, session := range s.open {
		if session != nil {
			session.end.Stop()
			_ = session.close() // which rolls back
		}
	}
	clear(s.open)
}

// keywords matches the first two words of a statement, after space, comments and
// opening parentheses.
var keywords = regexp.MustCompile(`(?s)^(?:[\s(]|/\*.*?\*/|(?:--|#)[^\n]*\n)*(\w+)\s*(\w*)`)

func firstWords(query string) (first, second string) {
	words := append(keywords.FindStringSubmatch(query), "", "", "")
	return strings.ToUpper(words[1]), strings.ToUpper(words[2])
}

// rowKeywords begin the statements that answer with rows. The connection has to be
// told in advance, and a real server behind a DSN may know statements that the
// parser of the embedded ones does not.
var rowKeywords = []string{"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "TABLE", "VALUES", "ADMIN", "CHECK", "ANALYZE", "TRACE"}

// bounds reports whether a statement begins or ends a transaction.
func bounds(query string) (begins, ends bool) {
	first, second := firstWords(query)
	return first == "BEGIN" || first == "START" && second == "TRANSACTION", first == "COMMIT" || first == "ROLLBACK" && second != "TO"
}
