package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/testcheck"
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
	site := func(a *account) { a.CreateProject("site", "main") }
	return []operation{
		{"orphaned project", site, project, "", 0},
		{"project in use", func(a *account) { site(a); a.Deploy("site", "main", "") }, project, "does not belong to this stack", 1},
		{"our Worker", func(a *account) { a.UploadWorker("api", "me") }, worker, "", 0},
		{"another Worker", func(a *account) { a.UploadWorker("api", "you") }, worker, "does not belong to this stack", 0},
		{"drift", func(a *account) { site(a); a.UploadWorker("api", "me") }, drift, "", 1},
	}
}

// begin returns an account as it is before the operation.
func (op operation) begin(t *testing.T) *account {
	a := newAccount(t)
	op.before(a)
	return a
}

// meet runs the operation with a fault and then without.
func (op operation) meet(t *testing.T) func(faultlist.Plan) *faultlist.Case {
	return func(plan faultlist.Plan) *faultlist.Case {
		a := op.begin(t)
		a.Net.Set(plan)
		err := op.run(t.Context(), a)
		c := &faultlist.Case{Err: err, Calls: a.Net.Calls(), Decided: err != nil && op.verdict != "" && strings.Contains(err.Error(), op.verdict)}
		if err == nil && op.verdict != "" {
			c.Problem("the check passed")
		}
		if a.projects() < op.projects {
			c.Problem("the project is lost")
		}
		a.Net.Set(faultlist.Plan{})
		again := op.run(t.Context(), a)
		if c.Converged = (again == nil) == (op.verdict == "") && a.projects() == op.projects; !c.Converged {
			c.Problem("the next run: %v; %d projects", again, a.projects())
		}
		return c
	}
}

// calls returns the calls of the operation without a fault.
func (op operation) calls(t *testing.T) []faultlist.Call {
	a := op.begin(t)
	err := op.run(t.Context(), a)
	testcheck.Error(t, err, op.verdict)
	return a.Net.Calls()
}

// Whatever call of an ownership check or of the search for drift fails, and in whatever
// way, no conflict is touched, and the next run succeeds.
func TestChecks_Faults(t *testing.T) {
	var all []faultlist.Operation
	for _, op := range operations() {
		all = append(all, faultlist.Operation{Name: op.name, Calls: op.calls, Begin: op.meet})
	}
	faultlist.Suite{Cloud: faultlist.Cloudflare, Secrets: []string{testToken}, Sample: 3}.Run(t, all)
}

// A check that is cancelled stops at once, whatever it is waiting for.
func TestChecks_cancel(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			a := op.begin(t)
			a.Net.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := op.run(ctx, a); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %s", op.name, err, time.Since(start))
			}
		})
	}
}
