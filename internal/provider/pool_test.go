package provider_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	emulatedsql "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	emulatedcloud "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sqllogin"
)

// TestMain sets what all tests share, so that they can run side by side: whom the provider trusts, and
// where it logs.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(handler{}))
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if pool.dir, err = os.MkdirTemp("", "provider"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(pool.dir)) }()
	certificates := &emulatedsql.Servers{Dir: pool.dir}
	if err := certificates.Open(); err != nil {
		return 0, err
	}
	ca, err := os.ReadFile(certificates.CAFile())
	if err != nil {
		return 0, err
	}
	other, err := newAnyCertificate()
	if err != nil {
		return 0, err
	}
	trusted := filepath.Join(pool.dir, "trusted.pem")
	if err := errors.Join(os.WriteFile(trusted, bytes.Join([][]byte{ca, other}, nil), 0o600), os.Setenv(sqllogin.CAFileVariable, trusted)); err != nil {
		return 0, err
	}
	code = m.Run()
	if pool.servers != nil {
		err = pool.servers.Close()
	}
	return code, err
}

// pool has the SQL servers of all tests. It takes longer to start a TiDB than to empty one.
var pool clusters

type clusters struct {
	dir string

	mu      sync.Mutex
	servers *emulatedsql.Servers // nil until the first test that needs them
	idle    []string             // the IDs of empty clusters
}

// open returns the servers.
func (p *clusters) open(t *testing.T) *emulatedsql.Servers {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.servers == nil {
		p.servers = &emulatedsql.Servers{TiDB: sqltest.TiDB(t), Dir: p.dir, Host: gateway}
	}
	return p.servers
}

// take returns an empty cluster.
func (p *clusters) take(t *testing.T) (id string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		id, p.idle = p.idle[last], p.idle[:last]
		return id
	}
	id = rand.Text()
	if err := p.servers.CreateCluster(id); err != nil {
		t.Fatal(err)
	}
	return id
}

// give takes a cluster back, empty. If the test failed, it may have left anything, and the cluster goes.
func (p *clusters) give(t *testing.T, id string) {
	t.Helper()
	err := p.empty(id)
	if err != nil || t.Failed() {
		if err := errors.Join(err, p.servers.DeleteCluster(id)); err != nil {
			t.Error(err)
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, id)
}

// leftovers are the statements that drop what a new cluster does not have.
const leftovers = "SELECT CONCAT('DROP DATABASE `', SCHEMA_NAME, '`') FROM information_schema.SCHEMATA" +
	" WHERE SCHEMA_NAME NOT IN ('test', 'mysql', 'sys', 'INFORMATION_SCHEMA', 'PERFORMANCE_SCHEMA', 'METRICS_SCHEMA')" +
	` UNION ALL SELECT CONCAT('DROP USER "', USER, '"@"', HOST, '"') FROM information_schema.USER_ATTRIBUTES WHERE USER NOT IN ('cleaner', 'role_admin')`

func (p *clusters) empty(id string) error {
	l := emulatedcloud.Login{User: emulatedcloud.User{UserName: "cleaner", BuiltinRole: "role_admin"}}
	if err := errors.Join(p.servers.SetEndpoint(id, false), p.servers.PutUser(id, l)); err != nil {
		return err
	}
	host, port := p.servers.Endpoint(id)
	db, err := sqllogin.Login{Host: host, Port: port, User: l.UserName}.Open(p.servers.CAFile(), func(*mysql.Config) {})
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query(leftovers)
	if err != nil {
		return err
	}
	var statements []string
	for rows.Next() {
		statements = append(statements, "")
		if err := rows.Scan(&statements[len(statements)-1]); err != nil {
			return err
		}
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return rows.Err()
}
