package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

const (
	account = emulated.DefaultAccountID
	// token has no part that an error shows.
	token = "Zq7f3aW9c21e0-Xk_84hTm2Lp6Rv0Bn5Yd3Gs1Jw"
	// apiBinding is the usual part of a request.
	apiBinding = `"bindings":{"API_SERVICE":{"service":"api","environment":"production"}}`
)

// site is an emulated Cloudflare in memory with the Workers "api" and "auth" and the
// Pages project "site", and what a stack remembers of its bindings.
type site struct {
	*testing.T
	cloud    *emulated.Cloud
	net      *faultlist.Transport
	progress bytes.Buffer
	previous string // the last result
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, cloud: &emulated.Cloud{Token: token}}
	s.net = &faultlist.Transport{Handler: s.cloud, Kind: func(r *http.Request, _ []byte) string {
		return r.Method + strings.TrimPrefix(r.URL.Path, "/client/v4/accounts/"+account)
	}}
	for _, name := range []string{"api", "auth"} {
		s.send(http.MethodPut, "/workers/scripts/"+name, "multipart/form-data; boundary=b", "--b\r\n"+
			"Content-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{\"main_module\":\"w.js\"}\r\n--b\r\n"+
			"Content-Disposition: form-data; name=\"w.js\"; filename=\"w.js\"\r\nContent-Type: application/javascript+module\r\n\r\nexport default {}\r\n--b--\r\n")
	}
	s.call(http.MethodPost, "", `{"name":"site","production_branch":"main"}`)
	return s
}

// call makes a call about Pages projects as another client would, and returns the body of
// the response.
func (s *site) call(method, path, body string) string {
	s.Helper()
	return s.send(method, "/pages/projects"+path, "application/json", body)
}

// configure changes the project's configuration by hand.
func (s *site) configure(deploymentConfigs string) {
	s.Helper()
	s.call(http.MethodPatch, "/site", `{"deployment_configs":`+deploymentConfigs+`}`)
}

func (s *site) send(method, path, contentType, body string) string {
	s.Helper()
	r := httptest.NewRequest(method, "/client/v4/accounts/"+account+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.cloud.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		s.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// request returns a request for the project "site".
func bindRequest(fields string) string {
	return `{"accountId":"` + account + `","project":"site",` + fields + `}`
}

// run runs a command as the engine would, and remembers its result.
func (s *site) run(ctx context.Context, verb, request string) (BindResult, error) {
	env := map[string]string{cloudflare.EnvToken: token, envPrevious: s.previous}
	var out bytes.Buffer
	err := run(ctx, verb, strings.NewReader(request), &out, &s.progress, func(name string) string { return env[name] }, s.net)
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
	s.net.Set(faultlist.Plan{})
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
	for _, c := range s.net.Calls() {
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
	for _, p := range s.cloud.Projects() {
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
