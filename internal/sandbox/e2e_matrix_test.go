package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// newTrial opens a world whose engine runs in processes of its own.
func newTrial(t *testing.T) *trialWorld {
	t.Helper()
	w := newWorld(t)
	return &trialWorld{sb: w.sb, clouds: w.clouds}
}

// beside is another sandbox, with a state of its own, on the same clouds.
func (w *trialWorld) beside(t *testing.T) *trialWorld {
	t.Helper()
	other := *w.sb
	other.dir = t.TempDir()
	if err := other.makeFolders(); err != nil {
		t.Fatal(err)
	}
	return &trialWorld{sb: &other, clouds: w.clouds}
}

// One kill before and one after each kind of call; `make matrix` has them all.
func TestMatrix_sample(t *testing.T) {
	if testing.Short() {
		t.Skip("the kill matrix takes minutes")
	}
	w := newWorld(t)
	t.Setenv("SANDBOX_CLUSTER_TIME", "300ms")
	var out, errs bytes.Buffer
	w.sb.stdout, w.sb.stderr = &out, &errs
	err := w.sb.matrix(t.Context(), true, 2)
	t.Logf("\n%s", out.String())
	if err != nil {
		t.Errorf("%v\n%s", err, errs.String())
	}
}

// Two runs with states of their own want the same names. One gets them.
func TestRace_twoStates(t *testing.T) {
	first := newTrial(t)
	second := first.beside(t)
	// Both have looked and seen nothing when the first of them asks for a cluster.
	var meet sync.WaitGroup
	meet.Add(2)
	var mu sync.Mutex
	looks := 0
	first.intercept(func(r *http.Request, after bool) bool {
		mu.Lock()
		waits := !after && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/clusters") && looks < 2
		if waits {
			looks++
		}
		mu.Unlock()
		if waits {
			meet.Done()
			meet.Wait()
		}
		return false
	})
	type end struct {
		out string
		err error
	}
	ends := make([]end, 2)
	var wait sync.WaitGroup
	for i, w := range []*trialWorld{first, second} {
		wait.Go(func() { ends[i].out, ends[i].err = w.run(t.Context(), act{verb: "up"}) })
	}
	wait.Wait()
	winner, loser := first, ends[1]
	if ends[0].err != nil {
		winner, loser = second, ends[0]
	}
	if (ends[0].err == nil) == (ends[1].err == nil) {
		t.Fatalf("not just one of them succeeded:\n%s\n%s", ends[0].out, ends[1].out)
	}
	if !strings.Contains(loser.out, "came first") {
		t.Errorf("the loser does not say why:\n%s", loser.out)
	}
	if err := winner.agrees(t.Context()); err != nil {
		t.Error(err)
	}
	out, err := winner.run(t.Context(), act{verb: "up"})
	if err != nil || !quietRun.MatchString(out) {
		t.Errorf("the winner's next run is not quiet: %v\n%s", err, out)
	}
}

// Two runs share one state. The engine's lock lets one of them through.
func TestRace_oneState(t *testing.T) {
	w := newTrial(t)
	// The first run stays in its first call until the second one has ended.
	begun, ended := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	w.intercept(func(*http.Request, bool) bool {
		if calls.Add(1) == 1 {
			close(begun)
			<-ended
		}
		return false
	})
	first, err := w.start(t.Context(), act{verb: "up"})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	out, err := w.run(t.Context(), act{verb: "up"})
	close(ended)
	if err == nil || !strings.Contains(out, "currently locked") {
		t.Errorf("the second run: %v\n%s", err, out)
	}
	if out, err := first.wait(); err != nil {
		t.Fatalf("the first run: %v\n%s", err, out)
	}
	if err := w.agrees(t.Context()); err != nil {
		t.Error(err)
	}
	out, err = w.run(t.Context(), act{verb: "up"})
	if err != nil || !quietRun.MatchString(out) {
		t.Errorf("the next run is not quiet: %v\n%s", err, out)
	}
}

// What a killed run was creating is no longer pending after the next one, which does
// not warn of it.
func TestKill_pendingCreates(t *testing.T) {
	w := newTrial(t)
	pending := func() bool {
		t.Helper()
		state, err := os.ReadFile(w.sb.path("state/.pulumi/stacks/portfolio/dev.json"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(state, []byte(`"creating"`))
	}
	// It makes the Pages project, so that the refresh of the next run asks the provider
	// that the run itself needs afterwards.
	kill := &trial{scenario: scenario{act: act{verb: "up"}}, after: true}
	if err := w.runKilledAt(t.Context(), kill, func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pages/projects")
	}); err != nil {
		t.Fatal(err)
	}
	if !pending() {
		t.Fatal("the killed run left nothing pending")
	}
	for _, verb := range []string{"cancel", "up"} {
		out, err := w.run(t.Context(), act{verb: verb})
		if err != nil {
			t.Fatalf("%s: %v\n%s", verb, err, out)
		}
		if strings.Contains(out, "pending operations") {
			t.Errorf("%s warns:\n%s", verb, out)
		}
		if verb == "up" && !strings.Contains(out, "--clear-pending-creates") {
			t.Errorf("%s does not say what it does:\n%s", verb, out)
		}
	}
	if pending() {
		t.Error("something is pending still")
	}
	if err := w.agrees(t.Context()); err != nil {
		t.Error(err)
	}
}
