package tidbcloud_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

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

func TestUser_create_refused(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	c.createUser(id, "taken")
	// Each row replaces a field of a good request, or removes it.
	tests := []struct{ field, value, text string }{
		{"userName", "", "userName"},
		{"userName", `"taken"`, "already exists"},
		{"userName", `"seventeen-letters"`, "32"},
		{"userName", `"a b"`, "space"},
		{"userName", `"a'b"`, "quote"},
		{"userName", `"ü"`, "ASCII"},
		{"userName", `"` + prefix + `api"`, "32"}, // the prefix twice
		{"autoPrefix", "false", prefix},
		{"autoPrefix", `"true"`, "autoPrefix"},
		{"password", "", "password"},
		{"password", `"short77"`, "password"},
		{"authMethod", `"caching_sha2_password"`, "mysql_native_password"},
		{"builtinRole", "", "builtinRole"},
		{"builtinRole", `"role_owner"`, "role_owner"},
		{"builtinRole", `"` + prefix + `role_readwrite"`, "role_readwrite"}, // the prefix twice
		{"customRoles", `["ok",""]`, "custom role"},
		{"role", `"x"`, "role"},
	}
	for _, tt := range tests {
		t.Run(tt.field+" "+tt.value, func(t *testing.T) {
			fields := map[string]string{
				"userName": `"api"`, "password": `"correct horse"`, "authMethod": `"mysql_native_password"`,
				"autoPrefix": "true", "builtinRole": `"role_readwrite"`,
			}
			fields[tt.field] = tt.value
			var list []string
			for name, value := range fields {
				if value != "" {
					list = append(list, fmt.Sprintf("%q:%s", name, value))
				}
			}
			body := "{" + strings.Join(list, ",") + "}"
			c.in(t).do("POST", clusterPath(id, "sqlUsers"), body).want(400, `"status":400`, `"code":"49900001"`, tt.text)
		})
	}
	for name, role := range map[string]string{prefix + "api": "role_readwrite", prefix: "role_admin"} {
		body := fmt.Sprintf(`{"userName":%q,"builtinRole":%q,%s,%s}`, name, role, password, nativeAuth)
		c.do("POST", clusterPath(id, "sqlUsers"), body).want(400)
	}
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
	for _, method := range []string{"GET", "DELETE"} {
		c.do(method, path, "").want(404, `"status":404`, `"code":"404"`, name)
	}
	if cloud.CheckPassword(id, name, "correct horse") {
		t.Error("a deleted user can log in")
	}
	c.do("GET", clusterPath(id, "sqlUsers", other), "").want(200)
	if again := c.createUser(id, "api"); again != name {
		t.Errorf("created again it is %s, not %s", again, name)
	}
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

func TestUser_list(t *testing.T) {
	c, _, id, prefix := newUsers(t)
	path := clusterPath(id, "sqlUsers")
	all := []string{prefix + "root"}
	for i := range 101 {
		all = append(all, c.createUser(id, fmt.Sprintf("user-%d", i)))
	}
	sizes, names := c.pages(path, "", "sqlUsers", "userName")
	if diff := cmp.Diff(all, names); diff != "" || strings.Join(sizes, " ") != "100 2" {
		t.Errorf("pages of %v, want 100 2 (-want +got)\n%s", sizes, diff)
	}
	c.do("GET", path+"?pageSize=x", "").want(400, `"status":400`)
}

func TestUser_cluster(t *testing.T) {
	cloud, clock := newDefaultCloud()
	c := serve(t, cloud)
	creating := c.create("cluster", "")
	for cluster, status := range map[string]int{creating: 400, missingID: 404, "x": 400} {
		users := clusterPath(cluster, "sqlUsers")
		for _, call := range []struct{ method, path, body string }{
			{"POST", users, `{"userName":"api"}`}, {"GET", users, ""}, {"GET", users + "/x", ""}, {"PATCH", users + "/x", `{` + password + `}`}, {"DELETE", users + "/x", ""},
		} {
			c.do(call.method, call.path, call.body).want(status, fmt.Sprintf(`"status":%d`, status), cluster)
		}
	}
	clock.Advance(3 * time.Second)
	c.createUser(creating, "api")
}
