// Package sqltest starts real SQL servers for tests.
package sqltest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// RealServer runs a MariaDB or MySQL server for one test, with the certificates
// that a sql.Servers keeps in certs, or without TLS where that is "". It returns
// the DSN of an administrator with that password. The test is skipped, and says so,
// where neither server is installed.
func RealServer(t *testing.T, certs, adminPassword string) (dsn string) {
	t.Helper()
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		if program, err = exec.LookPath("mysqld"); err != nil {
			t.Skip("neither mariadbd nor mysqld is on the PATH")
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	must(err)
	dir, err := os.MkdirTemp("", "sql") //nolint:usetesting // a socket's path must be short
	must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data, initFile := filepath.Join(dir, "data"), filepath.Join(dir, "init.sql")
	must(os.WriteFile(initFile, fmt.Appendf(nil, "CREATE USER admin@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO admin@'%%' WITH GRANT OPTION;\n", adminPassword), 0o600))
	install := exec.Command(program, "--no-defaults", "--initialize-insecure", "--datadir="+data, "--user="+me.Username)
	if maker, err := exec.LookPath("mariadb-install-db"); err == nil {
		install = exec.Command(maker, "--no-defaults", "--datadir="+data, "--user="+me.Username, "--auth-root-authentication-method=normal", "--skip-test-db")
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", install, err, out)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	must(l.Close())
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "tcp", l.Addr().String(), "admin", adminPassword
	config.Logger = &mysql.NopLogger{}
	_, port, err := net.SplitHostPort(config.Addr)
	must(err)
	args := []string{
		"--no-defaults", "--datadir=" + data, "--user=" + me.Username, "--bind-address=127.0.0.1", "--port=" + port,
		"--socket=" + filepath.Join(dir, "s"), "--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + initFile,
	}
	if certs == "" {
		args = append(args, "--skip-ssl")
	} else {
		args = append(args, "--ssl-ca="+filepath.Join(certs, "ca.pem"), "--ssl-cert="+filepath.Join(certs, "server.pem"), "--ssl-key="+filepath.Join(certs, "server-key.pem"))
	}
	var log bytes.Buffer
	ctx, kill := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, args...)
	server.Stdout, server.Stderr = &log, &log
	must(server.Start())
	t.Cleanup(func() { kill(); _ = server.Wait() })
	db, err := sql.Open("mysql", config.FormatDSN())
	must(err)
	defer func() { _ = db.Close() }()
	for end := time.Now().Add(10 * time.Second); db.PingContext(ctx) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			kill()
			t.Fatalf("%s does not answer: %v\n%s", server, server.Wait(), log.String())
		}
	}
	return config.FormatDSN()
}
