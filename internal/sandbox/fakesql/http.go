package fakesql

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/wire"
)

// sqlPath is the path of the HTTP endpoint.
const sqlPath = "/v1beta/sql"

// The headers of the HTTP endpoint.
const (
	headerDatabase  = "TiDB-Database"
	headerSession   = "TiDB-Session"
	headerIsolation = "TiDB-Isolation-Level"
	headerStateful  = "TiDB-Stateful-Action"
	headerTrace     = "X-Debug-Trace-Id"
)

// request is one request to the HTTP endpoint.
type request struct {
	user, password string
	database       string
	session        string
	isolation      string
	stateful       string
	query          string
}

// refusal is an answer of the HTTP endpoint that is not a success.
type refusal struct {
	status int
	// code is the number of the MySQL error, or else the HTTP status.
	code    string
	message string
}

func (r *refusal) Error() string { return r.message }

func refused(status int, format string, args ...any) *refusal {
	return &refusal{status: status, code: strconv.Itoa(status), message: fmt.Sprintf(format, args...)}
}

// replyError answers with an error. A statement's has the text that go-sql-driver
// gives it: "Error 1146 (42S02): ...".
func replyError(w http.ResponseWriter, err error) {
	var r *refusal
	var e *mysql.MySQLError
	switch {
	case errors.As(err, &r):
	case errors.As(err, &e):
		r = &refusal{status: http.StatusBadRequest, code: strconv.Itoa(int(e.Number)), message: e.Error()}
		if e.Number == 1045 {
			r.status = http.StatusUnauthorized
		}
	default:
		r = refused(http.StatusServiceUnavailable, "the cluster cannot be reached: %v", err)
	}
	wire.Reply(w, r.status, map[string]string{"code": r.code, "message": r.message})
}

// serveSQL answers one request to the HTTP endpoint.
func (s *Servers) serveSQL(w http.ResponseWriter, r *http.Request) {
	if trace := r.Header.Get(headerTrace); trace != "" {
		w.Header().Set(headerTrace, trace)
	}
	req, err := readRequest(r)
	if err != nil {
		replyError(w, err)
		return
	}
	out, session, err := s.runRequest(r.Context(), req)
	if err != nil {
		replyError(w, err)
		return
	}
	w.Header().Set(headerSession, session)
	wire.Reply(w, http.StatusOK, out)
}

func readRequest(r *http.Request) (*request, error) {
	if r.URL.Path != sqlPath {
		return nil, refused(http.StatusNotFound, "there is no %s %s: only POST %s", r.Method, r.URL.Path, sqlPath)
	}
	if r.Method != http.MethodPost {
		return nil, refused(http.StatusMethodNotAllowed, "%s takes POST, not %s", sqlPath, r.Method)
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		return nil, refused(http.StatusUnauthorized, "the request has no Basic credentials")
	}
	var body struct {
		Query *string `json:"query"`
	}
	if err := wire.Decode(r, &body); err != nil {
		return nil, refused(http.StatusBadRequest, "reading the body: %v", err)
	}
	if body.Query == nil {
		return nil, refused(http.StatusBadRequest, "the body has no query")
	}
	req := &request{
		user: user, password: password, query: *body.Query,
		database:  r.Header.Get(headerDatabase),
		session:   r.Header.Get(headerSession),
		isolation: r.Header.Get(headerIsolation),
		stateful:  r.Header.Get(headerStateful),
	}
	return req, req.check()
}

// check looks for what the driver never sends.
func (r *request) check() error {
	if !slices.Contains([]string{"", "READ COMMITTED", "REPEATABLE READ"}, r.isolation) {
		return refused(http.StatusBadRequest, "%s is %q, neither READ COMMITTED nor REPEATABLE READ", headerIsolation, r.isolation)
	}
	switch {
	case r.stateful == "" && r.query == "":
		return refused(http.StatusBadRequest, "the query is empty")
	case r.stateful == "":
	case r.stateful != "open" && r.stateful != "close":
		return refused(http.StatusBadRequest, "%s is %q, neither open nor close", headerStateful, r.stateful)
	case r.query != "":
		return refused(http.StatusBadRequest, "%s comes with a query", headerStateful)
	}
	if r.isolation != "" && !begins(r.query) {
		return refused(http.StatusBadRequest, "%s comes without BEGIN", headerIsolation)
	}
	return nil
}

// runRequest runs a request's statement and returns the session that the client
// goes on with, which is never empty: the driver takes that for a failure.
func (s *Servers) runRequest(ctx context.Context, r *request) (*answer, string, error) {
	b, err := s.open()
	if err != nil {
		return nil, "", err
	}
	if r.session != "" && r.session != noSession {
		return s.sessions.run(ctx, r)
	}
	if r.stateful == "close" {
		return nil, "", refused(http.StatusBadRequest, "there is no session to close")
	}
	addr, conf, ok := b.target(r.user)
	if !ok {
		return nil, "", refused(http.StatusUnauthorized, "the user %q is no cluster's", r.user)
	}
	l, err := dial(ctx, addr, conf, r)
	if err != nil {
		return nil, "", err
	}
	if r.stateful == "open" {
		return s.sessions.add(r, l, &answer{})
	}
	if r.isolation != "" {
		if _, err := l.run(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL "+r.isolation); err != nil {
			return nil, "", errors.Join(err, l.close())
		}
	}
	out, err := l.run(ctx, r.query)
	if err != nil {
		return nil, "", errors.Join(err, l.close())
	}
	if begins(r.query) {
		return s.sessions.add(r, l, out)
	}
	return out, noSession, l.close()
}

// keywords matches the first two words of a statement, after space, comments and
// opening parentheses.
var keywords = regexp.MustCompile(`(?s)^(?:[\s(]|/\*.*?\*/|(?:--|#)[^\n]*\n)*(\w+)\s*(\w*)`)

func firstWords(query string) (first, second string) {
	words := keywords.FindStringSubmatch(query)
	if words == nil {
		return "", ""
	}
	return strings.ToUpper(words[1]), strings.ToUpper(words[2])
}

// rowKeywords begin the statements that answer with rows. The connection has to be
// told in advance, and a real server behind a DSN may know statements that the
// parser of the embedded ones does not.
var rowKeywords = []string{"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "TABLE", "VALUES", "ADMIN", "CHECK", "ANALYZE", "TRACE"}

// returnsRows reports whether a statement answers with rows.
func returnsRows(query string) bool {
	first, _ := firstWords(query)
	return slices.Contains(rowKeywords, first)
}

// begins and ends report whether a statement begins or ends a transaction.
func begins(query string) bool {
	first, second := firstWords(query)
	return first == "BEGIN" || first == "START" && second == "TRANSACTION"
}

func ends(query string) bool {
	first, second := firstWords(query)
	return first == "COMMIT" || first == "ROLLBACK" && second != "TO"
}
