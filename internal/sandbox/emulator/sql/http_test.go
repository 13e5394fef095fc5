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

	"portfolio-infra/internal/sandbox/emulator/sql"
)

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
	Rows         [][]*string `json:"rows"`
	RowsAffected *int        `json:"rowsAffected"`
	LastInsertID *string     `json:"sLastInsertID"`
	Code         string      `json:"code"`
	Message      string      `json:"message"`
}

// post sends a body with headers, as name and value in turn.
func (w *web) post(body string, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), "POST", w.url+"/v1beta/sql", strings.NewReader(body))
	must(w.t, err)
	req.SetBasicAuth(w.user, w.password)
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	return w.do(req)
}

func (w *web) do(req *http.Request) reply {
	w.t.Helper()
	res, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	must(w.t, err)
	out := reply{status: res.StatusCode, session: res.Header.Get("TiDB-Session"), raw: string(b)}
	if err := json.Unmarshal(b, &out); err != nil {
		w.t.Fatalf("%s is no JSON: %v", b, err)
	}
	if out.status == 200 && out.session == "" {
		w.t.Errorf("the answer %s has no TiDB-Session", b)
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
	if !slices.Equal(got, rows) {
		t.Errorf("rows %q, want %q", got, rows)
	}
	return r
}

func TestServers_HTTP(t *testing.T) {
	s := start(t, &sql.Servers{})
	w := newWeb(t, s)

	r := w.query("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10) NOT NULL)").want(t, 200)
	if r.RowsAffected == nil || *r.RowsAffected != 0 || r.LastInsertID == nil || *r.LastInsertID != "0" || r.Types != nil {
		t.Errorf("CREATE TABLE answers %s", r.raw)
	}
	r = w.query("INSERT INTO t (v) VALUES ('a'), ('b')").want(t, 200)
	if *r.RowsAffected != 2 || *r.LastInsertID != "1" {
		t.Errorf("INSERT answers %s", r.raw)
	}
	r = w.query("/* why */ SELECT id, v, NULL AS n, 1.50 AS d FROM t ORDER BY id").want(t, 200, "1|a|NULL|1.50", "2|b|NULL|1.50")
	if r.RowsAffected != nil || r.LastInsertID != nil || !strings.Contains(r.raw, `"rowsAffected":null`) {
		t.Errorf("SELECT answers %s", r.raw)
	}
	if fmt.Sprint(r.Types[:2]) != "[{id UNSIGNED BIGINT false} {v VARCHAR false}]" {
		t.Errorf("the types are %v", r.Types)
	}
	w.query("SELECT v FROM t WHERE id = 7").want(t, 200)
	w.query("(SELECT v FROM t WHERE id = 1) UNION (SELECT 'z') ORDER BY v").want(t, 200, "a", "z")
	w.query("WITH x AS (SELECT 1 AS n) SELECT n FROM x").want(t, 200, "1")
	w.query("SHOW TABLES").want(t, 200, "t")
	w.query("SELECT DATABASE()").want(t, 200, "test")
	w.query("SELECT DATABASE()", "TiDB-Database", "information_schema").want(t, 200, "information_schema")
	if r := w.query("DELETE FROM t WHERE id = 2").want(t, 200); *r.RowsAffected != 1 {
		t.Errorf("DELETE answers %s", r.raw)
	}

	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("(%d)", i))
	}
	w.query("CREATE TABLE numbers (n INT)").want(t, 200)
	w.query("INSERT INTO numbers VALUES "+strings.Join(many, ",")).want(t, 200)
	if r := w.query("SELECT a.n FROM numbers a CROSS JOIN numbers b LIMIT 10000"); r.status != 200 || len(r.Rows) != 10000 {
		t.Errorf("10,000 rows: status %d, %d rows", r.status, len(r.Rows))
	}
	w.query("SELECT a.n FROM numbers a CROSS JOIN numbers b LIMIT 10001").want(t, 400)
}

func TestServers_HTTP_errors(t *testing.T) {
	s := start(t, &sql.Servers{LoginLag: time.Minute, Now: newClock().Now})
	known := login(onePrefix+"api2", "role_readonly", password)
	known.Password = ""
	must(t, s.PutUser(one, known))
	w := newWeb(t, s)
	w.user = onePrefix + "api2"
	for _, tt := range []struct {
		name           string
		body           string
		user, password string
		headers        []string
		status         int
		code, message  string
	}{
		{"syntax", `{"query":"SELEC 1"}`, "", "", nil, 400, "1064", "Error 1064 (42000)"},
		{"no table", `{"query":"SELECT * FROM nowhere"}`, "", "", nil, 400, "1146", "nowhere"},
		{"no database", `{"query":"SELECT 1"}`, "", "", []string{"TiDB-Database", "nowhere"}, 400, "1044", "nowhere"},
		{"not allowed", `{"query":"CREATE TABLE t (a INT)"}`, "", "", nil, 400, "1142", "denied"},
		{"two statements", `{"query":"SELECT 1; SELECT 2"}`, "", "", nil, 400, "8130", "multi-statement"},
		{"wrong password", `{"query":"SELECT 1"}`, "", "wrong", nil, 401, "1045", "Access denied"},
		{"unknown user", `{"query":"SELECT 1"}`, onePrefix + "nobody", "", nil, 401, "1045", "Access denied"},
		{"lagging user", `{"query":"SELECT 1"}`, onePrefix + "api", "", nil, 401, "1045", "Access denied"},
		{"unknown prefix", `{"query":"SELECT 1"}`, "9zzz.api", "", nil, 401, "401", "no cluster has"},
		{"empty query", `{"query":""}`, "", "", nil, 400, "400", "empty"},
		{"no query", `{}`, "", "", nil, 400, "400", "empty"},
		{"unknown field", `{"query":"SELECT 1","params":[]}`, "", "", nil, 400, "400", "params"},
		{"no JSON", `SELECT 1`, "", "", nil, 400, "400", "body"},
		{"unknown isolation", `{"query":"BEGIN"}`, "", "", []string{"TiDB-Isolation-Level", "SERIALIZABLE"}, 400, "400", "SERIALIZABLE"},
		{"unknown action", `{"query":""}`, "", "", []string{"TiDB-Stateful-Action", "pause"}, 400, "400", "pause"},
		{"ended session", `{"query":"SELECT 1"}`, "", "", []string{"TiDB-Session", "gone"}, 400, "400", "no such session"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &web{t: t, url: w.url, user: w.user, password: w.password}
			if tt.user != "" {
				c.user = tt.user
			}
			if tt.password != "" {
				c.password = tt.password
			}
			r := c.post(tt.body, tt.headers...)
			if r.status != tt.status || r.Code != tt.code || !strings.Contains(r.Message, tt.message) {
				t.Errorf("got %d %s", r.status, r.raw)
			}
		})
	}
}

func TestServers_HTTP_sessions(t *testing.T) {
	s := start(t, &sql.Servers{SessionIdle: 300 * time.Millisecond, LockWait: 50 * time.Millisecond})
	w := newWeb(t, s)
	w.query("CREATE TABLE t (id INT PRIMARY KEY)").want(t, 200)

	t.Run("a statement's session keeps nothing", func(t *testing.T) {
		r := w.query("SET @a = 1").want(t, 200)
		r = w.query("SELECT @a", "TiDB-Session", r.session).want(t, 200, "NULL")
		w.query("SELECT DATABASE()", "TiDB-Session", r.session, "TiDB-Database", "information_schema").want(t, 200, "information_schema")
	})
	t.Run("commit", func(t *testing.T) {
		tx := w.query("BEGIN").want(t, 200).session
		w.query("INSERT INTO t VALUES (1)", "TiDB-Session", tx).want(t, 200)
		w.query("SELECT id FROM t", "TiDB-Session", tx).want(t, 200, "1")
		w.query("SELECT id FROM t").want(t, 200)
		// An error of a statement does not end it.
		w.query("INSERT INTO t VALUES (1)", "TiDB-Session", tx).want(t, 400)
		after := w.query("COMMIT", "TiDB-Session", tx).want(t, 200).session
		w.query("SELECT id FROM t", "TiDB-Session", after).want(t, 200, "1")
		w.query("SELECT id FROM t", "TiDB-Session", tx).want(t, 400)
	})
	t.Run("rollback", func(t *testing.T) {
		tx := w.query("START TRANSACTION").want(t, 200).session
		w.query("INSERT INTO t VALUES (2)", "TiDB-Session", tx).want(t, 200)
		w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
		w.query("SELECT id FROM t").want(t, 200, "1")
	})
	t.Run("isolation", func(t *testing.T) {
		tx := w.query("BEGIN", "TiDB-Isolation-Level", "READ COMMITTED").want(t, 200).session
		w.query("SELECT COUNT(*) FROM t", "TiDB-Session", tx).want(t, 200, "1")
		w.query("INSERT INTO t VALUES (3)").want(t, 200)
		w.query("SELECT COUNT(*) FROM t", "TiDB-Session", tx).want(t, 200, "2")
		w.query("COMMIT", "TiDB-Session", tx).want(t, 200)
	})
	t.Run("idle", func(t *testing.T) {
		tx := w.query("BEGIN").want(t, 200).session
		w.query("INSERT INTO t VALUES (4)", "TiDB-Session", tx).want(t, 200)
		for end := time.Now().Add(5 * time.Second); w.query("INSERT INTO t VALUES (5)").status != 200; {
			if time.Now().After(end) {
				t.Fatal("an idle transaction does not end")
			}
		}
		w.query("SELECT id FROM t", "TiDB-Session", tx).want(t, 400)
		w.query("SELECT id FROM t WHERE id > 3").want(t, 200, "5")
	})
	t.Run("stateful", func(t *testing.T) {
		open := w.post(`{"query":""}`, "TiDB-Stateful-Action", "open").want(t, 200).session
		w.query("USE information_schema", "TiDB-Session", open).want(t, 200)
		w.query("SELECT DATABASE()", "TiDB-Session", open).want(t, 200, "information_schema")
		w.query("BEGIN", "TiDB-Session", open).want(t, 200)
		w.query("COMMIT", "TiDB-Session", open).want(t, 200)
		w.query("SELECT DATABASE()", "TiDB-Session", open).want(t, 200, "information_schema")
		w.post(`{"query":""}`, "TiDB-Stateful-Action", "close", "TiDB-Session", open).want(t, 200)
		w.query("SELECT 1", "TiDB-Session", open).want(t, 400)
		w.post(`{"query":""}`, "TiDB-Stateful-Action", "close").want(t, 400)
	})
	t.Run("another's", func(t *testing.T) {
		must(t, s.PutUser(one, login(onePrefix+"other", "role_readwrite", password)))
		tx := w.query("BEGIN").want(t, 200).session
		other := &web{t: t, url: w.url, user: onePrefix + "other", password: password}
		other.query("SELECT 1", "TiDB-Session", tx).want(t, 401)
		wrong := &web{t: t, url: w.url, user: w.user, password: "wrong"}
		wrong.query("SELECT 1", "TiDB-Session", tx).want(t, 401)
		w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
	})
	t.Run("two at once", func(t *testing.T) {
		must(t, s.PutUser(one, login(onePrefix+"root", "role_admin", password)))
		admin := &web{t: t, url: w.url, user: onePrefix + "root", password: password}
		holder := w.post(`{"query":""}`, "TiDB-Stateful-Action", "open").want(t, 200).session
		w.query("SELECT GET_LOCK('x', 1)", "TiDB-Session", holder).want(t, 200, "1")
		tx := w.query("BEGIN").want(t, 200).session
		slow := make(chan reply)
		go func() { slow <- w.query("SELECT GET_LOCK('x', 10)", "TiDB-Session", tx) }()
		for end := time.Now().Add(5 * time.Second); !strings.Contains(admin.query("SHOW PROCESSLIST").raw, "GET_LOCK"); {
			if time.Now().After(end) {
				t.Fatal("the statement does not run")
			}
		}
		w.query("SELECT 1", "TiDB-Session", tx).want(t, 400)
		w.post(`{"query":""}`, "TiDB-Stateful-Action", "close", "TiDB-Session", holder).want(t, 200)
		(<-slow).want(t, 200, "1")
		w.query("ROLLBACK", "TiDB-Session", tx).want(t, 200)
	})
}

// The types as the driver's cast knows them.
func TestServers_HTTP_types(t *testing.T) {
	w := newWeb(t, start(t, &sql.Servers{}))
	for _, tt := range []struct{ column, value, typ, text string }{
		{"TINYINT", "-1", "TINYINT", "-1"},
		{"TINYINT UNSIGNED", "255", "UNSIGNED TINYINT", "255"},
		{"BOOLEAN", "TRUE", "TINYINT", "1"},
		{"SMALLINT", "1", "SMALLINT", "1"},
		{"SMALLINT UNSIGNED", "1", "UNSIGNED SMALLINT", "1"},
		{"MEDIUMINT", "1", "MEDIUMINT", "1"},
		{"MEDIUMINT UNSIGNED", "1", "UNSIGNED MEDIUMINT", "1"},
		{"INT", "1", "INT", "1"},
		{"INT UNSIGNED", "4294967295", "UNSIGNED INT", "4294967295"},
		{"BIGINT", "-9223372036854775808", "BIGINT", "-9223372036854775808"},
		{"BIGINT UNSIGNED", "18446744073709551615", "UNSIGNED BIGINT", "18446744073709551615"},
		{"FLOAT", "1.5", "FLOAT", "1.5"},
		{"DOUBLE", "1.25", "DOUBLE", "1.25"},
		{"DECIMAL(38,19)", "123456789012.123456789012", "DECIMAL", "123456789012.1234567890120000000"},
		{"CHAR(2)", "'ab'", "CHAR", "ab"},
		{"VARCHAR(5)", "'测试'", "VARCHAR", "测试"},
		{"BINARY(2)", "x'89'", "BINARY", "8900"},
		{"VARBINARY(8)", "x'89504e47'", "VARBINARY", "89504e47"},
		{"TEXT", "'t'", "TEXT", "t"},
		{"BLOB", "'blob'", "BLOB", "626c6f62"},
		{"DATE", "'1977-01-01'", "DATE", "1977-01-01"},
		{"DATETIME", "'9999-12-31 23:59:59'", "DATETIME", "9999-12-31 23:59:59"},
		{"TIMESTAMP NULL", "'1973-12-30 15:30:00'", "TIMESTAMP", "1973-12-30 15:30:00"},
		{"TIME", "'23:59:59'", "TIME", "23:59:59"},
		{"YEAR", "2154", "YEAR", "2154"},
		{"ENUM('x','y')", "'y'", "ENUM", "y"},
		{"SET('a','b')", "'a,b'", "SET", "a,b"},
		{"BIT(16)", "b'101'", "BIT", "0005"},
		{"JSON", `'{"a": 1}'`, "JSON", `{"a": 1}`},
	} {
		w.query("DROP TABLE IF EXISTS t").want(t, 200)
		w.query("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v "+tt.column+")").want(t, 200)
		w.query("INSERT INTO t (v) VALUES ("+tt.value+"), (NULL)").want(t, 200)
		r := w.query("SELECT v FROM t ORDER BY id").want(t, 200, tt.text, "NULL")
		if r.Types[0].Type != tt.typ || !r.Types[0].Nullable {
			t.Errorf("%s: the type is %+v, want %s", tt.column, r.Types[0], tt.typ)
		}
	}
}
