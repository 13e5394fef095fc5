package sql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// TestServers_clients covers what the driver does. These tests cover the rest.

// web calls the HTTP endpoint.
type web struct {
	t              *testing.T
	url            string
	user, password string
}

func newWeb(t *testing.T, s *sql.Servers) *web {
	srv := httptest.NewServer(s.HTTP())
	t.Cleanup(srv.Close)
	return &web{t: t, url: srv.URL, user: onePrefix + "api", password: password}
}

func (w *web) as(user, password string) *web { return &web{w.t, w.url, user, password} }

// reply is an answer of the HTTP endpoint.
type reply struct {
	status  int
	session string
	raw     string

	Types []struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Nullable bool   `json:"nullable"`
	} `json:"types"`
	Rows    [][]*string `json:"rows"`
	Code    string      `json:"code"`
	Message string      `json:"message"`
}

// post sends a body with headers, as name and value in turn.
func (w *web) post(body string, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), "POST", w.url+"/v1beta/sql", strings.NewReader(body))
	must(w.t, err)
	if w.user != "" {
		req.SetBasicAuth(w.user, w.password)
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	res, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	must(w.t, err)
	out := reply{status: res.StatusCode, session: res.Header.Get("TiDB-Session"), raw: string(b)}
	if err := json.Unmarshal(b, &out); err != nil {
		w.t.Fatalf("%s is no JSON: %v", b, err)
	}
	return out
}

// query runs a statement.
func (w *web) query(q string, headers ...string) reply {
	w.t.Helper()
	b, err := json.Marshal(map[string]string{"query": q})
	must(w.t, err)
	return w.post(string(b), headers...)
}

// want fails the test unless the answer has the status, and the rows: their values
// with | between.
func (r reply) want(t *testing.T, status int, rows ...string) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.raw)
	}
	var got []string
	for _, row := range r.Rows {
		var values []string
		for _, v := range row {
			if v == nil {
				values = append(values, "NULL")
			} else {
				values = append(values, *v)
			}
		}
		got = append(got, strings.Join(values, "|"))
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	return r
}

func TestServers_HTTP(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{})
	w := newWeb(t, s)
	w.query("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, v BINARY(2) NOT NULL)").want(t, 200)
	w.query("INSERT INTO t VALUES (1, 'a'), (2, 'b')").want(t, 200)
	r := w.query("/* why */ SELECT id, v, NULL AS n FROM t ORDER BY id").want(t, 200, "1|6100|NULL", "2|6200|NULL")
	if fmt.Sprint(r.Types[:2]) != "[{id UNSIGNED BIGINT false} {v BINARY false}]" {
		t.Errorf("the types are %v", r.Types)
	}
	w.query("(SELECT id FROM t WHERE id = 1) UNION (SELECT 7) ORDER BY id").want(t, 200, "1", "7")
	w.query("WITH x AS (SELECT 1 AS n) SELECT n FROM x").want(t, 200, "1")
	w.query("SHOW TABLES").want(t, 200, "t")
	w.query("SELECT DATABASE()").want(t, 200, "test")
	w.query("SELECT DATABASE()", "TiDB-Database", "information_schema").want(t, 200, "information_schema")

	w.query("CREATE TABLE numbers (n INT)").want(t, 200)
	w.query("INSERT INTO numbers VALUES (0)"+strings.Repeat(",(0)", 100)).want(t, 200)
	if r := w.query("SELECT a.n FROM numbers a CROSS JOIN numbers b LIMIT 10000"); r.status != 200 || len(r.Rows) != 10000 {
		t.Errorf("10,000 rows: status %d, %d rows", r.status, len(r.Rows))
	}
	w.query("SELECT a.n FROM numbers a CROSS JOIN numbers b LIMIT 10001").want(t, 400)

	put(t, s, one, onePrefix+"reader", "role_readonly", password)
	reader := w.as(onePrefix+"reader", password)
	const body = `{"query":"SELECT 1"}`
	for _, tt := range []struct {
		name          string
		as            *web
		body          string
		headers       []string
		status        int
		code, message string
	}{
		{"syntax", reader, `{"query":"SELEC 1"}`, nil, 400, "1064", "Error 1064 (42000)"},
		{"no table", reader, `{"query":"SELECT * FROM nowhere"}`, nil, 400, "1146", "nowhere"},
		{"no database", reader, body, []string{"TiDB-Database", "nowhere"}, 400, "1049", "nowhere"},
		{"not allowed", reader, `{"query":"CREATE TABLE t (a INT)"}`, nil, 400, "1142", "denied"},
		{"two statements", reader, `{"query":"SELECT 1; SELECT 2"}`, nil, 400, "8130", "multi-statement"},
		{"wrong password", w.as(onePrefix+"reader", "wrong"), body, nil, 401, "1045", "Access denied"},
		{"unknown prefix", w.as("9zzz.api", password), body, nil, 401, "401", "no cluster has"},
		{"no user", w.as("", ""), body, nil, 401, "401", "Basic"},
		{"empty query", reader, `{"query":""}`, nil, 400, "400", "empty"},
		{"unknown field", reader, `{"query":"SELECT 1","params":[]}`, nil, 400, "400", "params"},
		{"unknown isolation", reader, `{"query":"BEGIN"}`, []string{"TiDB-Isolation-Level", "SERIALIZABLE"}, 400, "400", "SERIALIZABLE"},
		{"unknown action", reader, `{"query":""}`, []string{"TiDB-Stateful-Action", "pause"}, 400, "400", "pause"},
		{"nothing to close", reader, `{"query":""}`, []string{"TiDB-Stateful-Action", "close"}, 400, "400", "no session"},
		{"unknown session", reader, body, []string{"TiDB-Session", "gone"}, 400, "400", "no such session"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.as.post(tt.body, tt.headers...)
			if r.status != tt.status || r.Code != tt.code || !strings.Contains(r.Message, tt.message) {
				t.Errorf("got %d %s", r.status, r.raw)
			}
		})
	}
}

func TestServers_HTTP_sessions(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{})
	w := newWeb(t, s)
	w.query("CREATE TABLE t (id INT PRIMARY KEY)").want(t, 200)

	t.Run("a transaction's ends with it", func(t *testing.T) {
		tx := w.query("START TRANSACTION").want(t, 200).session
		w.query("INSERT INTO t VALUES (1)", "TiDB-Session", tx).want(t, 200)
		w.query("INSERT INTO t VALUES (1)", "TiDB-Session", tx).want(t, 400) // it goes on
		after := w.query("COMMIT", "TiDB-Session", tx).want(t, 200).session
		w.query("SELECT id FROM t", "TiDB-Session", after).want(t, 200, "1")
		w.query("SELECT id FROM t", "TiDB-Session", tx).want(t, 400)
	})
	t.Run("a stateful one outlives a transaction", func(t *testing.T) {
		session := w.post(`{"query":""}`, "TiDB-Stateful-Action", "open").want(t, 200).session
		for _, query := range []string{"USE information_schema", "BEGIN", "COMMIT"} {
			w.query(query, "TiDB-Session", session).want(t, 200)
		}
		w.query("SELECT DATABASE()", "TiDB-Session", session).want(t, 200, "information_schema")
	})
	t.Run("another login's", func(t *testing.T) {
		put(t, s, one, onePrefix+"other", "role_readwrite", password)
		tx := w.query("BEGIN").want(t, 200).session
		w.as(onePrefix+"other", password).query("SELECT 1", "TiDB-Session", tx).want(t, 401)
		w.as(w.user, "wrong").query("SELECT 1", "TiDB-Session", tx).want(t, 401)
		w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
	})
	t.Run("two statements at once", func(t *testing.T) {
		holder := w.post(`{"query":""}`, "TiDB-Stateful-Action", "open").want(t, 200).session
		w.query("SELECT GET_LOCK('x', 1)", "TiDB-Session", holder).want(t, 200, "1")
		tx := w.query("BEGIN").want(t, 200).session
		slow := make(chan reply)
		go func() { slow <- w.query("SELECT GET_LOCK('x', 10)", "TiDB-Session", tx) }()
		eventually(t, func() bool { return strings.Contains(w.query("SHOW PROCESSLIST").raw, "GET_LOCK") })
		w.query("SELECT 1", "TiDB-Session", tx).want(t, 400)
		w.post(`{"query":""}`, "TiDB-Stateful-Action", "close", "TiDB-Session", holder).want(t, 200)
		(<-slow).want(t, 200, "1")
	})
}

func TestServers_HTTP_idle(t *testing.T) {
	t.Parallel()
	w := newWeb(t, start(t, &sql.Servers{SessionIdle: time.Millisecond}))
	w.query("CREATE TABLE t (id INT PRIMARY KEY)").want(t, 200)
	session := w.post(`{"query":""}`, "TiDB-Stateful-Action", "open").want(t, 200).session
	eventually(t, func() bool { return w.query("SELECT 1", "TiDB-Session", session).status == 400 })
	eventually(t, func() bool { return len(w.query("SHOW PROCESSLIST").Rows) == 1 }) // it is closed
}
