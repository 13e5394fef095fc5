package tidbcloud_test

import (
	"fmt"
	"testing"
	"time"
)

const rename = `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`

func TestCluster_life(t *testing.T) {
	cloud, clock := newDefaultCloud()
	c := serve(t, cloud)
	id := c.create("cluster", `,"rootPassword":"correct horse"`)
	get := func() answer { t.Helper(); return c.do("GET", clusterPath(id), "") }
	users := clusterPath(id, "sqlUsers")
	notActive := func(status int, text string) {
		t.Helper()
		c.do("PATCH", clusterPath(id), rename).want(status, text, fmt.Sprintf(`"code":%d`, status))
		c.do("PUT", clusterPath(id, "password"), `{`+password+`}`).want(status, text)
		c.do("POST", users, `{"userName":"api"}`).want(status, text, fmt.Sprintf(`"status":%d`, status))
		c.do("GET", users, "").want(status, text)
		c.do("PATCH", users+"/x", `{`+password+`}`).want(status, text)
		c.do("DELETE", users+"/x", "").want(status, text)
	}

	get().want(200, `"state":"CREATING"`, `"host":"","port":0`, `"userPrefix":""`, `"updateTime":"2026-03-01T12:00:00Z"`)
	clock.Advance(3*time.Second - 1)
	get().want(200, `"state":"CREATING"`)
	notActive(400, "CREATING, not ACTIVE")
	clock.Advance(1)
	a := get().want(200, `"state":"ACTIVE"`, `"updateTime":"2026-03-01T12:00:03Z"`, `"host":"gateway01.`, `"port":4000`)
	if a.str("userPrefix") == "" {
		t.Errorf("an active cluster is %s", a.raw)
	}

	for range 2 { // a second DELETE answers like the first
		c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	}
	get().want(200, `"state":"DELETING"`)
	notActive(400, "DELETING, not ACTIVE")
	c.wantList("", "cluster")
	clock.Advance(time.Second)
	get().want(404)
	notActive(404, id)
	c.do("DELETE", clusterPath(id), "").want(404)
	c.wantList("", "")
}

func TestCloud_ForbidAfterDelete(t *testing.T) {
	cloud, clock := newDefaultCloud()
	cloud.CreateTime, cloud.DeleteTime, cloud.ForbidAfterDelete = -1, time.Minute, true
	c := serve(t, cloud)
	id := c.create("cluster", "")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	c.do("GET", clusterPath(id), "").want(403, `"code":403`)
	c.do("DELETE", clusterPath(id), "").want(403)
	c.do("GET", clusterPath(id, "sqlUsers"), "").want(403, `"status":403`)
	c.wantList("", "")
	clock.Advance(time.Minute)
	c.do("GET", clusterPath(id), "").want(404)
}

func TestCloud_SetState(t *testing.T) {
	cloud, clock := newDefaultCloud()
	c := serve(t, cloud)
	id := c.create("cluster", "")
	set := func(state string) {
		t.Helper()
		if err := cloud.SetState(id, state); err != nil {
			t.Fatal(err)
		}
	}
	get := func(state, host string) {
		t.Helper()
		c.do("GET", clusterPath(id), "").want(200, `"state":"`+state+`"`, `"host":"`+host)
	}
	set("ACTIVE") // before its time
	get("ACTIVE", "gateway01.")
	clock.Advance(time.Hour)
	set("CREATING") // after its time
	get("CREATING", `"`)
	set("INACTIVE")
	get("INACTIVE", "gateway01.")
	c.do("PATCH", clusterPath(id), rename).want(400, "INACTIVE, not ACTIVE")
	set("")
	get("ACTIVE", "gateway01.")
	set("INACTIVE")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`) // which ends INACTIVE
	clock.Advance(time.Hour)
	c.do("GET", clusterPath(id), "").want(404)
	if cloud.SetState(id, "ACTIVE") == nil {
		t.Error("a cluster that is gone got a state")
	}
}

func TestCloud_MaxClusters(t *testing.T) {
	cloud := newCloud()
	cloud.MaxClusters = 0
	c := serve(t, cloud)
	var id string
	for i := range 5 {
		id = c.create(fmt.Sprintf("cluster-%d", i), "")
	}
	body := `{"displayName":"one-too-many",` + tokyo + `}`
	c.do("POST", clustersPath, body).want(400, "quota", "maximum number of free clusters is 5")
	c.create("paid", `,"spendingLimit":{"monthly":1}`) // does not count
	c.do("POST", clustersPath, body).want(400)
	c.do("DELETE", clusterPath(id), "").want(200)
	c.do("POST", clustersPath, body).want(200)
}
