package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/rest"
)

const (
	// patience is how long something may still be there after it was first seen. The provider
	// waits as long for a delete.
	patience = 10 * time.Minute
	// settle passes between the two lists that must both be empty, for a call that was under way
	// when a run was killed.
	settle = 10 * time.Second
	// longestPause is the longest pause between two lists.
	longestPause = 16 * time.Second
	// tries is how often a cloud may refuse to remove a thing while nothing else changes.
	tries = 2
)

// runVerify removes what bears the mark of an environment that was destroyed, and fails unless
// nothing is left.
func runVerify(ctx context.Context, p process, args []string) error {
	n := 0
	if len(args) == 1 {
		n, _ = strconv.Atoi(args[0])
	}
	if n < 1 {
		return usageError("verify NUMBER < STATE, which is the output of `pulumi stack export`, or empty if there is no stack")
	}
	c, err := newClouds(p)
	if err != nil {
		return err
	}
	resources, err := readState(p.stdin)
	if err != nil {
		return err
	}
	var left []string
	for _, r := range resources {
		if !r.kept() {
			left = append(left, r.URN)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("the state still has these resources, so nothing was removed: run `pulumi destroy` first:\n  %s", strings.Join(left, "\n  "))
	}
	v := &verifier{list: func(ctx context.Context) ([]thing, error) { return c.list(ctx, n) }, out: p.stdout, log: p.stderr,
		first: map[string]time.Time{}, refused: map[string]int{}, why: map[string]error{}}
	return v.run(ctx)
}

// verifier carries out one [runVerify]. Its maps are by a thing's name.
type verifier struct {
	list     func(context.Context) ([]thing, error)
	out, log io.Writer

	first   map[string]time.Time // when it was first listed
	refused map[string]int       // how often in a row a cloud refused to remove it
	why     map[string]error     // why it could not be removed the last time
	asked   time.Duration        // the wait that a cloud asked for
	stop    bool                 // whether one asked for a longer wait than a run is worth
}

// run lists and removes until two lists are empty, or until no more can be done.
func (v *verifier) run(ctx context.Context) error {
	for pause, empty := time.Second, 0; ; {
		things, err := v.list(ctx)
		if err != nil {
			return fmt.Errorf("what is left is not known: %w", err)
		}
		v.sayRemoved(things)
		if len(things) > 0 {
			empty = 0
			if v.hopeless(things) {
				return v.left(things)
			}
			if v.remove(ctx, things); v.stop {
				return v.left(things)
			}
		} else if empty++; empty == 2 {
			fmt.Fprintln(v.out, "nothing is left")
			return nil
		}
		next := settle
		if len(things) > 0 {
			next, pause = max(pause, v.asked), min(2*pause, longestPause)
			v.asked = 0
		}
		if rest.Sleep(ctx, next) != nil {
			return fmt.Errorf("it ended before all was verified: %w; run it again", ctx.Err())
		}
	}
}

// sayRemoved prints what was listed and is gone.
func (v *verifier) sayRemoved(things []thing) {
	for _, name := range slices.Sorted(maps.Keys(v.first)) {
		if !slices.ContainsFunc(things, func(t thing) bool { return t.name == name }) {
			fmt.Fprintf(v.out, "removed %s\n", name)
			delete(v.first, name)
		}
	}
}

// remove removes all that may be removed, and waits for it. What cannot be removed now may be in
// the next round: the list tells whether a call took effect.
func (v *verifier) remove(ctx context.Context, things []thing) {
	now := time.Now()
	for _, t := range things {
		if _, seen := v.first[t.name]; !seen {
			v.first[t.name] = now
		}
		delete(v.why, t.name)
		if t.stays != "" || t.going {
			continue
		}
		err := t.remove(ctx)
		switch {
		case err == nil || rest.StatusIs(err, 404): // the list may lag behind
			continue
		case rest.RetryAfter(err) > rest.MaxWait:
			v.stop = true
			v.refused[t.name]++
		case rest.Retryable(err) || rest.Ambiguous(err):
			v.refused[t.name] = 0
			v.asked = max(v.asked, rest.RetryAfter(err))
		default:
			v.refused[t.name]++
		}
		v.why[t.name] = err
	}
	for _, t := range things {
		if t.wait == nil || t.stays != "" || v.why[t.name] != nil {
			continue
		}
		fmt.Fprintf(v.log, "waiting until %s is gone\n", t.name)
		limited, cancel := context.WithDeadline(ctx, v.first[t.name].Add(patience))
		if err := t.wait(limited); err != nil {
			v.why[t.name] = err
		}
		cancel()
	}
}

// hopeless reports whether to wait longer is of no use for any of the things.
func (v *verifier) hopeless(things []thing) bool {
	for _, t := range things {
		first, seen := v.first[t.name]
		switch {
		case t.stays != "":
		case seen && time.Since(first) >= patience:
		case v.refused[t.name] >= tries:
		default:
			return false
		}
	}
	return true
}

// left returns the error that names what is left, and why.
func (v *verifier) left(things []thing) error {
	text := "this is left:"
	for _, t := range things {
		text += "\n  " + t.name
		switch err := v.why[t.name]; {
		case t.stays != "":
			text += ", which stays: " + t.stays
		case err != nil:
			text += ": " + err.Error()
		case t.going:
			text += fmt.Sprintf(", which is still being removed after %s", patience)
		default:
			text += fmt.Sprintf(", which is still listed %s after it was removed", patience)
		}
	}
	return errors.New(text)
}
