package tidbcloud_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// newUsers returns a cloud with one cluster, its ID and its user prefix with the dot.
func newUsers(t *testing.T) (c *client, cloud *tidbcloud.Cloud, id, prefix string) {
	t.Helper()
	cloud = newCloud()
	c = serve(t, cloud)
	id = c.create("cluster", "")
	return c, cloud, id, cloud.Clusters()[0].UserPrefix + "."
}

func TestUser_create(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	want := []tidbcloud.User{{prefix + "root", "mysql_native_password", "role_admin"}}
	for _, tt := range []struct{ name, role, full string }{
		{"api", "role_readwrite", prefix + "role_readwrite"},
		{"reader", "role_readonly", prefix + "role_readonly"},
		{"boss", "role_admin", "role_admin"},
		{"sixteen-letters-", "role_admin", "role_admin"},
	} {
		user := tidbcloud.User{prefix + tt.name, "mysql_native_password", tt.full}
		want = append(want, user)
		body := fmt.Sprintf(`{"userName":%q,"builtinRole":%q,%s,%s,"autoPrefix":true}`, tt.name, tt.role, password, nativeAuth)
		c.do("POST", clusterPath(id, "sqlUsers"), body).want(200, `"userName":"`+user.UserName+`"`)
		if !cloud.CheckPassword(id, user.UserName, "correct horse") || cloud.CheckPassword(id, user.UserName, "correct horse ") {
			t.Errorf("%s has another password", tt.name)
		}
	}
	if diff := cmp.Diff(want, cloud.Users(id)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if cloud.CheckPassword(id, prefix+"nobody", "correct horse") || cloud.CheckPassword("x", prefix+"api", "correct horse") || cloud.Users("x") != nil {
		t.Error("a missing user or cluster is there")
	}
}

// An Essential cluster has an endpoint and no user prefix.
func TestUser_withoutPrefix(t *testing.T) {
	cloud := newCloud()
	cloud.ServicePlan = "Essential"
	c := serve(t, cloud)
	id := c.create("cluster", "")
	c.do("GET", clusterPath(id), "").want(200, `"userPrefix":""`, `"port":4000`, `"clusterPlan":"ESSENTIAL","servicePlan":"Essential"`)
	c.do("POST", clusterPath(id, "sqlUsers"), `{"userName":"api",`+nativeAuth+`,"builtinRole":"role_readwrite",`+password+`,"autoPrefix":true}`).want(200)
	c.do("PATCH", clusterPath(id, "sqlUsers", "api"), `{"builtinRole":"role_readonly"}`).want(200)
	want := []tidbcloud.User{{"root", "mysql_native_password", "role_admin"}, {"api", "mysql_native_password", "role_readonly"}}
	if diff := cmp.Diff(want, cloud.Users(id)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUser_update(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	wantPassword := func(name, password string, want bool) {
		t.Helper()
		if cloud.CheckPassword(id, prefix+name, password) != want {
			t.Errorf("the password of %s is %q: %v", name, password, !want)
		}
	}
	path := func(name string) string { return clusterPath(id, "sqlUsers", prefix+name) }
	c.createUser(id, "api")
	c.do("PATCH", path("api"), `{"password":"another horse"}`).want(200, `"builtinRole":"`+prefix+`role_readwrite"`)
	wantPassword("api", "another horse", true)
	c.do("PATCH", path("api"), `{"builtinRole":"`+prefix+`role_readonly"}`).want(200, `"builtinRole":"`+prefix+`role_readonly"`)
	c.do("PATCH", path("api"), `{"builtinRole":"role_admin","password":"a third horse"}`).want(200, `"builtinRole":"role_admin"`)
	wantPassword("api", "a third horse", true)

	wantPassword("root", "", false) // it cannot log in without one
	c.do("PATCH", path("root"), `{"password":"correct horse","builtinRole":"role_admin"}`).want(200)
	wantPassword("root", "correct horse", true)

	other := c.createUser(id, "other")
	c.do("DELETE", path("api"), "").want(200, `{"code":200,"message":"success"}`)
	c.do("GET", clusterPath(id, "sqlUsers"), "").want(200, other)
	wantPassword("api", "a third horse", false)
	c.createUser(id, "api")
}

func TestUser_escapedName(t *testing.T) {
	c, _, id, _ := newUsers(t)
	for _, name := range []string{"a/b", "a%b", "a?b", "a..b", "a+b", "a:b@c"} {
		full := c.createUser(id, name)
		path := clusterPath(id, "sqlUsers", url.PathEscape(full))
		if got := c.do("PATCH", path, `{`+password+`}`).want(200).str("userName"); got != full {
			t.Errorf("asked for %q, got %q", full, got)
		}
		c.do("DELETE", path, "").want(200)
	}
}
