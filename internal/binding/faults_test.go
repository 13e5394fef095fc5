package binding

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// faultToken shares no part with what errors show.
const faultToken = "Zq7f3aW9c21e0-Xk_84hTm2Lp6Rv0Bn5Yd3Gs1Jw"

// site is an emulated Cloudflare without a socket, with the Worker "api" and the
// Pages project "site", and what a stack remembers of its binding.
type site struct {
	*testing.T
	cloud    *emulated.Cloud
	net      *faultlist.Transport
	client   *cloudflare.Client
	shown    bytes.Buffer // the announced waits
	previous Result
}

func newSite(t *testing.T) *site {
	s := &site{T: t, cloud: &emulated.Cloud{Token: faultToken}}
	s.net = &faultlist.Transport{Handler: s.cloud, Kind: func(r *http.Request, _ []byte) string {
		return r.Method + strings.TrimPrefix(r.URL.Path, "/client/v4/accounts/"+account)
	}}
	s.client = &cloudflare.Client{Token: faultToken, AccountID: account, HTTP: &http.Client{Transport: s.net},
		OnWait: func(_ context.Context, d time.Duration, why string) {
			fmt.Fprintf(&s.shown, "waiting %s: %s\n", d, why)
		}}
	s.call(http.MethodPut, "/workers/scripts/api", "multipart/form-data; boundary=b", "--b\r\n"+
		"Content-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{\"main_module\":\"w.js\"}\r\n--b\r\n"+
		"Content-Disposition: form-data; name=\"w.js\"; filename=\"w.js\"\r\nContent-Type: application/javascript+module\r\n\r\nexport default {}\r\n--b--\r\n")
	s.call(http.MethodPost, "/pages/projects", "application/json", `{"name":"site","production_branch":"main"}`)
	return s
}

// call is one of somebody else.
func (s *site) call(method, path, contentType, body string) {
	s.Helper()
	r := httptest.NewRequest(method, "/client/v4/accounts/"+account+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+faultToken)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.cloud.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		s.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

func (s *site) request() Request {
	return Request{AccountID: account, Project: "site", ProductionBranch: "main",
		Wanted: Wanted{Bindings: map[string]Service{"API_SERVICE": {Service: "api", Environment: DefaultEnvironment}}}}
}

// run runs a command, and remembers its answer as the engine does.
func (s *site) run(ctx context.Context, verb string) error {
	do := bind
	if verb == "unbind" {
		do = unbind
	}
	result, err := do(ctx, s.client, s.request(), s.previous, time.Now)
	if err == nil {
		s.previous = result
	}
	return err
}

// bound lists the environments that hold the binding.
func (s *site) bound() (in []string) {
	if len(s.cloud.Projects()) == 0 {
		return nil
	}
	p := s.cloud.Projects()[0]
	for env, config := range map[string]map[string]emulated.Service{"production": p.Production.Services, "preview": p.Preview.Services} {
		for name, service := range config {
			in = append(in, env+"."+name+"="+service.Service)
		}
	}
	slices.Sort(in)
	return in
}

var everywhereBound = []string{"preview.API_SERVICE=api", "production.API_SERVICE=api"}

// remedy is what an error tells to do.
var remedy = regexp.MustCompile("run it again|check |look at |wait until|`pulumi ")

// Whatever call fails in whatever way and however often, the next run leaves both
// environments with the binding, or without it, and nothing else.
func TestRun_Faults(t *testing.T) {
	var tallies []faultlist.Tally
	for _, op := range []struct {
		name, verb string
		before     func(*site) error
		want       []string
	}{
		{"bind", "bind", func(*site) error { return nil }, everywhereBound},
		{"bind again", "bind", func(s *site) error { return s.run(s.Context(), "bind") }, everywhereBound},
		{"bind a project that was deleted", "bind", func(s *site) error {
			s.call(http.MethodDelete, "/pages/projects/site", "", "")
			return nil
		}, everywhereBound},
		{"unbind", "unbind", func(s *site) error { return s.run(s.Context(), "bind") }, nil},
	} {
		begin := func(t *testing.T) *site {
			s := newSite(t)
			if err := op.before(s); err != nil {
				t.Fatal(err)
			}
			return s
		}
		var calls []faultlist.Call
		synctest.Test(t, func(t *testing.T) {
			s := begin(t)
			s.net.Set(faultlist.Plan{})
			if err := s.run(t.Context(), op.verb); err != nil {
				t.Fatal(err)
			}
			calls = s.net.Calls()
		})
		tally := faultlist.Tally{Operation: op.name, Calls: len(calls)}
		seen := map[string]int{}
		for _, call := range calls {
			skip := seen[call.Kind]
			seen[call.Kind]++
			for _, fault := range faultlist.All(faultlist.Cloudflare) {
				for _, times := range []int{1, 2, -1} {
					tally.Cases++
					name := fmt.Sprintf("%s / %s #%d / %s, %d times", op.name, call.Kind, skip+1, fault.Name, times)
					var problems []string
					synctest.Test(t, func(t *testing.T) {
						s := begin(t)
						plan := faultlist.Plan{Fault: fault, Kind: call.Kind, Skip: skip, Times: times}
						s.net.Set(plan)
						err := s.run(t.Context(), op.verb)
						if err == nil {
							tally.Success++
							if have := s.bound(); !slices.Equal(have, op.want) {
								problems = append(problems, fmt.Sprintf("a success, and bound: %v", have))
							}
						} else {
							problems = badError(err, fault, s.net.Calls())
						}
						problems = append(problems, badWaits(fault, s.net.Calls(), s.shown.String())...)
						if shows := faultlist.Shows(fmt.Sprint(err, s.shown.String()), faultToken); len(shows) > 0 {
							problems = append(problems, fmt.Sprint("the token shows: ", shows))
						}
						s.net.Set(faultlist.Plan{})
						for range 2 {
							if err := s.run(t.Context(), op.verb); err != nil {
								problems = append(problems, fmt.Sprint("the next run: ", err))
							}
						}
						// The second of the two had nothing to do.
						if n := len(slices.DeleteFunc(s.net.Calls(), func(c faultlist.Call) bool { return !strings.HasPrefix(c.Kind, "PATCH") })); n > 1 {
							problems = append(problems, fmt.Sprint("patches of the two next runs: ", n))
						}
						if have := s.bound(); slices.Equal(have, op.want) {
							tally.Converged++
						} else {
							problems = append(problems, fmt.Sprintf("bound in the end: %v", have))
						}
						if len(problems) > 0 {
							problems = append(problems, fmt.Sprintf("the error: %v", err))
						}
					})
					if len(problems) > 0 {
						t.Errorf("%s:\n\t%s", name, strings.Join(problems, "\n\t"))
					}
				}
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, each once, twice and for good:\n%s", len(faultlist.All(faultlist.Cloudflare)), faultlist.Table(tallies))
}

// badError tells what an error lacks.
func badError(err error, f faultlist.Fault, calls []faultlist.Call) (problems []string) {
	text := err.Error()
	if !remedy.MatchString(text) {
		problems = append(problems, "the error does not say what to do")
	}
	if !strings.Contains(text, "Pages project") && !strings.Contains(text, "production.API_SERVICE") {
		problems = append(problems, "the error names neither the project nor the bindings")
	}
	if errors.Is(err, errNotKept) {
		return problems
	}
	return append(problems, faultlist.Missing(err, f, calls)...)
}

// badWaits tells which wait that the API asked for was not honoured or not shown.
func badWaits(f faultlist.Fault, calls []faultlist.Call, shown string) (problems []string) {
	ask := map[string]time.Duration{"429 with Retry-After": 2 * time.Second, "429 with X-Ratelimit-Reset": 3 * time.Second,
		"429 that asks for an hour": time.Hour}[f.Name]
	if ask == 0 {
		return nil
	}
	for i, c := range calls[:len(calls)-1] {
		if wait := calls[i+1].At.Sub(c.At); c.Hit && wait < ask {
			problems = append(problems, fmt.Sprintf("waited %s, asked for %s", wait, ask))
		}
	}
	if ask < time.Minute && !strings.Contains(shown, fmt.Sprintf("waiting %s: Cloudflare's rate limit is reached", ask)) {
		problems = append(problems, "the wait is not shown")
	}
	return problems
}

// A command that is told to stop does so at once, wherever it is, and the next one
// finishes.
func TestRun_Faults_cancel(t *testing.T) {
	for _, verb := range []string{"bind", "unbind"} {
		for _, kind := range []string{"GET/pages/projects/site", "PATCH/pages/projects/site"} {
			for _, fault := range []string{"no answer, no effect", "no answer after the effect", "429 with Retry-After", "503", "body slower than the time-out"} {
				t.Run(verb+" "+kind+" "+fault, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t)
						if verb == "unbind" {
							if err := s.run(t.Context(), "bind"); err != nil {
								t.Fatal(err)
							}
						}
						list := faultlist.All(faultlist.Cloudflare)
						i := slices.IndexFunc(list, func(f faultlist.Fault) bool { return f.Name == fault })
						s.net.Set(faultlist.Plan{Fault: list[i], Kind: kind, Times: -1})
						ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
						defer cancel()
						start := time.Now()
						if err := s.run(ctx, verb); err == nil || time.Since(start) > time.Second {
							t.Errorf("%v after %s", err, time.Since(start))
						}
						s.net.Set(faultlist.Plan{})
						if err := s.run(t.Context(), verb); err != nil {
							t.Fatal(err)
						}
						if have := s.bound(); (verb == "bind") != slices.Equal(have, everywhereBound) {
							t.Errorf("bound in the end: %v", have)
						}
					})
				})
			}
		}
	}
}
