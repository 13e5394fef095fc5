package main

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/engine"
)

// The kill matrix: for each call of an operation, the engine, its plugins and the commands
// are killed once before the call takes effect and once after it did, before its answer
// leaves. Then the state is unlocked and the operation is run again. It must succeed, leave
// exactly one of everything, all of it agreeing, and an up after it must change nothing.

// scenario is an operation that is killed, and what is done before it.
type scenario struct {
	name, verb string
	afterUp    bool
	config     map[string]any
}

// everything is a configuration that changes everything that can change.
var everything = map[string]any{
	"cluster": "portfolio-db2", "region": "regions/aws-us-east-1", "spendingLimit": "500", "rotation": "1", "database": "second", "sqlUser": "app",
	"pagesProject": "portfolio2", "worker": "portfolio-api2", "productionBranch": "trunk", "compatibilityDate": "2026-01-01",
	"compatibilityFlags": []any{"nodejs_compat"}, "observability": "false", "vars": map[string]any{"GREETING": "hello"}, "binding": "API",
	"moreBindings":       map[string]any{"SELF": map[string]any{"service": "portfolio-api2"}},
	"databaseUrlOptions": map[string]any{"ssl": "strict"}, "doppler": map[string]any{"project": "portfolio", "config": "dev"},
}

// example is the content that Pulumi.dev.yaml deploys.
var example = map[string]any{"site": "internal/example/site", "migrations": "internal/example/migrations"}

var scenarios = []scenario{
	{name: "first up", verb: "up", config: example},
	{name: "up that changes everything", verb: "up", afterUp: true, config: everything},
	{name: "destroy", verb: "destroy", afterUp: true},
}

// What is right after a kill depends on what took effect before it. So the sample has a kill after
// each kind of write, and one before the first; [TestMatrix_full] has one before and one after each
// call.
func TestMatrix_sample(t *testing.T) {
	if testing.Short() {
		t.Skip("the kill matrix takes minutes")
	}
	testMatrix(t, true)
}

func TestMatrix_full(t *testing.T) {
	if os.Getenv("MATRIX") != "full" {
		t.Skip("MATRIX=full kills every call: see `make matrix`")
	}
	testMatrix(t, false)
}

func testMatrix(t *testing.T, sample bool) {
	t.Parallel()
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			folders := newPool(t, sample, sc.prepare)
			seen := map[string]bool{}
			for k, c := range sc.calls(t, folders) {
				call := c.Method + " " + c.Path
				for _, after := range []bool{false, true} {
					if sample && (!c.Write() || seen[kindOf(call)] || !after && len(seen) > 0) {
						continue
					}
					seen[kindOf(call)] = after
					folders.run(t, fmt.Sprintf("call %d, %s, after %t", k+1, call, after), func(t *testing.T, dir string) {
						sc.open(t, dir).converges(sc, k, after)
					})
				}
			}
		})
	}
}

// pool has prepared folders, one for each trial that can run at the same time: the copies of a
// folder have the same ports.
type pool[P any] chan P

// newPool prepares the folders. The trials of a sample run one by one, beside those of other pools.
func newPool[P any](t *testing.T, sample bool, prepare func(*testing.T) P) pool[P] {
	t.Helper()
	workers := 1
	if !sample {
		workers = flag.Lookup("test.parallel").Value.(flag.Getter).Get().(int)
	}
	folders := make(pool[P], workers)
	for range workers {
		folders <- prepare(t)
	}
	return folders
}

// run runs a trial on a folder, as a subtest.
func (folders pool[P]) run(t *testing.T, name string, trial func(*testing.T, P)) {
	t.Run(name, func(t *testing.T) {
		if cap(folders) > 1 {
			t.Parallel()
		}
		folder := <-folders
		t.Cleanup(func() { folders <- folder }) // after its clouds were closed
		trial(t, folder)
	})
}

// copyOf copies a folder, for one test.
func copyOf(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// prepare does what comes before the scenario's operation, in a folder that it returns.
func (sc scenario) prepare(t *testing.T) string {
	f := openFixture(t, t.TempDir())
	if sc.afterUp {
		f.up()
	}
	f.clouds.Close()
	return f.Dir
}

// open opens a copy of a prepared folder.
func (sc scenario) open(t *testing.T, dir string) *fixture {
	t.Helper()
	f := openFixture(t, copyOf(t, dir))
	f.set(sc.config)
	return f
}

// calls lists the calls of the operation.
func (sc scenario) calls(t *testing.T, folders pool[string]) (all []emulator.Call) {
	t.Run("calls", func(t *testing.T) {
		dir := <-folders
		t.Cleanup(func() { folders <- dir })
		all = sc.open(t, dir).run(sc.verb).calls
	})
	return all
}

// kindOf names a call without the IDs in it. All that puts files into the store is of one kind.
func kindOf(call string) string {
	call, _, _ = strings.Cut(call, "?")
	parts := strings.Split(call, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "0123456789") && part != "v1beta1" && part != "v4" || i > 0 && parts[i-1] == "assets" {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// converges kills the operation at a call and checks that the next run finishes the work.
func (f *fixture) converges(sc scenario, call int, after bool) {
	f.Helper()
	f.killed(sc.verb, call, after, func(*http.Request) bool { return true })
	f.resumed(sc.verb)
	if sc.verb == "destroy" {
		f.left(0, 0, 0)
		return
	}
	f.agrees()
	f.want("changes of one more run", f.up().changes, map[string]int{})
}

// resumed runs an operation after a run of it was killed. Of what that one was creating it says
// what it does, and the engine has no reason to warn.
func (f *fixture) resumed(verb string) {
	f.Helper()
	if err := f.Cancel(f.Context()); err != nil {
		f.Fatal(err)
	}
	pending := func() int {
		state, err := f.State()
		if err != nil {
			f.Fatal(err)
		}
		return len(state.PendingOperations)
	}
	before := pending()
	f.printed.Reset()
	if err := f.Operate(f.Context(), verb); err != nil {
		f.Fatalf("the %s after it: %v\n%s", verb, err, f.printed.String())
	}
	printed := f.printed.String()
	if strings.Contains(printed, "pending operations") || strings.Contains(printed, "--clear-pending-creates") != (before > 0) || pending() > 0 {
		f.Errorf("%d operations were pending, and now %d are:\n%s", before, pending(), printed)
	}
}

// killed runs an operation in separate processes, and kills them at one of the calls that
// count.
func (f *fixture) killed(verb string, call int, after bool, counts func(*http.Request) bool) {
	f.Helper()
	trap := &trap{TB: f, call: call, after: after}
	f.clouds.Intercept(func(r *http.Request, after bool) bool { return trap.meets(counts(r), after) })
	defer f.clouds.Intercept(nil)
	if out, sprung := trap.kills(func() *session { return f.start(verb) }); !sprung {
		f.Fatalf("the call was never made:\n%s", out)
	}
}

// trap kills a session at one of its calls, before or after it took effect.
type trap struct {
	testing.TB
	call  int
	after bool

	mu     sync.Mutex
	victim *session
	seen   int
	sprung bool
}

// meets is called at each call, twice. It reports whether the connection is to be cut.
func (t *trap) meets(counts, after bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sprung {
		return true // what is left of the killed run does nothing any more
	}
	if after != t.after || !counts {
		return false
	}
	if t.seen++; t.seen == t.call+1 {
		t.sprung = true
		t.victim.kill()
	}
	return t.sprung
}

// kills waits until the session that start starts has ended. It reports whether it was killed.
func (t *trap) kills(start func() *session) (out string, sprung bool) {
	t.Helper()
	t.mu.Lock()
	t.victim = start()
	t.mu.Unlock()
	out, err := t.victim.wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(out, err), t.sprung
}

// agrees checks that there is one of everything, and that all of it agrees.
func (f *fixture) agrees() {
	f.Helper()
	project, script, cluster := f.project(), f.script(), f.cluster()
	owner := script.Vars["PULUMI_STACK"]
	if owner == "" || cluster.Labels["pulumi.com/owner"] != owner {
		f.Errorf("the cluster's owner is %q and the Worker's %q", cluster.Labels["pulumi.com/owner"], owner)
	}
	for _, services := range []map[string]cloudflare.Service{project.Production.Services, project.Preview.Services} {
		bound := func(s cloudflare.Service) bool { return s.Service == script.Name }
		if !slices.ContainsFunc(slices.Collect(maps.Values(services)), bound) {
			f.Errorf("the project is bound to %v and not to %s", services, script.Name)
		}
	}
	f.serves()
	if f.Config[engine.Project+":site"] != "" {
		f.want("deployments", len(project.Deployments), 1)
		_, admin := f.login()
		f.want("rows of a migration", f.query(admin, "SELECT COUNT(*) FROM projects"), "COUNT(*)\n3\n")
	}
	f.want("SQL users", len(f.clouds.TiDB.Users(cluster.ClusterID)), 4)
}

// rival returns another stack with a state of its own on the same clouds.
func (f *fixture) rival() *fixture {
	engine := *f.Engine
	engine.Dir, engine.Config = f.TempDir(), maps.Clone(f.Config)
	other := &fixture{TB: f.TB, Engine: &engine, clouds: f.clouds}
	engine.Stdout, engine.Stderr = &other.printed, &other.printed
	return other
}

// race runs two stacks at once, of which one must succeed.
func (f *fixture) race(other *fixture) (winner, loser *fixture) {
	f.Helper()
	fixtures, errs := []*fixture{f, other}, make([]error, 2)
	var wait sync.WaitGroup
	for i, f := range fixtures {
		wait.Go(func() { errs[i] = f.Operate(f.Context(), "up") })
	}
	wait.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		f.Fatalf("not just one of them succeeded:\n%s\n%s", f.printed.String(), other.printed.String())
	}
	won := slices.Index(errs, nil)
	return fixtures[won], fixtures[1-won]
}
