package fakesql

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

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

// call is one request to the HTTP endpoint.
type call struct {
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

// asRefusal makes a refusal of any error. A statement's error has the text that
// go-sql-driver gives it: "Error 1146 (42S02): ...".
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		status := http.StatusBadRequest
		if e.Number == 1045 {
			status = http.StatusUnauthorized
		}
		return &refusal{status: status, code: strconv.Itoa(int(e.Number)), message: e.Error()}
	}
	return refused(http.StatusServiceUnavailable, "the cluster cannot be reached: %v", err)
}

func (r *refusal) reply(w http.ResponseWriter) {
	wire.Reply(w, r.status, map[string]string{"code": r.code, "message": r.message})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	refused(http.StatusNotFound, "there is no %s %s: only POST %s", r.Method, r.URL.Path, sqlPath).reply(w)
}

// serveSQL answers one request to the HTTP endpoint.
func (s *Servers) serveSQL(w http.ResponseWriter, r *http.Request) {
	if trace := r.Header.Get(headerTrace); trace != "" {
		w.Header().Set(headerTrace, trace)
	}
	c, err := readCall(r)
	if err != nil {
		asRefusal(err).reply(w)
		return
	}
	out, session, err := s.runCall(r.Context(), c)
	if err != nil {
		asRefusal(err).reply(w)
		return
	}
	w.Header().Set(headerSession, session)
	wire.Reply(w, http.StatusOK, out)
}

func readCall(r *http.Request) (*call, error) {
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
	c := &call{
		user: user, password: password, query: *body.Query,
		database:  r.Header.Get(headerDatabase),
		session:   r.Header.Get(headerSession),
		isolation: r.Header.Get(headerIsolation),
		stateful:  r.Header.Get(headerStateful),
	}
	return c, c.check()
}

// check looks for what the driver never sends.
func (c *call) check() error {
	switch c.isolation {
	case "", "READ COMMITTED", "REPEATABLE READ":
	default:
		return refused(http.StatusBadRequest, "%s is %q, neither READ COMMITTED nor REPEATABLE READ", headerIsolation, c.isolation)
	}
	switch {
	case c.stateful == "" && c.query == "":
		return refused(http.StatusBadRequest, "the query is empty")
	case c.stateful == "":
	case c.stateful != "open" && c.stateful != "close":
		return refused(http.StatusBadRequest, "%s is %q, neither open nor close", headerStateful, c.stateful)
	case c.query != "":
		return refused(http.StatusBadRequest, "%s comes with a query", headerStateful)
	}
	if c.isolation != "" && !begins(c.query) {
		return refused(http.StatusBadRequest, "%s comes without BEGIN", headerIsolation)
	}
	return nil
}

// runCall runs a request's statement and returns the session that the client goes
// on with, which is never empty: the driver takes that for a failure.
func (s *Servers) runCall(ctx context.Context, c *call) (*answer, string, error) {
	b, err := s.open()
	if err != nil {
		return nil, "", err
	}
	if isKept(c.session) {
		return s.sessions.run(ctx, c)
	}
	if c.stateful == "close" {
		return nil, "", refused(http.StatusBadRequest, "there is no session to close")
	}
	addr, conf, ok := b.target(c.user)
	if !ok {
		return nil, "", refused(http.StatusUnauthorized, "the user %q is no cluster's", c.user)
	}
	l, err := dial(ctx, addr, conf, c)
	if err != nil {
		return nil, "", err
	}
	if c.stateful == "open" {
		return s.sessions.keep(c, l, &answer{})
	}
	if c.isolation != "" {
		if _, err := l.run(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL "+c.isolation); err != nil {
			return nil, "", errors.Join(err, l.close())
		}
	}
	out, err := l.run(ctx, c.query)
	if err != nil {
		return nil, "", errors.Join(err, l.close())
	}
	if begins(c.query) {
		return s.sessions.keep(c, l, out)
	}
	return out, passing(), l.close()
}
