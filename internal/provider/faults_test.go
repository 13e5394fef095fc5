package provider_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// The key has characters that each encoding writes differently.
const (
	faultPublicKey  = "PUBLIC1"
	faultPrivateKey = `private/key+"7f3a%&9c\21e0`
)

// process is a provider process. A new run configures it anew, which takes far less
// time than to make another one and leaves it with nothing of before.
type process struct {
	integration.Server
	net *faultlist.Transport // of the life that it serves
}

func newProcess(t *testing.T) *process {
	s := &process{}
	s.Server = serve(t, provider.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return s.net.RoundTrip(r) })})
	return s
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// life is one stack's database through its runs: the cloud, and the state of its two
// resources.
type life struct {
	*testing.T
	process       *process
	cloud         *tidbcloud.Cloud
	net           *faultlist.Transport
	log           *logs
	cluster, user *engine
	passwords     map[string]bool // all that were ever sent
}

func newLife(t *testing.T, s *process) *life {
	l := &life{T: t, process: s, log: &logs{}, passwords: map[string]bool{}, cloud: &tidbcloud.Cloud{
		PublicKey: faultPublicKey, PrivateKey: faultPrivateKey, CreateTime: 3 * time.Second, RateLimit: -1}}
	l.net = &faultlist.Transport{Handler: l.cloud, Kind: kindOfCall, OnCall: func(c faultlist.Call) {
		var body struct{ Password string }
		if json.Unmarshal([]byte(c.Sent), &body) == nil && body.Password != "" {
			l.passwords[body.Password] = true
		}
	}}
	l.cluster, l.user = &engine{t: t, typ: clusterType, log: l.log}, &engine{t: t, typ: userType, log: l.log}
	l.nextRun(s)
	return l
}

// nextRun begins a new run, with the state of the last one.
func (l *life) nextRun(s *process) {
	s.net = l.net
	slog.SetDefault(slog.New(handler{l.log, ""}))
	err := s.Configure(p.ConfigureRequest{Args: property.NewMap(map[string]property.Value{
		"publicKey": property.New(faultPublicKey), "privateKey": property.New(faultPrivateKey).WithSecret(true)})})
	l.must("configure", err)
	l.cluster.Server, l.user.Server = s, s
}

// kindOfCall is METHOD /path with stars for names, and the mask of a PATCH.
func kindOfCall(r *http.Request, body []byte) string {
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1beta1"), "/")
	for i := 2; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	kind := r.Method + " " + strings.Join(segments, "/")
	var patch struct{ UpdateMask string }
	if json.Unmarshal(body, &patch) == nil && patch.UpdateMask != "" {
		kind += " " + patch.UpdateMask
	}
	return kind
}

// What the two resources are at first, and what they become.
func firstDB() property.Map { return db(nil) }

func finalDB() property.Map {
	return db(map[string]any{"displayName": "portfolio-db-2", "labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 500,
		"authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9")}})
}

func (l *life) firstAPI() property.Map { return api(map[string]any{"clusterId": l.cluster.id}) }

func (l *life) finalAPI() property.Map {
	return api(map[string]any{"clusterId": l.cluster.id, "role": "role_readonly", "rotation": "2"})
}

func (l *life) must(op string, err error) {
	l.Helper()
	if err != nil {
		l.Fatalf("unharmed %s: %v", op, err)
	}
}

func (l *life) mustUp(e *engine, inputs property.Map) { l.Helper(); l.must(e.up(inputs)) }

// forget is a run that died before it saved anything.
func (e *engine) forget() {
	e.id, e.inputs, e.outputs, e.failed = "", property.Map{}, property.Map{}, false
}

// operation is what a run does to a resource.
type operation struct {
	name   string
	before func(*life)
	run    func(*life) error
	// cluster and user are what there shall be in the end; nil is nothing.
	cluster, user func(*life) property.Map
	// keeps: the cluster that was there before is not to go.
	keeps bool
}

func upCluster(inputs func() property.Map) func(*life) error {
	return func(l *life) error { _, err := l.cluster.up(inputs()); return err }
}

func refreshed(e *engine) error { _, err := e.refresh(); return err }

func operations() []operation {
	constant := func(inputs func() property.Map) func(*life) property.Map {
		return func(*life) property.Map { return inputs() }
	}
	elsewhere := func() property.Map { return db(map[string]any{"region": virginia}) }
	first, final := constant(firstDB), constant(finalDB)
	made := func(l *life) { l.mustUp(l.cluster, firstDB()) }
	full := func(l *life) { l.mustUp(l.cluster, finalDB()) }
	withUser := func(l *life) { made(l); l.mustUp(l.user, l.firstAPI()) }
	remove := func(of func(*life) *engine) func(*life) error {
		return func(l *life) error {
			if of(l).id == "" {
				return nil
			}
			return of(l).delete()
		}
	}
	cluster, user := func(l *life) *engine { return l.cluster }, func(l *life) *engine { return l.user }
	return []operation{
		{"create cluster", func(*life) {}, upCluster(finalDB), final, nil, false},
		{"take cluster over", func(l *life) { made(l); l.cluster.forget() }, upCluster(finalDB), final, nil, true},
		{"update cluster", made, upCluster(finalDB), final, nil, true},
		{"leave cluster", full, upCluster(finalDB), final, nil, true},
		{"refresh cluster", full, func(l *life) error { return refreshed(l.cluster) }, final, nil, true},
		{"replace cluster", full, upCluster(elsewhere), constant(elsewhere), nil, false},
		{"delete cluster", full, remove(cluster), nil, nil, false},
		{"create user", made, func(l *life) error { _, err := l.user.up(l.finalAPI()); return err }, first, (*life).finalAPI, true},
		{"take user over", func(l *life) { withUser(l); l.user.forget() },
			func(l *life) error { _, err := l.user.up(l.finalAPI()); return err }, first, (*life).finalAPI, true},
		{"update user", withUser, func(l *life) error { _, err := l.user.up(l.finalAPI()); return err }, first, (*life).finalAPI, true},
		{"refresh user", withUser, func(l *life) error { return refreshed(l.user) }, first, (*life).firstAPI, true},
		{"delete user", withUser, remove(user), first, nil, true},
	}
}

// alive are the clusters that are not being deleted.
func (l *life) alive() []tidbcloud.Cluster {
	return slices.DeleteFunc(l.cloud.Clusters(), func(c tidbcloud.Cluster) bool { return c.State == "DELETING" })
}

// api users, without the root that each cluster has.
func (l *life) users(clusterID string) []tidbcloud.User {
	return slices.DeleteFunc(l.cloud.Users(clusterID), func(u tidbcloud.User) bool { return strings.HasSuffix(u.UserName, ".root") })
}

// point is a call of an operation: the one of its kind after so many others.
type point struct {
	kind string
	skip int
}

// points are the calls of an unharmed operation, each kind and place once: of calls
// in a row, the looks of a wait, the first and the last count.
func points(calls []faultlist.Call) []point {
	var all []point
	count := map[string]int{}
	for i, c := range calls {
		inner := i > 0 && i < len(calls)-1 && calls[i-1].Kind == c.Kind && calls[i+1].Kind == c.Kind
		if !inner {
			all = append(all, point{c.Kind, count[c.Kind]})
		}
		count[c.Kind]++
	}
	return all
}

// calls lists the calls of the operation when nothing harms it.
func (op operation) calls(t *testing.T) (calls []point) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, newProcess(t))
		op.before(l)
		l.nextRun(l.process)
		l.net.Set(faultlist.Plan{})
		l.must(op.name, op.run(l))
		calls = points(l.net.Calls())
	})
	return calls
}

// harm runs an operation with a fault, then without, counts how it went and tells
// what is wrong with that.
func (op operation) harm(t *testing.T, s *process, plan faultlist.Plan, tally *faultlist.Tally) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	l := newLife(t, s)
	op.before(l)
	before := l.alive()
	l.nextRun(l.process)
	l.net.Set(plan)
	err := op.run(l)
	calls := l.net.Calls()
	tally.Cases++
	if err == nil {
		tally.Success++
	} else {
		problems = append(problems, badError(err, plan, calls)...)
	}
	problems = append(problems, badWaits(plan, calls, l.log)...)
	if n := len(l.alive()); n > 1 {
		wrong("%d clusters", n)
	}
	if err != nil && op.name == "create cluster" && plan.Kind == "GET /clusters/*" && (l.cluster.id == "" || !l.cluster.failed) {
		wrong("the id of the cluster was not kept")
	}
	// Another one of the same name would be as good to all else, but for its data.
	if after := l.alive(); op.keeps && (len(after) != 1 || after[0].ClusterID != before[0].ClusterID) {
		wrong("cluster %s is lost", before[0].ClusterID)
	}
	if len(problems) > 0 && err != nil {
		wrong("the error: %v", err)
	}

	l.net.Set(faultlist.Plan{})
	time.Sleep(time.Minute) // nobody runs it again at once
	l.nextRun(l.process)
	if bad := op.converge(l); len(bad) > 0 {
		problems = append(problems, bad...)
		wrong("the first run said: %v", err)
	} else {
		tally.Converged++
	}
	shown := l.log.all()
	if err != nil {
		shown += "\n" + err.Error()
	}
	for secret := range l.passwords {
		for _, form := range faultlist.Shows(shown, secret) {
			wrong("a password shows, %s, in:\n%s", form, shown)
		}
	}
	for _, form := range faultlist.Shows(shown, faultPrivateKey) {
		wrong("the private key shows, %s, in:\n%s", form, shown)
	}
	return problems
}

// converge runs the operation unharmed and tells what is not as it shall be then.
func (op operation) converge(l *life) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	settle := func(e *engine, inputs property.Map) bool {
		if op, err := e.up(inputs); err != nil {
			wrong("the next run: %s: %v", op, err)
			return false
		}
		if op, err := e.up(inputs); op != "same" || err != nil {
			wrong("the run after that: %s: %v", op, err)
		}
		if changed, err := e.refresh(); changed || err != nil {
			wrong("then a refresh changes %v: %v", e.outputs, err)
		}
		return true
	}
	if err := op.run(l); err != nil {
		wrong("the next run: %v", err)
		return problems
	}
	if op.cluster != nil {
		if !settle(l.cluster, op.cluster(l)) {
			return problems
		}
		alive := l.alive()
		if len(alive) != 1 || alive[0].ClusterID != l.cluster.id {
			wrong("%d clusters, managing %s", len(alive), l.cluster.id)
			return problems
		}
		problems = append(problems, unlike(alive[0], op.cluster(l))...)
	}
	users := 0
	if op.user != nil {
		users = 1
		if !settle(l.user, op.user(l)) {
			return problems
		}
		if !l.cloud.CheckPassword(l.cluster.id, l.user.out("fullName"), l.user.out("password")) {
			wrong("the recorded password does not log in")
		}
	}
	if have := l.users(l.cluster.id); len(have) != users || users == 1 && (have[0].UserName != l.user.out("fullName") || !strings.HasSuffix(have[0].BuiltinRole, role(op.user(l)))) {
		wrong("users %+v", have)
	}
	for _, e := range []*engine{l.user, l.cluster} {
		if e.id != "" {
			if err := e.delete(); err != nil {
				wrong("deleting: %v", err)
			}
		}
	}
	time.Sleep(10 * time.Second)
	if left := l.cloud.Clusters(); len(left) > 0 {
		wrong("left in the end: %+v", left)
	}
	return problems
}

func role(user property.Map) string {
	if v := user.Get("role"); v.IsString() {
		return v.AsString()
	}
	return "role_readwrite"
}

// unlike tells in what a live cluster is not what the inputs want.
func unlike(c tidbcloud.Cluster, want property.Map) (problems []string) {
	check := func(what string, have, want any) {
		if !reflect.DeepEqual(have, want) {
			problems = append(problems, fmt.Sprintf("%s is %v, want %v", what, have, want))
		}
	}
	check("name", c.DisplayName, want.Get("displayName").AsString())
	check("region", c.Region.Name, want.Get("region").AsString())
	check("owner", c.Labels[provider.OwnerLabel], owner)
	if !want.Get("labels").IsNull() {
		check("label", c.Labels["team"], "web")
		check("limit", int(c.SpendingLimit.Monthly), 500)
		check("networks", c.Endpoints.Public.AuthorizedNetworks,
			[]tidbcloud.Network{{StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9", DisplayName: "home"}})
	}
	return problems
}

// remedy is what an error tells to do. Each is an imperative, or names the command.
var remedy = regexp.MustCompile("`pulumi |run it again|check |look |wait a minute|must belong")

// badError tells what an error lacks.
func badError(err error, plan faultlist.Plan, calls []faultlist.Call) (problems []string) {
	text := err.Error()
	want := func(what string, ok bool) {
		if !ok {
			problems = append(problems, "the error does not name "+what)
		}
	}
	if strings.Contains(text, "\n") {
		problems = append(problems, "the error has several lines")
	}
	// A 400 says itself what is wrong with the request.
	want("what to do", plan.Fault.Status == http.StatusBadRequest || remedy.MatchString(text))
	i := slices.IndexFunc(calls, func(c faultlist.Call) bool { return c.Hit })
	if i < 0 {
		return append(problems, "the error has no cause")
	}
	// A wait that ran out names the cluster and what it looked like instead of a call.
	if wait := regexp.MustCompile(`waiting for (the end of )?cluster \d+: still (CREATING|DELETING|HIBERNATING) after `); wait.MatchString(text) {
		return problems
	}
	return append(problems, faultlist.Missing(err, plan.Fault, calls)...)
}

// badWaits tells which wait that the API asked for was not honoured or not shown.
func badWaits(plan faultlist.Plan, calls []faultlist.Call, log *logs) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	ask := map[string]time.Duration{"429 with Retry-After": 2 * time.Second, "429 with X-Ratelimit-Reset": 3 * time.Second,
		"429 that asks for an hour": time.Hour}[plan.Fault.Name]
	if ask == 0 {
		return nil
	}
	// A preview that cannot see says so and gives up; the run after it begins anew.
	blind := log.has("warn", "not checking for") || log.has("warn", "using the recorded state")
	hits := 0
	for i, c := range calls {
		if !c.Hit {
			continue
		}
		hits++
		if next := slices.IndexFunc(calls[i+1:], func(next faultlist.Call) bool { return next.Kind == c.Kind }); next >= 0 {
			if wait := calls[i+1+next].At.Sub(c.At); wait < ask && !(wait == 0 && blind) {
				wrong("%s came again after %s, asked for %s", c.Kind, wait, ask)
			}
		}
	}
	if shown := fmt.Sprintf("rate limit is reached, trying again in %d s", int(ask.Seconds())); ask < time.Minute && hits > 0 && !log.has("status", shown) {
		wrong("%q is not shown", shown)
	}
	return problems
}

// repeats are how often a fault hits in a row.
var repeats = []struct {
	name  string
	times int
}{{"once", 1}, {"twice", 2}, {"for good", -1}}

// Whatever call fails in whatever way and however often, there is never a second
// cluster or user, nothing is lost, and the next run finishes.
func TestProvider_Faults(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	often := repeats
	if testing.Short() {
		often = repeats[:1]
	}
	start := time.Now()
	var tallies []faultlist.Tally
	for _, op := range operations() {
		calls := op.calls(t)
		tally := faultlist.Tally{Operation: op.name, Calls: len(calls)}
		for _, call := range calls {
			var failures []string // a failure within the bubble would end the test
			synctest.Test(t, func(t *testing.T) {
				s := newProcess(t)
				for _, fault := range faultlist.All(faultlist.TiDBCloud) {
					for _, repeat := range often {
						plan := faultlist.Plan{Fault: fault, Kind: call.kind, Skip: call.skip, Times: repeat.times}
						if problems := op.harm(t, s, plan, &tally); len(problems) > 0 {
							failures = append(failures, fmt.Sprintf("%s / %s #%d / %s, %s:\n\t%s", op.name, call.kind, call.skip+1, fault.Name, repeat.name, strings.Join(problems, "\n\t")))
						}
					}
				}
			})
			for _, failure := range failures {
				t.Error(failure)
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, %d repeats (once, twice, for good), in %s:\n%s",
		len(faultlist.All(faultlist.TiDBCloud)), len(often), time.Since(start).Round(time.Second), faultlist.Table(tallies))
}

// A run that is cancelled ends within a second, whichever call it is at and whatever
// it is waiting for; the next run finishes.
func TestProvider_Faults_cancel(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	list := faultlist.All(faultlist.TiDBCloud)
	cases := 0
	for _, op := range operations() {
		calls := op.calls(t)
		for _, call := range calls {
			for _, name := range []string{"no answer, no effect", "no answer after the effect", "429 with Retry-After", "503", "body slower than the time-out"} {
				cases++
				fault := list[slices.IndexFunc(list, func(f faultlist.Fault) bool { return f.Name == name })]
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t, newProcess(t))
					op.before(l)
					l.nextRun(l.process)
					l.net.Set(faultlist.Plan{Fault: fault, Kind: call.kind, Skip: call.skip, Times: -1})
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
					// It may have come to its end all the same: a 404 says all without its body.
					if late := time.Since(at); late > time.Second {
						t.Errorf("%s / %s #%d / %s: %v, %s after the cancellation", op.name, call.kind, call.skip+1, name, err, late)
					}
					time.Sleep(time.Minute)
					l.net.Set(faultlist.Plan{})
					l.nextRun(newProcess(t))
					if bad := op.converge(l); len(bad) > 0 {
						t.Errorf("%s / %s #%d / %s:\n\t%s\n\tthe cancelled run said: %v", op.name, call.kind, call.skip+1, name, strings.Join(bad, "\n\t"), err)
					}
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

// Two things go wrong at once: the answer to the POST is lost, and so are the looks
// for what it made.
func TestProvider_Faults_unclearAndBlind(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	for _, op := range operations() {
		post := map[string]string{"create cluster": "POST /clusters", "create user": "POST /clusters/*/sqlUsers"}[op.name]
		if post == "" {
			continue
		}
		for _, name := range []string{"reset after the effect", "no answer after the effect", "500 after the effect", "truncated JSON", "a list for an object"} {
			for _, fault := range faultlist.All(faultlist.TiDBCloud) {
				if fault.Name != name {
					continue
				}
				t.Run(op.name+" "+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l := newLife(t, newProcess(t))
						op.before(l)
						l.nextRun(l.process)
						l.net.Set(faultlist.Plan{Fault: fault, Kind: post, Times: 1})
						var blind atomic.Bool
						note := l.net.OnCall
						l.net.OnCall = func(c faultlist.Call) {
							note(c)
							if c.Hit {
								blind.Store(true)
							}
						}
						// From the POST on the lists are empty.
						cloud := l.net.Handler
						l.net.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if blind.Load() && r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "/clusters/1") {
								respond(w, http.StatusOK, map[string]any{"clusters": []any{}, "regions": []any{}})
								return
							}
							if blind.Load() && strings.HasSuffix(r.URL.Path, "/sqlUsers") && r.Method == http.MethodGet {
								respond(w, http.StatusOK, map[string]any{"sqlUsers": []any{}})
								return
							}
							cloud.ServeHTTP(w, r)
						})
						err := op.run(l)
						wantErr(t, err, "`pulumi up` looks again")
						posts := 0
						for _, c := range l.net.Calls() {
							if c.Kind == post {
								posts++
							}
						}
						if posts != 1 {
							t.Errorf("%d POSTs", posts)
						}
						l.net.Handler = cloud
						l.net.Set(faultlist.Plan{})
						l.nextRun(l.process)
						if bad := op.converge(l); len(bad) > 0 {
							t.Errorf("%s\n%v", strings.Join(bad, "\n"), err)
						}
					})
				})
			}
		}
	}
}
