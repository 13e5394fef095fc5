package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

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
	c := find(r.clouds.TiDB.Clusters(), func(c tidbcloud.Cluster) bool { return c.ClusterID == r.id })
	if c == nil || c.State != "ACTIVE" {
		r.Fatalf("%s: the cluster is gone", when)
	}
	r.want("the owner "+when, c.Labels["pulumi.com/owner"], "free")
	r.want("the users "+when, r.users(r.id), []string{"root", "theirs"})
	r.want("the rows "+when, r.query(r.url, "SELECT text FROM precious"), "text\nstill here\n")
}

// A cluster that somebody else made stays when the stack is destroyed or moves to another
// cluster. Only the stack's own logins are deleted. The stack may come back. A destroy may be
// killed after it deleted the first login, or after the release; the next one finishes.
func TestAdopted_released(t *testing.T) {
	f := newFixture(t)
	f.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
	f.byHand("POST", tidbAPI, "/clusters/"+f.cluster().ClusterID+"/sqlUsers",
		`{"userName":"theirs","password":"recognizable-theirs","authMethod":"mysql_native_password","autoPrefix":true,"builtinRole":"role_admin"}`)
	f.protect(false)
	f.refused("exists already and was left unchanged: it does not belong to this stack", "pulumi config set adopt true")
	f.set(map[string]any{"adopt": "true"})
	f.up()
	r := f.insert()
	f.noChanges()
	ofCluster := func(request *http.Request) bool {
		return isWrite(request) && request.Header.Get("Authorization") != "" && strings.Contains(request.URL.Path, "/clusters/"+r.id)
	}
	for _, call := range []int{0, 3} { // three logins and the label
		f.want("the users", f.users(r.id), []string{"api", "api_b", "pulumi", "root", "theirs"})
		f.killed("destroy", call, true, ofCluster)
		f.resumed("destroy")
		r.released("after a killed destroy")
		f.left(0, 0, 1)
		f.up()
		r.intact("adopted again")
	}
	f.set(map[string]any{"adopt": nil})
	f.up()

	f.set(map[string]any{"region": "regions/aws-us-east-1"})
	f.up()
	r.released("after the move")
	f.serves()
	f.noChanges()
	f.want("clusters", len(f.clouds.TiDB.Clusters()), 2)
	f.run("destroy")
	r.released("after the destroy")
	f.left(0, 0, 1)
}
