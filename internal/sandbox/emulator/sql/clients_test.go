package sql_test

import (
	"encoding/json"
	"errors"
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
		golden, err := os.ReadFile(filepath.Join("testdata", "driver.json"))
		must(t, errors.Join(err, json.Unmarshal(golden, &want)))
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
