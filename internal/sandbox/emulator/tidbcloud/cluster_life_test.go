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
	id := c.create("cluster", "")
	get := func() answer { t.Helper(); return c.do("GET", clusterPath(id), "") }
	users := clusterPath(id, "sqlUsers")
	notActive := func(status int, text string) {
		t.Helper()
		c.do("PATCH", clusterPath(id), rename).want(status, text, fmt.Sprintf(`"code":%d`, status))
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

func TestCloud_SetState(t *testing.T) {
	cloud, clock := newDefaultCloud()
	c := serve(t, cloud)
	id := c.create("cluster", "")
	for _, tt := range []struct{ set, state, host string }{
		{"ACTIVE", "ACTIVE", "gateway01."}, // before its time
		{"CREATING", "CREATING", `"`},
		{"INACTIVE", "INACTIVE", "gateway01."},
		{"", "CREATING", `"`},
		{"INACTIVE", "INACTIVE", "gateway01."},
	} {
		if err := cloud.SetState(id, tt.set); err != nil {
			t.Fatal(err)
		}
		c.do("GET", clusterPath(id), "").want(200, `"state":"`+tt.state+`"`, `"host":"`+tt.host)
	}
	c.do("PATCH", clusterPath(id), rename).want(400, "INACTIVE, not ACTIVE")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`) // which ends INACTIVE
	clock.Advance(time.Hour)
	if cloud.SetState(id, "ACTIVE") == nil {
		t.Error("a cluster that is gone got a state")
	}
}

func TestCluster_quota(t *testing.T) {
	c := serve(t, newCloud())
	var id string
	for i := range 5 {
		id = c.create(fmt.Sprintf("cluster-%d", i), "")
	}
	body := `{"displayName":"one-too-many",` + tokyo + `}`
	c.do("POST", clustersPath, body).want(400, "quota", "maximum number of free clusters is 5")
	c.create("paid", paid)
	c.do("DELETE", clusterPath(id), "").want(200)
	c.do("POST", clustersPath, body).want(200)
}
