package sql_test

import (
	"encoding/json"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// Each client connects with the databaseUrlOptions that docs/database.md names for it. Without
// TLS the server must refuse it.
func TestServers_clients(t *testing.T) {
	t.Parallel()
	// The folder may have any name, and a path longer than a Unix socket's can be.
	s := start(t, &sql.Servers{Dir: filepath.Join(t.TempDir(), "C# 50%", strings.Repeat("d", 100)), Host: "localhost"})
	host, port := s.Endpoint(one)
	address := net.JoinHostPort(host, strconv.Itoa(port))
	login := onePrefix + "api:" + url.PathEscape(password)
	at := func(options url.Values) string {
		return "mysql://" + login + "@" + address + "/test?" + options.Encode()
	}
	// Prisma's pool would ask again for 10 seconds.
	insecure := at(url.Values{"sslaccept": {"strict"}, "acquireTimeout": {"2000"}})
	t.Run("npm", func(t *testing.T) {
		urls, err := json.Marshal(map[string][]string{
			"mysql2":  {at(url.Values{"ssl": {`{"rejectUnauthorized":true,"verifyIdentity":true}`}}), insecure},
			"drizzle": {at(url.Values{"ssl": {`{"rejectUnauthorized":true,"verifyIdentity":true}`}}), insecure},
			"prisma":  {at(url.Values{"ssl": {"true"}}), insecure},
		})
		must(t, err)
		var got map[string][]string
		runNode(t, &got, "clients.cjs", []string{"mysql2", "drizzle-orm", "@prisma/adapter-mariadb"},
			"NODE_EXTRA_CA_CERTS="+s.CAFile(), "DATABASE_URLS="+string(urls))
		for client, answers := range got {
			if !regexp.MustCompile(`(?s)^answer 7\nerror .*(1105|insecure transport)`).MatchString(strings.Join(answers, "\n")) {
				t.Errorf("%s, with TLS and without: %q", client, answers)
			}
		}
		if len(got) != 3 {
			t.Errorf("the clients are %q", got)
		}
	})
	t.Run("@tidbcloud/serverless", func(t *testing.T) { // the driver that Workers use
		srv := httptest.NewServer(s.HTTP())
		defer srv.Close()
		var got, want map[string]any
		must(t, json.Unmarshal([]byte(wantDriver), &want))
		runNode(t, &got, "driver.cjs", []string{"@tidbcloud/serverless"},
			"ENDPOINT="+srv.URL, "DATABASE_URL=mysql://"+login+"@localhost:4000/test") // it does not look at the port
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("go-sql-driver", func(t *testing.T) {
		u, err := url.Parse(at(url.Values{"tls": {"true"}}))
		must(t, err)
		secret, _ := u.User.Password()
		config, err := mysql.ParseDSN(u.User.Username() + ":" + secret + "@tcp(" + u.Host + ")" + u.Path + "?" + u.RawQuery)
		must(t, err)
		config.TLS.RootCAs = trusting(t, s.CAFile()).RootCAs // instead of the system's
		wantRows(t, connect(t, config.Addr, config.User, config.Passwd, config.DBName, config.TLS), "SELECT 7", "7")
	})
}

// runNode runs a script of testdata with packages from npm, or skips the test, and decodes what the
// script prints.
func runNode(t *testing.T, into any, script string, packages []string, env ...string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH")
	}
	modules, err := filepath.Abs("../../../../.sandbox/npm/node_modules")
	must(t, err)
	for _, name := range packages {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("%s is not installed: `make npm` does it where npm is on the PATH", name)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", script))
	cmd.Env = append(append(os.Environ(), "NODE_PATH="+modules), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	must(t, json.Unmarshal(out, into))
}

// wantDriver is what testdata/driver.cjs prints.
const wantDriver = `{
  "insert": {"types": {}, "rows": [], "rowsAffected": 1, "lastInsertId": "1", "rowCount": 0},
  "rows": [
    {"id": "1", "tiny": 255, "big": "9007199254740993", "real8": 0.5, "price": "12.30",
     "name": "it's \"q\" \\ \n 測試 🙂", "body": "%", "raw": {"bytes": [0, 255, 39]}, "pic": {"bytes": [137, 80]}, "bits": {"bytes": [0, 5]},
     "day": "2024-02-29", "at": "2024-02-29 12:34:56.789", "doc": {"a": [1, null]}, "kind": "b", "flag": 1},
    {"id": "2", "tiny": null, "big": null, "real8": null, "price": null, "name": "nulls", "body": null, "raw": null, "pic": null,
     "bits": null, "day": null, "at": null, "doc": null, "kind": null, "flag": null}
  ],
  "named": [{"id": "1"}],
  "array": [["1", 255], ["2", null]],
  "full": {"statement": "SELECT id, doc FROM kinds WHERE id = 1", "types": {"id": "UNSIGNED BIGINT", "doc": "JSON"},
           "rows": [{"id": "1", "doc": {"a": [1, null]}}], "rowsAffected": null, "lastInsertId": null, "rowCount": 1},
  "update": 2,
  "decoded": [{"price": 12.3}],
  "inside": "3", "outside": "2", "after": "3",
  "stateful": [{"x": "seven"}],
  "closed": {"isDatabaseError": true, "status": 400, "code": "400", "message": "no such session: it was closed, was idle for too long, or is running another statement"},
  "syntax": {"isDatabaseError": true, "status": 400, "code": "1064", "message": "Error 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your TiDB version for the right syntax to use line 1 column 5 near \"SELEC 1\" "},
  "denied": {"isDatabaseError": true, "status": 401, "code": "1045", "message": "Error 1045 (28000): Access denied for user '1aaaaaaaaaaaaaa.api'@'localhost' (using password: YES)"},
  "parallel": ["n1", "n2", "n3"],
  "urls": ["https://http-localhost/v1beta/sql"]
}`
