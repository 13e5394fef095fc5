package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// bindOperation is a command that meets faults, and what is bound when it has succeeded.
type bindOperation struct {
	name, verb string
	before     func(*site)
	want       []string
}

func (op bindOperation) begin(t *testing.T) *site {
	s := newSite(t)
	op.before(s)
	return s
}

func (op bindOperation) run(ctx context.Context, s *site) error {
	_, err := s.run(ctx, op.verb, bindRequest(`"productionBranch":"main",`+apiBinding))
	return err
}

func bindOnce(s *site) { s.mustRun("bind", apiBinding, "GET", "PATCH", "GET") }

var bindOperations = []bindOperation{
	{"bind", "bind", func(*site) {}, bothBound},
	{"bind again", "bind", bindOnce, bothBound},
	{"bind a deleted project", "bind", func(s *site) { s.call(http.MethodDelete, "/site", "") }, bothBound},
	{"unbind", "unbind", bindOnce, nil},
}

// Whatever call fails in whatever way and however often, the next run leaves both
// environments with the binding, or without it, and nothing else.
func TestBind_Faults(t *testing.T) {
	var tallies []faultlist.Tally
	for _, op := range bindOperations {
		var calls []faultlist.Call
		synctest.Test(t, func(t *testing.T) {
			s := op.begin(t)
			s.net.Set(faultlist.Plan{})
			if err := op.run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			calls = s.net.Calls()
		})
		tally := faultlist.Tally{Operation: op.name, Calls: len(calls)}
		for plan := range faultlist.Plans(faultlist.Cloudflare, calls) {
			var problems []string
			synctest.Test(t, func(t *testing.T) { problems = op.meets(t, plan, &tally) })
			if len(problems) > 0 {
				t.Errorf("%s / %s:\n\t%s", op.name, plan, strings.Join(problems, "\n\t"))
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, each once, twice and always:\n%s", len(faultlist.All(faultlist.Cloudflare)), faultlist.Table(tallies))
}

// meets runs the bindOperation with a fault and twice without, and returns what is wrong.
func (op bindOperation) meets(t *testing.T, plan faultlist.Plan, tally *faultlist.Tally) (problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	tally.Cases++
	s := op.begin(t)
	s.net.Set(plan)
	err := op.run(t.Context(), s)
	switch {
	case err != nil:
		problems = badError(err, plan.Fault, s.net.Calls())
	case slices.Equal(s.bound(), op.want):
		tally.Success++
	default:
		problem("a success, and bound: %v", s.bound())
	}
	problems = append(problems, badWaits(plan.Fault, s.net.Calls(), s.progress.String())...)
	if shows := faultlist.Shows(fmt.Sprint(err, s.progress.String()), token); len(shows) > 0 {
		problem("the token shows: %v", shows)
	}

	s.net.Set(faultlist.Plan{})
	for range 2 {
		if err := op.run(t.Context(), s); err != nil {
			problem("the next run: %v", err)
		}
	}
	patches := 0
	for _, c := range s.net.Calls() {
		if c.Method == http.MethodPatch {
			patches++
		}
	}
	if patches > 1 {
		problem("the second of the next runs had something to do: %d patches", patches)
	}
	if slices.Equal(s.bound(), op.want) {
		tally.Converged++
	} else {
		problem("bound in the end: %v", s.bound())
	}
	if len(problems) > 0 {
		problem("the error: %v", err)
	}
	return problems
}

// bindRemedy is what an error says to do.
var bindRemedy = regexp.MustCompile("run it again|check |look at |wait until|`pulumi ")

// badError returns what an error lacks.
func badError(err error, f faultlist.Fault, calls []faultlist.Call) (problems []string) {
	text := err.Error()
	if !bindRemedy.MatchString(text) {
		problems = append(problems, "the error does not say what to do")
	}
	if !strings.Contains(text, "Pages project") && !strings.Contains(text, "production.API_SERVICE") {
		problems = append(problems, "the error names neither the project nor the bindings")
	}
	if errors.Is(err, errNotPersisted) {
		return problems
	}
	return append(problems, faultlist.Missing(err, f, calls)...)
}

// badWaits returns the waits that the API asked for and that were not kept or not shown.
func badWaits(f faultlist.Fault, calls []faultlist.Call, progress string) (problems []string) {
	asked := map[string]time.Duration{"429 with Retry-After": 2 * time.Second, "429 with X-Ratelimit-Reset": 3 * time.Second,
		"429 that asks for an hour": time.Hour}[f.Name]
	if asked == 0 {
		return nil
	}
	for i, c := range calls[:len(calls)-1] {
		if wait := calls[i+1].At.Sub(c.At); c.Hit && wait < asked {
			problems = append(problems, fmt.Sprintf("waited %s, asked for %s", wait, asked))
		}
	}
	if asked < time.Minute && !strings.Contains(progress, fmt.Sprintf("waiting %s: Cloudflare's rate limit is reached", asked)) {
		problems = append(problems, "the wait is not shown")
	}
	return problems
}

// A canceled command ends at once. That the next one finishes is in TestBind_Faults.
func TestRun_cancel(t *testing.T) {
	for _, op := range bindOperations {
		synctest.Test(t, func(t *testing.T) {
			s := op.begin(t)
			s.net.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := op.run(ctx, s); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %s", op.name, err, time.Since(start))
			}
		})
	}
}
