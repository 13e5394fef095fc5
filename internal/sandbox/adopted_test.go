package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// adopt makes a cluster by hand, with a SQL user and a database with rows on it, and has the
// stack adopt it.
func (f *fixture) adopt() *rows {
	f.Helper()
	f.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
	for f.cluster().State != "ACTIVE" {
		time.Sleep(10 * time.Millisecond)
	}
	f.byHand("POST", tidbAPI, "/clusters/"+f.cluster().ClusterID+"/sqlUsers",
		`{"userName":"theirs","password":"recognizable-theirs","authMethod":"mysql_native_password","autoPrefix":true,"builtinRole":"role_admin"}`)
	f.set(map[string]any{"adopt": "true"})
	f.protect(false)
	f.up()
	return f.insert()
}

// users are the SQL users of a cluster, without its prefix.
func (f *fixture) users(id string) (names []string) {
	for _, u := range f.clouds.TiDB.Users(id) {
		names = append(names, u.UserName[strings.IndexByte(u.UserName, '.')+1:])
	}
	slices.Sort(names)
	return names
}

// released checks that the stack left the cluster and all that is not its own on it.
func (r *rows) released(when string) {
	r.Helper()
	i := slices.IndexFunc(r.clouds.TiDB.Clusters(), func(c tidbcloud.Cluster) bool { return c.ClusterID == r.id })
	if i < 0 || r.clouds.TiDB.Clusters()[i].State != "ACTIVE" {
		r.Fatalf("%s: the cluster is gone", when)
	}
	r.want("the owner "+when, r.clouds.TiDB.Clusters()[i].Labels["pulumi.com/owner"], "free")
	r.want("the users "+when, r.users(r.id), []string{"root", "theirs"})
	r.want("the rows "+when, r.query(r.url, "SELECT text FROM precious"), "text\nstill here\n")
}

// A cluster that somebody else made stays when the stack is destroyed or moves to another
// cluster. Only the stack's own logins are deleted. The stack may come back.
func TestAdopted_released(t *testing.T) {
	f := newFixture(t)
	r := f.adopt()
	r.query(r.url, "CREATE DATABASE theirs")
	ours := []string{"api", "api_b", "pulumi", "root", "theirs"}
	f.want("the users", f.users(r.id), ours)
	f.noChanges()
	f.run("destroy")
	r.released("after the destroy")
	f.left(0, 0, 1)

	f.set(map[string]any{"adopt": nil})
	f.refused("exists already and was left unchanged: it does not belong to this stack", "pulumi config set adopt true")
	f.set(map[string]any{"adopt": "true"})
	f.up()
	r.intact("adopted again")
	f.want("the users", f.users(r.id), ours)
	f.set(map[string]any{"adopt": nil})
	f.up()
	f.noChanges()

	f.set(map[string]any{"region": "regions/aws-us-east-1"})
	f.up()
	r.released("after the move")
	f.serves()
	f.noChanges()
	f.want("clusters", len(f.clouds.TiDB.Clusters()), 2)
	f.run("destroy")
	r.released("after the second destroy")
	f.left(0, 0, 1)
}

// A destroy may be killed after it deleted the first login, or after the release. The next one
// finishes. All calls are in the provider's fault list.
func TestAdopted_killed(t *testing.T) {
	f := newFixture(t)
	r := f.adopt()
	writes := func(request *http.Request) bool {
		return request.Method != http.MethodGet && request.Header.Get("Authorization") != "" && strings.Contains(request.URL.Path, "/clusters/"+r.id)
	}
	for _, call := range []int{0, 3} { // three logins and the label
		f.killed("destroy", call, true, writes)
		if err := f.Cancel(f.Context()); err != nil {
			t.Fatal(err)
		}
		f.printed.Reset()
		if err := f.Operate(f.Context(), "destroy"); err != nil {
			t.Fatalf("%v\n%s", err, f.printed.String())
		}
		r.released("after a killed destroy")
		f.up()
		r.intact("adopted again")
	}
}

// An Essential cluster has no user prefix, and the stack works on it like on any other.
func TestStack_essential(t *testing.T) {
	f := newFixture(t)
	f.clouds.TiDB.ServicePlan = "Essential"
	f.up()
	f.want("the prefix", f.outputs()["clusterUserPrefix"], any(""))
	f.want("the users", f.users(f.cluster().ClusterID), []string{"api", "api_b", "pulumi", "root"})
	f.serves()
	f.noChanges()
	f.run("destroy")
	f.untilDeleted()
}
