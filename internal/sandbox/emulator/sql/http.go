package sql

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator"
)

// maxRows is the limit of
// https://docs.pingcap.com/tidbcloud/serverless-driver/#limitations.
const maxRows = 10000

// noSession is the session of a single statement. The driver takes an empty session for a
// failure. It sends this one back with its next statement.
const noSession = "none"

type request struct {
	user, password, database, query string
	session                         string // the name from an earlier answer, or ""
	isolation                       string // of the transaction that the query begins, or ""
	stateful                        string // "open" or "close" instead of a query, or ""
}

// answer is the body of a success. Fields that a statement does not have are null.
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

// httpError is the error of a request that did not reach a SQL server.
type httpError struct {
	status  int
	message string
}

func (e *httpError) Error() string { return e.message }

func httpErrorf(status int, format string, args ...any) *httpError {
	return &httpError{status, fmt.Sprintf(format, args...)}
}

// serveSQL answers one request. An error's code is the SQL server's, or else the HTTP status.
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
	status, code := http.StatusServiceUnavailable, 0
	var httpErr *httpError
	var sqlErr *mysql.MySQLError
	switch {
	case errors.As(err, &httpErr):
		status = httpErr.status
	case errors.As(err, &sqlErr):
		status, code = http.StatusBadRequest, int(sqlErr.Number)
		if code == 1045 {
			status = http.StatusUnauthorized
		}
	}
	emulator.Reply(w, status, map[string]string{"code": strconv.Itoa(cmp.Or(code, status)), "message": err.Error()})
}

// readRequest refuses what the driver never sends.
func readRequest(r *http.Request) (*request, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return nil, httpErrorf(http.StatusUnauthorized, "the request has no Basic credentials")
	}
	var body struct {
		Query string `json:"query"`
	}
	if err := emulator.Decode(r, &body); err != nil {
		return nil, httpErrorf(http.StatusBadRequest, "reading the body: %v", err)
	}
	req := &request{
		user: user, password: password, query: body.Query,
		database:  r.Header.Get("TiDB-Database"),
		session:   r.Header.Get("TiDB-Session"),
		isolation: r.Header.Get("TiDB-Isolation-Level"),
		stateful:  r.Header.Get("TiDB-Stateful-Action"),
	}
	switch {
	case !slices.Contains([]string{"", "READ COMMITTED", "REPEATABLE READ"}, req.isolation):
		return nil, httpErrorf(http.StatusBadRequest, "TiDB-Isolation-Level must be READ COMMITTED or REPEATABLE READ, not %q", req.isolation)
	case !slices.Contains([]string{"", "open", "close"}, req.stateful):
		return nil, httpErrorf(http.StatusBadRequest, "TiDB-Stateful-Action must be open or close, not %q", req.stateful)
	case req.stateful == "" && req.query == "":
		return nil, httpErrorf(http.StatusBadRequest, "the query is empty")
	}
	return req, nil
}

// runRequest runs a request on a connection with the client's own login, so that the SQL
// server checks its privileges. It returns the name of the session for the next request.
func (s *Servers) runRequest(ctx context.Context, r *request) (out *answer, name string, err error) {
	if err := s.Open(); err != nil {
		return nil, "", err
	}
	cluster := s.clusterOf(r.user)
	if cluster != nil && cluster.isDisabled() {
		return nil, "", httpErrorf(http.StatusServiceUnavailable, "the cluster's public endpoint is disabled")
	}
	var session *session
	if name = r.session; name != "" && name != noSession {
		session, err = s.sessions.take(name, r)
	} else {
		name = rand.Text()
		session, err = s.dial(ctx, cluster, r)
	}
	if err != nil {
		return nil, "", err
	}
	out = &answer{}
	switch r.stateful {
	case "open":
		session.stateful = true
	case "close":
		return out, name, session.close()
	default:
		out, err = session.run(ctx, r)
	}
	if session.stateful || session.transaction {
		return out, name, errors.Join(err, s.sessions.put(name, session))
	}
	return out, noSession, errors.Join(err, session.close())
}

// run runs the request's statement.
func (s *session) run(ctx context.Context, r *request) (out *answer, err error) {
	if r.isolation != "" {
		_, err = s.conn.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL "+r.isolation)
	}
	first, second := firstWords(r.query)
	if err == nil && slices.Contains(rowKeywords, first) {
		out, err = s.query(ctx, r.query)
	} else if err == nil {
		out, err = s.exec(ctx, r.query)
	}
	if err != nil {
		// A transaction outlives an error of its statement.
		if sqlErr := (*mysql.MySQLError)(nil); !errors.As(err, &sqlErr) {
			s.stateful, s.transaction = false, false
		}
		return nil, err
	}
	switch {
	case first == "BEGIN" || first == "START" && second == "TRANSACTION":
		s.transaction = true
	case first == "COMMIT" || first == "ROLLBACK" && second != "TO":
		s.transaction = false
	}
	return out, nil
}

func (s *session) exec(ctx context.Context, query string) (*answer, error) {
	result, err := s.conn.ExecContext(ctx, query)
	if err != nil {
		return nil, err
	}
	n, _ := result.RowsAffected() // neither fails
	id, _ := result.LastInsertId()
	text := strconv.FormatUint(uint64(id), 10) // it is signed in Go's interface only
	return &answer{RowsAffected: &n, LastInsertID: &text}, nil
}

func (s *session) query(ctx context.Context, query string) (_ *answer, err error) {
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
			return nil, httpErrorf(http.StatusBadRequest, "the result has more than %d rows", maxRows)
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
			if isBinary(out.Types[i].Type) {
				text = hex.EncodeToString(v)
			}
			row[i] = &text
		}
		out.Rows = append(out.Rows, row)
	}
	return out, rows.Err()
}

// rowKeywords begin the statements that return rows. Package database/sql must know
// them in advance.
var rowKeywords = []string{"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "TABLE", "VALUES", "ADMIN", "CHECK", "ANALYZE", "TRACE"}

// keywords matches the first two words of a statement, after white space, comments and opening
// parentheses.
var keywords = regexp.MustCompile(`(?s)^(?:[\s(]|/\*.*?\*/|(?:--|#)[^\n]*\n)*(\w+)\s*(\w*)`)

func firstWords(query string) (first, second string) {
	words := append(keywords.FindStringSubmatch(query), "", "", "")
	return strings.ToUpper(words[1]), strings.ToUpper(words[2])
}
