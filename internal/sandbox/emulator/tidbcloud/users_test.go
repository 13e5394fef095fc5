package tidbcloud_test

import (
	"fmt"
	"net/url"
	"strings"
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
	none := []string{}
	want := []tidbcloud.User{{prefix + "root", "mysql_native_password", "role_admin", none}}
	for _, tt := range []struct {
		name, role, more string
		want             tidbcloud.User
	}{
		{"api", "role_readwrite", `,"autoPrefix":true`, tidbcloud.User{prefix + "api", "", prefix + "role_readwrite", none}},
		{"reader", "role_readonly", `,"autoPrefix":true,"customRoles":["r1"]`, tidbcloud.User{prefix + "reader", "", prefix + "role_readonly", []string{"r1"}}},
		{"boss", "role_admin", `,"autoPrefix":true`, tidbcloud.User{prefix + "boss", "", "role_admin", none}},
		{prefix + "api2", prefix + "role_readwrite", `,"autoPrefix":false`, tidbcloud.User{prefix + "api2", "", prefix + "role_readwrite", none}},
		{prefix + "boss2", "role_admin", `,"customRoles":[]`, tidbcloud.User{prefix + "boss2", "", "role_admin", none}},
		{"sixteen-letters-", "role_admin", `,"autoPrefix":true`, tidbcloud.User{prefix + "sixteen-letters-", "", "role_admin", none}},
	} {
		tt.want.AuthMethod = "mysql_native_password"
		want = append(want, tt.want)
		body := fmt.Sprintf(`{"userName":%q,"builtinRole":%q,%s,%s%s}`, tt.name, tt.role, password, nativeAuth, tt.more)
		a := c.do("POST", clusterPath(id, "sqlUsers"), body).want(200)
		c.do("GET", clusterPath(id, "sqlUsers", tt.want.UserName), "").want(200).wantSame(a)
		if !cloud.CheckPassword(id, tt.want.UserName, "correct horse") || cloud.CheckPassword(id, tt.want.UserName, "correct horse ") {
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
	want := []tidbcloud.User{{"root", "mysql_native_password", "role_admin", []string{}}, {"api", "mysql_native_password", "role_readonly", []string{}}}
	if diff := cmp.Diff(want, cloud.Users(id)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUser_create_refused(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	c.createUser(id, "taken")
	const good = `{"userName":"api",` + nativeAuth + `,"builtinRole":"role_readwrite",` + password + `,"autoPrefix":true}`
	for name, tt := range map[string]struct{ old, new, text string }{
		"no name":             {`"userName":"api",`, ``, "userName"},
		"existing name":       {`"api"`, `"taken"`, "already exists"},
		"long name":           {`"api"`, `"seventeen-letters"`, "32"},
		"space in the name":   {`"api"`, `"a b"`, "space"},
		"no prefix":           {`"autoPrefix":true`, `"autoPrefix":false`, prefix},
		"autoPrefix is text":  {`"autoPrefix":true`, `"autoPrefix":"true"`, "autoPrefix"},
		"no password":         {password + `,`, ``, "password"},
		"password of 2 lines": {`correct horse`, `correct\nhorse`, "password"},
		"another plugin":      {`mysql_native_password`, `caching_sha2_password`, "mysql_native_password"},
		"no role":             {`"builtinRole":"role_readwrite",`, ``, "builtinRole"},
		"unknown role":        {`role_readwrite`, `role_owner`, "role_owner"},
		"empty custom role":   {`,"autoPrefix"`, `,"customRoles":["ok",""],"autoPrefix"`, "custom role"},
		"unknown field":       {`,"autoPrefix"`, `,"role":"x","autoPrefix"`, "role"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("%s is not in %s", tt.old, good)
			}
			body := strings.Replace(good, tt.old, tt.new, 1)
			c.in(t).do("POST", clusterPath(id, "sqlUsers"), body).want(400, `"status":400`, `"code":"49900001"`, tt.text)
		})
	}
	bareRole := fmt.Sprintf(`{"userName":"%sapi","builtinRole":"role_readwrite",%s,%s}`, prefix, password, nativeAuth)
	c.do("POST", clusterPath(id, "sqlUsers"), bareRole).want(400, "builtinRole")
	if got := len(cloud.Users(id)); got != 2 {
		t.Errorf("refused requests left %d users", got)
	}
}

func TestUser_update(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	name := c.createUser(id, "api")
	path := clusterPath(id, "sqlUsers", name)
	wantPassword := func(password string) {
		t.Helper()
		if !cloud.CheckPassword(id, name, password) {
			t.Errorf("the password is not %q", password)
		}
	}
	c.do("PATCH", path, `{"password":"another horse"}`).want(200, `"builtinRole":"`+prefix+`role_readwrite"`)
	wantPassword("another horse")
	c.do("PATCH", path, `{"builtinRole":"`+prefix+`role_readonly"}`).want(200, `"builtinRole":"`+prefix+`role_readonly"`)
	c.do("PATCH", path, `{"builtinRole":"role_admin","customRoles":["r1"]}`).want(200, `"builtinRole":"role_admin"`, `"customRoles":["r1"]`)
	c.do("PATCH", path, `{"password":"a third horse"}`).want(200, `"customRoles":["r1"]`)
	c.do("PATCH", path, `{"customRoles":[]}`).want(200, `"customRoles":[]`, `"builtinRole":"role_admin"`)

	for body, text := range map[string]string{
		`{}`:                               "none of",
		`{"builtinRole":"role_readwrite"}`: prefix,
		`{"password":"short77"}`:           "password",
		`{"password":["correct horse"]}`:   "password",
		`"correct horse"`:                  "invalid body",
		`{` + password + `}}`:              "invalid body",
		`{"customRoles":[""]}`:             "custom role",
		`{"userName":"x"}`:                 "userName",
		`{"autoPrefix":true,"password":"correct horse"}`:     "autoPrefix",
		`{"password":"a fourth horse","builtinRole":"role"}`: "builtinRole",
	} {
		c.do("PATCH", path, body).want(400, `"status":400`, text)
	}
	wantPassword("a third horse")
	c.do("GET", path, "").want(200, `"builtinRole":"role_admin"`, `"customRoles":[]`)
	c.do("PATCH", clusterPath(id, "sqlUsers", "api"), `{"password":"correct horse"}`).want(404, `"status":404`) // without the prefix
}

func TestUser_root(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	root := prefix + "root"
	path := clusterPath(id, "sqlUsers", root)
	for _, body := range []string{`{"builtinRole":"` + prefix + `role_readonly"}`, `{"password":"correct horse","customRoles":["r1"]}`} {
		c.do("PATCH", path, body).want(400, "roles", root)
	}
	c.do("DELETE", path, "").want(400, "cannot be deleted")
	if cloud.CheckPassword(id, root, "") {
		t.Error("root can log in without a password")
	}
	if cloud.CheckPassword(id, root, "correct horse") {
		t.Error("a refused PATCH set the password")
	}
	c.do("PATCH", path, `{"password":"correct horse","builtinRole":"role_admin","customRoles":[]}`).want(200)
	if !cloud.CheckPassword(id, root, "correct horse") {
		t.Error("root has no password")
	}
}

func TestUser_delete(t *testing.T) {
	c, cloud, id, _ := newUsers(t)
	name, other := c.createUser(id, "api"), c.createUser(id, "other")
	path := clusterPath(id, "sqlUsers", name)
	c.do("DELETE", path, "").want(200, `{"code":200,"message":"success"}`)
	c.do("DELETE", path, "").want(404, `"status":404`, `"code":"404"`, name)
	c.do("GET", path, "").want(404)
	c.do("GET", clusterPath(id, "sqlUsers", other), "").want(200)
	if cloud.CheckPassword(id, name, "correct horse") {
		t.Error("a deleted user can log in")
	}
	c.createUser(id, "api")
}

func TestUser_escapedName(t *testing.T) {
	c, _, id, _ := newUsers(t)
	for _, name := range []string{"a/b", "a%b", "a?b", "a..b", "a+b", "a:b@c"} {
		full := c.createUser(id, name)
		path := clusterPath(id, "sqlUsers", url.PathEscape(full))
		if got := c.do("GET", path, "").want(200).str("userName"); got != full {
			t.Errorf("asked for %q, got %q", full, got)
		}
		c.do("PATCH", path, `{`+password+`}`).want(200)
		c.do("DELETE", path, "").want(200)
	}
}
