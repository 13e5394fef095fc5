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
// that a fakesql.Servers keeps in certs, or without TLS where that is "". It returns
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
	me, err := user.Current()
	must(t, err)
	dir, err := os.MkdirTemp("", "sql") // a socket's path must be short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	accounts := fmt.Sprintf("CREATE USER admin@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO admin@'%%' WITH GRANT OPTION;\n", adminPassword)
	initFile := filepath.Join(dir, "init.sql")
	must(t, os.WriteFile(initFile, []byte(accounts), 0o600))
	install := exec.Command(program, "--no-defaults", "--initialize-insecure", "--datadir="+data, "--user="+me.Username)
	if maker, err := exec.LookPath("mariadb-install-db"); err == nil {
		install = exec.Command(maker, "--no-defaults", "--datadir="+data, "--user="+me.Username, "--auth-root-authentication-method=normal", "--skip-test-db")
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", install, err, out)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	_, port, err := net.SplitHostPort(addr)
	must(t, err)
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
	server := exec.Command(program, args...)
	server.Stdout, server.Stderr = &log, &log
	must(t, server.Start())
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "tcp", addr, "admin", adminPassword
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	must(t, err)
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			break
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", server, log.String())
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v\n%s", server, err, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return config.FormatDSN()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
