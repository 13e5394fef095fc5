package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// Whatever call of verify fails in whatever way and however often: it is never green with something
// left, touches nothing of others, and the next run converges.
func TestVerify_Faults(t *testing.T) {
	for _, cloud := range []string{faultlist.Cloudflare, faultlist.TiDBCloud} {
		faultlist.Suite{Cloud: cloud, Secrets: []string{cloudflaretest.Token, privateKey}, Polls: true, Sample: 7, Excused: faultlist.BadRequest}.Run(t, []faultlist.Operation{{
			Name: "verify, " + cloud,
			Calls: func(t *testing.T) []faultlist.Call {
				w := newWorld(t)
				everything(w, w.others("other-pr-7", owner(neighbor, 7), ""))
				w.net.Set(faultlist.Plan{})
				w.verify("", "", "")
				return slices.DeleteFunc(w.net.Calls(), func(c faultlist.Call) bool {
					return isCloudflare(strings.TrimPrefix(c.URL, "https://api.cloudflare.com")) != (cloud == faultlist.Cloudflare)
				})
			},
			Begin: func(t *testing.T) func(faultlist.Plan) *faultlist.Case {
				return func(plan faultlist.Plan) *faultlist.Case { return meets(t, plan) }
			},
		}})
	}
}

// meets runs verify with a fault and once without.
func meets(t *testing.T, plan faultlist.Plan) *faultlist.Case {
	w := newWorld(t)
	production := w.others("other-pr-7", owner(neighbor, 7), "")
	before := w.all()
	everything(w, production)
	w.net.Set(plan)
	code := w.run(t.Context(), "", "verify", "7")
	c := &faultlist.Case{Calls: w.net.Calls(), Said: fmt.Sprint(&w.stdout, &w.stderr)}
	if code != 0 {
		_, said, _ := strings.Cut(w.stderr.String(), "environment: ") // after the progress
		c.Err = errors.New(strings.TrimSpace(said))
		c.Decided = strings.Contains(c.Said, "this is left:\n  the ")
	} else if diff := cmp.Diff(before, w.all()); diff != "" {
		c.Problem("green, and left: %s", diff)
	}
	if green := strings.HasSuffix(w.stdout.String(), "nothing is left\n"); green != (code == 0) {
		c.Problem("exit code %d", code)
	}
	time.Sleep(time.Minute) // nobody runs it again at once
	w.net.Set(faultlist.Plan{})
	if code := w.run(t.Context(), "", "verify", "7"); code != 0 {
		c.Problem("the next run: %s", &w.stderr)
	}
	diff := cmp.Diff(before, w.all())
	if c.Converged = diff == ""; !c.Converged {
		c.Problem("in the end: %s", diff)
	}
	return c
}
