package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// defaultClusterTime is how long a new cluster takes. The real ones take 7 to 10
// seconds.
const defaultClusterTime = 3 * time.Second

// clouds are the emulated clouds, served on loopback addresses.
type clouds struct {
	cloudflare *cloudflare.Cloud
	tidb       *tidbcloud.Cloud
	sql        *sql.Servers
	log        *emulator.Log
	faults     *emulator.Faults
	env        map[string]string
	servers    []*http.Server

	// hook, where set, is asked when a call comes in and again when it took effect,
	// before its answer leaves. If it returns true the connection is cut.
	hook atomic.Pointer[callHook]
}

type callHook func(r *http.Request, after bool) (cut bool)

// withClouds serves the clouds of this folder, which no other process may do at the
// same time, until do returns.
func (s *sandbox) withClouds(ctx context.Context, do func(*clouds) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := s.startClouds()
	if err != nil {
		return err
	}
	defer c.close()
	return do(c)
}

// startClouds serves the clouds whose state lies in the sandbox's folder.
//
// Credentials that the environment holds are those that are accepted, so that a
// person sees what their own would do; others are made up for this run. None is
// ever written to a file.
func (s *sandbox) startClouds() (_ *clouds, err error) {
	c := &clouds{faults: &emulator.Faults{}, env: map[string]string{}}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.log, err = emulator.OpenLog(s.path("calls.jsonl")); err != nil {
		return nil, err
	}
	if err := c.readFaults(os.Getenv("SANDBOX_FAULTS")); err != nil {
		return nil, err
	}
	clusterTime, err := durationEnv("SANDBOX_CLUSTER_TIME", defaultClusterTime)
	if err != nil {
		return nil, err
	}
	token := c.credential("CLOUDFLARE_API_TOKEN", 40)
	account := cloudflare.DefaultAccountID
	if id, ok := os.LookupEnv("CLOUDFLARE_ACCOUNT_ID"); ok {
		account = id
	}
	c.env["CLOUDFLARE_ACCOUNT_ID"] = account
	c.cloudflare = &cloudflare.Cloud{AccountID: account, Token: token, File: s.path("cloudflare.json")}
	c.sql = &sql.Servers{
		Dir: s.path("sql"), Host: "localhost",
		DSN: os.Getenv("SANDBOX_MYSQL_DSN"), DSNCA: os.Getenv("SANDBOX_MYSQL_CA"),
	}
	if err := c.sql.Open(); err != nil {
		return nil, err
	}
	c.env["TIDBCLOUD_SQL_CA_FILE"] = c.sql.CAFile()
	c.tidb = &tidbcloud.Cloud{
		PublicKey:  c.credential("TIDBCLOUD_PUBLIC_KEY", 8),
		PrivateKey: c.credential("TIDBCLOUD_PRIVATE_KEY", 36),
		File:       s.path("tidbcloud.json"),
		CreateTime: clusterTime,
		Endpoint:   c.sql.Endpoint,
		SQL:        c.sql,
		Neighbor: &tidbcloud.Cloud{
			PublicKey: "neighbor", PrivateKey: strings.ToLower(rand.Text()), OrganizationID: "1372813089200000099", Projects: []string{"1372813089400000098"},
		},
	}
	// This starts the SQL servers of the clusters that there are.
	if err := c.tidb.Load(); err != nil {
		return nil, err
	}
	base, err := c.serve("cloudflare", c.cloudflare)
	if err != nil {
		return nil, err
	}
	c.env["CLOUDFLARE_BASE_URL"] = base + "/client/v4"
	c.env["CLOUDFLARE_API_BASE_URL"] = base + "/client/v4"
	tidb := http.NewServeMux()
	tidb.Handle("/", c.tidb)
	tidb.Handle("/v1beta/sql", c.sql.HTTP())
	if base, err = c.serve("tidbcloud", tidb); err != nil {
		return nil, err
	}
	c.env["TIDBCLOUD_SERVERLESS_ENDPOINT"] = base + "/v1beta1"
	c.env["TIDBCLOUD_IAM_ENDPOINT"] = base + "/v1beta1"
	c.env["PATH"], err = s.shimPath()
	return c, err
}

// credential returns what the environment holds under the name, or else makes one
// up.
func (c *clouds) credential(name string, length int) string {
	value, ok := os.LookupEnv(name)
	if !ok {
		value = strings.ToLower(rand.Text() + rand.Text())[:length]
	}
	c.env[name] = value
	return value
}

func (c *clouds) readFaults(text string) error {
	if text == "" {
		return nil
	}
	var faults []emulator.Fault
	// A fault with a misspelt member would hit other calls than it is meant to.
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&faults)
	if err == nil && d.Decode(new(any)) != io.EOF {
		err = errors.New("there is more after the list")
	}
	if err == nil {
		err = c.faults.Set(faults...)
	}
	if err != nil {
		return fmt.Errorf("reading SANDBOX_FAULTS: %w", err)
	}
	return nil
}

func durationEnv(name string, def time.Duration) (time.Duration, error) {
	text := os.Getenv(name)
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: %q is not a length of time such as 500ms or 10s", name, text)
	}
	return d, nil
}

// serve serves one cloud and returns its URL.
func (c *clouds) serve(name string, h http.Handler) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serving the emulated %s: %w", name, err)
	}
	server := &http.Server{
		Handler: &emulator.Server{Cloud: name, Handler: h, Log: c.log, Faults: c.faults,
			Before: func(r *http.Request) { c.ask(r, false) }, After: func(r *http.Request) { c.ask(r, true) }},
		ReadHeaderTimeout: 10 * time.Second,
	}
	c.servers = append(c.servers, server)
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("serving the emulated %s: %v", name, err))
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// ask calls the hook. The panic ends the call without an answer and is no error to
// the server.
func (c *clouds) ask(r *http.Request, after bool) {
	if hook := c.hook.Load(); hook != nil && (*hook)(r, after) {
		panic(http.ErrAbortHandler)
	}
}

func (c *clouds) close() {
	for _, s := range c.servers {
		_ = s.Close()
	}
	if c.sql != nil {
		_ = c.sql.Close()
	}
	if c.log != nil {
		_ = c.log.Close()
	}
}
