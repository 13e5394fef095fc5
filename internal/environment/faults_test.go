package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// everything leaves one of each of pull request 7.
func everything(w *world, production string) {
	leave["project bound to its Worker"].leave(w, production)
	leave["cluster"].leave(w, production)
	leave["branch"].leave(w, production)
}

// Whatever call of verify fails in whatever way and however often: it is never green with something
// left, touches nothing of others, and the next run converges.
func TestVerify_Faults(t *testing.T) {
	var calls []faultlist.Call
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		everything(w, w.others("other-pr-7", owner(neighbor, 7), ""))
		w.net.Set(faultlist.Plan{})
		if code := w.run(t.Context(), "", "verify", "7"); code != 0 {
			t.Fatal(w.stderr.String())
		}
		calls = w.net.Calls()
	})
	var tallies []faultlist.Tally
	for _, cloud := range []string{faultlist.Cloudflare, faultlist.TiDBCloud} {
		// Of the calls of a kind, the first and the last tell.
		last := map[string]int{}
		var of []faultlist.Call
		for _, c := range calls {
			if isCloudflare(strings.TrimPrefix(c.URL, "https://api.cloudflare.com")) == (cloud == faultlist.Cloudflare) {
				of = append(of, c)
				last[c.Kind]++
			}
		}
		tally := faultlist.Tally{Operation: "verify, " + cloud, Calls: len(of)}
		n := 0
		for plan := range faultlist.Plans(cloud, of) {
			if plan.Skip > 0 && plan.Skip < last[plan.Kind]-1 {
				continue
			}
			if n++; testing.Short() && n%7 != 0 {
				continue // a sample
			}
			var problems []string
			synctest.Test(t, func(t *testing.T) { problems = meets(t, plan, &tally) })
			if len(problems) > 0 {
				t.Errorf("%s:\n\t%s", plan, strings.Join(problems, "\n\t"))
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("each once, twice and always:\n%s", faultlist.Table(tallies))
}

// meets runs verify with a fault and once without, and returns what is wrong.
func meets(t *testing.T, plan faultlist.Plan, tally *faultlist.Tally) (problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	tally.Cases++
	w := newWorld(t)
	production := w.others("other-pr-7", owner(neighbor, 7), "")
	before := w.all()
	everything(w, production)
	w.net.Set(plan)
	code, said := w.run(t.Context(), "", "verify", "7"), fmt.Sprint(&w.stdout, &w.stderr)
	green := strings.HasSuffix(w.stdout.String(), "nothing is left\n")
	if green != (code == 0) {
		problem("exit code %d", code)
	}
	after := w.all()
	if code == 0 {
		tally.Success++
		if diff := cmp.Diff(before, after); diff != "" {
			problem("green, and left: %s", diff)
		}
	} else if !strings.Contains(said, "run it again") && !strings.Contains(said, "this is left:\n  the ") {
		problem("the error says neither what is left nor what to do")
	}
	for _, secret := range []string{token, privateKey} {
		if shows := faultlist.Shows(said, secret); len(shows) > 0 {
			problem("a secret shows: %v", shows)
		}
	}
	time.Sleep(time.Minute) // nobody runs it again at once
	w.net.Set(faultlist.Plan{})
	if code := w.run(t.Context(), "", "verify", "7"); code != 0 {
		problem("the next run: %s", &w.stderr)
	}
	if diff := cmp.Diff(before, w.all()); diff == "" {
		tally.Converged++
	} else {
		problem("in the end: %s", diff)
	}
	if len(problems) > 0 {
		problem("the first run: %d %s", code, said)
	}
	return problems
}
