package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

const (
	account = emulated.DefaultAccountID
	// apiBinding is the usual part of a request.
	apiBinding = `"bindings":{"API_SERVICE":{"service":"api","environment":"production"}}`
)

// site is an emulated account with the Workers "api" and "auth" and the Pages project "site",
// and what a stack remembers of its bindings.
type site struct {
	*testing.T
	*cloudflaretest.Account
	progress bytes.Buffer
	previous string // the last result
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, Account: cloudflaretest.New(t, &emulated.Cloud{})}
	s.UploadWorker("api", "")
	s.UploadWorker("auth", "")
	s.CreateProject("site", "main")
	return s
}

// request returns a request for the project "site".
func bindRequest(fields string) string {
	return `{"accountId":"` + account + `","project":"site",` + fields + `}`
}

// run runs a command as the engine would, and remembers its result.
func (s *site) run(ctx context.Context, verb, request string) (BindResult, error) {
	env := map[string]string{cloudflare.EnvToken: apiToken, envPrevious: s.previous}
	var out bytes.Buffer
	err := run(ctx, verb, strings.NewReader(request), &out, &s.progress, func(name string) string { return env[name] }, s.Net)
	if err != nil {
		return BindResult{}, err
	}
	s.previous = out.String()
	var result BindResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		s.Fatal(err)
	}
	return result, nil
}

// mustRun runs a command for the project "site" that makes these calls.
func (s *site) mustRun(verb, fields string, methods ...string) BindResult {
	s.Helper()
	s.Net.Set(faultlist.Plan{})
	result, err := s.run(s.Context(), verb, bindRequest(fields))
	if err != nil {
		s.Fatal(err)
	}
	s.wantCalls(methods...)
	return result
}

// wantCalls checks the methods of the calls of the last command.
func (s *site) wantCalls(methods ...string) {
	s.Helper()
	var called []string
	for _, c := range s.Net.Calls() {
		called = append(called, c.Method)
	}
	s.want("calls", called, methods...)
}

// wantBound checks the project's bindings, as environment.NAME=service.
func (s *site) wantBound(want ...string) {
	s.Helper()
	s.want("bindings", s.bound(), want...)
}

func (s *site) bound() (bound []string) {
	for _, p := range s.Cloud.Projects() {
		for name, service := range p.Production.Services {
			bound = append(bound, "production."+name+"="+service.Service)
		}
		for name, service := range p.Preview.Services {
			bound = append(bound, "preview."+name+"="+service.Service)
		}
	}
	slices.Sort(bound)
	return bound
}

func (s *site) want(what string, have []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, have); diff != "" {
		s.Errorf("%s: %s", what, diff)
	}
}
