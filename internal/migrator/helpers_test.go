package migrator_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	emulatedsql "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sqllogin"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// server is the TiDB of all tests of the package. Each test has a database of its own on it.
type server struct {
	*emulatedsql.Servers
	databases atomic.Int64
	admin     *sql.DB
}

const (
	cluster  = "1001"
	user     = "p1001.admin"
	password = "correct horse"
	hash     = "*0E8F21E4240F5AD5A07D088F9C93890D13D78A4E" // mysql_native_password's
)

var (
	shared     server
	startedErr error
	startOnce  sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.Servers != nil {
		_ = shared.Close()
	}
	os.Exit(code)
}

// start starts the server with the first test.
func start(t *testing.T) *server {
	t.Helper()
	startOnce.Do(func() {
		shared.Servers = &emulatedsql.Servers{TiDB: sqltest.TiDB(t), Host: "localhost"}
		startedErr = shared.prepare()
	})
	if startedErr != nil {
		t.Fatal(startedErr)
	}
	return &shared
}

// prepare makes the cluster and its administrator.
func (s *server) prepare() error {
	err := s.CreateCluster(cluster)
	if err == nil {
		err = s.PutUser(cluster, tidbcloud.Login{User: tidbcloud.User{UserName: user, BuiltinRole: "role_admin"}, Password: password, Hash: hash})
	}
	if err == nil {
		s.admin, err = s.login().Open(s.CAFile(), func(c *mysql.Config) { c.DialFunc = dial })
	}
	return err
}

// login is that of the administrator.
func (s *server) login() sqllogin.Login {
	host, port := s.Endpoint(cluster)
	return sqllogin.Login{Host: host, Port: port, User: user, Password: password}
}

// world is a database and a folder of migrations.
type world struct {
	*testing.T
	*server
	name, folder string
	format       migration.Format // empty for the folder's own
	table        string
	baseline     string
	redact       bool
	dial         func(ctx context.Context, network, addr string) (net.Conn, error)
	db           *sql.DB // beside the runs
	log          log
}

// newWorld makes an empty database and an empty folder.
func newWorld(t *testing.T) *world {
	t.Helper()
	return start(t).world(t)
}

func (s *server) world(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, server: s, name: fmt.Sprintf("test_%d", s.databases.Add(1)), folder: t.TempDir()}
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE "+w.name); err != nil {
		t.Fatal(err)
	}
	w.enter(t)
	return w
}

// enter goes on in a test, such as one in a bubble, with connections of its own.
func (w *world) enter(t *testing.T) {
	w.T = t
	w.db = w.open(w.name)
	t.Cleanup(func() { _ = w.db.Close() })
}

// open connects to a database.
func (w *world) open(database string) *sql.DB {
	w.Helper()
	open := w.login().Open
	if w.redact {
		open = w.login().OpenRedacted
	}
	db, err := open(w.CAFile(), func(c *mysql.Config) {
		c.DBName, c.InterpolateParams, c.DialFunc = database, true, w.dial
		if w.dial == nil {
			c.DialFunc = dial
		}
	})
	if err != nil {
		w.Fatal(err)
	}
	return db
}

// dial connects to a server, whatever its host is called. A bubble cannot look names up.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// write adds files to the folder. An empty text removes one.
func (w *world) write(files map[string]string) {
	w.Helper()
	for name, text := range files {
		if text != "" {
			testfiles.Write(w, w.folder, map[string]string{name: text})
		} else if err := os.Remove(filepath.Join(w.folder, filepath.FromSlash(name))); err != nil {
			w.Fatal(err)
		}
	}
}

// job is the folder as it is now.
func (w *world) job() migrator.Job {
	w.Helper()
	folder, err := migration.Read(w.folder, w.format)
	if err != nil {
		w.Fatal(err)
	}
	return migrator.Job{Folder: folder, Database: w.name, Table: w.table, Baseline: w.baseline, Redact: w.redact, Log: &w.log}
}

// planned returns the job of a folder, and what is pending in a database that has nothing. It needs no
// server.
func planned(t *testing.T, format migration.Format, files map[string]string) (migrator.Job, []migrator.Pending, error) {
	t.Helper()
	w := &world{T: t, name: "Portfolio", folder: testfiles.Folder(t, files), format: format}
	job := w.job()
	pending, err := job.Pending(job.Recorded(nil))
	return job, pending, err
}

// up applies the folder.
func (w *world) up() error {
	w.Helper()
	return w.apply(w.job())
}

// apply applies a job of the database.
func (w *world) apply(job migrator.Job) error {
	w.Helper()
	db := w.open(w.name)
	defer db.Close()
	return job.Apply(w.Context(), db)
}

// history reads what the database knows.
func (w *world) history(job migrator.Job) migrator.History {
	w.Helper()
	h, err := job.History(w.Context(), w.db)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// pending lists the pending migrations, each as a preview shows it, and what they take away.
func (w *world) pending() (outlines, losses []string, err error) {
	w.Helper()
	job := w.job()
	h := w.history(job)
	pending, err := job.Pending(h)
	for _, p := range pending {
		outlines = append(outlines, p.Outline())
	}
	return outlines, job.Losses(h, pending), err
}

// want fails the test unless up applies everything, and nothing is pending afterwards.
func (w *world) want() {
	w.Helper()
	if err := w.up(); err != nil {
		w.Fatal(err)
	}
	if outlines, _, err := w.pending(); err != nil || len(outlines) > 0 {
		w.Fatalf("pending: %v, %v", outlines, err)
	}
}

// rows returns the rows of a query, with their columns separated by spaces.
func (w *world) rows(query string) (rows []string) {
	w.Helper()
	result, err := w.db.QueryContext(w.Context(), query)
	if err != nil {
		w.Fatal(err)
	}
	defer result.Close()
	columns, err := result.Columns()
	if err != nil {
		w.Fatal(err)
	}
	for result.Next() {
		values := make([]sql.NullString, len(columns))
		pointers := make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		testcheck.Error(w, result.Scan(pointers...))
		var row []string
		for _, v := range values {
			row = append(row, v.String)
		}
		rows = append(rows, strings.Join(row, " "))
	}
	testcheck.Error(w, result.Err())
	return rows
}

// hand runs statements by hand.
func (w *world) hand(statements ...string) {
	w.Helper()
	for _, statement := range statements {
		if _, err := w.db.ExecContext(w.Context(), statement); err != nil {
			w.Fatalf("%s: %v", statement, err)
		}
	}
}

// log keeps what is shown.
type log struct {
	mu    sync.Mutex
	lines []string
	hook  func(line string) // called with each, unless nil
}

func (l *log) add(kind, format string, args []any) {
	line := kind + " " + fmt.Sprintf(format, args...)
	l.mu.Lock()
	l.lines = append(l.lines, line)
	hook := l.hook
	l.mu.Unlock()
	if hook != nil {
		hook(line)
	}
}

// on sets what is called with each line. nil is nothing.
func (l *log) on(hook func(line string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

func (l *log) Infof(format string, args ...any)       { l.add("info", format, args) }
func (l *log) InfoStatusf(format string, args ...any) { l.add("status", format, args) }
func (l *log) Warningf(format string, args ...any)    { l.add("warning", format, args) }

func (l *log) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
