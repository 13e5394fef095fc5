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
	"sync/atomic"
	"testing"

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

// One kill before and one after each kind of call; [TestMatrix_full] has them all.
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
	// There is a prepared folder for each trial that can run at the same time, since a folder
	// has the clusters' ports.
	workers := flag.Lookup("test.parallel").Value.(flag.Getter).Get().(int)
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			prepared := make(chan string, workers)
			for range workers {
				prepared <- sc.prepare(t)
			}
			var calls []string
			sc.in(t, prepared, func(f *fixture) {
				for _, c := range f.run(sc.verb).calls {
					calls = append(calls, c.Method+" "+c.Path)
				}
			})
			sampled := map[string]bool{}
			for k, call := range calls {
				kind := kindOf(call)
				if sample && sampled[kind] {
					continue
				}
				sampled[kind] = true
				for _, after := range []bool{false, true} {
					t.Run(fmt.Sprintf("call %d, %s, after %t", k+1, call, after), func(t *testing.T) {
						t.Parallel()
						sc.in(t, prepared, func(f *fixture) { f.converges(sc, k, after) })
					})
				}
			}
		})
	}
}

// prepare does what comes before the scenario's operation, in a folder that it returns.
func (sc scenario) prepare(t *testing.T) string {
	dir := t.TempDir()
	f := openFixture(t, dir, "SANDBOX_CLUSTER_TIME=300ms")
	if sc.afterUp {
		f.up()
	}
	f.clouds.Close()
	return dir
}

// in opens a copy of a prepared folder.
func (sc scenario) in(t *testing.T, prepared chan string, do func(*fixture)) {
	t.Helper()
	from := <-prepared
	defer func() { prepared <- from }()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	f := openFixture(t, dir, "SANDBOX_CLUSTER_TIME=300ms")
	defer f.clouds.Close()
	f.set(sc.config)
	do(f)
}

// kindOf names a call without the IDs in it.
func kindOf(call string) string {
	call, _, _ = strings.Cut(call, "?")
	parts := strings.Split(call, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "0123456789") && part != "v1beta1" && part != "v4" {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

func TestKindOf(t *testing.T) {
	for call, want := range map[string]string{
		"GET /v1beta1/clusters?pageSize=100":                        "GET /v1beta1/clusters",
		"PATCH /v1beta1/clusters/10976177500754255260":              "PATCH /v1beta1/clusters/*",
		"DELETE /v1beta1/clusters/109/sqlUsers/5MRh.api":            "DELETE /v1beta1/clusters/*/sqlUsers/*",
		"PUT /client/v4/accounts/0123abcd/workers/scripts/api-test": "PUT /client/v4/accounts/*/workers/scripts/api-test",
	} {
		if have := kindOf(call); have != want {
			t.Errorf("%s: %s, want %s", call, have, want)
		}
	}
}

// converges kills the operation at a call and checks that the next run finishes the work.
func (f *fixture) converges(sc scenario, call int, after bool) {
	f.Helper()
	f.killed(sc.verb, call, after, func(*http.Request) bool { return true })
	if err := f.Cancel(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.printed.Reset()
	if err := f.Operate(f.Context(), sc.verb); err != nil {
		f.Fatalf("the run after it: %v\n%s", err, f.printed.String())
	}
	if sc.verb == "destroy" {
		f.untilDeleted()
		f.left(0, 0, 0)
		return
	}
	f.agrees()
	f.want("changes of one more run", f.up().changes, map[string]int{})
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

// Two runs with separate states want the same names. One gets them.
func TestRace_twoStates(t *testing.T) {
	first := newFixture(t)
	second := first.rival()
	// Both have looked and found nothing when the first of them asks for a cluster.
	var meet sync.WaitGroup
	meet.Add(2)
	var posts atomic.Int32
	first.clouds.Intercept(func(r *http.Request, after bool) bool {
		if !after && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/clusters") && posts.Add(1) <= 2 {
			meet.Done()
			meet.Wait()
		}
		return false
	})
	winner, loser := first.race(second)
	loser.says("the loser", "which was first")
	winner.agrees()
	winner.noChanges()
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

// Two runs share one state. The engine's lock lets one of them through.
func TestRace_oneState(t *testing.T) {
	f := newFixture(t)
	// The first run stays in its first call until the second one has ended.
	begun, ended := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.clouds.Intercept(func(*http.Request, bool) bool {
		if calls.Add(1) == 1 {
			close(begun)
			<-ended
		}
		return false
	})
	first := f.start("up")
	<-begun
	out, err := f.start("up").wait()
	close(ended)
	if err == nil || !strings.Contains(out, "currently locked") {
		t.Errorf("the second run: %v\n%s", err, out)
	}
	if out, err := first.wait(); err != nil {
		t.Fatalf("the first run: %v\n%s", err, out)
	}
	f.agrees()
	f.noChanges()
}

// What a killed run was creating is no longer pending after the next run, which does not warn
// of it.
func TestKill_pendingCreates(t *testing.T) {
	f := newFixture(t)
	pending := func(want int) {
		t.Helper()
		state, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		f.want("pending operations", len(state.PendingOperations), want)
	}
	// It creates the Pages project, so that the refresh of the next run asks the provider
	// that the run itself needs afterwards.
	f.killed("up", 0, true, func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pages/projects")
	})
	pending(1)
	for _, verb := range []string{"cancel", "up"} {
		out, err := f.start(verb).wait()
		if err != nil || strings.Contains(out, "pending operations") {
			t.Fatalf("%s: %v\n%s", verb, err, out)
		}
		if verb == "up" && !strings.Contains(out, "--clear-pending-creates") {
			t.Errorf("%s does not say what it does:\n%s", verb, out)
		}
	}
	pending(0)
	f.agrees()
}
