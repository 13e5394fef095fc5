package tidbcloud_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func branchPath(cluster, branch string, more ...string) string {
	return clusterPath(cluster, append([]string{"branches", branch}, more...)...)
}

// branch makes a branch of a cluster and returns its ID. More is as for create.
func (c *client) branch(cluster, name, more string) string {
	c.t.Helper()
	return c.do("POST", clusterPath(cluster, "branches"), fmt.Sprintf(`{"displayName":%q%s}`, name, more)).want(200).str("branchId")
}

func TestBranch_life(t *testing.T) {
	cloud, clock := newDefaultCloud()
	c := serve(t, cloud)
	parent := c.create("cluster", "")
	c.do("POST", clusterPath(parent, "branches"), `{"displayName":"pr-1"}`).want(400, "CREATING, not ACTIVE")
	clock.Advance(3 * time.Second)
	id := c.branch(parent, "pr-1", `,"annotations":{"pulumi.com/owner":"web"},"rootPassword":"correct horse"`)
	get := func() answer { t.Helper(); return c.do("GET", branchPath(parent, id)+"?view=FULL", "") }
	password := func(text string) answer {
		t.Helper()
		return c.do("PATCH", branchPath(parent, id, "sqlUsers", cloud.Branches(parent)[0].UserPrefix+".root"), `{"password":"`+text+`"}`)
	}

	get().want(200, `"state":"CREATING"`, `"host":"","port":0`, `"userPrefix":""`, `"parentTimestamp":"2026-03-01T12:00:03Z"`)
	password("another horse").want(400, "CREATING, not ACTIVE")
	c.do("POST", branchPath(parent, id)+":reset", "").want(400, "CREATING, not ACTIVE")
	clock.Advance(3 * time.Second)
	a := get().want(200, `"state":"ACTIVE"`, `"host":"gateway01.`, `"port":4000`, `"pulumi.com/owner":"web"`, `"tidb.cloud/has-set-password":"true"`,
		`"name":"clusters/`+parent+`/branches/`+id+`"`, `"parentDisplayName":"cluster"`)
	prefix := a.str("userPrefix")
	if prefix == "" || prefix == cloud.Clusters()[0].UserPrefix || !cloud.CheckPassword(id, prefix+".root", "correct horse") {
		t.Errorf("an active branch is %s", a.raw)
	}
	if list := c.do("GET", clusterPath(parent, "branches"), "").want(200, id, `"totalSize":1`); strings.Contains(list.raw, "annotations") {
		t.Errorf("the list shows annotations: %s", list.raw)
	}
	password("another horse").want(200, `{"username":"`+prefix+`.root"}`)
	password("short").want(400, "8 to 64 characters")
	c.do("PATCH", branchPath(parent, id, "sqlUsers", prefix+".api"), `{"password":"another horse"}`).want(404)

	c.do("POST", branchPath(parent, id)+":reset", "").want(200, `"state":"RESTORING"`)
	password("another horse").want(400, "RESTORING, not ACTIVE")
	clock.Advance(3 * time.Second)
	get().want(200, `"state":"ACTIVE"`, `"userPrefix":"`+prefix+`"`)
	if !cloud.CheckPassword(id, prefix+".root", "another horse") {
		t.Error("the reset changed the password")
	}

	for range 2 {
		c.do("DELETE", branchPath(parent, id), "").want(200, `"state":"DELETED"`)
	}
	get().want(200, `"state":"DELETED"`)
	clock.Advance(time.Second)
	get().want(404, id)
	c.do("DELETE", branchPath(parent, id), "").want(404)
	c.do("GET", clusterPath(parent), "").want(200, `"state":"ACTIVE"`)
}

func TestBranch_limits(t *testing.T) {
	body := `{"displayName":"one-too-many"}`
	t.Run("five", func(t *testing.T) {
		c := serve(t, newCloud())
		one, two := c.create("cluster", ""), c.create("other", "")
		var last string
		for i := range 5 {
			last = c.branch(two, fmt.Sprintf("pr-%d", i), "")
		}
		c.do("POST", clusterPath(one, "branches"), body).want(400, "quota", "maximum number of branches is 5")
		c.do("DELETE", branchPath(two, last), "").want(200)
		c.do("POST", clusterPath(one, "branches"), body).want(400) // until it is gone
	})
	t.Run("100 together", func(t *testing.T) {
		cloud := newCloud()
		cloud.MaxBranches = 1000
		c := serve(t, cloud)
		parent := c.create("cluster", paid)
		for i := range 99 {
			c.branch(parent, fmt.Sprintf("pr-%d", i), "")
		}
		c.do("POST", clusterPath(parent, "branches"), body).want(400, "maximum number of Starter clusters and branches is 100")
		c.do("POST", clustersPath, `{"displayName":"another",`+tokyo+paid+`}`).want(400, "Starter clusters and branches")
	})
	t.Run("large parent", func(t *testing.T) {
		cloud := newCloud()
		c := serve(t, cloud)
		parent := c.create("cluster", "")
		if err := cloud.SetStorage(parent, 101); err != nil {
			t.Fatal(err)
		}
		c.do("POST", clusterPath(parent, "branches"), body).want(400, "stores 101 GiB")
	})
	t.Run("Essential", func(t *testing.T) {
		cloud, clock := newDefaultCloud()
		cloud.ServicePlan, cloud.CreateTime, cloud.RateLimit = "Essential", -1, -1
		c := serve(t, cloud)
		c.branch(c.create("early", paid), "pr-1", "")
		clock.Advance(135 * 24 * time.Hour) // 14 July
		c.do("POST", clusterPath(c.create("late", paid), "branches"), body).want(400, "Essential")
	})
}

// No ID of a branch leads to its parent. Only "..", which Go's ServeMux cleans as a gateway
// might, would: a client must not send it.
func TestBranch_parentIsSafe(t *testing.T) {
	cloud := newCloud()
	cloud.DeleteTime = -1
	c := serve(t, cloud)
	parent, other := c.create("cluster", ""), c.create("other", "")
	id := c.branch(parent, "pr-1", "")
	for _, wrong := range []string{"", "..%2f..", "%2F", parent, id + "%2f..%2f..", id + "/", "bran-" + strings.Repeat("a", 26)} {
		if a := c.do("DELETE", clusterPath(parent)+"/branches/"+wrong, ""); a.status < 400 {
			t.Errorf("%s: %d %s", wrong, a.status, a.raw)
		}
	}
	c.do("DELETE", branchPath(other, id), "").want(404) // a branch of another cluster
	if len(cloud.Clusters()) != 2 || len(cloud.Branches(parent)) != 1 {
		t.Errorf("left: %+v", cloud.Clusters())
	}
	c.do("DELETE", clusterPath(parent), "").want(200)
	if len(cloud.Branches(parent)) != 0 {
		t.Error("a branch outlives its cluster")
	}
}

func TestBranch_sql(t *testing.T) {
	sql := &recorder{}
	cloud, clock := newDefaultCloud()
	cloud.SQL, cloud.File, cloud.CreateTime, cloud.RateLimit = sql, filepath.Join(t.TempDir(), "state.json"), -1, -1
	c := serve(t, cloud)
	parent := c.create("cluster", "")
	clock.Advance(1500 * time.Millisecond)
	id := c.branch(parent, "pr-1", `,"rootPassword":"password"`)
	again := c.branch(parent, "pr-2", `,"parentTimestamp":"2026-03-01T12:00:01Z"`)
	clock.Advance(time.Second)
	c.do("POST", branchPath(parent, id)+":reset", "").want(200)
	c.do("DELETE", branchPath(parent, again), "").want(200)
	put := fmt.Sprintf("put %s %s.root role_admin ", id, cloud.Branches(parent)[0].UserPrefix)
	branch := "branch " + parent + " "
	sql.want(t, "create "+parent, branch+id+" 2026-03-01T12:00:01.5Z", put+`"password" `+hashOfPassword,
		branch+again+" 2026-03-01T12:00:01Z", branch+id+" 2026-03-01T12:00:02.5Z", "delete "+again)

	sql.err = errors.New("the disk is full")
	c.do("POST", clusterPath(parent, "branches"), `{"displayName":"pr-3"}`).want(500, "the disk is full")
	sql.calls, sql.err = nil, nil
	restarted := newCloud()
	restarted.SQL, restarted.File = sql, cloud.File
	if err := restarted.Load(); err != nil {
		t.Fatal(err)
	}
	sql.want(t, "create "+parent, branch+id+" 2026-03-01T12:00:02.5Z", put+`"" `+hashOfPassword)
	c.do("DELETE", clusterPath(parent), "").want(200)
	sql.want(t, "delete "+parent, "delete "+id, "delete "+again)
}

// A branch may get its parent's users, as they are at the moment. Root is always another.
func TestBranch_inheritedUsers(t *testing.T) {
	for _, inherits := range []bool{false, true} {
		sql, cloud := &recorder{}, newCloud()
		cloud.SQL, cloud.File, cloud.InheritUsers = sql, filepath.Join(t.TempDir(), "state.json"), inherits
		c := serve(t, cloud)
		parent := c.create("cluster", "")
		c.createUser(parent, "api")
		of := cloud.Clusters()[0].UserPrefix + "."
		sql.calls = nil
		id := c.branch(parent, "pr-1", "")
		to := cloud.Branches(parent)[0].UserPrefix + "."
		put := func(name string) string {
			return fmt.Sprintf("put %s %s%s %srole_readwrite %q", id, to, name, to, "")
		}
		want := func(calls ...string) {
			t.Helper()
			var users []string
			for _, call := range sql.calls {
				if !strings.HasPrefix(call, "branch ") && strings.Contains(call, id) {
					call, _, _ = strings.Cut(call, " *") // the hash
					users = append(users, call)
				}
			}
			if !inherits {
				calls = nil
			}
			if diff := cmp.Diff(calls, users); diff != "" {
				t.Errorf("inherits %v: (-want +got)\n%s", inherits, diff)
			}
			sql.calls = nil
		}
		want(put("api"))
		c.createUser(parent, "web")
		c.do("DELETE", clusterPath(parent, "sqlUsers", of+"api"), "").want(200)
		want()
		c.do("POST", branchPath(parent, id)+":reset", "").want(200)
		want("drop "+id+" "+to+"api", put("web"))
		again := newCloud()
		if again.SQL, again.File = sql, cloud.File; again.Load() != nil {
			t.Fatal("it does not load")
		}
		want(put("web"))
	}
}
