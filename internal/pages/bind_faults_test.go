package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	s := newSite(t, "")
	op.before(s)
	return s
}

func (op bindOperation) run(ctx context.Context, s *site) error {
	_, err := s.run(ctx, op.verb, bindRequest(`"productionBranch":"main",`+apiBinding))
	return err
}

func bindOnce(s *site) { s.writes("bind", apiBinding) }

var bindOperations = []bindOperation{
	{"bind", "bind", func(*site) {}, bothBound},
	{"bind again", "bind", bindOnce, bothBound},
	{"bind a deleted project", "bind", func(s *site) { s.Call(http.MethodDelete, "/pages/projects/site", "") }, bothBound},
	{"unbind", "unbind", bindOnce, nil},
}

// Whatever call fails in whatever way and however often, the next run leaves both
// environments with the binding, or without it, and nothing else.
func TestBind_Faults(t *testing.T) {
	var all []faultlist.Operation
	for _, op := range bindOperations {
		all = append(all, faultlist.Operation{Name: op.name, Calls: op.calls, Begin: op.meet})
	}
	suite.Run(t, all)
}

// suite is for the commands. The client says when it waits. `make matrix` runs more than a sample.
var suite = faultlist.Suite{Cloud: faultlist.Cloudflare, Sample: 2, Secrets: []string{apiToken}, Waiting: func(d time.Duration) string {
	return fmt.Sprintf("waiting %s: Cloudflare's rate limit is reached", d)
}}

func (op bindOperation) calls(t *testing.T) []faultlist.Call {
	s := op.begin(t)
	s.Net.Set(faultlist.Plan{})
	if err := op.run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Net.Calls()
}

// meet runs the command with a fault and twice without.
func (op bindOperation) meet(t *testing.T) func(faultlist.Plan) *faultlist.Case {
	return func(plan faultlist.Plan) *faultlist.Case {
		s := op.begin(t)
		s.Net.Set(plan)
		err := op.run(t.Context(), s)
		c := &faultlist.Case{Err: err, Calls: s.Net.Calls(), Apart: errors.Is(err, errNotPersisted), Said: s.progress.String()}
		switch {
		case err != nil && !strings.Contains(err.Error(), "Pages project") && !strings.Contains(err.Error(), "production.API_SERVICE"):
			c.Problem("the error names neither the project nor the bindings")
		case err == nil && !slices.Equal(s.bound(), op.want):
			c.Problem("a success, and bound: %v", s.bound())
		}
		s.Net.Set(faultlist.Plan{})
		for range 2 {
			if err := op.run(t.Context(), s); err != nil {
				c.Problem("the next run: %v", err)
			}
		}
		patches := slices.DeleteFunc(s.Net.Calls(), func(call faultlist.Call) bool { return call.Method != http.MethodPatch })
		if len(patches) > 1 {
			c.Problem("the second of the next runs had something to do: %d patches", len(patches))
		}
		if c.Converged = slices.Equal(s.bound(), op.want); !c.Converged {
			c.Problem("bound in the end: %v", s.bound())
		}
		return c
	}
}

// A canceled command ends at once. That the next one finishes is in TestBind_Faults.
func TestRun_cancel(t *testing.T) {
	for _, op := range bindOperations {
		synctest.Test(t, func(t *testing.T) {
			s := op.begin(t)
			s.Net.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := op.run(ctx, s); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %s", op.name, err, time.Since(start))
			}
		})
	}
}
