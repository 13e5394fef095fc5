package provider_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
)

const (
	clusterType = "tidbcloud:index:Cluster"
	tokyo       = "regions/aws-ap-northeast-1"
	virginia    = "regions/aws-us-east-1"
	owner       = "portfolio.dev"
)

// db is the inputs of most tests, with changes: a nil value takes one away.
func db(changes map[string]any) property.Map {
	values := map[string]any{"displayName": "portfolio-db", "region": tokyo, "owner": owner, "deletionProtection": false}
	maps.Copy(values, changes)
	return inputs(values)
}

func inputs(values map[string]any) property.Map {
	m := map[string]property.Value{}
	for key, value := range values {
		if value != nil {
			m[key] = toValue(value)
		}
	}
	return property.NewMap(m)
}

func toValue(v any) property.Value {
	switch v := v.(type) {
	case int:
		return property.New(float64(v))
	case map[string]any:
		return property.New(inputs(v))
	case []any:
		all := make([]property.Value, len(v))
		for i := range v {
			all[i] = toValue(v[i])
		}
		return property.New(all)
	case property.Value:
		return v
	}
	value, err := property.Any(v)
	if err != nil {
		panic(err)
	}
	return value
}

func network(name, first, last string) map[string]any {
	return map[string]any{"displayName": name, "startIpAddress": first, "endIpAddress": last}
}

// in runs a test where time is free.
func in(t *testing.T, f func(t *testing.T, c *cloud, e *engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		f(t, c, newEngine(t, c, clusterType))
	})
}

// wantErr checks an error's text; "" wants none.
func wantErr(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		switch {
		case part == "" && err != nil:
			t.Errorf("unexpected: %v", err)
		case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
			t.Errorf("got %v, want %q", err, part)
		}
	}
}

func TestCluster_life(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		step := func(inputs property.Map, want string, calls ...string) {
			t.Helper()
			op, err := e.up(inputs)
			if op != want || err != nil {
				t.Fatalf("%s instead of %s: %v", op, want, err)
			}
			got := c.called()
			if calls != nil && !reflect.DeepEqual(got, calls) {
				t.Errorf("called %q", got)
			}
			if changed, err := e.refresh(); changed || err != nil {
				t.Errorf("a refresh after %s changes the state to %v, %v: %v", op, e.inputs, e.outputs, err)
			}
			c.called()
		}
		start := time.Now()
		step(db(nil), "create")
		within(t, start, 10500*time.Millisecond)
		id := e.id
		for key, want := range map[string]string{"clusterId": id, "host": "gateway01.example.com", "userPrefix": "p" + id, "version": "v7.5.2", "region": tokyo} {
			if got := e.out(key); got != want {
				t.Errorf("%s is %q", key, got)
			}
		}
		if !e.log.has("status", "cluster portfolio-db is CREATING, 0 s") || !e.log.has("status", "CREATING, 9 s") {
			t.Errorf("shown:\n%s", e.log.all())
		}
		step(db(nil), "same", "GET /clusters/"+id)
		step(db(map[string]any{"displayName": "portfolio-db-2"}), "update",
			"GET /clusters/"+id, "GET /clusters", "GET /clusters/"+id, "PATCH /clusters/"+id+" displayName", "GET /clusters/"+id)
		step(db(map[string]any{"displayName": "portfolio-db-2", "labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 500,
			"authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9")}}), "update",
			"GET /clusters/"+id, "GET /clusters/"+id, "PATCH /clusters/"+id+" labels", "PATCH /clusters/"+id+" spendingLimit.monthly",
			"PATCH /clusters/"+id+" endpoints.public.authorizedNetworks", "GET /clusters/"+id)
		if got := c.only().fields["labels"]; !reflect.DeepEqual(got, map[string]any{"pulumi.com/owner": owner, "pulumi.com/made-for": owner, "team": "web", "tidb.cloud/organization": "1", "tidb.cloud/project": "2"}) {
			t.Errorf("labels %v", got)
		}
		step(db(map[string]any{"displayName": "portfolio-db-2", "createTimeoutSeconds": 60}), "update",
			"GET /clusters/"+id, "GET /clusters/"+id, "PATCH /clusters/"+id+" labels", "GET /clusters/"+id)
		// No official client lifts a limit, so it is kept.
		if got := c.only().fields["spendingLimit"]; !reflect.DeepEqual(got, map[string]any{"monthly": 500.0}) {
			t.Errorf("spending limit %v", got)
		}
		step(db(map[string]any{"displayName": "portfolio-db-2", "createTimeoutSeconds": 60, "projectId": "7"}), "update",
			"GET /clusters/"+id, "GET /clusters/"+id)
		step(db(map[string]any{"region": virginia}), "replace")
		if e.id == id || c.alive() != 1 {
			t.Errorf("%s became %s, %d alive", id, e.id, c.alive())
		}
		if err := e.delete(); err != nil || c.alive() != 0 {
			t.Errorf("%d alive: %v", c.alive(), err)
		}
	})
}

// A region that is not offered is refused before anything is asked for.
func TestCluster_regionThatIsNotOffered(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		_, err := e.up(db(map[string]any{"region": "regions/aws-mars-1"}))
		wantErr(t, err, `region "regions/aws-mars-1" is not among those that TiDB Cloud offers: regions/aws-ap-northeast-1, regions/aws-us-east-1`)
		if wrote := writes(c.called()); len(wrote) > 0 || c.alive() > 0 {
			t.Errorf("wrote %q", wrote)
		}
	})
}

// A preview reads and never writes.
func TestCluster_preview(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		checked := e.check(db(nil))
		resp, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, DryRun: true})
		if err != nil || !resp.Properties.Get("host").IsComputed() || !resp.Properties.Get("clusterId").IsComputed() || resp.Properties.Get("displayName").IsComputed() {
			t.Errorf("previewed %v: %v", resp.Properties, err)
		}
		if got := c.called(); !reflect.DeepEqual(got, []string{"GET /clusters", "GET /regions"}) {
			t.Errorf("called %q", got)
		}
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		c.called()
		changed := e.check(db(map[string]any{"displayName": "another"}))
		update, err := e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: changed, DryRun: true})
		if err != nil || update.Properties.Get("host").AsString() != e.out("host") || update.Properties.Get("displayName").AsString() != "another" {
			t.Errorf("previewed %v: %v", update.Properties, err)
		}
		if got := c.called(); len(got) != 0 {
			t.Errorf("called %q", got)
		}
	})
}

func TestCluster_Create_existing(t *testing.T) {
	const line = "`pulumi import tidbcloud:index:Cluster db 1001`"
	ours := map[string]string{provider.OwnerLabel: owner}
	for _, tt := range []struct {
		name    string
		given   func(c *cloud)
		inputs  property.Map
		wantErr []string
		id      string // of the cluster that is managed in the end
		writes  []string
	}{
		{"orphan", func(c *cloud) { c.add("portfolio-db", tokyo, ours) }, db(nil), []string{""}, "1001", nil},
		{"orphan of another name", func(c *cloud) { c.add("old-name", tokyo, ours) }, db(nil), []string{""}, "1001", []string{"PATCH /clusters/1001 displayName"}},
		{"orphan that is CREATING", func(c *cloud) { c.add("portfolio-db", tokyo, ours).created = time.Now() }, db(nil), []string{""}, "1001", nil},
		{"orphan in another region", func(c *cloud) { c.add("portfolio-db", virginia, ours) }, db(nil),
			[]string{`cluster "portfolio-db" (1001) in ` + virginia + " is an orphan", "but not in " + tokyo, "set region to " + virginia}, "", nil},
		{"two orphans", func(c *cloud) { c.add("portfolio-db", tokyo, ours); c.add("x123", virginia, ours) }, db(nil),
			[]string{"2 clusters bear the label pulumi.com/owner=portfolio.dev", `"portfolio-db" (1001) in ` + tokyo, `"x123" (1002) in ` + virginia}, "", nil},
		{"orphan and stranger", func(c *cloud) { c.add("portfolio-db", tokyo, nil); c.add("portfolio-db", tokyo, ours) }, db(nil), []string{""}, "1002", nil},
		{"orphan that is being deleted", func(c *cloud) { c.add("portfolio-db", tokyo, ours).state = "DELETING" }, db(nil), []string{""}, "1002", []string{"POST /clusters"}},
		{"orphan that is DELETED", func(c *cloud) { c.add("portfolio-db", tokyo, ours).state = "DELETED" }, db(nil), []string{""}, "1002", []string{"POST /clusters"}},
		{"stranger", func(c *cloud) { c.add("portfolio-db", tokyo, nil) }, db(nil),
			[]string{`cluster "portfolio-db" (1001) in ` + tokyo + " exists already and was left unchanged: it does not belong to this stack", line, "adopt: true"}, "", nil},
		{"stranger, refused adoption", func(c *cloud) { c.add("portfolio-db", tokyo, nil) }, db(map[string]any{"adopt": false}), []string{line}, "", nil},
		{"stranger in another region", func(c *cloud) { c.add("portfolio-db", virginia, nil) }, db(nil), []string{line}, "", nil},
		{"stranger of another name", func(c *cloud) { c.add("blog-db", tokyo, nil) }, db(nil), []string{""}, "1002", []string{"POST /clusters"}},
		{"stranger that is being deleted", func(c *cloud) { c.add("portfolio-db", tokyo, nil).state = "DELETING" }, db(nil), []string{""}, "1002", []string{"POST /clusters"}},
		{"adopted", func(c *cloud) { c.add("portfolio-db", tokyo, map[string]string{"team": "web"}) }, db(map[string]any{"adopt": true, "spendingLimitMonthly": 7}), []string{""}, "1001",
			[]string{"PATCH /clusters/1001 labels", "PATCH /clusters/1001 spendingLimit.monthly"}},
		{"adoption in another region", func(c *cloud) { c.add("portfolio-db", virginia, nil) }, db(map[string]any{"adopt": true}), []string{"only a cluster in " + tokyo + " can be adopted"}, "", nil},
		{"adoption of another stack's", func(c *cloud) { c.add("portfolio-db", tokyo, map[string]string{provider.OwnerLabel: "blog.prod"}) }, db(map[string]any{"adopt": true}),
			[]string{`its label pulumi.com/owner says that it belongs to "blog.prod"`, line}, "", nil},
		{"adoption of one of two", func(c *cloud) { c.add("portfolio-db", tokyo, nil); c.add("portfolio-db", tokyo, nil) }, db(map[string]any{"adopt": true}),
			[]string{"the name is not unique", "(1001)", "(1002)"}, "", nil},
		{"nothing to adopt", func(*cloud) {}, db(map[string]any{"adopt": true}), []string{""}, "1001", []string{"POST /clusters"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				tt.given(c)
				op, err := e.up(tt.inputs)
				wantErr(t, err, tt.wantErr...)
				if e.id != tt.id {
					t.Errorf("managing %q", e.id)
				}
				if got := writes(c.called()); !slices.Equal(got, tt.writes) {
					t.Errorf("%s wrote %q", op, got)
				}
				if err != nil {
					return
				}
				if got := c.clusters[tt.id].fields["labels"].(map[string]any)[provider.OwnerLabel]; got != owner {
					t.Errorf("owned by %v", got)
				}
				if op, err := e.up(tt.inputs); op != "same" || err != nil {
					t.Errorf("then %s, %v", op, err)
				}
			})
		})
	}
}

func TestCluster_Create_sends(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inputs property.Map
		want   map[string]any
	}{
		{"least", db(nil), map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": tokyo}, "labels": map[string]any{"pulumi.com/owner": owner, "pulumi.com/made-for": owner}}},
		{"most", db(map[string]any{"projectId": "42", "labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 7, "adopt": true, "createTimeoutSeconds": 30}),
			map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": tokyo}, "spendingLimit": map[string]any{"monthly": 7.0},
				"labels": map[string]any{"pulumi.com/owner": owner, "pulumi.com/made-for": owner, "team": "web", "tidb.cloud/project": "42"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(tt.inputs); err != nil {
					t.Fatal(err)
				}
				if got := c.bodies[slices.Index(c.calls, "POST /clusters")]; !reflect.DeepEqual(got, tt.want) {
					t.Errorf("sent %v", got)
				}
			})
		})
	}
}

// Whatever happens to the POST, there is never a second cluster, and the next run
// finishes.
func TestCluster_Create_unclear(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   fault
		wantErr string // of the first run
		posts   int    // in both runs
	}{
		{"answer lost", fault{effect: true}, "", 1},
		{"500 after the effect", fault{status: 500, effect: true}, "", 1},
		{"answer without an id", fault{status: 200, body: `{}`, effect: true}, "", 1},
		{"answer of no use", fault{status: 200, body: `<html>`, effect: true}, "", 1},
		{"no answer in time", fault{effect: true, delay: time.Minute}, "", 1},
		{"500 without effect", fault{status: 500}, "the next `pulumi up` looks again", 2},
		{"reset without effect", fault{}, "it may have taken effect", 2},
		{"refused", fault{status: 400, body: `{"code":3,"message":"You have reached the maximum number of free clusters"}`}, "delete one, or set a spending limit", 2},
		{"forbidden", fault{status: 403}, "the API key may not do this", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				c.faults = []func(string) *fault{once(1, "POST /clusters", tt.fault)}
				_, err := e.up(db(nil))
				wantErr(t, err, tt.wantErr)
				if tt.wantErr != "" && e.id != "" {
					t.Errorf("managing %q", e.id)
				}
				if _, err := e.up(db(nil)); err != nil {
					t.Errorf("second run: %v", err)
				}
				posts := 0
				for _, call := range c.called() {
					if call == "POST /clusters" {
						posts++
					}
				}
				if posts != tt.posts || c.alive() != 1 || c.only().id != e.id {
					t.Errorf("%d POSTs, %d clusters", posts, c.alive())
				}
			})
		})
	}
}

// The list lags: the lost cluster shows up at the third look.
func TestCluster_Create_laggingList(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		posted := false
		looks := 0
		c.faults = []func(string) *fault{
			func(call string) *fault {
				posted = posted || call == "POST /clusters"
				if posted && call == "GET /clusters" {
					if looks++; looks <= 2 {
						return &fault{status: 200, body: `{}`}
					}
				}
				return nil
			},
			once(1, "POST /clusters", fault{effect: true}),
		}
		_, err := e.up(db(nil))
		wantErr(t, err, "")
		if c.alive() != 1 || looks != 4 { // the last is for runs at the same time
			t.Errorf("%d clusters after %d looks", c.alive(), looks)
		}
	})
}

// Two runs ask in the same moment. Each sees the other only after its own POST.
func TestCluster_Create_race(t *testing.T) {
	for _, tt := range []struct {
		name    string
		age     time.Duration // of the rival, compared with this run's cluster
		labels  map[string]string
		wantErr []string
	}{
		{"the rival was first", time.Second, map[string]string{provider.OwnerLabel: "blog.prod"}, []string{"at the same time by blog.prod, who came first", "(1002)"}},
		{"the rival was first and has no label", time.Second, nil, []string{"by somebody without an owner label"}},
		{"another run of this stack was first", time.Second, map[string]string{provider.OwnerLabel: owner}, []string{"by portfolio.dev, who came first"}},
		{"the rival was later", -time.Second, map[string]string{provider.OwnerLabel: "blog.prod"}, []string{""}},
		{"at once, and this one's id is the lower", 0, map[string]string{provider.OwnerLabel: "blog.prod"}, []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				var rival *cluster
				c.faults = []func(string) *fault{func(call string) *fault {
					if len(c.clusters) == 1 && rival == nil {
						rival = c.create(map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": tokyo}, "labels": anyMap(tt.labels)})
						rival.created = c.clusters["1001"].created.Add(-tt.age)
					}
					return nil
				}}
				_, err := e.up(db(nil))
				wantErr(t, err, tt.wantErr...)
				if won := err == nil; won != c.clusters["1001"].deletedAt.IsZero() || won != (e.id == "1001") {
					t.Errorf("managing %q", e.id)
				}
				if !rival.deletedAt.IsZero() {
					t.Error("the rival's cluster is deleted")
				}
			})
		})
	}
}

// A wait that ends early keeps the id, and the next run waits on.
func TestCluster_Create_interrupted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  property.Map
		timeout float64 // customTimeouts
		cancel  time.Duration
		at      time.Duration // when the first run ends
		wantErr []string
	}{
		{"createTimeoutSeconds", db(map[string]any{"createTimeoutSeconds": 20}), 0, 0, 20 * time.Second, []string{"still CREATING after 20s", "the next `pulumi up` resumes"}},
		{"default", db(nil), 0, 0, 10 * time.Minute, []string{"still CREATING after 10m0s"}},
		{"customTimeouts", db(nil), 33, 0, 33 * time.Second, []string{"still CREATING after 33s: context deadline exceeded"}},
		{"cancelled", db(nil), 0, 12345 * time.Millisecond, 12345 * time.Millisecond, []string{"still CREATING after 12s: context canceled"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				c.readyAfter = 20 * time.Minute
				e.timeout = tt.timeout
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { _ = e.Cancel() })
				}
				start := time.Now()
				_, err := e.up(tt.inputs)
				wantErr(t, err, tt.wantErr...)
				if took := time.Since(start); took != tt.at {
					t.Errorf("ended after %s", took)
				}
				if e.id != "1001" || !e.failed || e.out("clusterId") != "1001" {
					t.Errorf("kept %q, failed %v", e.id, e.failed)
				}

				c.ready(20*time.Minute + 30*time.Second)
				time.Sleep(20 * time.Minute)
				again := newEngine(t, c, clusterType) // a new run has a new provider
				again.id, again.inputs, again.outputs, again.failed = e.id, e.inputs, e.outputs, e.failed
				op, err := again.up(tt.inputs)
				if op != "update" || err != nil || again.out("host") == "" {
					t.Errorf("%s: %v", op, err)
				}
				if got := writes(c.called()); !reflect.DeepEqual(got, []string{"POST /clusters"}) {
					t.Errorf("wrote %q", got)
				}
			})
		})
	}
}

// A refresh forgets that the create failed; the missing host does not.
func TestCluster_Create_interruptedThenRefreshed(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		c.readyAfter = time.Minute
		inputs := db(map[string]any{"createTimeoutSeconds": 20})
		if _, err := e.up(inputs); err == nil {
			t.Fatal("no error")
		}
		if _, err := e.refresh(); err != nil || e.failed {
			t.Fatal(err)
		}
		c.ready(0)
		if op, err := e.up(inputs); op != "update" || err != nil || e.out("host") == "" {
			t.Errorf("%s: %v", op, err)
		}
	})
}

func TestCluster_Create_hopeless(t *testing.T) {
	for _, state := range []string{"INACTIVE", "DELETING", "DELETED"} {
		t.Run(state, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				c.faults = []func(string) *fault{func(call string) *fault {
					if x := c.clusters["1001"]; x != nil && time.Since(x.created) > 5*time.Second {
						x.state = state
					}
					return nil
				}}
				start := time.Now()
				_, err := e.up(db(nil))
				wantErr(t, err, "is "+state)
				within(t, start, 7*time.Second)
				if e.id != "1001" {
					t.Errorf("kept %q", e.id)
				}
			})
		})
	}
}

func TestCluster_Diff(t *testing.T) {
	full := map[string]any{"labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 500, "authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9"), network("work", "198.51.100.1", "198.51.100.1")}}
	with := func(key string, value any) map[string]any {
		m := maps.Clone(full)
		m[key] = value
		return m
	}
	wire := func(networks ...any) map[string]any {
		return map[string]any{"public": map[string]any{"authorizedNetworks": networks}}
	}
	for _, tt := range []struct {
		name  string
		from  map[string]any
		hand  func(*cluster) // what is done by hand
		to    map[string]any
		want  []string
		calls int
		warn  string
	}{
		{"nothing", nil, nil, nil, nil, 1, ""},
		{"nothing of much", full, nil, full, nil, 1, ""},
		{"name", nil, nil, map[string]any{"displayName": "another"}, []string{"displayName update"}, 2, ""},
		{"region", nil, nil, map[string]any{"region": virginia}, []string{"region update&replace"}, 0, ""},
		{"region and name", nil, nil, map[string]any{"region": virginia, "displayName": "another"}, []string{"displayName update", "region update&replace"}, 0, ""},
		{"owner", nil, nil, map[string]any{"owner": "portfolio.prod"}, []string{"owner update"}, 1, ""},
		{"more", nil, nil, full, []string{"authorizedNetworks add", "labels add", "spendingLimitMonthly add"}, 1, ""},
		{"less", full, nil, nil, []string{"authorizedNetworks delete", "labels delete", "spendingLimitMonthly delete"}, 1, "spendingLimitMonthly was removed: TiDB Cloud keeps the limit"},
		{"project", nil, nil, map[string]any{"projectId": "7"}, []string{"projectId add"}, 1, ""},
		{"adopt", nil, nil, map[string]any{"adopt": true}, []string{"adopt add"}, 1, ""},
		{"time-out", nil, nil, map[string]any{"createTimeoutSeconds": 1}, []string{"createTimeoutSeconds add"}, 1, ""},
		{"unknown label", full, nil, with("labels", map[string]any{"team": property.New(property.Computed)}), []string{"labels update"}, 1, ""},

		{"renamed", nil, func(x *cluster) { x.fields["displayName"] = "prod" }, nil, []string{"displayName update"}, 2, `displayName is "prod"`},
		{"renamed to what is wanted", nil, func(x *cluster) { x.fields["displayName"] = "another" }, map[string]any{"displayName": "another"}, []string{"displayName update"}, 1, ""},
		{"owner label lost", nil, func(x *cluster) { x.fields["labels"] = map[string]any{} }, nil, []string{"owner update"}, 1, `owner is ""`},
		{"own label lost", full, func(x *cluster) { delete(x.fields["labels"].(map[string]any), "team") }, full, []string{"labels update"}, 1, "labels is"},
		{"foreign label", nil, func(x *cluster) { x.fields["labels"].(map[string]any)["cost"] = "low" }, nil, nil, 1, ""},
		{"moved to another project", nil, func(x *cluster) { x.fields["labels"].(map[string]any)["tidb.cloud/project"] = "9" }, nil, nil, 1, ""},
		{"spending limit", full, func(x *cluster) { x.fields["spendingLimit"] = map[string]any{"monthly": 9} }, full, []string{"spendingLimitMonthly update"}, 1, "spendingLimitMonthly is 9"},
		{"spending limit that is nobody's business", nil, func(x *cluster) { x.fields["spendingLimit"] = map[string]any{"monthly": 9} }, nil, nil, 1, ""},
		{"networks", full, func(x *cluster) { x.fields["endpoints"] = wire(network("home", "192.0.2.1", "192.0.2.9")) }, full, []string{"authorizedNetworks update"}, 1, "authorizedNetworks is"},
		{"networks in another order", full, func(x *cluster) {
			x.fields["endpoints"] = wire(network("work", "198.51.100.1", "198.51.100.1"), network("home", "192.0.2.1", "192.0.2.9"))
		}, full, nil, 1, ""},
		{"under maintenance", nil, func(x *cluster) { x.state = "MAINTENANCE" }, nil, nil, 1, ""},
		{"inactive", nil, func(x *cluster) { x.state = "INACTIVE" }, nil, nil, 1, "is INACTIVE; resume it"},
		{"deleted", nil, func(x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, nil, []string{"clusterId delete&replace"}, 5, `cluster "portfolio-db" (1001) no longer exists in TiDB Cloud`},
		{"DELETED", nil, func(x *cluster) { x.state = "DELETED" }, nil, []string{"clusterId delete&replace"}, 3, "no longer exists"},
		{"being deleted", nil, func(x *cluster) { x.deletedAt = time.Now() }, nil, []string{"clusterId delete&replace"}, 4, "no longer exists"},
		{"deleted and renamed", nil, func(x *cluster) { x.deletedAt = time.Now() }, map[string]any{"displayName": "another"}, []string{"clusterId delete&replace", "displayName update"}, 4, "no longer exists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(db(tt.from)); err != nil {
					t.Fatal(err)
				}
				if tt.hand != nil {
					tt.hand(c.only())
				}
				c.called()
				quiet := len(e.log.lines)
				diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(db(tt.to))})
				if err != nil {
					t.Fatal(err)
				}
				if got := properties(diff); !slices.Equal(got, tt.want) || diff.HasChanges != (len(tt.want) > 0) || !diff.DeleteBeforeReplace {
					t.Errorf("got %q, %+v", got, diff)
				}
				if got := c.called(); len(got) != tt.calls {
					t.Errorf("called %q", got)
				}
				if tt.warn == "" && len(e.log.lines) > quiet || tt.warn != "" && !e.log.has("warn", tt.warn) {
					t.Errorf("said:\n%s", e.log.all())
				}
				if strings.Contains(tt.name, "unknown") {
					return
				}
				// What the diff announces, a run brings about.
				if _, err := e.up(db(tt.to)); err != nil && tt.name != "inactive" {
					t.Fatal(err)
				}
				if op, err := e.up(db(tt.to)); op != "same" || err != nil {
					t.Errorf("after a run: %s, %v", op, err)
				}
				if changed, err := e.refresh(); changed || err != nil {
					t.Errorf("after a run a refresh changes %v: %v", e.outputs, err)
				}
			})
		})
	}
}

// A list that leaves a cluster out for a moment leads to no other cluster.
func TestCluster_Diff_backAgain(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		c.called()
		c.faults = []func(string) *fault{once(1, "GET /clusters/1001", fault{status: 404, body: `{}`}), once(1, "GET /clusters", fault{status: 200, body: `{"clusters":[]}`})}
		op, err := e.up(db(nil))
		wantErr(t, err, `cluster "portfolio-db" (1001) was missing a moment ago and is back`)
		if got := writes(c.called()); op != "diff" || len(got) > 0 {
			t.Errorf("%s wrote %q", op, got)
		}
		if op, err := e.up(db(nil)); op != "same" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
	})
}

// A rename gives no cluster the name of another one, and says so before it writes.
func TestCluster_Diff_nameTaken(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		theirs := c.add("another", virginia, map[string]string{provider.OwnerLabel: "blog.prod"})
		c.called()
		op, err := e.up(db(map[string]any{"displayName": "another"}))
		wantErr(t, err, `cluster "portfolio-db" (1001) was not renamed`, `cluster "another" (1002) in `+virginia, `is "blog.prod"`, "choose another displayName")
		if got := writes(c.called()); op != "diff" || len(got) > 0 {
			t.Errorf("%s wrote %q", op, got)
		}
		theirs.state = "DELETING"
		if op, err := e.up(db(map[string]any{"displayName": "another"})); op != "update" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
	})
}

// A diff that cannot see goes by the record, unless the keys are refused.
func TestCluster_Diff_blind(t *testing.T) {
	for _, tt := range []struct {
		name          string
		fault         fault
		warn, wantErr string
	}{
		{"trouble", fault{status: 503}, "using the recorded state of cluster", ""},
		{"reset", fault{}, "which could not be read", ""},
		{"bare 403", fault{status: 403}, "", "the API key may not do this"},
		{"401", fault{status: 401}, "", "tidbcloud:publicKey"},
		{"400", fault{status: 400}, "", "400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(db(nil)); err != nil {
					t.Fatal(err)
				}
				c.faults = []func(string) *fault{once(-1, "GET /clusters/1001", tt.fault)}
				op, err := e.up(db(nil))
				wantErr(t, err, tt.wantErr)
				if tt.wantErr == "" && op != "same" {
					t.Errorf("%s", op)
				}
				if tt.warn != "" && !e.log.has("warn", tt.warn) {
					t.Errorf("said:\n%s", e.log.all())
				}
			})
		})
	}
}

func TestCluster_Update_faults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   fault
		times   int
		wantErr string
	}{
		{"answer lost", fault{effect: true}, 1, ""},
		{"trouble", fault{status: 503}, 2, ""},
		{"trouble without end", fault{status: 503}, -1, "updating displayName of cluster 1001: TiDB Cloud: PATCH"},
		{"refused", fault{status: 400, body: `{"code":3,"message":"name is taken"}`}, 1, "name is taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(db(nil)); err != nil {
					t.Fatal(err)
				}
				c.faults = []func(string) *fault{once(tt.times, "PATCH", tt.fault)}
				_, err := e.up(db(map[string]any{"displayName": "another"}))
				wantErr(t, err, tt.wantErr)
				c.faults = nil
				if op, err := e.up(db(map[string]any{"displayName": "another"})); err != nil || (op == "same") != (tt.wantErr == "") {
					t.Errorf("%s, %v", op, err)
				}
				if got := c.only().fields["displayName"]; got != "another" {
					t.Errorf("named %v", got)
				}
			})
		})
	}
}

func TestCluster_Read(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  map[string]any
		hand    func(*cluster)
		changed bool
		want    map[string]any // inputs after the refresh
		wantErr string
	}{
		{"untouched", nil, nil, false, nil, ""},
		{"untouched, all set", map[string]any{"labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 5, "projectId": "2", "adopt": true, "authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9")}}, nil, false, nil, ""},
		{"renamed", nil, func(x *cluster) { x.fields["displayName"] = "prod" }, true, map[string]any{"displayName": "prod"}, ""},
		{"owner label lost", nil, func(x *cluster) { x.fields["labels"] = map[string]any{} }, true, map[string]any{"owner": ""}, ""},
		{"own label changed", map[string]any{"labels": map[string]any{"team": "web"}}, func(x *cluster) { x.fields["labels"].(map[string]any)["team"] = "ops" }, true, map[string]any{"labels": map[string]any{"team": "ops"}}, ""},
		{"limit changed", map[string]any{"spendingLimitMonthly": 5}, func(x *cluster) { x.fields["spendingLimit"] = map[string]any{"monthly": 9} }, true, map[string]any{"spendingLimitMonthly": 9}, ""},
		{"foreign label, limit and project", nil, func(x *cluster) {
			x.fields["labels"].(map[string]any)["cost"] = "low"
			x.fields["labels"].(map[string]any)["tidb.cloud/project"] = "9"
			x.fields["spendingLimit"] = map[string]any{"monthly": 9}
		}, false, nil, ""},
		{"under maintenance", nil, func(x *cluster) { x.state = "MAINTENANCE" }, false, nil, ""},
		{"deleted", nil, func(x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, true, nil, ""},
		{"DELETED", nil, func(x *cluster) { x.state = "DELETED" }, true, nil, ""},
		{"forbidden", nil, nil, false, nil, "403 Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(db(tt.inputs)); err != nil {
					t.Fatal(err)
				}
				if tt.hand != nil {
					tt.hand(c.only())
				}
				if tt.name == "forbidden" {
					c.faults = []func(string) *fault{once(-1, "GET", fault{status: 403})}
				}
				changed, err := e.refresh()
				wantErr(t, err, tt.wantErr)
				if changed != tt.changed {
					t.Errorf("changed: %v, to %v", changed, e.outputs)
				}
				switch {
				case tt.want != nil:
					if want := db(tt.want); !e.inputs.Equals(want) {
						t.Errorf("inputs %v, want %v", e.inputs, want)
					}
				case tt.changed:
					if e.id != "" {
						t.Errorf("still managing %q", e.id)
					}
				}
			})
		})
	}
}

func TestCluster_import(t *testing.T) {
	for _, tt := range []struct {
		name   string
		labels map[string]string
		hand   func(*cluster)
		want   map[string]any
	}{
		{"a stranger's", nil, nil, map[string]any{"owner": ""}},
		{"ours", map[string]string{provider.OwnerLabel: owner}, nil, nil},
		{"with all", map[string]string{provider.OwnerLabel: owner, "team": "web"}, func(x *cluster) {
			x.fields["spendingLimit"] = map[string]any{"monthly": 9}
			x.fields["endpoints"] = map[string]any{"public": map[string]any{"authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9")}}}
		}, map[string]any{"labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 9, "authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				x := c.add("portfolio-db", tokyo, tt.labels)
				if tt.hand != nil {
					tt.hand(x)
				}
				e.id = x.id
				if _, err := e.refresh(); err != nil {
					t.Fatal(err)
				}
				if want := db(tt.want).Delete("deletionProtection"); !e.inputs.Equals(want) {
					t.Errorf("inputs %v, want %v", e.inputs, want)
				}
				if e.out("host") == "" || e.out("clusterId") != x.id {
					t.Errorf("outputs %v", e.outputs)
				}
				if op, err := e.up(e.inputs); op != "same" || err != nil { // Check is content with what Read says
					t.Errorf("%s, %v", op, err)
				}
				if op, err := e.up(db(nil)); err != nil || op == "replace" {
					t.Errorf("%s, %v", op, err)
				}
				if got := x.fields["labels"].(map[string]any)[provider.OwnerLabel]; got != owner {
					t.Errorf("owned by %v", got)
				}
			})
		})
	}
	in(t, func(t *testing.T, c *cloud, e *engine) {
		e.id = "4711"
		_, err := e.refresh()
		wantErr(t, err, "cluster 4711 does not exist")
	})
}

func TestCluster_Delete(t *testing.T) {
	for _, tt := range []struct {
		name    string
		hand    func(*cluster)
		faults  []func(string) *fault
		wantErr string
		writes  []string
	}{
		{"there", nil, nil, "", []string{"DELETE /clusters/1001"}},
		{"missing", func(x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, nil, "", nil},
		{"being deleted", func(x *cluster) { x.deletedAt = time.Now() }, nil, "", nil},
		{"missing after the look", nil, []func(string) *fault{once(1, "DELETE", fault{status: 404, effect: true})}, "", []string{"DELETE /clusters/1001"}},
		{"answer lost", nil, []func(string) *fault{once(1, "DELETE", fault{effect: true})}, "", []string{"DELETE /clusters/1001", "DELETE /clusters/1001"}},
		{"all answers lost", nil, []func(string) *fault{once(-1, "DELETE", fault{effect: true})}, "", slices.Repeat([]string{"DELETE /clusters/1001"}, 5)},
		{"trouble without end", nil, []func(string) *fault{once(-1, "DELETE", fault{status: 500})}, "deleting cluster 1001: ", slices.Repeat([]string{"DELETE /clusters/1001"}, 5)},
		{"refused", nil, []func(string) *fault{once(-1, "DELETE", fault{status: 400, body: `{"message":"protected"}`})}, "protected", []string{"DELETE /clusters/1001"}},
		{"another stack's by now", func(x *cluster) { x.fields["labels"].(map[string]any)[provider.OwnerLabel] = "blog.prod" }, nil, `belongs to "blog.prod" now`, nil},
		{"without its label", func(x *cluster) { x.fields["labels"] = map[string]any{} }, nil, "", []string{"DELETE /clusters/1001"}},
		{"not to be seen afterwards", nil, []func(string) *fault{func() func(string) *fault {
			deleted := false
			return func(call string) *fault {
				deleted = deleted || strings.HasPrefix(call, "DELETE")
				if deleted && strings.HasPrefix(call, "GET") {
					return &fault{status: 403}
				}
				return nil
			}
		}()}, "", []string{"DELETE /clusters/1001"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(db(nil)); err != nil {
					t.Fatal(err)
				}
				if tt.hand != nil {
					tt.hand(c.only())
				}
				c.called()
				c.faults = tt.faults
				err := e.delete()
				wantErr(t, err, tt.wantErr)
				if got := writes(c.called()); !slices.Equal(got, tt.writes) {
					t.Errorf("wrote %q", got)
				}
				if c.alive() == 0 == (tt.wantErr != "") {
					t.Errorf("%d clusters", c.alive())
				}
			})
		})
	}
}

func TestCluster_Delete_waits(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		c.goneAfter = time.Hour
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(42*time.Second, func() { _ = e.Cancel() })
		wantErr(t, e.delete(), "still DELETING after 42s: context canceled")
		if took := time.Since(start); took != 42*time.Second {
			t.Errorf("ended after %s", took)
		}
		if !e.log.has("status", "cluster portfolio-db is DELETING, 3 s") {
			t.Errorf("shown:\n%s", e.log.all())
		}
	})
}

func TestCluster_Check(t *testing.T) {
	unknown := property.New(property.Computed)
	for _, tt := range []struct {
		name    string
		inputs  property.Map
		failure string // property: part of the reason
	}{
		{"least", db(nil), ""},
		{"all unknown", db(map[string]any{"displayName": unknown, "region": unknown, "owner": unknown, "projectId": unknown, "labels": unknown,
			"spendingLimitMonthly": unknown, "adopt": unknown, "createTimeoutSeconds": unknown}), ""},
		{"unknown inside", db(map[string]any{"labels": map[string]any{"a": unknown}, "authorizedNetworks": []any{network("x", "192.0.2.1", "192.0.2.1"), map[string]any{"displayName": "y", "startIpAddress": unknown, "endIpAddress": unknown}}}), ""},
		{"no name", db(map[string]any{"displayName": nil}), "displayName: is required"},
		{"short name", db(map[string]any{"displayName": "abc"}), `displayName: "abc" must have 4 to 64`},
		{"shortest name", db(map[string]any{"displayName": "abcd"}), ""},
		{"longest name", db(map[string]any{"displayName": strings.Repeat("a", 64)}), ""},
		{"long name", db(map[string]any{"displayName": strings.Repeat("a", 65)}), "displayName: "},
		{"name with underscore", db(map[string]any{"displayName": "my_db_1"}), "displayName: "},
		{"name that ends in a hyphen", db(map[string]any{"displayName": "my-db-"}), "displayName: "},
		{"bare region", db(map[string]any{"region": "ap-northeast-1"}), "region: " + `"ap-northeast-1" must be a region's name, like regions/aws-ap-northeast-1; did you mean regions/aws-ap-northeast-1?`},
		{"region with provider", db(map[string]any{"region": "alicloud-ap-southeast-1"}), "did you mean regions/alicloud-ap-southeast-1?"},
		{"region in capitals", db(map[string]any{"region": "regions/AWS-us-east-1"}), "did you mean regions/aws-us-east-1?"},
		{"no region at all", db(map[string]any{"region": "Tokyo!"}), `region: "Tokyo!" must be a region's name`},
		{"no owner", db(map[string]any{"owner": nil}), "owner: is required"},
		{"empty owner", db(map[string]any{"owner": ""}), "owner: "},
		{"owner with a slash", db(map[string]any{"owner": "portfolio/dev"}), "project.stack is a good one"},
		{"long owner", db(map[string]any{"owner": strings.Repeat("a", 64)}), "owner: "},
		{"empty project", db(map[string]any{"projectId": ""}), "projectId: must not be empty"},
		{"reserved label", db(map[string]any{"labels": map[string]any{"tidb.cloud/project": "1"}}), "labels: " + `"tidb.cloud/project" is reserved`},
		{"maker's label", db(map[string]any{"labels": map[string]any{"pulumi.com/made-for": "x"}}), "use owner"},
		{"owner's label", db(map[string]any{"labels": map[string]any{"pulumi.com/owner": "x"}}), "use owner"},
		{"negative limit", db(map[string]any{"spendingLimitMonthly": -1}), "spendingLimitMonthly: must be 1 or more"},
		{"no limit", db(map[string]any{"spendingLimitMonthly": 0}), "leave it out for the free plan"},
		{"no networks", db(map[string]any{"authorizedNetworks": []any{}}), "authorizedNetworks: must not be empty"},
		{"network without a name", db(map[string]any{"authorizedNetworks": []any{network("", "192.0.2.1", "192.0.2.1")}}), "range 1 needs a displayName"},
		{"CIDR", db(map[string]any{"authorizedNetworks": []any{network("x", "192.0.2.0/24", "192.0.2.0/24")}}), "must be two IPv4 addresses"},
		{"upside down", db(map[string]any{"authorizedNetworks": []any{network("x", "192.0.2.9", "192.0.2.1")}}), "the lower one first"},
		{"no time", db(map[string]any{"createTimeoutSeconds": 0}), "createTimeoutSeconds: must be more than 0"},
		{"misspelt", db(map[string]any{"regoin": tokyo}), "regoin: unknown property; check the spelling"},
		{"wrong type", db(map[string]any{"spendingLimitMonthly": "much"}), "spendingLimitMonthly: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, newCloud(), clusterType)
			resp, err := e.Check(p.CheckRequest{Urn: e.urn(), Inputs: tt.inputs})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range resp.Failures {
				got = append(got, fmt.Sprintf("%s: %s", f.Property, f.Reason))
			}
			if all := strings.Join(got, "\n"); tt.failure == "" && all != "" || !strings.Contains(all, tt.failure) {
				t.Errorf("got %q", all)
			}
			if tt.failure == "" && !resp.Inputs.Equals(tt.inputs) {
				t.Errorf("%v became %v", tt.inputs, resp.Inputs)
			}
		})
	}

	// All at once.
	e := newEngine(t, newCloud(), clusterType)
	resp, err := e.Check(p.CheckRequest{Urn: e.urn(), Inputs: db(map[string]any{"displayName": nil, "region": "x", "owner": "-", "spendingLimitMonthly": "much", "regoin": "x"})})
	if err != nil || len(resp.Failures) != 5 {
		t.Errorf("%v %v", resp.Failures, err)
	}
}

// Waits that the rate limit asks for are shown.
func TestCluster_rateLimit(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		c.faults = []func(string) *fault{once(1, "POST /clusters", fault{status: 429, body: `{"code":49900007,"message":"The request exceeded the limit"}`})}
		_, err := e.up(db(nil))
		wantErr(t, err, "")
		if !e.log.has("status", "TiDB Cloud's rate limit is reached, trying again in") {
			t.Errorf("shown:\n%s", e.log.all())
		}
		if c.alive() != 1 {
			t.Errorf("%d clusters", c.alive())
		}
	})
}
