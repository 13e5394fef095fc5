package faultlist

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is wrong with a case is found, and a good case has nothing wrong.
func TestSuite_judge(t *testing.T) {
	const secret = "the-password-of-all"
	fault := func(name string) Fault {
		i := slices.IndexFunc(list, func(f Fault) bool { return f.Name == name })
		return list[i]
	}
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }
	hit := Call{Kind: "GET /x", Method: "GET", URL: "https://x", At: at(0), Hit: true}
	after := func(d time.Duration) []Call {
		return []Call{hit, {Kind: "PUT /y", At: at(0)}, {Kind: hit.Kind, At: at(d)}}
	}
	const good = "GET https://x: 429 Too Many Requests (request id " + RequestID + "): run it again"
	for _, test := range []struct {
		name  string
		c     Case
		fault Fault
		want  string // "" is nothing
	}{
		{"good", Case{Err: errors.New(good), Calls: after(2 * time.Second), Said: "waiting 2s"}, fault(limitedFor), ""},
		{"a success", Case{Calls: after(2 * time.Second), Said: "waiting 2s"}, fault(limitedFor), ""},
		{"no remedy", Case{Err: errors.New(strings.TrimSuffix(good, "run it again")), Calls: []Call{hit}}, fault(limitedLong), "does not say what to do"},
		{"several lines", Case{Err: errors.New(good + "\nx"), Calls: []Call{hit}}, fault(limitedLong), "several lines"},
		{"no cause", Case{Err: errors.New(good)}, fault("500"), "no cause"},
		{"no call", Case{Err: errors.New("run it again"), Calls: []Call{hit}}, fault("500"), "does not name the call"},
		{"no wait", Case{Calls: after(time.Second), Said: "waiting 2s"}, fault(limitedFor), "came again after 1s"},
		{"another call of the kind beside it", Case{Calls: []Call{hit, {Kind: hit.Kind, At: at(0), Sent: "other"}}, Said: "waiting 2s"}, fault(limitedFor), ""},
		{"a wait that is not shown", Case{Calls: after(2 * time.Second)}, fault(limitedFor), "is not shown"},
		{"the operation's own result", Case{Err: errors.New("x"), Decided: true, Calls: []Call{hit}}, fault("500"), ""},
		{"a secret in the error", Case{Err: errors.New(good + secret), Calls: []Call{hit}}, fault(limitedLong), "a secret shows"},
		{"a secret of the case in what was said", Case{Said: "mine-of-this-case", Secrets: []string{"mine-of-this-case"}}, fault("500"), "a secret shows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Suite{Secrets: []string{secret}, Waiting: func(d time.Duration) string { return "waiting " + d.String() }}
			s.judge(&test.c, Plan{Fault: test.fault, Kind: hit.Kind}, &Tally{})
			have := strings.Join(test.c.problems, "\n")
			if (have == "") != (test.want == "") || !strings.Contains(have, test.want) {
				t.Errorf("%q, want %q", have, test.want)
			}
		})
	}
}

// Each call meets each fault once, twice and always; a later one of its kind meets them alone. In
// a sample each call meets some, and all together meet each.
func TestSuite_Plans(t *testing.T) {
	calls := func(*testing.T) []Call {
		return []Call{{Kind: "a"}, {Kind: "a"}, {Kind: "a"}, {Kind: "b"}, {Kind: "a"}}
	}
	for name, test := range map[string]struct {
		suite  Suite
		matrix string
		hit    []string // the calls, with the number of their plans
	}{
		"all":                     {Suite{}, "", []string{"a0 6", "a1 6", "a2 6", "b0 6", "a3 6"}},
		"polls":                   {Suite{Polls: true}, "", []string{"a0 6", "a2 6", "b0 6", "a3 6"}},
		"a sample":                {Suite{Sample: 2}, "", []string{"a0 1", "a1 1", "a2 1", "b0 1", "a3 1"}},
		"a sample, in the matrix": {Suite{Sample: 2}, "full", []string{"a0 6", "a1 6", "a2 6", "b0 6", "a3 6"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("MATRIX", test.matrix)
			var hit []string
			met, often := map[string]bool{}, map[int]bool{}
			for _, plans := range test.suite.Plans(t, calls, list[:2], 1, 2, -1) {
				hit = append(hit, fmt.Sprint(plans[0].Kind, plans[0].Skip, " ", len(plans)))
				for _, plan := range plans {
					met[plan.Fault.Name], often[plan.Times] = true, true
				}
			}
			if !slices.Equal(hit, test.hit) || len(met) != 2 || len(often) != 3 {
				t.Errorf("%q, %d faults, %d ways: want %q, 2, 3", hit, len(met), len(often), test.hit)
			}
		})
	}
}
