package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// operation is one that begins with a read of what exists.
type operation struct {
	name   string
	before func(*account)
	run    func(context.Context, *account) error
	// verdict is in the error of the operation without a fault; "" is no error.
	verdict string
	// projects is how many there are in the end.
	projects int
}

func operations() []operation {
	project := func(ctx context.Context, a *account) error {
		return clearProject(ctx, &Config{PagesProject: "site", ProductionBranch: "main"}, a.client(), false)
	}
	worker := func(ctx context.Context, a *account) error {
		return checkNewWorker(ctx, a.client(), "api", "me")
	}
	drift := func(ctx context.Context, a *account) error {
		w, err := readWorld(ctx, a.client(), "site", "api")
		if err != nil {
			return err
		}
		cfg := &Config{Bindings: pages.Wanted{Bindings: map[string]pages.Service{
			"API_SERVICE": {Service: "api", Environment: pages.DefaultEnvironment}}}}
		if found := bindDrift(cfg, w.project, "", time.Now()); !strings.HasPrefix(found, "not as wanted: production.API_SERVICE") && !strings.HasPrefix(found, "no project") {
			return fmt.Errorf("the drift is %q", found)
		}
		return nil
	}
	site := func(a *account) { a.createProject("site", "main") }
	return []operation{
		{"orphaned project", site, project, "", 0},
		{"project in use", func(a *account) { site(a); a.deploy("site") }, project, "does not belong to this stack", 1},
		{"our Worker", func(a *account) { a.uploadWorker("api", "me") }, worker, "", 0},
		{"another Worker", func(a *account) { a.uploadWorker("api", "you") }, worker, "does not belong to this stack", 0},
		{"drift", func(a *account) { site(a); a.uploadWorker("api", "me") }, drift, "", 1},
	}
}

// begin returns an account as it is before the operation.
func (op operation) begin(t *testing.T) *account {
	a := newAccount(t)
	op.before(a)
	return a
}

// remedy is what an error says to do.
var remedy = regexp.MustCompile("run it again|check |look at |wait until|`pulumi ")

// faulted runs the operation with a fault and then without. It returns what is wrong with
// the outcome.
func (op operation) faulted(t *testing.T, plan faultlist.Plan, tally *faultlist.Tally) (problems []string) {
	a := op.begin(t)
	a.net.Set(plan)
	err := op.run(t.Context(), a)
	switch {
	case err == nil && op.verdict != "":
		problems = append(problems, "the check passed")
	case err == nil || op.verdict != "" && strings.Contains(err.Error(), op.verdict):
		tally.Success++ // or the verdict without the fault
	default:
		if !remedy.MatchString(err.Error()) {
			problems = append(problems, "the error does not say what to do")
		}
		problems = append(problems, faultlist.Missing(err, plan.Fault, a.net.Calls())...)
	}
	if a.projects() < op.projects {
		problems = append(problems, "the project is lost")
	}
	if shows := faultlist.Shows(fmt.Sprint(err), testToken); len(shows) > 0 {
		problems = append(problems, fmt.Sprint("the token shows: ", shows))
	}
	a.net.Set(faultlist.Plan{})
	again := op.run(t.Context(), a)
	if (again == nil) == (op.verdict == "") && a.projects() == op.projects {
		tally.Converged++
	} else {
		problems = append(problems, fmt.Sprintf("the next run: %v; %d projects", again, a.projects()))
	}
	if len(problems) > 0 {
		problems = append(problems, fmt.Sprintf("the error: %v", err))
	}
	return problems
}

// Whatever call of an ownership check or of the search for drift fails, and in whatever
// way, no conflict is touched, and the next run succeeds.
func TestChecks_Faults(t *testing.T) {
	var tallies []faultlist.Tally
	for _, op := range operations() {
		var calls []faultlist.Call
		synctest.Test(t, func(t *testing.T) {
			a := op.begin(t)
			err := op.run(t.Context(), a)
			if (err == nil) != (op.verdict == "") || err != nil && !strings.Contains(err.Error(), op.verdict) {
				t.Fatal(err)
			}
			calls = a.net.Calls()
		})
		tally := faultlist.Tally{Operation: op.name, Calls: len(calls)}
		for plan := range faultlist.Plans(faultlist.Cloudflare, calls) {
			tally.Cases++
			var problems []string
			synctest.Test(t, func(t *testing.T) { problems = op.faulted(t, plan, &tally) })
			if len(problems) > 0 {
				t.Errorf("%s / %s:\n\t%s", op.name, plan, strings.Join(problems, "\n\t"))
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, each once, twice and for good:\n%s", len(faultlist.All(faultlist.Cloudflare)), faultlist.Table(tallies))
}

// A check that is cancelled stops at once, whatever it is waiting for.
func TestChecks_cancel(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			a := op.begin(t)
			a.net.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := op.run(ctx, a); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %s", op.name, err, time.Since(start))
			}
		})
	}
}
