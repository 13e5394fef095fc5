package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// The kill matrix: for each call k of an operation, the engine, its plugins and
// the commands are killed once before the call takes effect and once after it did,
// before its answer leaves. Then the state is unlocked and the operation is run
// again. It must succeed, leave exactly one of everything, all of it agreeing, and
// an up after it must change nothing.

// act is one run of the engine.
type act struct {
	verb   string
	config []string
	args   []string
}

// scenario is an operation that is killed, and what was done before it.
type scenario struct {
	name   string
	before []act
	act    act
}

// changed is a configuration in which everything that can change has changed.
var changed = []string{
	"cluster=portfolio-db2", "region=regions/aws-us-east-1", "spendingLimit=500", "rotation=2", "database=second", "sqlUser=app",
	"pagesProject=portfolio2", "worker=portfolio-api2", "productionBranch=trunk", "compatibilityDate=2026-01-01",
	"compatibilityFlags=[nodejs_compat]", "observability=false", "vars={GREETING: hello}", "binding=API",
	"moreBindings={SELF: {service: portfolio-api2}}", "databaseUrlOptions={ssl: strict}", "doppler={project: portfolio, config: dev}",
}

var scenarios = []scenario{
	{name: "first up", act: act{verb: "up"}},
	{name: "up that changes everything", before: []act{{verb: "up"}}, act: act{verb: "up", config: changed}},
	{name: "destroy", before: []act{{verb: "up"}}, act: act{verb: "destroy"}},
}

// trial is one kill and what became of it.
type trial struct {
	scenario scenario
	call     int
	after    bool
	killed   string
	err      error
}

// matrix runs all trials, or with sample one for each kind of call, and prints a
// table. Its error says how many did not converge.
func (s *sandbox) matrix(ctx context.Context, sample bool, workers int) error {
	var failed int
	table := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "operation\tcalls\tkills\tconverged\tdoubled or lost\ttook")
	for _, sc := range scenarios {
		begin := time.Now()
		calls, trials, err := s.trials(ctx, sc, sample, workers)
		if err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
		bad := 0
		for _, t := range trials {
			if t.err != nil {
				bad++
				fmt.Fprintf(s.stderr, "%s, killed %s %s: %v\n", sc.name, when(t.after), t.killed, t.err)
			}
		}
		failed += bad
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\n", sc.name, calls, len(trials), len(trials)-bad, bad, time.Since(begin).Round(time.Second))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d trials did not converge", failed)
	}
	return nil
}

func when(after bool) string {
	if after {
		return "after"
	}
	return "before"
}

// trials kills each call of a scenario's operation, each time in a copy of a
// prepared folder.
func (s *sandbox) trials(ctx context.Context, sc scenario, sample bool, workers int) (calls int, all []trial, err error) {
	// Each worker prepares a folder of its own, since the clusters' ports are in it.
	prepared := make([]string, workers)
	for i := range prepared {
		if prepared[i], err = s.prepare(ctx, sc, i); err != nil {
			return 0, nil, err
		}
	}
	made, err := s.record(ctx, sc, prepared[0])
	if err != nil {
		return 0, nil, err
	}
	seen := map[string]bool{}
	for k, call := range made {
		kind := kindOf(call)
		if sample && seen[kind] {
			continue
		}
		seen[kind] = true
		for _, after := range []bool{false, true} {
			all = append(all, trial{scenario: sc, call: k, after: after, killed: fmt.Sprintf("call %d, %s", k+1, call)})
		}
	}
	return len(made), all, s.runTrials(ctx, prepared, all)
}

// prepare runs what comes before a scenario's operation, in a folder that it
// returns.
func (s *sandbox) prepare(ctx context.Context, sc scenario, worker int) (string, error) {
	dir := filepath.Join(s.path("matrix"), fmt.Sprintf("%s-%d", strings.ReplaceAll(sc.name, " ", "-"), worker))
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	w, err := newTrialWorld(s, dir)
	if err != nil {
		return "", err
	}
	defer w.close()
	for _, a := range sc.before {
		if err := w.mustRun(ctx, a); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// kindOf names a call without the IDs in it.
func kindOf(call string) string {
	method, path, _ := strings.Cut(call, " ")
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "0123456789") && part != "v1beta1" && part != "v4" {
			parts[i] = "*"
		}
	}
	return method + " " + strings.Join(parts, "/")
}

// record runs the operation unharmed and lists its calls.
func (s *sandbox) record(ctx context.Context, sc scenario, prepared string) ([]string, error) {
	w, err := s.copyWorld(prepared, "recorded")
	if err != nil {
		return nil, err
	}
	defer w.remove()
	var calls []string
	var mu sync.Mutex
	w.intercept(func(r *http.Request, after bool) bool {
		mu.Lock()
		defer mu.Unlock()
		if after {
			calls = append(calls, r.Method+" "+r.URL.RequestURI())
		}
		return false
	})
	return calls, w.mustRun(ctx, sc.act)
}

// runTrials runs trials, one at a time in each of the prepared folders.
func (s *sandbox) runTrials(ctx context.Context, prepared []string, all []trial) error {
	next := make(chan *trial)
	var wait sync.WaitGroup
	for _, dir := range prepared {
		wait.Go(func() {
			for t := range next {
				t.err = s.try(ctx, dir, t)
			}
		})
	}
	for i := range all {
		if ctx.Err() != nil {
			break
		}
		next <- &all[i]
	}
	close(next)
	wait.Wait()
	return ctx.Err()
}

// try runs one trial. Its error says what is wrong in the end.
func (s *sandbox) try(ctx context.Context, prepared string, t *trial) error {
	w, err := s.copyWorld(prepared, fmt.Sprintf("%s-%d-%s", filepath.Base(prepared), t.call, when(t.after)))
	if err != nil {
		return err
	}
	defer w.remove()
	if err := w.runKilled(ctx, t); err != nil {
		return err
	}
	if err := w.mustRun(ctx, act{verb: "cancel"}); err != nil {
		return fmt.Errorf("unlocking: %w", err)
	}
	if err := w.mustRun(ctx, t.scenario.act); err != nil {
		return fmt.Errorf("the run after it: %w", err)
	}
	if t.scenario.act.verb == "destroy" {
		return w.empty()
	}
	if err := w.agrees(ctx); err != nil {
		return err
	}
	out, err := w.run(ctx, t.scenario.act)
	if err != nil {
		return fmt.Errorf("one more run: %w\n%s", err, out)
	}
	if !quietRun.MatchString(out) {
		return fmt.Errorf("one more run was not quiet:\n%s", out)
	}
	return nil
}

// quietRun is what the engine prints of a run that changed nothing.
var quietRun = regexp.MustCompile(`(?m)^Resources:\n +\d+ unchanged\n\n`)

// runKilled runs the operation and kills it at the trial's call.
func (w *trialWorld) runKilled(ctx context.Context, t *trial) error {
	return w.runKilledAt(ctx, t, func(*http.Request) bool { return true })
}

// runKilledAt counts only calls of a kind.
func (w *trialWorld) runKilledAt(ctx context.Context, t *trial, counts func(*http.Request) bool) error {
	var mu sync.Mutex
	var victim *session
	seen, killed := 0, false
	w.intercept(func(r *http.Request, after bool) bool {
		mu.Lock()
		defer mu.Unlock()
		if killed {
			return true // what is left of the killed run does nothing any more
		}
		if after != t.after || !counts(r) {
			return false
		}
		seen++
		if seen == t.call+1 {
			killed = true
			victim.kill()
		}
		return killed
	})
	defer w.intercept(nil)
	mu.Lock()
	started, err := w.start(ctx, t.scenario.act)
	victim = started
	mu.Unlock()
	if err != nil {
		return err
	}
	out, err := victim.wait()
	mu.Lock()
	defer mu.Unlock()
	if !killed {
		return fmt.Errorf("the call was never made: %w\n%s", err, out)
	}
	return nil
}

// agrees checks that there is one of everything, and that all of it agrees.
func (w *trialWorld) agrees(ctx context.Context) error {
	var wrong []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	projects, scripts, clusters := w.clouds.cloudflare.Projects(), w.clouds.cloudflare.Scripts(), w.liveClusters()
	check(len(projects) == 1, "%d Pages projects", len(projects))
	check(len(scripts) == 1, "%d Workers", len(scripts))
	check(len(clusters) == 1, "%d clusters", len(clusters))
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, ", "))
	}
	script, cluster := scripts[0], clusters[0]
	owner := script.Vars["PULUMI_STACK"]
	check(owner != "" && cluster.Labels["pulumi.com/owner"] == owner, "the cluster's owner is %q and the Worker's %q", cluster.Labels["pulumi.com/owner"], owner)
	for environment, services := range map[string]map[string]string{
		"production": targets(projects[0].Production.Services), "preview": targets(projects[0].Preview.Services),
	} {
		check(slices.Contains(slices.Collect(maps.Values(services)), script.Name), "%s is bound to %v and not to %s", environment, services, script.Name)
	}
	text, url, err := w.databaseURL(ctx)
	if err != nil {
		return err
	}
	check(script.Secrets["DATABASE_URL"].Is(text), "the Worker's DATABASE_URL is not the output's")
	password, _ := url.User.Password()
	check(w.clouds.tidb.CheckPassword(cluster.ClusterID, url.User.Username(), password), "DATABASE_URL does not log in")
	users := len(w.clouds.tidb.Users(cluster.ClusterID))
	check(users == 3, "%d SQL users", users)
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, ", "))
	}
	return nil
}

// empty checks that nothing is left.
func (w *trialWorld) empty() error {
	left := len(w.clouds.cloudflare.Projects()) + len(w.clouds.cloudflare.Scripts()) + len(w.liveClusters())
	if left > 0 {
		return fmt.Errorf("%d things are left", left)
	}
	return nil
}
