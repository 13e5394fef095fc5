package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

func TestCluster_Create_existing(t *testing.T) {
	const line = "`pulumi import tidbcloud:index:Cluster db 1001`"
	theirs := map[string]string{provider.OwnerLabel: "blog.prod"}
	free := map[string]string{provider.OwnerLabel: provider.FreeOwner}
	adopt := map[string]any{"adopt": true}
	post := []string{"POST /clusters"}
	type existing struct {
		name, region string
		labels       map[string]string
		state        string
	}
	const db1 = "portfolio-db"
	for _, tt := range []struct {
		name    string
		given   []existing
		inputs  map[string]any
		wantErr []string // none: it succeeds
		id      string   // of the cluster that is managed then
		writes  []string
	}{
		{"orphan", []existing{{db1, tokyo, ours, ""}}, nil, nil, "1001", nil},
		{"orphan with another name", []existing{{"old-name", tokyo, ours, ""}}, nil, nil, "1001", []string{"PATCH /clusters/* displayName"}},
		{"orphan that is CREATING", []existing{{db1, tokyo, ours, "CREATING"}}, nil, nil, "1001", nil},
		{"orphan in another region", []existing{{db1, virginia, ours, ""}}, nil,
			[]string{`cluster "portfolio-db" (1001) in ` + virginia + " is an orphan", "but not in " + tokyo, "set region to " + virginia}, "", nil},
		{"two orphans", []existing{{db1, tokyo, ours, ""}, {"x123", virginia, ours, ""}}, nil,
			[]string{"2 clusters have the label pulumi.com/owner=portfolio.dev", `"portfolio-db" (1001) in ` + tokyo, `"x123" (1002) in ` + virginia}, "", nil},
		{"orphan and conflict", []existing{{db1, tokyo, nil, ""}, {db1, tokyo, ours, ""}}, nil, nil, "1002", nil},
		{"orphan that is being deleted", []existing{{db1, tokyo, ours, "DELETING"}}, nil, nil, "1002", post},
		{"orphan that is DELETED", []existing{{db1, tokyo, ours, "DELETED"}}, nil, nil, "1002", post},
		{"conflict", []existing{{db1, tokyo, nil, ""}}, nil,
			[]string{`cluster "portfolio-db" (1001) in ` + tokyo + " exists already and was left unchanged: it does not belong to this stack", line, "adopt: true"}, "", nil},
		{"conflict, refused adoption", []existing{{db1, tokyo, nil, ""}}, map[string]any{"adopt": false}, []string{line}, "", nil},
		{"conflict in another region", []existing{{db1, virginia, nil, ""}}, nil, []string{line}, "", nil},
		{"conflict that is being deleted", []existing{{db1, tokyo, nil, "DELETING"}}, nil, nil, "1002", post},
		{"another name", []existing{{"blog-db", tokyo, nil, ""}}, nil, nil, "1002", post},
		{"adopted", []existing{{db1, tokyo, map[string]string{"team": "web"}, ""}}, map[string]any{"adopt": true, "spendingLimitMonthly": 7}, nil, "1001",
			[]string{"PATCH /clusters/* labels", "PATCH /clusters/* spendingLimit.monthly"}},
		{"adoption in another region", []existing{{db1, virginia, nil, ""}}, adopt, []string{"only a cluster in " + tokyo + " can be adopted"}, "", nil},
		{"adoption of another stack's", []existing{{db1, tokyo, theirs, ""}}, adopt,
			[]string{`its label pulumi.com/owner says that it belongs to "blog.prod"`, line}, "", nil},
		{"released", []existing{{db1, tokyo, free, ""}}, nil, []string{"it does not belong to this stack", line, "adopt: true"}, "", nil},
		{"adoption of a released one", []existing{{db1, tokyo, free, ""}}, adopt, nil, "1001", []string{"PATCH /clusters/* labels"}},
		{"released in another region", []existing{{db1, virginia, free, ""}}, adopt, nil, "1002", post},
		{"adoption of one of two", []existing{{db1, tokyo, nil, ""}, {db1, tokyo, nil, ""}}, adopt, []string{"the name is not unique", "(1001)", "(1002)"}, "", nil},
		{"nothing to adopt", nil, adopt, nil, "1001", post},
		{"region that is not offered", nil, map[string]any{"region": "regions/aws-mars-1"},
			[]string{`region "regions/aws-mars-1" is not among those that TiDB Cloud offers: `, tokyo}, "", nil},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			for _, x := range tt.given {
				id := c.add(x.name, x.region, x.labels, time.Now().Add(-time.Hour))
				c.hold(id, x.state)
				if x.state == "CREATING" {
					time.AfterFunc(5*time.Second, func() { c.hold(id, "") })
				}
			}
			op, err := e.up(db(tt.inputs))
			testcheck.Error(t, err, tt.wantErr...)
			if got := e.short(e.id); got != tt.id {
				t.Errorf("managing %q", got)
			}
			same(t, "writes of "+op, c.wrote(), tt.writes)
			if err != nil {
				return
			}
			i := slices.IndexFunc(c.Clusters(), func(x tidbcloud.Cluster) bool { return x.ClusterID == e.id })
			if got := c.Clusters()[i].Labels[provider.OwnerLabel]; got != owner {
				t.Errorf("owned by %v", got)
			}
			e.steps(db(tt.inputs), "same")
		}))
	}
}

func TestCluster_Create_sends(t *testing.T) {
	for want, inputs := range map[string]property.Map{
		`{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"},"labels":{"pulumi.com/made-for":"portfolio.dev","pulumi.com/owner":"portfolio.dev"}}`: db(nil),
		`{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"},` +
			`"labels":{"pulumi.com/made-for":"portfolio.dev","pulumi.com/owner":"portfolio.dev","team":"web","tidb.cloud/project":"42"},"spendingLimit":{"monthly":7}}`: db(map[string]any{
			"projectId": "42", "labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 7, "adopt": true, "createTimeoutSeconds": 30}),
	} {
		inBubble(func(t *testing.T, c *cloud, e *engine) {
			c.Projects = []string{"2", "42"}
			e.steps(inputs, "create")
			same(t, "sent", c.sent[slices.Index(c.calls, "POST /clusters")], want)
		})(t)
	}
}

// TestProvider_Faults has the effects of a fault of one call. Here is what a user reads.
func TestCluster_Create_fails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		faults  []emulator.Fault
		wantErr string // "" = it succeeds, with one POST
		shown   string
	}{
		{"no effect", []emulator.Fault{{Method: "POST", Path: "/clusters", Status: 500}},
			"the cluster was not found so far, and the next `pulumi up` looks again", "had an ambiguous result, looking for the cluster in 1 s"},
		{"the list lags", []emulator.Fault{{Method: "POST", Path: "/clusters", Reset: true, After: true}, {Method: "GET", Path: "/clusters", Skip: 2, Times: 2, Body: `{"clusters":[]}`}},
			"", "looking for the cluster in 4 s"},
		{"quota", []emulator.Fault{{Method: "POST", Path: "/clusters", Status: 400, Body: `{"code":3,"message":"You have reached the maximum number of free clusters"}`}},
			"or set a spending limit", ""},
		{"no list of regions", []emulator.Fault{{Path: "/regions", Status: 404, Times: -1}}, "", "not checking whether TiDB Cloud offers region"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			c.fail(tt.faults...)
			_, err := e.up(db(nil))
			testcheck.Error(t, err, tt.wantErr)
			e.log.shows(e.t, tt.shown)
			if err != nil {
				if e.id != "" || len(c.alive()) > 0 {
					t.Errorf("managing %q", e.id)
				}
				e.steps(db(nil), "create")
			}
			if c.only().ClusterID != e.id {
				t.Errorf("managing %q", e.id)
			}
		}))
	}
}

// The error of a limit names what uses it up, and what to do.
func TestCluster_Create_limit(t *testing.T) {
	for name, tt := range map[string]struct {
		given func(c *cloud, e *engine)
		want  []string
	}{
		"five free clusters": {func(c *cloud, _ *engine) {
			c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
			time.Sleep(time.Minute)
			c.patch(c.first(), "spendingLimit.monthly", 500)
			c.addBranch("preview", nil)
			for i := range 5 {
				c.add(fmt.Sprintf("portfolio-pr-%d-db", i), tokyo, nil, time.Now().Add(-time.Hour))
			}
		}, []string{"five free clusters", "the organization has 6 clusters and 1 branches", `"production" (1001): "preview" (b1)`, `"portfolio-pr-0-db" (1002), free: no branches`, `"portfolio-pr-4-db" (1006), free: no branches`, "delete one that nobody needs, such as that of a closed pull request, or set a spending limit", "`ticloud serverless delete --cluster-id CLUSTER_ID`"}},
		"another refusal": {func(c *cloud, _ *engine) {
			c.fail(emulator.Fault{Method: "POST", Path: "/clusters", Status: 400, Times: -1, Body: `{"code":3,"message":"bad"}`})
		}, []string{"bad (code 3"}},
		"no list": {func(c *cloud, _ *engine) {
			c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
			c.fail(emulator.Fault{Method: "POST", Path: "/clusters", Status: 402, Times: -1, Body: `{"code":3,"message":"quota exceeded"}`},
				emulator.Fault{Method: "GET", Path: "/clusters/*/branches", Status: 403, Times: -1})
		}, []string{"five free clusters", "what there is could not be listed: "}},
	} {
		t.Run(name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			tt.given(c, e)
			_, err := e.up(db(nil))
			testcheck.Error(t, err, tt.want...)
			if e.id != "" || strings.Contains(fmt.Sprint(err), "the organization has") != (name == "five free clusters") {
				t.Errorf("managing %q: %v", e.id, err)
			}
		}))
	}
}

// Two runs create at the same time. Each sees the other only after its own POST.
func TestCluster_Create_race(t *testing.T) {
	theirs := map[string]string{provider.OwnerLabel: "blog.prod"}
	for _, tt := range []struct {
		name    string
		age     time.Duration // of the rival, compared with this run's cluster
		labels  map[string]string
		lost    bool // the answer to this run's POST
		wantErr []string
	}{
		{"rival first", time.Second, theirs, false, []string{"at the same time by blog.prod, which was first", "(1002)"}},
		{"rival first, answer lost", time.Second, theirs, true, []string{"at the same time by blog.prod, which was first"}},
		{"rival first, without a label", time.Second, nil, false, []string{"by something without an owner label"}},
		{"rival first, of this stack", time.Second, ours, false, []string{"by portfolio.dev, which was first"}},
		{"rival later", -time.Second, theirs, false, nil},
		{"at once", 0, theirs, false, nil}, // the lower ID wins
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			if tt.lost {
				c.fail(emulator.Fault{Method: "POST", Path: "/clusters", Status: 500, After: true})
			}
			var mine, rival string
			c.onCall = func(string) {
				if alive := c.alive(); len(alive) == 1 && rival == "" {
					mine = alive[0].ClusterID
					rival = c.add("portfolio-db", tokyo, tt.labels, alive[0].CreateTime.Add(-tt.age))
				}
			}
			_, err := e.up(db(nil))
			if tt.age == 0 && rival < mine {
				tt.wantErr = []string{"which was first"}
			}
			testcheck.Error(t, err, tt.wantErr...)
			left := []string{mine, rival}
			if err != nil {
				left, mine = []string{rival}, ""
			}
			var got []string
			for _, x := range c.alive() {
				got = append(got, x.ClusterID)
			}
			slices.Sort(left)
			slices.Sort(got)
			same(t, "clusters", got, left)
			same(t, "managed", e.id, mine)
		}))
	}
}

// A list that lags behind a delete shows no rival.
func TestCluster_Create_laggingRival(t *testing.T) {
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		c.DeleteTime = time.Hour
		id := c.add("portfolio-db", tokyo, ours, time.Now().Add(-time.Hour))
		stale, err := json.Marshal(c.byHand(http.MethodGet, "/clusters", nil))
		if err != nil {
			t.Fatal(err)
		}
		c.byHand(http.MethodDelete, "/clusters/"+id, nil)
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters", Skip: 2, Body: string(stale)})
		e.steps(db(nil), "create")
		if c.only().ClusterID != e.id || e.short(e.id) != "1002" {
			t.Errorf("managing %q", e.short(e.id))
		}
	})(t)
}

// A wait that ends early keeps the ID, and the next run resumes.
func TestCluster_Create_interrupted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  map[string]any
		timeout float64 // customTimeouts
		cancel  time.Duration
		at      time.Duration // when the first run ends
		wantErr []string
	}{
		{"createTimeoutSeconds", map[string]any{"createTimeoutSeconds": 20}, 0, 0, 20 * time.Second, []string{"still CREATING after 20s", "the next `pulumi up` resumes"}},
		{"default", nil, 0, 0, 10 * time.Minute, []string{"still CREATING after 10m0s"}},
		{"customTimeouts", nil, 33, 0, 33 * time.Second, []string{"still CREATING after 33s: context deadline exceeded"}},
		{"cancelled", nil, 0, 12345 * time.Millisecond, 12345 * time.Millisecond, []string{"still CREATING after 12s: context canceled"}},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			c.CreateTime = 20*time.Minute + 30*time.Second
			e.timeout = tt.timeout
			if tt.cancel > 0 {
				time.AfterFunc(tt.cancel, func() { _ = e.Cancel() })
			}
			start := time.Now()
			e.tryUp(db(tt.inputs), tt.wantErr...)
			if took := time.Since(start); took != tt.at {
				t.Errorf("ended after %s", took)
			}
			if e.short(e.id) != "1001" || !e.failed || e.out("clusterId") != e.id {
				t.Errorf("kept %q, failed %v", e.id, e.failed)
			}

			time.Sleep(20 * time.Minute)
			again := newEngine(t, c, clusterType) // a new run has a new provider
			again.state = e.state
			again.steps(db(tt.inputs), "update")
			if again.out("host") == "" {
				t.Error("no host")
			}
			same(t, "writes", c.wrote(), []string{"POST /clusters"})
		}))
	}
}

// A refresh removes the error of the create from the state. The missing host still leads to an update.
func TestCluster_Create_interruptedThenRefreshed(t *testing.T) {
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		c.CreateTime = time.Minute
		inputs := db(map[string]any{"createTimeoutSeconds": 20})
		e.tryUp(inputs, "still CREATING")
		if _, err := e.refresh(); err != nil || e.failed {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		e.steps(inputs, "update", "same")
	})(t)
}
