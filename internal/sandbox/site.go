package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"time"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/site"
)

// defaultSiteAddress is where wrangler serves a Pages project, too.
// https://developers.cloudflare.com/workers/wrangler/commands/#pages-dev
const defaultSiteAddress = "localhost:8788"

// siteVariable tells clients of the clouds the site's address, if it is served.
const siteVariable = "SANDBOX_SITE_URL"

// runtime returns Cloudflare's runtime, as `make runtime` installs it.
func (s *sandbox) runtime() site.Runtime {
	return site.Runtime{
		Modules: filepath.Join(s.root, ".sandbox", "npm", "node_modules"),
		Dir:     filepath.Join(s.dir, "site"),
		Log:     s.stderr,
	}
}

// checkStart makes an upload of code that throws as it starts fail, if there is a runtime.
func (s *sandbox) checkStart(ctx context.Context, c *clouds.Clouds) {
	r := s.runtime()
	if !r.Installed() {
		return
	}
	c.Cloudflare.CheckStart(func(code cloudflare.Worker, vars map[string]string) string {
		thrown, err := r.CheckStart(ctx, code, vars)
		if err != nil {
			fmt.Fprintf(s.stderr, "a Worker is taken without starting it: %v\n", err)
		}
		return thrown
	})
}

// serveSite serves what was deployed until ctx ends. It also runs the clouds. Other commands
// use these, so the site sees what they deploy.
func serveSite(ctx context.Context, s *sandbox, project string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.siteAddress)
	if err != nil {
		return fmt.Errorf("site: %w: choose another address with make site ARGS=\"-listen localhost:8080\"", err)
	}
	defer l.Close()
	secrets, err := s.engine(nil).Secrets(ctx)
	if err != nil {
		return fmt.Errorf("site: reading the stack's secrets: %w", err)
	}
	c, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s.checkStart(ctx, c)
	server, err := s.startSite(ctx, c, project, secrets)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	defer func() { _ = server.Close() }()
	host, _, err := net.SplitHostPort(s.siteAddress)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	c.Env[siteVariable] = fmt.Sprintf("http://%s:%d", host, l.Addr().(*net.TCPAddr).Port)
	if err := c.Share(s.dir); err != nil {
		return err
	}
	if err := s.announce(server, c.Env[siteVariable]); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	front := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = front.Close() })()
	if err := front.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("site: %w", err)
	}
	return nil
}

// startSite starts serving a project of the clouds.
func (s *sandbox) startSite(ctx context.Context, c *clouds.Clouds, project string, secrets []string) (*site.Server, error) {
	sql, err := url.Parse(c.Env["TIDBCLOUD_SERVERLESS_ENDPOINT"])
	if err != nil {
		return nil, err
	}
	server := &site.Server{
		Cloud: c.Cloudflare, SQL: sql.Scheme + "://" + sql.Host,
		Project: project, Runtime: s.runtime(), Values: secrets,
	}
	return server, server.Start(ctx)
}

// announce prints what is served at which address.
func (s *sandbox) announce(server *site.Server, address string) error {
	project, ok, err := server.Deployed()
	if err != nil {
		return err
	}
	if ok {
		fmt.Fprintf(s.stdout, "%s serves the Pages project %s, and follows each `make up`. Ctrl+C ends it.\n", address, project)
	} else {
		fmt.Fprintf(s.stdout, "%s serves what the next `make up` deploys. Ctrl+C ends it.\n", address)
	}
	if !s.runtime().Installed() {
		fmt.Fprintln(s.stdout, site.NoRuntime)
	}
	return nil
}

// suggestSite prints, after an up, how to see the site.
func (s *sandbox) suggestSite(c *clouds.Clouds) error {
	server := &site.Server{Cloud: c.Cloudflare}
	project, ok, err := server.Deployed()
	if err != nil || !ok {
		return err
	}
	fmt.Fprintf(s.stdout, "`make site` serves the Pages project %s at http://%s\n", project, defaultSiteAddress)
	if _, err := exec.LookPath("npm"); err != nil && !s.runtime().Installed() {
		fmt.Fprintln(s.stdout, site.NoRuntime)
	}
	return nil
}
