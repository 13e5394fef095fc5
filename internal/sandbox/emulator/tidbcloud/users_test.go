package tidbcloud_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// newUsers is a cloud with one cluster, its id and its user prefix with the dot.
func newUsers(t *testing.T) (c *client, cloud *tidbcloud.Cloud, id, prefix string) {
	t.Helper()
	cloud = newCloud()
	c = serve(t, cloud)
	id = c.create("cluster", "")
	return c, cloud, id, cloud.Clusters()[0].UserPrefix + "."
}

const (
	password   = `"password":"correct horse"`
	nativeAuth = `"authMethod":"mysql_native_password"`
)

// createUser makes a user with a prefix and returns its full name.
func (c *client) createUser(id, name string) string {
	c.t.Helper()
	body := fmt.Sprintf(`{"userName":%q,%s,%s,"autoPrefix":true,"builtinRole":"role_readwrite"}`, name, password, nativeAuth)
	return c.do("POST", clusterPath(id, "sqlUsers"), body).want(200).str("userName")
}

func TestUser_create(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	tests := []struct {
		name, role, more   string
		wantName, wantRole string
	}{
		{"api", "role_readwrite", `,"autoPrefix":true`, prefix + "api", prefix + "role_readwrite"},
		{"reader", "role_readonly", `,"autoPrefix":true,"customRoles":["r1","r2"]`, prefix + "reader", prefix + "role_readonly"},
		{"boss", "role_admin", `,"autoPrefix":true,"customRoles":null`, prefix + "boss", "role_admin"},
		{prefix + "api2", prefix + "role_readwrite", `,"autoPrefix":false`, prefix + "api2", prefix + "role_readwrite"},
		{prefix + "api3", prefix + "role_readonly", ``, prefix + "api3", prefix + "role_readonly"},
		{prefix + "boss2", "role_admin", `,"customRoles":[]`, prefix + "boss2", "role_admin"},
		{"sixteen-letters-", "role_readwrite", `,"autoPrefix":true`, prefix + "sixteen-letters-", prefix + "role_readwrite"},
	}
	for _, tt := range tests {
		body := fmt.Sprintf(`{"userName":%q,"builtinRole":%q,%s,%s%s}`, tt.name, tt.role, password, nativeAuth, tt.more)
		a := c.do("POST", clusterPath(id, "sqlUsers"), body).want(200, nativeAuth)
		if a.str("userName") != tt.wantName || a.str("builtinRole") != tt.wantRole {
			t.Errorf("%s: the answer is %s", tt.name, a.raw)
		}
		if b := c.do("GET", clusterPath(id, "sqlUsers", tt.wantName), "").want(200); b.raw != a.raw {
			t.Errorf("GET differs from the answer to POST:\n%s\n%s", b.raw, a.raw)
		}
		if !cloud.CheckPassword(id, tt.wantName, "correct horse") || cloud.CheckPassword(id, tt.wantName, "correct horse ") {
			t.Errorf("%s: the password is not the one that was set", tt.name)
		}
	}
	if cloud.CheckPassword(id, prefix+"nobody", "correct horse") || cloud.CheckPassword("x", prefix+"api", "correct horse") {
		t.Error("a user that does not exist can log in")
	}
	c.do("GET", clusterPath(id, "sqlUsers", prefix+"reader"), "").want(200, `"customRoles":["r1","r2"]`)
	c.do("GET", clusterPath(id, "sqlUsers", prefix+"boss"), "").want(200, `"customRoles":[]`)
	c.do("GET", clusterPath(id, "sqlUsers", prefix+"root"), "").want(200, `"builtinRole":"role_admin"`)
}

func TestUser_create_refusals(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	c.createUser(id, "taken")
	base := map[string]string{
		"userName": `"api"`, "password": `"correct horse"`, "authMethod": `"mysql_native_password"`, "autoPrefix": "true", "builtinRole": `"role_readwrite"`,
	}
	tests := []struct {
		field, value, text string
	}{
		{"userName", "", "userName"},
		{"userName", `""`, "userName"},
		{"userName", `"taken"`, "already exists"},
		{"userName", `"root"`, "already exists"},
		{"userName", `"seventeen-letters"`, "32"},
		{"userName", `"a b"`, "space"},
		{"userName", `"a'b"`, "quote"},
		{"userName", `"ü"`, "ASCII"},
		{"userName", `"` + prefix + `api"`, "32"}, // the prefix twice
		{"autoPrefix", "false", prefix},
		{"autoPrefix", "", prefix},
		{"autoPrefix", `"true"`, "autoPrefix"},
		{"password", "", "password"},
		{"password", `"short77"`, "password"},
		{"password", `"` + strings.Repeat("p", 65) + `"`, "password"},
		{"authMethod", "", "mysql_native_password"},
		{"authMethod", `"caching_sha2_password"`, "mysql_native_password"},
		{"builtinRole", "", "builtinRole"},
		{"builtinRole", `"role_owner"`, "role_owner"},
		{"builtinRole", `"` + prefix + `role_readwrite"`, "role_readwrite"}, // the prefix twice
		{"customRoles", `["ok",""]`, "custom role"},
		{"customRoles", `"r"`, "customRoles"},
		{"role", `"x"`, "role"},
		{"username", `"api"`, "username"},
	}
	for _, tt := range tests {
		t.Run(tt.field+" "+tt.value, func(t *testing.T) {
			c := &client{t: t, url: c.url, http: c.http}
			var list []string
			fields := map[string]string{tt.field: tt.value}
			for k, v := range base {
				if _, ok := fields[k]; !ok {
					fields[k] = v
				}
			}
			for k, v := range fields {
				if v != "" {
					list = append(list, fmt.Sprintf("%q:%s", k, v))
				}
			}
			a := c.do("POST", clusterPath(id, "sqlUsers"), "{"+strings.Join(list, ",")+"}").want(400, `"status":400`, `"code":"49900001"`, tt.text)
			if strings.Contains(a.raw, "correct horse") || strings.Contains(a.raw, "short77") {
				t.Errorf("the answer shows the password: %s", a.raw)
			}
		})
	}
	if got := len(cloud.Users(id)); got != 2 {
		t.Errorf("refused requests left %d users", got)
	}
	body := fmt.Sprintf(`{"userName":%q,%s,%s,"builtinRole":"role_readwrite"}`, prefix+"api", password, nativeAuth)
	c.do("POST", clusterPath(id, "sqlUsers"), body).want(400, "builtinRole") // bare role, full name
	body = fmt.Sprintf(`{"userName":%q,%s,%s,"builtinRole":"role_admin"}`, prefix, password, nativeAuth)
	c.do("POST", clusterPath(id, "sqlUsers"), body).want(400, "userName")
}

func TestUser_update(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	name := c.createUser(id, "api")
	path := clusterPath(id, "sqlUsers", name)
	check := func(word string) {
		t.Helper()
		if !cloud.CheckPassword(id, name, word) {
			t.Errorf("the password is not %q", word)
		}
	}
	c.do("PATCH", path, `{"password":"another horse"}`).want(200, `"builtinRole":"`+prefix+`role_readwrite"`)
	check("another horse")
	c.do("PATCH", path, `{"builtinRole":"`+prefix+`role_readonly"}`).want(200, `"builtinRole":"`+prefix+`role_readonly"`)
	c.do("PATCH", path, `{"builtinRole":"role_admin","customRoles":["r1"]}`).want(200, `"builtinRole":"role_admin"`, `"customRoles":["r1"]`)
	c.do("PATCH", path, `{"customRoles":null,"password":"a third horse"}`).want(200, `"customRoles":["r1"]`)
	check("a third horse")
	c.do("PATCH", path, `{"customRoles":[]}`).want(200, `"customRoles":[]`, `"builtinRole":"role_admin"`)

	for body, text := range map[string]string{
		`{}`:                               "none of",
		`null`:                             "none of",
		`{"builtinRole":"role_readwrite"}`: prefix,
		`{"builtinRole":""}`:               "builtinRole",
		`{"password":"short77"}`:           "password",
		`{"password":""}`:                  "password",
		`{"customRoles":[""]}`:             "custom role",
		`{"userName":"x"}`:                 "userName",
		`{"autoPrefix":true,"password":"correct horse"}`:     "autoPrefix",
		`{"password":"a fourth horse","builtinRole":"role"}`: "builtinRole",
	} {
		c.do("PATCH", path, body).want(400, `"status":400`, text)
	}
	check("a third horse")
	c.do("GET", path, "").want(200, `"builtinRole":"role_admin"`, `"customRoles":[]`)
	c.do("PATCH", clusterPath(id, "sqlUsers", prefix+"nobody"), `{"password":"correct horse"}`).want(404, `"status":404`, "nobody")
	c.do("PATCH", clusterPath(id, "sqlUsers", "api"), `{"password":"correct horse"}`).want(404) // without the prefix
}

func TestUser_root(t *testing.T) {
	c, cloud, id, prefix := newUsers(t)
	root := prefix + "root"
	path := clusterPath(id, "sqlUsers", root)
	for _, body := range []string{`{"builtinRole":"` + prefix + `role_readonly"}`, `{"customRoles":["r1"]}`, `{"password":"correct horse","customRoles":["r1"]}`} {
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
	c.do("GET", clusterPath(id), "").want(200, `"tidb.cloud/has-set-password":"true"`)
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
		t.Errorf("made anew it is %s, not %s", again, name)
	}
}

func TestUser_escapedNames(t *testing.T) {
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
	c, cloud, id, prefix := newUsers(t)
	path := clusterPath(id, "sqlUsers")
	if a := c.do("GET", path, "").want(200, `"nextPageToken":""`); !slices.Equal(a.names("sqlUsers", "userName"), []string{prefix + "root"}) {
		t.Errorf("a new cluster has %s", a.raw)
	}
	all := []string{prefix + "root"}
	for i := range 120 {
		all = append(all, c.createUser(id, fmt.Sprintf("user-%d", i)))
	}
	for query, want := range map[string]string{"": "100 21", "pageSize=0": "100 21", "pageSize=50": "50 50 21", "pageSize=1000": "100 21"} {
		var sizes, names []string
		for token := ""; ; {
			a := c.do("GET", path+"?"+query+"&pageToken="+token, "").want(200)
			part := a.names("sqlUsers", "userName")
			sizes, names = append(sizes, fmt.Sprint(len(part))), append(names, part...)
			if token = a.str("nextPageToken"); token == "" {
				break
			}
		}
		if got := strings.Join(sizes, " "); got != want || !slices.Equal(names, all) {
			t.Errorf("%q: pages of %s, want %s", query, got, want)
		}
	}
	var snapshot []string
	for _, u := range cloud.Users(id) {
		snapshot = append(snapshot, u.UserName)
	}
	if !slices.Equal(snapshot, all) || cloud.Users("x") != nil {
		t.Errorf("Users returns %v", snapshot)
	}
	c.do("GET", path+"?pageSize=x", "").want(400, `"status":400`)
	c.do("GET", path+"?pageToken=x", "").want(400, `"status":400`)
}

func TestUser_cluster(t *testing.T) {
	ticks := newClock()
	cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now}
	c := serve(t, cloud)
	id := c.create("cluster", "")
	body := fmt.Sprintf(`{"userName":"api",%s,%s,"autoPrefix":true,"builtinRole":"role_readwrite"}`, password, nativeAuth)
	for _, tt := range []struct {
		cluster string
		status  int
	}{{id, 400}, {"10000000000000000000", 404}, {"x", 400}} {
		texts := []string{fmt.Sprintf(`"status":%d`, tt.status), tt.cluster}
		c.do("POST", clusterPath(tt.cluster, "sqlUsers"), body).want(tt.status, texts...)
		c.do("GET", clusterPath(tt.cluster, "sqlUsers"), "").want(tt.status, texts...)
		c.do("GET", clusterPath(tt.cluster, "sqlUsers", "x"), "").want(tt.status, texts...)
		c.do("PATCH", clusterPath(tt.cluster, "sqlUsers", "x"), `{`+password+`}`).want(tt.status, texts...)
		c.do("DELETE", clusterPath(tt.cluster, "sqlUsers", "x"), "").want(tt.status, texts...)
	}
	ticks.Advance(3 * time.Second)
	c.createUser(id, "api")
}
