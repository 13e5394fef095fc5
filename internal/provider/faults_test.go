package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

// calls runs the operation without a fault and returns its calls.
func (op operation) calls(t *testing.T) []faultlist.Call {
	l := newLife(t, newProcess(t))
	op.before(l)
	l.nextRun(l.process)
	if err := op.run(l); err != nil {
		t.Fatalf("%s without a fault: %v", op.name, err)
	}
	return l.net.Calls()
}

// problems are the faults of a run.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// meet runs the operation with a fault and then without.
func (op operation) meet(t *testing.T) func(faultlist.Plan) *faultlist.Case {
	s := newProcess(t)
	return func(plan faultlist.Plan) *faultlist.Case {
		l := newLife(t, s)
		op.before(l)
		before := l.alive()
		l.nextRun(s, plan)
		err := op.run(l)
		c := &faultlist.Case{Err: err, Calls: l.net.Calls(), Apart: err != nil && waited.MatchString(err.Error())}
		// A preview that cannot read says so and gives up; the next run starts from the beginning.
		c.Blind = l.log.has("warn", "not checking ") || l.log.has("warn", "using the recorded state")
		if n := len(l.alive()); n > 1 {
			c.Problem("%d clusters", n)
		}
		for _, x := range l.alive() {
			if n := len(l.branchesOf(x.ClusterID)); n > 1 {
				c.Problem("%d branches", n)
			}
		}
		if err != nil && op.name == "create branch" && plan.Skip > 0 && plan.Kind == "GET /clusters/*/branches/*" && (l.branch.id == "" || !l.branch.failed) {
			c.Problem("the ID of the branch was not kept")
		}
		if err != nil && op.name == "create cluster" && plan.Kind == "GET /clusters/*" && (l.cluster.id == "" || !l.cluster.failed) {
			c.Problem("the ID of the cluster was not kept")
		}
		// Another cluster of the same name would pass all other checks, but lacks the data.
		if after := l.alive(); op.keeps && (len(after) != 1 || after[0].ClusterID != before[0].ClusterID) {
			c.Problem("cluster %s is lost", before[0].ClusterID)
		}
		time.Sleep(time.Minute) // nobody runs it again at once
		l.nextRun(s)
		wrong := op.converge(l)
		c.Converged = len(wrong) == 0
		for _, problem := range wrong {
			c.Problem("%s", problem)
		}
		c.Said, c.Secrets = fmt.Sprint(l.log.all()), slices.Collect(maps.Keys(l.passwords))
		return c
	}
}

// converge runs the operation without a fault, and returns what is not as it should be after that.
func (op operation) converge(l *life) (wrong problems) {
	if err := op.run(l); err != nil {
		wrong.add("the next run: %v", err)
		return wrong
	}
	again := func(e *engine, inputs property.Map) {
		if op, err := e.up(inputs); err != nil {
			wrong.add("the run after that: %s: %v", op, err)
		}
		if op, err := e.up(inputs); op != "same" || err != nil {
			wrong.add("the run after that: %s: %v", op, err)
		}
		if changed, err := e.refresh(); changed || err != nil {
			wrong.add("then a refresh changes %v: %v", e.outputs, err)
		}
	}
	users := map[string]string{}
	if op.theirs {
		users["p1001.theirs"] = "role_admin"
	}
	if op.cluster != nil {
		again(l.cluster, op.cluster(l))
		alive := l.alive()
		if len(wrong) > 0 || len(alive) != 1 || alive[0].ClusterID != l.cluster.id {
			wrong.add("%d clusters, managing %s", len(alive), l.cluster.id)
			return wrong
		}
		if diff := cmp.Diff(wanted(op.cluster(l)), essence(alive[0])); diff != "" {
			wrong.add("the cluster (-want +got):\n%s", diff)
		}
	}
	if op.user != nil {
		again(l.user, op.user(l))
		if !l.CheckPassword(l.cluster.id, l.user.out("fullName"), l.user.out("password")) {
			wrong.add("the recorded password does not log in")
		}
		users["p1001.api"] = "p1001." + l.user.out("role")
	}
	if op.branch != nil {
		again(l.branch, op.branch(l))
		branches := l.branchesOf(l.cluster.id)
		if len(branches) != 1 || l.branch.id != l.cluster.id+"/"+branches[0].BranchID {
			wrong.add("%d branches, managing %s", len(branches), l.branch.id)
			return wrong
		}
		if b := branches[0]; b.DisplayName != op.branch(l).Get("displayName").AsString() || b.Annotations[provider.OwnerLabel] != owner {
			wrong.add("the branch is %+v", b)
		}
		if !l.CheckPassword(branches[0].BranchID, l.branch.out("user"), l.branch.out("password")) {
			wrong.add("the recorded password of root does not log in")
		}
	}
	wrongUsers := func(id string) {
		if diff := cmp.Diff(users, l.users(id)); diff != "" {
			wrong.add("the users (-want +got):\n%s", diff)
		}
	}
	if !op.theirs {
		wrongUsers(l.cluster.id)
	}
	for _, e := range []*engine{l.user, l.branch, l.cluster} {
		if e == l.cluster && len(l.Branches(l.cluster.id)) > 0 {
			wrong.add("a branch is left")
		}
		if e.id != "" {
			if err := e.delete(); err != nil {
				wrong.add("deleting: %v", err)
			}
		}
	}
	time.Sleep(10 * time.Second)
	if op.theirs {
		wrongUsers(l.only().ClusterID)
		if got := l.only().Labels[provider.OwnerLabel]; got != provider.FreeOwner {
			wrong.add("the cluster is not released: %q", got)
		}
		return wrong
	}
	if left := l.Clusters(); len(left) > 0 {
		wrong.add("left in the end: %+v", left)
	}
	return wrong
}

// essence is what the inputs want of a cluster.
func essence(c tidbcloud.Cluster) string {
	networks := len(c.Endpoints.Public.AuthorizedNetworks)
	return fmt.Sprint(c.DisplayName, c.Region.Name, c.Labels[provider.OwnerLabel], c.Labels["team"], c.SpendingLimit.Monthly, networks)
}

func wanted(inputs property.Map) string {
	team, limit, networks := "", 0, 1 // a new cluster has a range of all addresses
	if inputs.Get("labels").IsMap() {
		team, limit, networks = "web", 500, 2
	}
	return fmt.Sprint(inputs.Get("displayName").AsString(), inputs.Get("region").AsString(), owner, team, limit, networks)
}

// waited is an error of a wait that ran out. It names the cluster and its state, not a call.
var waited = regexp.MustCompile(`waiting for (the deletion of )?(cluster \d+|branch \S+): still (CREATING|DELETING|DELETED|RESTORING|HIBERNATING) after `)

// suite takes a sample, see [faultlist.Suite], since all faults take minutes with the race detector.
var suite = faultlist.Suite{
	Cloud: faultlist.TiDBCloud, Secrets: []string{privateKey}, Polls: true, Sample: 13,
	Waiting: func(d time.Duration) string {
		return fmt.Sprintf("rate limit is reached, trying again in %d s", int(d.Seconds()))
	},
	Excused: faultlist.BadRequest,
}

// Whichever call fails, however and how often: there is never a second cluster or user, nothing is
// lost, and the next run finishes.
func TestProvider_Faults(t *testing.T) {
	for i, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			suite := suite
			suite.Shift = i
			suite.Run(t, []faultlist.Operation{{Name: op.name, Calls: op.calls, Begin: op.meet}})
		})
	}
}

// named returns the faults of these names.
func named(names ...string) []faultlist.Fault {
	return slices.DeleteFunc(faultlist.All(faultlist.TiDBCloud), func(f faultlist.Fault) bool { return !slices.Contains(names, f.Name) })
}

// A cancelled run ends within a second, whichever call it makes and whatever it waits for. The next
// run finishes.
func TestProvider_Faults_cancel(t *testing.T) {
	faults := named("no answer, no effect", "no answer after the effect", "429 with Retry-After", "503", "body slower than the time-out")
	for i, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			suite := suite
			suite.Shift, suite.Sample = i, 2*len(faults) // a sample has half of the calls
			for _, plan := range slices.Concat(suite.Plans(t, op.calls, faults, -1)...) {
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t, newProcess(t))
					op.before(l)
					l.nextRun(l.process, plan)
					var at time.Time // of the cancellation
					note := l.net.OnCall
					l.net.OnCall = func(c faultlist.Call) {
						note(c)
						if c.Hit && at.IsZero() {
							at = time.Now().Add(300 * time.Millisecond)
							time.AfterFunc(300*time.Millisecond, func() { _ = l.process.Cancel() })
						}
					}
					err := op.run(l)
					// The operation may have ended all the same, since a 404 needs no body.
					if late := time.Since(at); late > time.Second {
						t.Errorf("%s: %v, %s after the cancellation", plan, err, late)
					}
					time.Sleep(time.Minute)
					l.nextRun(newProcess(t))
					if wrong := op.converge(l); len(wrong) > 0 {
						t.Errorf("%s:\n\t%s\n\tthe cancelled run ended with: %v", plan, strings.Join(wrong, "\n\t"), err)
					}
				})
			}
		})
	}
}

// Two things go wrong at once: the result of the POST is ambiguous, and from then on the lists
// are empty. There is no second POST.
func TestProvider_Faults_ambiguousAndBlind(t *testing.T) {
	faults := named("reset after the effect", "no answer after the effect", "500 after the effect", "truncated JSON", "a list for an object")
	posts := map[string]string{"create cluster": "POST /clusters", "create user": postUser, "create branch": postBranch}
	for _, op := range operations() {
		for _, fault := range faults {
			post, ok := posts[op.name]
			if !ok {
				continue
			}
			t.Run(op.name+" "+fault.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t, newProcess(t))
					op.before(l)
					l.nextRun(l.process, faultlist.Plan{Fault: fault, Kind: post, Times: 1})
					var blind atomic.Bool
					note := l.net.OnCall
					l.net.OnCall = func(c faultlist.Call) {
						note(c)
						blind.Store(blind.Load() || c.Hit)
					}
					l.net.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if kind := kindOfCall(r, nil); blind.Load() && (kind == "GET /clusters" || kind == listUsers || kind == listBranches) {
							_, _ = w.Write([]byte(`{"clusters":[],"sqlUsers":[],"branches":[]}`))
							return
						}
						l.Cloud.ServeHTTP(w, r)
					})
					err := op.run(l)
					testcheck.Error(t, err, "`pulumi up` looks again")
					sent := slices.DeleteFunc(l.net.Calls(), func(c faultlist.Call) bool { return c.Kind != post })
					if len(sent) != 1 {
						t.Errorf("%d POSTs", len(sent))
					}
					l.net.Handler = l.Cloud
					l.nextRun(l.process)
					if wrong := op.converge(l); len(wrong) > 0 {
						t.Errorf("%s\n%v", strings.Join(wrong, "\n"), err)
					}
				})
			})
		}
	}
}
