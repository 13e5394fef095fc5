package sql_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud/tidbcloudtest"
)

// cloud is an emulated TiDB Cloud in front of SQL servers, both of which keep their state in dir.
// call calls its API.
func cloud(t *testing.T, dir string) (s *sql.Servers, call func(method, path, body string) map[string]any) {
	t.Helper()
	s = &sql.Servers{TiDB: sqltest.TiDB(t), Dir: filepath.Join(dir, "sql")}
	t.Cleanup(func() { _ = s.Close() })
	c := &tidbcloud.Cloud{
		PublicKey: "public", PrivateKey: "private",
		File: filepath.Join(dir, "tidbcloud.json"), CreateTime: -1, RateLimit: -1,
		SQL: s, Endpoint: s.Endpoint,
	}
	must(t, c.Load())
	return s, func(method, path, body string) map[string]any {
		t.Helper()
		return tidbcloudtest.Call(t, c, method, path, body)
	}
}

func TestServers_cloud(t *testing.T) {
	dir := t.TempDir()
	s, call := cloud(t, dir)
	cluster := call("POST", "/clusters", `{"displayName":"shop","region":{"name":"regions/aws-ap-northeast-1"}}`)
	id, prefix := fmt.Sprint(cluster["clusterId"]), fmt.Sprint(cluster["userPrefix"])
	public := cluster["endpoints"].(map[string]any)["public"].(map[string]any)
	host, port := s.Endpoint(id)
	if public["host"] != host || public["port"] != float64(port) {
		t.Errorf("the API shows the endpoint %v, it is %s:%d", public, host, port)
	}
	user := "/clusters/" + id + "/sqlUsers/" + prefix + "."
	call("PATCH", user+"root", `{"password":"root password"}`)
	call("POST", "/clusters/"+id+"/sqlUsers", `{"userName":"api","password":"first password",
		"authMethod":"mysql_native_password","autoPrefix":true,"builtinRole":"role_readwrite"}`)
	root := client(t, s, id, prefix+".root", "root password", "test")
	run(t, root, "CREATE DATABASE IF NOT EXISTS shop", "CREATE TABLE shop.t (a INT)")
	writer := client(t, s, id, prefix+".api", "first password", "shop")
	run(t, writer, "INSERT INTO t VALUES (1)")
	call("PATCH", user+"api", `{"password":"second password"}`)
	refused(t, client(t, s, id, prefix+".api", "first password", "shop"), 1045)
	call("PATCH", user+"api", fmt.Sprintf(`{"builtinRole":%q}`, prefix+".role_readonly"))

	// A restart of both: the passwords are known by their hashes alone.
	must(t, s.Close())
	s, call = cloud(t, dir)
	if again, p := s.Endpoint(id); again != host || p != port {
		t.Errorf("after a restart the endpoint is %s:%d, it was %s:%d", again, p, host, port)
	}
	must(t, client(t, s, id, prefix+".root", "root password", "test").PingContext(t.Context()))
	writer = client(t, s, id, prefix+".api", "second password", "shop")
	wantRows(t, writer, "SELECT a FROM t", "1")
	fails(t, writer, 1142, "INSERT INTO t VALUES (2)")
	call("DELETE", user+"api", "")
	refused(t, client(t, s, id, prefix+".api", "second password", "shop"), 1045)
	call("DELETE", "/clusters/"+id, "")
	left, err := filepath.Glob(filepath.Join(dir, "sql", id+"*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("a deleted cluster left %q", left)
	}
}

// A disabled public endpoint serves nobody, over MySQL or HTTP, until it is enabled. It stays
// so over a restart.
func TestServers_disabledEndpoint(t *testing.T) {
	dir := t.TempDir()
	s, call := cloud(t, dir)
	cluster := call("POST", "/clusters", `{"displayName":"shop","region":{"name":"regions/aws-ap-northeast-1"}}`)
	id, user := fmt.Sprint(cluster["clusterId"]), fmt.Sprint(cluster["userPrefix"])+".root"
	call("PATCH", "/clusters/"+id+"/sqlUsers/"+user, `{"password":"root password"}`)
	set := func(disabled bool) {
		call("PATCH", "/clusters/"+id, fmt.Sprintf(`{"updateMask":"endpoints.public.disabled","cluster":{"endpoints":{"public":{"disabled":%v}}}}`, disabled))
	}
	serves := func(s *sql.Servers, want bool) {
		t.Helper()
		err := client(t, s, id, user, "root password", "test").PingContext(t.Context())
		answer := newWeb(t, s).as(user, "root password").query("SELECT 1")
		if (err == nil) != want || (answer.status == http.StatusOK) != want {
			t.Errorf("over MySQL %v, over HTTP %d %s; served: %v", err, answer.status, answer.Message, want)
		}
	}
	serves(s, true)
	open := conn(t, client(t, s, id, user, "root password", "test"))
	set(true)
	eventually(t, func() bool { return open.PingContext(t.Context()) != nil })
	serves(s, false)
	must(t, s.Close())
	s, call = cloud(t, dir)
	serves(s, false)
	set(false)
	serves(s, true)
}

// An Essential cluster has no user prefix.
func TestServers_withoutPrefix(t *testing.T) {
	t.Parallel()
	s := start(t, &sql.Servers{})
	must(t, s.CreateCluster(two))
	put(t, s, two, "api", "role_admin", password)
	run(t, client(t, s, two, "api", password, "test"), "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")
	newWeb(t, s).as("api", password).query("SELECT a FROM t").want(t, 200, "1")
}
