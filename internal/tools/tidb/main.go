// Tidb is the SQL server behind one cluster of the sandbox: TiDB and its embedded storage,
// set to be one of many small ones side by side. Its data lies in the working directory, where
// it also listens, on the Unix socket "mysql.sock", and logs.
//
// It reads scripts from the standard input, each a JSON string, runs them as nobody whom
// privileges bind, and answers each by a line: a JSON string with the error, or an empty one.
// The first line says that it serves. When the standard input ends, it ends too; what it
// answered is in the files.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "time/tzdata"

	"github.com/pingcap/tidb/pkg/config"
	"github.com/pingcap/tidb/pkg/ddl"
	"github.com/pingcap/tidb/pkg/extension"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/server"
	"github.com/pingcap/tidb/pkg/session"
	"github.com/pingcap/tidb/pkg/session/types"
	kvstore "github.com/pingcap/tidb/pkg/store"
	"github.com/pingcap/tidb/pkg/store/mockstore"
	unistore "github.com/pingcap/tidb/pkg/store/mockstore/unistore/config"
	"github.com/pingcap/tidb/pkg/util/logutil"
	"github.com/pingcap/tidb/pkg/util/sem"
)

const socket = "mysql.sock"

func main() {
	cert := flag.String("cert", "", "the server's certificate, a `FILE`")
	key := flag.String("key", "", "the key of the certificate, a `FILE`")
	flag.Parse()
	dir, err := os.Getwd()
	check(err)

	// One that was started before, and whose owner was killed, may still be ending.
	lock, err := syscall.Open("lock", syscall.O_CREAT|syscall.O_RDWR, 0o600)
	check(err)
	check(syscall.Flock(lock, syscall.LOCK_EX))

	engine := &unistore.DefaultConf.Engine
	engine.VlogFileSize, engine.MaxMemTableSize, engine.NumCompactors = 16<<20, 8<<20, 1
	c := config.GetGlobalConfig()
	c.Store, c.Path = "unistore", dir
	c.Host, c.Port, c.Socket = "", 0, socket
	c.TempDir, c.TempStoragePath = filepath.Join(dir, "tmp"), filepath.Join(dir, "tmp")
	c.Status.ReportStatus = false
	// With a region for each table, a transaction on two tables would be two writes of the
	// storage, and a kill may come between them.
	c.SplitTable = false
	c.Performance.StatsLease = "0"
	c.Security.SSLCert, c.Security.SSLKey, c.Security.EnableSEM = *cert, *key, true
	c.Log.File.Filename, c.Log.Level, c.Log.SlowQueryFile = "tidb.log", "error", "slow.log"
	config.StoreGlobalConfig(c)
	check(logutil.InitLogger(c.Log.ToLogConfig()))
	session.SetStatsLease(0)
	sem.Enable()
	check(extension.RegisterFactory("sandbox", func() ([]extension.Option, error) {
		return []extension.Option{extension.WithCustomAccessCheck(hidePasswords)}, nil
	}))
	check(extension.Setup())

	check(kvstore.Register("unistore", mockstore.EmbedUnistoreDriver{}))
	storage, err := kvstore.New((&url.URL{Scheme: "unistore", Path: dir}).String())
	check(err)
	check(ddl.StartOwnerManager(context.Background(), storage))
	domain, err := session.BootstrapSession(storage)
	check(err)
	srv, err := server.NewServer(c, server.NewTiDBDriver(storage))
	check(err)
	srv.SetDomain(domain)
	domain.InfoSyncer().SetSessionManager(srv)
	go domain.ExpensiveQueryHandle().SetSessionManager(srv).Run() // it ends what takes longer than max_execution_time
	go domain.ServerMemoryLimitHandle().SetSessionManager(srv).Run()
	go func() { check(srv.Run(domain)) }()
	for conn, err := net.Dial("unix", socket); ; conn, err = net.Dial("unix", socket) {
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	serve(storage)
	// There is nothing to flush: a kill would lose nothing either.
	_ = os.Remove(socket)
}

// serve runs the scripts of the standard input until it ends.
func serve(storage kv.Storage) {
	s, err := session.CreateSession(storage)
	check(err)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	check(out.Encode("")) // it serves
	for {
		var script, answer string
		if err := in.Decode(&script); errors.Is(err, io.EOF) {
			return
		} else {
			check(err)
		}
		if err := execute(s, script); err != nil {
			answer = err.Error()
		}
		check(out.Encode(answer))
	}
}

// execute runs the statements of a script up to the first that fails.
func execute(s types.Session, script string) error {
	ctx := context.Background()
	statements, err := s.Parse(ctx, script)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		rows, err := s.ExecuteStmt(ctx, statement)
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(statement.Text()), err)
		}
		if rows != nil {
			check(rows.Close())
		}
	}
	return nil
}

// hidePasswords asks for a privilege that nobody has where a table holds hashes of passwords.
// SEM leaves those readable to whoever may SELECT on *.*.
func hidePasswords(db, table, _ string, _ mysql.PrivilegeType, _ bool) []string {
	if strings.EqualFold(db, mysql.SystemDB) && (strings.EqualFold(table, mysql.UserTable) || strings.EqualFold(table, mysql.PasswordHistoryTable)) {
		return []string{"RESTRICTED_TABLES_ADMIN"}
	}
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
