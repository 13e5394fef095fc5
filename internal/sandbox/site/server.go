package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Server serves the site of a Pages project. Call [Server.Start] first and [Server.Close]
// last.
type Server struct {
	Cloud *cloudflare.Cloud
	// SQL is the address of the endpoint for SQL over HTTP, at the emulated TiDB Cloud.
	SQL string
	// Project is the name of the Pages project. If empty, it is the oldest one that was
	// deployed.
	Project string
	// Hosts are the names and addresses of this machine at which the site's own code reaches it.
	// If empty, they are those of this machine alone.
	Hosts []string
	// Runtime serves the site. If it is not installed, plain files are served.
	Runtime Runtime
	// Values are possible values of secrets. The Cloud keeps no secret on disk, so it knows
	// only those that were set since it was made.
	Values []string

	process *process // nil without a Runtime

	mu      sync.Mutex
	runs    []byte // the program of the process, as JSON
	folder  string // the program's files
	address string // of the process
	err     error  // why it does not run the program
}

// Start starts the Runtime.
func (s *Server) Start(ctx context.Context) (err error) {
	s.process, err = s.Runtime.open(ctx)
	return err
}

// Close ends all that Start and requests have started.
func (s *Server) Close() error { return s.Runtime.close(s.process) }

const nothing = "nothing is deployed yet: `make up` deploys the folder that the config key site names"

// ServeHTTP implements [http.Handler]. It answers from what is deployed now.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site, ok, err := s.site()
	if err == nil && !ok {
		err = errors.New(nothing)
	}
	var address string
	switch {
	case err != nil:
	case site.Broken:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case s.process == nil:
		s.servePlain(w, r, site)
		return
	default:
		address, err = s.update(site, port(r))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays
			r.Out.URL.Scheme, r.Out.URL.Host = "http", address
		},
		Transport: transport,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				http.Error(w, fmt.Sprintf("Miniflare does not answer: %v\n%s", err, s.process.said.text()), http.StatusBadGateway)
			}
		},
	}
	w.Header()["Content-Type"] = nil // net/http makes none up
	proxy.ServeHTTP(w, r)
}

// transport passes on the browser's Accept-Encoding. By default it would ask for gzip, and
// unpack it.
var transport = &http.Transport{DisableCompression: true}

// Deployed returns the name of the project that is served. ok is false if there is none.
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

// NoRuntime says what a machine without npm lacks.
const NoRuntime = "Node.js with npm is not installed: without it `make site` serves plain files, and neither Functions nor Workers run"

// servePlain answers with a file.
func (s *Server) servePlain(w http.ResponseWriter, r *http.Request, site cloudflare.Site) {
	name := path.Clean("/" + r.URL.Path)
	for _, file := range []string{name, name + ".html", path.Join(name, "index.html")} {
		key, ok := site.Files[file]
		if !ok {
			continue
		}
		asset, err := s.Cloud.Asset(key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer asset.Close()
		w.Header().Set("Content-Type", asset.ContentType)
		_, _ = io.Copy(w, asset)
		return
	}
	http.Error(w, NoRuntime, http.StatusServiceUnavailable)
}

// port returns the port at which a request came in.
func port(r *http.Request) string {
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return strconv.Itoa(address.Port)
	}
	return ""
}

var localHosts = []string{"localhost", "127.0.0.1", "[::1]"}

// update makes the process run what is deployed. It returns the address.
func (s *Server) update(site cloudflare.Site, port string) (address string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := newProgram(site, s.Cloud.Scripts(), s.reveal)
	if err != nil {
		return "", err
	}
	p.SQL, p.Hosts, p.Port, p.Directory = s.SQL, s.Hosts, port, filepath.Join(s.Runtime.Dir, site.Deployment)
	if len(p.Hosts) == 0 {
		p.Hosts = localHosts
	}
	next, err := json.Marshal(p)
	if err != nil || bytes.Equal(next, s.runs) {
		return s.address, errors.Join(err, s.err)
	}
	if p.Directory != s.folder {
		if err := layOut(site, s.Cloud.Asset, p.Directory); err != nil {
			return "", errors.Join(err, os.RemoveAll(p.Directory))
		}
	}
	s.address, s.err = s.process.run(p)
	s.runs = next
	if p.Directory != s.folder {
		_ = os.RemoveAll(s.folder)
		s.folder = p.Directory
	}
	return s.address, s.err
}

// reveal returns the value of a secret.
func (s *Server) reveal(secret cloudflare.Secret) (string, bool) {
	if value, ok := s.Cloud.Reveal(secret); ok {
		return value, true
	}
	if i := slices.IndexFunc(s.Values, secret.Is); i >= 0 {
		return s.Values[i], true
	}
	return "", false
}
