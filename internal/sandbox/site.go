package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/engine"
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

// serveSite serves the sites of all stacks until ctx ends. It also runs the clouds. Other commands
// use these, so the sites are what they deploy.
func serveSite(ctx context.Context, s *sandbox, project string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.siteAddress)
	if err != nil {
		return fmt.Errorf("site: %w: choose another address with make site ARGS=\"-listen localhost:8080\"", err)
	}
	defer l.Close()
	secrets, err := s.secrets(ctx)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	c, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s.checkStart(ctx, c)
	sites, err := s.startSites(ctx, c, project, secrets)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	defer func() { _ = sites.Close() }()
	host, _, err := net.SplitHostPort(s.siteAddress)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	c.Env[siteVariable] = fmt.Sprintf("http://%s:%d", host, l.Addr().(*net.TCPAddr).Port)
	if err := c.Share(s.dir); err != nil {
		return err
	}
	if err := s.announce(sites, c.Env[siteVariable]); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	front := &http.Server{Handler: sites, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = front.Close() })()
	if err := front.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("site: %w", err)
	}
	return nil
}

// startSites starts serving the sites of all stacks. If project is not empty, the main stack's is
// that one.
func (s *sandbox) startSites(ctx context.Context, c *clouds.Clouds, project string, secrets []string) (*site.Sites, error) {
	sql, err := url.Parse(c.Env["TIDBCLOUD_SERVERLESS_ENDPOINT"])
	if err != nil {
		return nil, err
	}
	known := s.watchProjects()
	sites := &site.Sites{
		Cloud: c.Cloudflare, SQL: sql.Scheme + "://" + sql.Host, Runtime: s.runtime(), Values: secrets, Main: engine.Stack,
		Stacks: func() (map[string]string, error) {
			projects, err := known()
			if err != nil {
				return nil, err
			}
			if project != "" {
				projects[engine.Stack] = project
			} else if projects[engine.Stack] == "" {
				if name := unclaimed(c.Cloudflare, projects); name != "" {
					projects[engine.Stack] = name
				}
			}
			return projects, nil
		},
	}
	return sites, sites.Start(ctx)
}

// unclaimed returns the oldest deployed project that no stack has, such as one of wrangler's.
func unclaimed(cloud *cloudflare.Cloud, projects map[string]string) string {
	known := slices.Collect(maps.Values(projects))
	for _, p := range cloud.Projects() {
		if _, ok, err := cloud.Site(p.Name); !slices.Contains(known, p.Name) && ok && err == nil {
			return p.Name
		}
	}
	return ""
}

// siteURL returns the address of a stack's site, if base is that of the main stack's.
func siteURL(base, stack string) string {
	host, _ := strings.CutPrefix(base, "http://")
	return "http://" + site.Host(stack, engine.Stack, host)
}

// announce prints what is served at which address.
func (s *sandbox) announce(sites *site.Sites, base string) error {
	projects, err := sites.Stacks()
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, stack := range sites.Order(projects) {
		fmt.Fprintf(&text, "%s serves the Pages project %s of the stack %s\n", siteURL(base, stack), projects[stack], stack)
	}
	if projects[engine.Stack] == "" {
		fmt.Fprintf(&text, "%s serves what the next `make up` deploys\n", base)
	}
	fmt.Fprintln(&text, "It follows each `make up`; another stack's is at NAME.localhost. Ctrl+C ends it.")
	if !s.runtime().Installed() {
		fmt.Fprintln(&text, site.NoRuntime)
	}
	_, err = io.WriteString(s.stdout, text.String())
	return err
}
