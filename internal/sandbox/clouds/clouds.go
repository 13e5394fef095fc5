package clouds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// Clouds are the emulated clouds of one folder.
type Clouds struct {
	Cloudflare *cloudflare.Cloud
	TiDB       *tidbcloud.Cloud
	SQL        *sql.Servers
	Log        *emulator.Log
	// Env is the environment in which a client reaches the clouds.
	Env map[string]string

	faults  emulator.Faults
	servers []*http.Server
	share   net.Listener
	unlock  func()
	hook    atomic.Pointer[Hook]
}

// Hook is called when a call comes in, and again after it took effect and before it is
// answered. If it returns true, the connection is cut.
type Hook func(r *http.Request, after bool) (cut bool)

// Intercept sets the hook for all calls; nil means none.
func (c *Clouds) Intercept(hook Hook) { c.hook.Store(&hook) }

// Start serves the clouds whose state lies in dir. No other process may do so at the same
// time. lookup looks up environment variables, as [os.LookupEnv] does.
//
// The clouds accept the credentials in the environment, so that people see what their own
// would do. Missing ones are made up for this run. None is ever written to a file.
func Start(ctx context.Context, dir string, lookup Lookup) (_ *Clouds, err error) {
	c := &Clouds{Env: map[string]string{}}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if c.unlock, err = lock(ctx, dir); err != nil {
		return nil, err
	}
	if c.Log, err = emulator.OpenLog(filepath.Join(dir, CallsFile)); err != nil {
		return nil, err
	}
	if err := setFaults(&c.faults, lookup); err != nil {
		return nil, err
	}
	clusterTime, err := duration(lookup, "SANDBOX_CLUSTER_TIME", defaultClusterTime)
	if err != nil {
		return nil, err
	}
	c.Cloudflare = &cloudflare.Cloud{
		AccountID: c.setting(lookup, "CLOUDFLARE_ACCOUNT_ID", cloudflare.DefaultAccountID),
		Token:     c.setting(lookup, "CLOUDFLARE_API_TOKEN", random(40)),
		File:      filepath.Join(dir, "cloudflare.json"),
	}
	tidb, _ := lookup("TIDB_SERVER")
	c.SQL = &sql.Servers{TiDB: tidb, Dir: filepath.Join(dir, "sql"), Host: "localhost"}
	if err := c.SQL.Open(); err != nil {
		return nil, err
	}
	c.TiDB = &tidbcloud.Cloud{
		PublicKey:  c.setting(lookup, "TIDBCLOUD_PUBLIC_KEY", random(8)),
		PrivateKey: c.setting(lookup, "TIDBCLOUD_PRIVATE_KEY", random(36)),
		File:       filepath.Join(dir, "tidbcloud.json"),
		CreateTime: clusterTime,
		Endpoint:   c.SQL.Endpoint,
		SQL:        c.SQL,
	}
	// Load opens the ports of the existing clusters.
	if err := c.TiDB.Load(); err != nil {
		return nil, err
	}
	return c, c.serveAll(dir, lookup)
}

// serveAll serves the clouds and sets the environment in which to reach them.
func (c *Clouds) serveAll(dir string, lookup Lookup) error {
	base, start, err := c.listen("cloudflare", c.Cloudflare)
	if err != nil {
		return err
	}
	// No client can look up a deployment's host name.
	c.Cloudflare.DeploymentURL = func(project, id string) string { return base + cloudflare.DeploymentPath(project, id) }
	start()
	c.Env["CLOUDFLARE_BASE_URL"] = base + "/client/v4"
	c.Env["CLOUDFLARE_API_BASE_URL"] = base + "/client/v4"
	tidb := http.NewServeMux()
	tidb.Handle("/", c.TiDB)
	tidb.Handle("/v1beta/sql", c.SQL.HTTP())
	tidbBase, start, err := c.listen("tidbcloud", tidb)
	if err != nil {
		return err
	}
	start()
	c.Env["TIDBCLOUD_SERVERLESS_ENDPOINT"] = tidbBase + "/v1beta1"
	c.Env["TIDBCLOUD_IAM_ENDPOINT"] = tidbBase + "/v1beta1"
	c.Env["TIDBCLOUD_SQL_CA_FILE"] = c.SQL.CAFile()
	c.Env["PATH"], err = Path(dir, lookup)
	return err
}

// listen opens an address for one cloud and returns its URL. start begins to serve it.
func (c *Clouds) listen(name string, h http.Handler) (base string, start func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serving the emulated %s: %w", name, err)
	}
	server := &http.Server{
		Handler: &emulator.Server{Cloud: name, Handler: h, Log: c.Log, Faults: &c.faults,
			Before: func(r *http.Request) { c.ask(r, false) }, After: func(r *http.Request) { c.ask(r, true) }},
		ReadHeaderTimeout: 10 * time.Second,
	}
	c.servers = append(c.servers, server)
	return "http://" + l.Addr().String(), func() {
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				panic(fmt.Sprintf("serving the emulated %s: %v", name, err))
			}
		}()
	}, nil
}

// ask calls the hook. Its panic ends the call without an answer; the server takes it for no
// error.
func (c *Clouds) ask(r *http.Request, after bool) {
	if hook := c.hook.Load(); hook != nil && *hook != nil && (*hook)(r, after) {
		panic(http.ErrAbortHandler)
	}
}

// Close ends the servers; the state stays.
func (c *Clouds) Close() {
	for _, s := range c.servers {
		_ = s.Close()
	}
	if c.share != nil {
		_ = c.share.Close()
	}
	if c.SQL != nil {
		_ = c.SQL.Close()
	}
	if c.Log != nil {
		_ = c.Log.Close()
	}
	if c.unlock != nil {
		c.unlock()
	}
}

// lock keeps out a second process, which would write the state of the same clouds.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	l := flock.New(filepath.Join(dir, "lock"))
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	ok, err := l.TryLockContext(ctx, 50*time.Millisecond)
	switch {
	case ok:
		return func() { _ = l.Unlock() }, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("another sandbox is running in this folder: wait for it, or end it (`sandbox serve -stop` if it serves)")
	default:
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
}
