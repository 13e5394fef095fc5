package sql_test

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// Each client with the value of databaseUrlOptions that README.md names for it, and
// without, which the server must refuse: it takes no one without TLS.
func TestServers_clients(t *testing.T) {
	s := start(t, &sql.Servers{Dir: t.TempDir(), Host: "localhost"})
	host, port := s.Endpoint(one)
	address := net.JoinHostPort(host, strconv.Itoa(port))
	login := onePrefix + "api:" + url.PathEscape(password)
	for client, options := range map[string]url.Values{
		"mysql2":  {"ssl": {`{"rejectUnauthorized":true,"verifyIdentity":true}`}},
		"drizzle": {"ssl": {`{"rejectUnauthorized":true,"verifyIdentity":true}`}},
		"prisma":  {"ssl": {"true"}},
	} {
		t.Run(client, func(t *testing.T) {
			node, modules := npm(t, "mysql2", "drizzle-orm", "@prisma/adapter-mariadb")
			connect := func(options url.Values) string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "clients.cjs"))
				cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "NODE_EXTRA_CA_CERTS="+s.CAFile(), "CLIENT="+client,
					"DATABASE_URL=mysql://"+login+"@"+address+"/test?"+options.Encode())
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				must(t, err)
				return strings.TrimSpace(string(out))
			}
			if got := connect(options); got != "answer 7" {
				t.Errorf("with %v: %s", options, got)
			}
			// Prisma's pool would ask again for 10 seconds.
			refused := url.Values{"sslaccept": {"strict"}, "acquireTimeout": {"1000"}}
			if got := connect(refused); !strings.HasPrefix(got, "error ") || !strings.Contains(got, "1105") && !strings.Contains(got, "insecure transport") {
				t.Errorf("without TLS: %s", got)
			}
		})
	}
	t.Run("go-sql-driver", func(t *testing.T) {
		u, err := url.Parse("mysql://" + login + "@" + address + "/test?tls=true")
		must(t, err)
		secret, _ := u.User.Password()
		config, err := mysql.ParseDSN(u.User.Username() + ":" + secret + "@tcp(" + u.Host + ")" + u.Path + "?" + u.RawQuery)
		must(t, err)
		config.TLS.RootCAs = rootsOf(t, filepath.Dir(s.CAFile())) // else those of the system
		wantRows(t, connect(t, config.Addr, config.User, config.Passwd, config.DBName, config.TLS), "SELECT 7", "7")
	})
}

// npm returns node and the folder with the packages, or skips the test.
func npm(t *testing.T, packages ...string) (node, modules string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH")
	}
	modules, err = filepath.Abs("../../../../.sandbox/npm/node_modules")
	must(t, err)
	for _, name := range packages {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("%s is not installed: `make npm` does it where npm is on the PATH", name)
		}
	}
	return node, modules
}
