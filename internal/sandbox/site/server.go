package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Server serves the site of a Pages project. [Server.Start] must come first and
// [Server.Close] last.
type Server struct {
	Cloud *cloudflare.Cloud
	// SQL is the address of the emulated TiDB Cloud, which answers SQL over HTTP.
	SQL *url.URL
	// Project is the name of the Pages project. Default: the oldest one that was deployed.
	Project string
	// Workerd is the path of Cloudflare's runtime. If there is no such file, Functions
	// answer 503.
	Workerd string
	// Values are what secrets may be, beside those that were set since the Cloud was
	// made: it keeps no secret on disk.
	Values []string
	// Log gets what Workers print, and what is missing.
	Log io.Writer

	ctx       context.Context
	stop      context.CancelFunc
	log       io.Writer
	services  []*http.Server
	addresses map[string]string // of services by name

	mu      sync.Mutex
	assets  *assets
	of      string // the deployment of assets
	runtime *runtime
	secrets map[cloudflare.Secret]string
	said    map[string]bool
}

// Start serves to the Workers what they reach outside of workerd.
func (s *Server) Start(ctx context.Context) error {
	s.ctx, s.stop = context.WithCancel(ctx)
	s.addresses, s.secrets, s.said = map[string]string{}, map[cloudflare.Secret]string{}, map[string]bool{}
	s.log = &syncWriter{w: s.Log}
	for name, h := range map[string]http.Handler{
		assetsService:   http.HandlerFunc(s.serveAssets),
		outboundService: s.outbound(),
	} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return errors.Join(err, s.Close())
		}
		server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		s.services = append(s.services, server)
		s.addresses[name] = l.Addr().String()
		go func() { _ = server.Serve(l) }()
	}
	return nil
}

// Close ends all that Start and requests have started.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runtime.close()
	var errs []error
	for _, server := range s.services {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

// outbound answers what Workers fetch.
func (s *Server) outbound() http.Handler {
	sql := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(s.SQL) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// https://github.com/tidbcloud/serverless-js/blob/main/packages/serverless/src/serverless.ts
		if strings.HasPrefix(r.Host, "http-") && r.URL.Path == "/v1beta/sql" {
			sql.ServeHTTP(w, r)
			return
		}
		http.Error(w, "the sandbox is offline: Workers reach no other host than the database, and not "+r.Host, http.StatusBadGateway)
	})
}

// serveAssets answers what Functions ask of their binding ASSETS.
func (s *Server) serveAssets(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	assets := s.assets
	s.mu.Unlock()
	assets.ServeHTTP(w, r)
}

// ServeHTTP implements [http.Handler]: it answers from what is deployed now.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, done, err := s.handler(normalize(r.URL.EscapedPath()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer done()
	h.ServeHTTP(w, r)
}

var (
	errNothing   = errors.New("nothing is deployed yet: `make up` deploys the folder that the config key site names")
	errNoRuntime = errors.New("workerd, Cloudflare's runtime, is not installed, so Functions do not run: install Node.js with npm, then run `make site` again")
)

// handler returns what answers for a path: files or Functions. done must be called after
// the answer.
func (s *Server) handler(pathname string) (h http.Handler, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, ok, err := s.site()
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, errNothing
	}
	if s.of != site.Deployment {
		s.assets, s.of = newAssets(site, s.Cloud.Asset), site.Deployment
	}
	routes, err := parseRoutes(site.Routes)
	if err != nil {
		return nil, nil, err
	}
	if site.Worker == nil || !routes.runFunctions(pathname) {
		return s.assets, func() {}, nil
	}
	if err := s.update(site); err != nil {
		return nil, nil, err
	}
	rt := s.runtime
	rt.calls.Add(1)
	return rt, rt.calls.Done, nil
}

// Deployed returns the name of the project that is served, if there is one.
func (s *Server) Deployed() (project string, ok bool, err error) {
	site, ok, err := s.site()
	return site.Project, ok, err
}

func (s *Server) site() (site cloudflare.Site, ok bool, err error) {
	if s.Project != "" {
		return s.Cloud.Site(s.Project)
	}
	for _, p := range s.Cloud.Projects() {
		if site, ok, err = s.Cloud.Site(p.Name); ok || err != nil {
			return site, ok, err
		}
	}
	return cloudflare.Site{}, false, nil
}

// update makes workerd run what is deployed.
func (s *Server) update(site cloudflare.Site) error {
	if _, err := os.Stat(s.Workerd); err != nil {
		return errNoRuntime
	}
	p := newProgram(site, s.Cloud.Scripts(), s.reveal, maps.Clone(s.addresses))
	if s.runtime.runs(p) {
		return nil
	}
	for _, line := range p.missing {
		if !s.said[line] {
			fmt.Fprintln(s.log, line)
			s.said[line] = true
		}
	}
	next, err := startRuntime(s.ctx, s.Workerd, p, s.log)
	if err != nil {
		return err
	}
	s.runtime.retire()
	s.runtime = next
	return nil
}

// reveal returns the value of a secret.
func (s *Server) reveal(secret cloudflare.Secret) (string, bool) {
	if value, ok := s.secrets[secret]; ok {
		return value, true
	}
	value, ok := s.Cloud.Reveal(secret)
	if !ok {
		i := slices.IndexFunc(s.Values, secret.Is)
		if i < 0 {
			return "", false
		}
		value = s.Values[i]
	}
	s.secrets[secret] = value
	return value, true
}
