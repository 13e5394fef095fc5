package faultlist

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Suite runs operations of a client, each with every fault of a cloud at every one of its calls.
type Suite struct {
	Cloud string
	// Secrets are what neither an error nor progress may show.
	Secrets []string
	// Waiting is what progress says while a limit of a cloud is waited for, or nil if it is shown
	// nowhere.
	Waiting func(time.Duration) string
	// Polls says that the client waits by equal calls. Of those in a row the first and the last
	// meet faults.
	Polls bool
	// Sample takes one fault of so many, and that once, twice or always: others at each call. 0
	// takes all, and so does MATRIX=full in the environment, which `make matrix` sets.
	Sample int
	// Shift is where the sample begins: suites beside each other take different faults.
	Shift int
	// Excused reports whether the error of a fault need not say what to do, or nil.
	Excused func(Fault) bool
}

// BadRequest reports whether the answer is a 400, which itself says what is wrong with the request.
func BadRequest(f Fault) bool { return f.Status == http.StatusBadRequest }

// Operation is what a run of the client does.
type Operation struct {
	Name string
	// Calls runs it without a fault and returns its calls.
	Calls func(*testing.T) []Call
	// Begin returns the function that carries out one case: the operation with the plan's fault,
	// and then without. The cases of a call share a bubble of [testing/synctest].
	Begin func(*testing.T) func(Plan) *Case
}

// Case is how an operation went that met a fault.
type Case struct {
	// Err is how the run with the fault ended, and Calls are its calls.
	Err   error
	Calls []Call
	// Decided reports that Err is the operation's own result, which it has without a fault too.
	Decided bool
	// Apart reports that Err need not name a call, since none failed.
	Apart bool
	// Said is what was printed beside the error. Secrets are more than those of the suite.
	Said    string
	Secrets []string
	// Blind reports that the client said that it goes on without an answer, so it need not wait
	// for one.
	Blind bool
	// Converged reports whether the runs after it left all as it should be.
	Converged bool

	problems []string
}

// Problem notes what is wrong.
func (c *Case) Problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// Run runs the operations. It logs a table of how the cases ended.
func (s Suite) Run(t *testing.T, operations []Operation) {
	t.Helper()
	often := []int{1, 2, -1}
	var tallies []Tally
	for _, op := range operations {
		tally := Tally{Operation: op.Name}
		for _, plans := range s.Plans(t, op.Calls, All(s.Cloud), often...) {
			tally.Calls++
			var failures []string // a failure within the bubble would end the test
			synctest.Test(t, func(t *testing.T) {
				meet := op.Begin(t)
				for _, plan := range plans {
					c := meet(plan)
					if s.judge(c, plan, &tally); len(c.problems) > 0 {
						failures = append(failures, fmt.Sprintf("%s / %s:\n\t%s\n\tthe error: %v", op.Name, plan, strings.Join(c.problems, "\n\t"), c.Err))
					}
				}
			})
			for _, failure := range failures {
				t.Error(failure)
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, each as often as %v (-1 is always):\n%s", len(All(s.Cloud)), often, Table(tallies))
}

// Plans returns, for each call of an operation, the plans by which faults hit it.
func (s Suite) Plans(t *testing.T, run func(*testing.T) []Call, faults []Fault, often ...int) (all [][]Plan) {
	t.Helper()
	var calls []Call
	synctest.Test(t, func(t *testing.T) { calls = run(t) })
	before := map[string]int{} // calls of the kind
	for i, c := range calls {
		inner := i > 0 && i < len(calls)-1 && calls[i-1].Kind == c.Kind && calls[i+1].Kind == c.Kind
		if !inner || !s.Polls {
			var plans []Plan
			for n, fault := range faults {
				if s.samples() && n%s.Sample != (s.Shift+len(all))%s.Sample {
					continue
				}
				for m, times := range often {
					if s.samples() && m != (n+len(all))%len(often) {
						continue
					}
					plans = append(plans, Plan{Fault: fault, Kind: c.Kind, Skip: before[c.Kind], Times: times})
				}
			}
			all = append(all, plans)
		}
		before[c.Kind]++
	}
	return all
}

func (s Suite) samples() bool { return s.Sample > 0 && os.Getenv("MATRIX") != "full" }

// remedy is what an error says to do: an imperative, or a command.
var remedy = regexp.MustCompile("`(pulumi|bin/portfolio) |run it again|check |look |wait |must belong")

// judge counts a case and notes what is wrong with its error, its waits and what it shows.
func (s Suite) judge(c *Case, plan Plan, tally *Tally) {
	tally.Cases++
	if c.Converged {
		tally.Converged++
	}
	if c.Err == nil || c.Decided {
		tally.Success++
	} else {
		text := c.Err.Error()
		if !remedy.MatchString(text) && (s.Excused == nil || !s.Excused(plan.Fault)) {
			c.Problem("the error does not say what to do")
		}
		if strings.Contains(text, "\n") {
			c.Problem("the error has several lines")
		}
		switch {
		case !slices.ContainsFunc(c.Calls, func(call Call) bool { return call.Hit }):
			c.Problem("the error has no cause")
		case !c.Apart:
			c.problems = append(c.problems, Missing(c.Err, plan.Fault, c.Calls)...)
		}
	}
	s.judgeWaits(c, plan.Fault)
	for _, secret := range slices.Concat(s.Secrets, c.Secrets) {
		for _, form := range Shows(fmt.Sprint(c.Said, "\n", c.Err), secret) {
			c.Problem("a secret shows, %s, in:\n%s", form, c.Said)
		}
	}
}

// judgeWaits notes the waits that the API asked for and that were not kept or not shown.
func (s Suite) judgeWaits(c *Case, f Fault) {
	asked := map[string]time.Duration{limitedFor: 2 * time.Second, limitedUntil: 3 * time.Second, limitedLong: time.Hour}[f.Name]
	if asked == 0 {
		return
	}
	hit := false
	for i, call := range c.Calls {
		if !call.Hit {
			continue
		}
		hit = true
		// Others of the kind may be under way beside it.
		next := slices.IndexFunc(c.Calls[i+1:], func(next Call) bool { return next.Kind == call.Kind && next.Sent == call.Sent })
		if next < 0 {
			continue
		}
		if wait := c.Calls[i+1+next].At.Sub(call.At); wait < asked && !(wait == 0 && c.Blind) {
			c.Problem("%s came again after %s, asked for %s", call.Kind, wait, asked)
		}
	}
	if s.Waiting == nil || !hit || asked >= time.Minute {
		return
	}
	if shown := s.Waiting(asked); !strings.Contains(c.Said, shown) {
		c.Problem("%q is not shown", shown)
	}
}
