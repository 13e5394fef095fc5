package provider_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

const (
	branchType   = "tidbcloud:index:Branch"
	postBranch   = "POST /clusters/*/branches"
	listBranches = "GET /clusters/*/branches"
	getBranch    = "GET /clusters/*/branches/*"
)

// pr is the inputs of most tests, with changes: a nil value takes one away.
func pr(clusterID string, changes map[string]any) property.Map {
	values := map[string]any{"clusterId": clusterID, "displayName": "pr-1", "owner": owner}
	maps.Copy(values, changes)
	return inputs(values)
}

// withParent runs a test in a bubble, on a cloud with the cluster 1001, which somebody else made.
func withParent(f func(t *testing.T, c *cloud, e *engine)) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud()
			c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
			f(t, c, configured(t, c, provider.Options{Dial: anyLogin}, branchType, keys))
		})
	}
}

// withBranch is withParent with a branch that the engine created.
func withBranch(changes map[string]any, f func(t *testing.T, c *cloud, e *engine)) func(*testing.T) {
	return withParent(func(t *testing.T, c *cloud, e *engine) {
		e.steps(pr(c.first(), changes), "create")
		c.called()
		e.log.clear()
		f(t, c, e)
	})
}

// The calls of a branch's life, and what each leaves.
func TestBranch_calls(t *testing.T) {
	withParent(func(t *testing.T, c *cloud, e *engine) {
		const get = "GET /clusters/*"
		step := func(changes map[string]any, want string, calls ...string) {
			t.Helper()
			e.steps(pr(c.first(), changes), want)
			same(t, "calls of "+want, c.called(), calls)
			e.unchanged()
			c.called()
		}
		start := time.Now()
		step(nil, "create", get, listBranches, get, listBranches, postBranch, listBranches, getBranch,
			getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch)
		within(t, start, 10500*time.Millisecond)
		live := c.Branches(c.first())[0]
		for key, want := range map[string]string{"branchId": live.BranchID, "host": live.Endpoints.Public.Host, "userPrefix": live.UserPrefix,
			"user": live.UserPrefix + ".root", "organization": tidbcloud.Organization} {
			if got := e.out(key); got != want || got == "" {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if e.id != c.first()+"/"+live.BranchID || !c.CheckPassword(live.BranchID, e.out("user"), e.out("password")) {
			t.Errorf("managing %s, which root cannot log in to", e.id)
		}
		if live.Annotations[provider.OwnerLabel] != owner {
			t.Errorf("annotations %v", live.Annotations)
		}
		e.log.shows(e.t, "status", "branch pr-1 is CREATING, 0 s")
		password := e.out("password")
		step(nil, "same", getBranch)
		step(map[string]any{"resetToken": "a"}, "update", getBranch, getBranch, "POST /clusters/*/branches/*:reset",
			getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, getBranch, "PATCH /clusters/*/branches/*/sqlUsers/*")
		if e.out("password") != password || !c.CheckPassword(live.BranchID, e.out("user"), password) {
			t.Error("the reset changed the password")
		}
		step(map[string]any{"resetToken": "a"}, "same", getBranch)
		step(map[string]any{"resetToken": "a", "createTimeoutSeconds": 60}, "update", getBranch, getBranch)
		e.deletes()
		same(t, "writes of delete", c.wrote(), []string{"DELETE /clusters/*/branches/*"})
		if len(c.Branches(c.first())) != 0 || len(c.alive()) != 1 {
			t.Error("the branch is left, or its parent gone")
		}
	})(t)
}

func TestBranch_Create_sends(t *testing.T) {
	withParent(func(t *testing.T, c *cloud, e *engine) {
		at := time.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
		e.steps(pr(c.first(), map[string]any{"annotations": map[string]any{"example.com/mark": "abc.pr-1"}, "parentTimestamp": at}), "create")
		for i, call := range c.calls {
			if want := `{"displayName":"pr-1","annotations":{"example.com/mark":"abc.pr-1","pulumi.com/owner":"portfolio.dev"},"parentTimestamp":"` + at +
				`","rootPassword":"` + e.out("password") + `"}`; call == postBranch && c.sent[i] != want {
				t.Errorf("sent %s, want %s", c.sent[i], want)
			}
		}
	})(t)
}

func TestBranch_Create_existing(t *testing.T) {
	mine, theirs := map[string]string{provider.OwnerLabel: owner}, map[string]string{provider.OwnerLabel: "blog.prod"}
	type existing struct {
		name        string
		annotations map[string]string
		state       string
	}
	const patch = "PATCH /clusters/*/branches/*/sqlUsers/*"
	named := map[string]any{"displayName": "pr-1." + owner}
	for _, tt := range []struct {
		name    string
		given   []existing
		inputs  map[string]any
		none    bool     // TiDB Cloud keeps no annotations
		wantErr []string // none: it succeeds
		id      string
		writes  []string
	}{
		{"orphan", []existing{{"pr-1", mine, ""}}, nil, false, nil, "1001/b1", []string{patch}},
		{"orphan that is CREATING", []existing{{"pr-1", mine, "CREATING"}}, nil, false, nil, "1001/b1", []string{patch}},
		{"orphan and conflict", []existing{{"pr-1", nil, ""}, {"pr-1", mine, ""}}, nil, false, nil, "1001/b2", []string{patch}},
		{"orphan that is being deleted", []existing{{"pr-1", mine, "DELETED"}}, nil, false, nil, "1001/b2", []string{postBranch}},
		{"two orphans", []existing{{"pr-1", mine, ""}, {"pr-2", mine, ""}}, nil, false,
			[]string{`2 branches of cluster 1001 belong to portfolio.dev: "pr-1" (b1), "pr-2" (b2); delete all but one`}, "", nil},
		{"conflict", []existing{{"pr-1", nil, ""}}, nil, false,
			[]string{`branch "pr-1" (b1) of cluster 1001 exists already and was left unchanged`, "`pulumi import tidbcloud:index:Branch db 1001/b1`"}, "", nil},
		{"another stack's", []existing{{"pr-1", theirs, ""}}, nil, false, []string{"does not belong to this stack"}, "", nil},
		{"another name", []existing{{"pr-2", theirs, ""}}, nil, false, nil, "1001/b2", []string{postBranch}},
		{"no annotations, a name without the owner", []existing{{"pr-1", nil, ""}}, nil, true, []string{"exists already"}, "", nil},
		{"no annotations, a name with the owner", []existing{{"pr-1." + owner, nil, ""}}, named, true, nil, "1001/b1", []string{patch}},
		{"another stack's, a name with the owner", []existing{{"pr-1." + owner, theirs, ""}}, named, false, []string{"does not belong to this stack"}, "", nil},
	} {
		t.Run(tt.name, withParent(func(t *testing.T, c *cloud, e *engine) {
			c.NoAnnotations = tt.none
			for _, x := range tt.given {
				id := c.addBranch(x.name, x.annotations)
				time.Sleep(time.Minute)
				c.hold(id, x.state)
				if x.state == "CREATING" {
					time.AfterFunc(5*time.Second, func() { c.hold(id, "") })
				}
			}
			op, err := e.up(pr(c.first(), tt.inputs))
			testcheck.Error(t, err, tt.wantErr...)
			if got := e.short(e.id); got != tt.id {
				t.Errorf("managing %q", got)
			}
			same(t, "writes of "+op, c.wrote(), tt.writes)
			if err == nil {
				e.steps(pr(c.first(), tt.inputs), "same")
			}
		}))
	}
}

// Each limit names what uses it up, and what to do.
func TestBranch_Create_limits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given func(*cloud)
		want  []string
	}{
		{"five branches", func(c *cloud) {
			c.MaxBranches = 2
			c.addBranch("pr-7", nil)
			c.addBranch("pr-8", nil)
		}, []string{"five branches by default", "100 Starter clusters and branches together",
			`the organization has 2 clusters and 2 branches: "production" (1001): "pr-7" (b1), "pr-8" (b2); "other" (1002): no branches`,
			"`ticloud serverless branch delete --cluster-id CLUSTER_ID --branch-id BRANCH_ID`"}},
		{"large parent", func(c *cloud) { _ = c.SetStorage(c.first(), 101) }, []string{"stores 101 GiB", "use a cluster of its own instead"}},
	} {
		t.Run(tt.name, withParent(func(t *testing.T, c *cloud, e *engine) {
			c.add("other", tokyo, nil, time.Now().Add(-time.Hour))
			tt.given(c)
			e.tryUp(pr(c.first(), nil), tt.want...)
			if e.id != "" {
				t.Errorf("managing %s", e.id)
			}
		}))
	}
	t.Run("Essential", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud()
			c.ServicePlan = "Essential"
			c.add("production", tokyo, nil, time.Date(2026, 7, 14, 0, 0, 0, 0, time.UTC))
			e := configured(t, c, provider.Options{Dial: anyLogin}, branchType, keys)
			_, err := e.preview(pr(c.first(), nil))
			testcheck.Error(t, err, `cluster "production" (1001) can have no branches, since it is an Essential cluster created since 2026-07-14`)
		})
	})
	t.Run("no parent", withParent(func(t *testing.T, c *cloud, e *engine) {
		_, err := e.preview(pr("10000000000000000000", nil))
		testcheck.Error(t, err, "cluster 10000000000000000000 does not exist")
	}))
}

// Two runs create at the same time. Each sees the other only after its own POST.
func TestBranch_Create_race(t *testing.T) {
	mine := map[string]string{provider.OwnerLabel: owner}
	for _, tt := range []struct {
		name  string
		first bool // the rival
		want  string
	}{
		{"rival first", true, "was created at the same time by another run"},
		{"rival later", false, ""},
	} {
		t.Run(tt.name, withParent(func(t *testing.T, c *cloud, e *engine) {
			raced := false
			c.onCall = func(call string) {
				if own := call == postBranch; !raced && (own == tt.first) && (own || len(c.Branches(c.first())) == 1) {
					raced = true
					time.Sleep(time.Second)
					c.addBranch("pr-1", mine)
					time.Sleep(time.Second)
				}
			}
			e.tryUp(pr(c.first(), nil), tt.want)
			left := c.branchesOf(c.first())
			if tt.first && (len(left) != 1 || e.id != "") || !tt.first && (len(left) != 2 || !strings.HasSuffix(e.id, left[0].BranchID)) {
				t.Errorf("%d branches, managing %q", len(left), e.short(e.id))
			}
		}))
	}
}

// What is found after an ambiguous POST may be the branch of an earlier run, which the list did not
// have before. Only that run knew the password.
func TestBranch_Create_laggingOrphan(t *testing.T) {
	withParent(func(t *testing.T, c *cloud, e *engine) {
		id := c.addBranch("pr-1", map[string]string{provider.OwnerLabel: owner})
		time.Sleep(time.Minute)
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*/branches", Times: 2, Body: `{"branches":[]}`}, emulator.Fault{Method: "POST", Path: "/clusters/*/branches", Status: 500})
		e.steps(pr(c.first(), nil), "create", "same")
		if e.short(e.id) != "1001/b1" || len(c.Branches(c.first())) != 1 || !c.CheckPassword(id, e.out("user"), e.out("password")) {
			t.Errorf("managing %q", e.short(e.id))
		}
	})(t)
}

// A wait that ends early keeps the ID, and the next run resumes.
func TestBranch_Create_interrupted(t *testing.T) {
	withParent(func(t *testing.T, c *cloud, e *engine) {
		c.CreateTime = time.Minute
		inputs := pr(c.first(), map[string]any{"createTimeoutSeconds": 20})
		e.tryUp(inputs, "still CREATING after 20s", "the branch is kept, and the next `pulumi up` resumes")
		if e.short(e.id) != "1001/b1" || !e.failed || e.out("password") == "" {
			t.Errorf("kept %q, failed %v", e.id, e.failed)
		}
		if _, err := e.refresh(); err != nil || e.failed {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		e.steps(inputs, "update", "same")
		same(t, "writes", c.wrote(), []string{postBranch})
	})(t)
}

// A reset whose answer is lost is looked at. If it did not begin, the next run resets.
func TestBranch_reset_ambiguous(t *testing.T) {
	for _, tt := range []struct {
		name    string
		began   bool
		wantErr string
	}{{"began", true, ""}, {"did not begin", false, "the next `pulumi up` resets it again"}} {
		t.Run(tt.name, withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
			c.fail(emulator.Fault{Method: "POST", Path: "/clusters/*/branches/*", Reset: true, After: tt.began})
			inputs := pr(c.first(), map[string]any{"resetToken": "2"})
			_, err := e.up(inputs)
			testcheck.Error(t, err, tt.wantErr)
			if err != nil {
				e.steps(inputs, "update")
			}
			e.steps(inputs, "same")
			resets := 0
			for _, call := range c.wrote() {
				if strings.HasSuffix(call, ":reset") {
					resets++
				}
			}
			if want := map[bool]int{true: 1, false: 2}[tt.began]; resets != want {
				t.Errorf("%d resets, want %d", resets, want)
			}
		}))
	}
}

// A plan shows what somebody changed, and the run repairs what can be repaired.
func TestBranch_drift(t *testing.T) {
	for _, tt := range []struct {
		name   string
		harm   func(c *cloud, id string)
		inputs map[string]any
		diff   []string
		op     string
		warn   string
	}{
		{"nothing", func(*cloud, string) {}, nil, nil, "same", ""},
		{"deleted", func(c *cloud, id string) { c.byHand("DELETE", "/clusters/"+c.first()+"/branches/"+id, nil) }, nil,
			[]string{"branchId delete&replace"}, "replace", `branch "pr-1" (b1) no longer exists in TiDB Cloud: another one will be created`},
		{"another name", func(*cloud, string) {}, map[string]any{"displayName": "pr-2"}, []string{"displayName update&replace"}, "replace", ""},
		{"another moment", func(*cloud, string) {}, map[string]any{"parentTimestamp": "1999-12-31T23:30:00Z"}, []string{"parentTimestamp update&replace"}, "replace", ""},
		{"reset", func(*cloud, string) {}, map[string]any{"resetToken": "2"}, []string{"resetToken add"}, "update", ""},
	} {
		t.Run(tt.name, withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
			tt.harm(c, e.out("branchId"))
			e.wantDiff(pr(c.first(), tt.inputs), tt.diff...)
			e.log.want(t, tt.warn)
			e.steps(pr(c.first(), tt.inputs), tt.op, "same")
			if n := len(c.branchesOf(c.first())); n != 1 || len(c.alive()) != 1 {
				t.Errorf("%d branches", n)
			}
		}))
	}
}

// Another parent replaces the branch, and neither parent is touched.
func TestBranch_anotherParent(t *testing.T) {
	withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
		other := c.add("other", tokyo, nil, time.Now().Add(-time.Hour))
		e.steps(pr(other, nil), "replace", "same")
		same(t, "writes", c.wrote(), []string{"DELETE /clusters/*/branches/*", postBranch})
		if len(c.Branches(c.first())) != 0 || len(c.Branches(other)) != 1 || len(c.alive()) != 2 {
			t.Error("a branch is left, or a parent gone")
		}
	})(t)
}

// A key of another organization must not lead to another branch, or to a state without it.
func TestBranch_otherOrganization(t *testing.T) {
	withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
		c.neighbor = &tidbcloud.Cloud{PublicKey: "NEIGHBOR", PrivateKey: "other", OrganizationID: "77", RateLimit: -1}
		there := configured(t, c, provider.Options{Dial: anyLogin}, branchType, map[string]property.Value{
			"publicKey": property.New("NEIGHBOR"), "privateKey": property.New("other").WithSecret(true)})
		there.state = e.state
		_, diffErr := there.diff(pr(c.first(), nil))
		_, refreshErr := there.refresh()
		for _, err := range []error{diffErr, refreshErr, there.delete()} {
			testcheck.Error(t, err, "belongs to organization "+tidbcloud.Organization+", and the API key to 77")
		}
		if there.id == "" {
			t.Error("the state lost the branch")
		}
	})(t)
}

func TestBranch_import(t *testing.T) {
	mine := map[string]string{provider.OwnerLabel: owner, "example.com/mark": "x"}
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		inputs      map[string]any
		stays       bool
	}{
		{"ours", mine, map[string]any{"annotations": map[string]any{"example.com/mark": "x"}}, false},
		{"made by hand", nil, nil, true},
	} {
		t.Run(tt.name, withParent(func(t *testing.T, c *cloud, e *engine) {
			id := c.addBranch("pr-1", tt.annotations)
			time.Sleep(time.Minute)
			e.id = c.first() + "/" + id
			e.refreshes()
			if e.id == "" || e.out("host") == "" || e.out("password") != "" {
				t.Errorf("imported %q: %v", e.id, e.outputs)
			}
			e.steps(pr(c.first(), tt.inputs), "update", "same")
			if !c.CheckPassword(id, e.out("user"), e.out("password")) {
				t.Error("root cannot log in")
			}
			e.unchanged()
			e.deletes()
			if left := len(c.branchesOf(c.first())) == 1; left != tt.stays || e.log.has("warn", "so it stays", "`ticloud serverless branch delete --cluster-id 1001 --branch-id b1`") != tt.stays {
				t.Errorf("left %v:\n%s", left, e.log.all())
			}
		}))
	}
	withParent(func(t *testing.T, c *cloud, e *engine) {
		for id, want := range map[string]string{
			c.first(): "write clusterId/branchId", c.first() + "/": "write clusterId/branchId", "/x": "write clusterId/branchId", "a/b/c": "write clusterId/branchId",
			c.first() + "/..": "is not the ID of a cluster or branch", c.first() + "/bran-aaaaaaaaaaaaaaaaaaaaaaaaaa": "does not exist, or not in the API key's organization",
		} {
			e.state = state{id: id}
			_, err := e.refresh()
			testcheck.Error(t, err, want)
		}
	})(t)
}

// Whatever the ID in the state, the deletion of a branch does not reach its parent.
func TestBranch_Delete_parentIsSafe(t *testing.T) {
	withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
		recorded := e.state
		parent, id := c.first(), e.out("branchId")
		for _, wrong := range []string{"", parent, parent + "/", "/" + id, parent + "/.", parent + "/..", parent + "/" + id + "/..", parent + "/%2e%2e", parent + "/..%2f..",
			parent + "/" + parent, parent + "/branches", "../" + parent, parent + "/" + id + ":reset"} {
			e.state = recorded
			e.id = wrong
			_ = e.delete()
			if len(c.alive()) != 1 || len(c.branchesOf(parent)) != 1 {
				t.Fatalf("the ID %q leads to the parent", wrong)
			}
		}
		same(t, "writes", c.wrote(), nil)
	})(t)
}

// A branch that another stack has now is left alone.
func TestBranch_otherOwner(t *testing.T) {
	withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
		theirs := c.addBranch("pr-2", map[string]string{provider.OwnerLabel: "blog.prod"})
		time.Sleep(time.Minute)
		e.id = c.first() + "/" + theirs
		e.tryDiff(pr(c.first(), nil), `its annotation pulumi.com/owner says that it belongs to "blog.prod"`)
		testcheck.Error(t, e.delete(), "was left unchanged", "`pulumi state delete --force --target-dependents 'URN'`")
	})(t)
}

// A delete is as patient as it takes, and believes a 404 only with the list.
func TestBranch_Delete(t *testing.T) {
	const path = "/clusters/*/branches/*"
	for _, tt := range []struct {
		name    string
		faults  []emulator.Fault
		wait    time.Duration
		wantErr string
	}{
		{"slow", nil, 9 * time.Minute, ""},
		{"too slow", nil, 11 * time.Minute, "waiting for the deletion of branch b1: still DELETED after 10m0s"},
		{"answer lost", []emulator.Fault{{Method: "DELETE", Path: path, Reset: true, After: true, Times: -1}}, time.Second, ""},
		{"404 in the wrong place", []emulator.Fault{{Method: "GET", Path: path, Status: 404, Times: 2}}, time.Second, ""},
	} {
		t.Run(tt.name, withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
			c.DeleteTime = tt.wait
			c.fail(tt.faults...)
			testcheck.Error(t, e.delete(), tt.wantErr)
			if n := len(c.branchesOf(c.first())); n != 0 || len(c.alive()) != 1 {
				t.Errorf("%d branches, %d clusters", n, len(c.alive()))
			}
		}))
	}
	t.Run("with its parent", withBranch(nil, func(t *testing.T, c *cloud, e *engine) {
		c.byHand("DELETE", "/clusters/"+c.first(), nil)
		time.Sleep(time.Minute)
		e.deletes()
	}))
}
