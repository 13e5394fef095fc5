package main

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Two stacks with other clusters want the same Worker and project, and both find them free.
// The one that uploads last wins; the other one says why, and makes no project.
func TestRace_otherClusters(t *testing.T) {
	first := newFixture(t)
	second := first.rival()
	second.set(map[string]any{"cluster": "other-db"})
	// Both have looked at the Worker when the first of them uploads, and both have uploaded
	// when the first of them goes on.
	var before, after sync.WaitGroup
	before.Add(2)
	after.Add(2)
	var puts, put atomic.Int32
	first.clouds.Intercept(func(r *http.Request, effective bool) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/scripts/portfolio-api") {
			return false
		}
		switch {
		case !effective && puts.Add(1) <= 2:
			before.Done()
			before.Wait()
		case effective && put.Add(1) <= 2:
			after.Done()
			after.Wait()
		}
		return false
	})
	winner, loser := first.race(second)
	loser.says("the loser", "bears the mark of another stack", "pulumi state delete")
	winner.serves()
	winner.bound()
	winner.noChanges()

	t.Log("the loser takes the Worker out of its state, and another name")
	if _, err := loser.Command(t.Context(), "state", "delete", "--yes", "--target-dependents", string(loser.resource("WorkersScript").URN)); err != nil {
		t.Fatal(err)
	}
	loser.set(map[string]any{"worker": "other-api", "pagesProject": "other", "adopt": true})
	loser.up()
	loser.set(map[string]any{"adopt": nil})
	loser.up()
	winner.noChanges()
	loser.run("destroy")
	winner.noChanges()
}
