package site

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Sites serves the sites of several stacks: that of the main stack at each host, but for those
// below localhost, and that of another stack at NAME.localhost. Browsers take every name below
// localhost for this machine. https://www.rfc-editor.org/rfc/rfc6761#section-6.3
//
// Call [Sites.Start] first and [Sites.Close] last.
type Sites struct {
	// Main is the name of the main stack.
	Main string
	// Stacks returns the Pages project of each stack that has one.
	Stacks func() (map[string]string, error)

	// Of each site, see [Server].
	Cloud   *cloudflare.Cloud
	SQL     string
	Runtime Runtime
	Values  []string

	process *process

	mu      sync.Mutex
	servers map[string]*Server // by stack
}

// Start starts the Runtime.
func (s *Sites) Start(ctx context.Context) (err error) {
	s.process, err = s.Runtime.open(ctx)
	return err
}

// Close ends all that Start and requests have started.
func (s *Sites) Close() error { return s.Runtime.close(s.process) }

// below is the end of a host that names a stack.
const below = ".localhost"

// Host returns the host at which a stack's site is served, if that of the main stack is.
func Host(stack, main, host string) string {
	if stack == main {
		return host
	}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return stack + below
	}
	return net.JoinHostPort(stack+below, port)
}

// stack returns the name of the stack that a host is for.
func (s *Sites) stack(host string, stacks map[string]string) (name string, main bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	name, ok := strings.CutSuffix(strings.ToLower(host), below)
	if !ok {
		return s.Main, true
	}
	for stack := range stacks {
		if strings.EqualFold(stack, name) { // browsers write hosts in lower case
			return stack, stack == s.Main
		}
	}
	return name, strings.EqualFold(name, s.Main)
}

// ServeHTTP implements [http.Handler].
func (s *Sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stacks, err := s.Stacks()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	stack, main := s.stack(r.Host, stacks)
	if stacks[stack] == "" {
		text, status := fmt.Sprintf("there is no site of a stack %s: `make up STACK=%s` makes one", stack, stack), http.StatusNotFound
		if main {
			text, status = nothing, http.StatusServiceUnavailable
		}
		http.Error(w, text+s.list(port(r), stacks), status)
		return
	}
	s.server(stack, stacks[stack]).ServeHTTP(w, r)
}

// list says which sites are served.
func (s *Sites) list(port string, stacks map[string]string) string {
	var b strings.Builder
	for _, stack := range s.Order(stacks) {
		fmt.Fprintf(&b, "\n  http://%s serves that of the stack %s", Host(stack, s.Main, net.JoinHostPort("localhost", port)), stack)
	}
	return b.String()
}

// Order returns the names of the stacks, the main one first.
func (s *Sites) Order(stacks map[string]string) []string {
	return slices.SortedFunc(maps.Keys(stacks), func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == s.Main:
			return -1
		case b == s.Main:
			return 1
		}
		return strings.Compare(a, b)
	})
}

// server returns the server of a stack's project.
func (s *Sites) server(stack, project string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.servers[stack]; old != nil && old.Project == project {
		return old
	}
	server := &Server{Cloud: s.Cloud, SQL: s.SQL, Project: project, Runtime: s.Runtime, Values: s.Values, process: s.process}
	if stack != s.Main {
		server.Hosts = []string{strings.ToLower(stack) + below}
	}
	if s.servers == nil {
		s.servers = map[string]*Server{}
	}
	s.servers[stack] = server
	return server
}
