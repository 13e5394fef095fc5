package sql_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// iam calls an emulated TiDB Cloud as its API key.
type iam struct {
	t    *testing.T
	url  string
	http *http.Client
}

func (i *iam) do(method, path, body string) map[string]any {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, i.url+path, strings.NewReader(body))
	must(i.t, err)
	res, err := i.http.Do(req)
	must(i.t, err)
	defer func() { _ = res.Body.Close() }()
	var out map[string]any
	must(i.t, json.NewDecoder(res.Body).Decode(&out))
	if res.StatusCode != http.StatusOK {
		i.t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, out)
	}
	return out
}

// cloud serves an emulated TiDB Cloud in front of SQL servers, both of which keep
// their state in dir.
func cloud(t *testing.T, dir string) (*iam, *sql.Servers) {
	t.Helper()
	s := &sql.Servers{Dir: filepath.Join(dir, "sql")}
	t.Cleanup(func() { _ = s.Close() })
	c := &tidbcloud.Cloud{
		PublicKey: "public", PrivateKey: "private",
		File: filepath.Join(dir, "tidbcloud.json"), CreateTime: -1, RateLimit: -1,
		SQL: s, Endpoint: s.Endpoint,
	}
	must(t, c.Load())
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	return &iam{t: t, url: srv.URL + "/v1beta1", http: &http.Client{
		Transport: &digest.Transport{Username: "public", Password: "private"},
	}}, s
}

func TestServers_cloud(t *testing.T) {
	dir := t.TempDir()
	api, s := cloud(t, dir)
	cluster := api.do("POST", "/clusters", `{"displayName":"shop","region":{"name":"regions/aws-ap-northeast-1"},"rootPassword":"root password"}`)
	id, prefix := fmt.Sprint(cluster["clusterId"]), fmt.Sprint(cluster["userPrefix"])
	public := cluster["endpoints"].(map[string]any)["public"].(map[string]any)
	host, port := s.Endpoint(id)
	if public["host"] != host || public["port"] != float64(port) {
		t.Errorf("the API shows the endpoint %v, it is %s:%d", public, host, port)
	}
	create := func(name, role string) {
		api.do("POST", "/clusters/"+id+"/sqlUsers", fmt.Sprintf(
			`{"userName":%q,"password":"first password","authMethod":"mysql_native_password","autoPrefix":true,"builtinRole":%q}`, name, role))
	}
	create("api", "role_readwrite")
	create("report", "role_readonly")

	root := client(t, s, id, prefix+".root", "root password", "test")
	run(t, root, "CREATE DATABASE IF NOT EXISTS shop", "CREATE TABLE shop.t (a INT)", "CREATE USER '"+prefix+".extra' IDENTIFIED BY 'x'")
	writer := client(t, s, id, prefix+".api", "first password", "shop")
	run(t, writer, "INSERT INTO t VALUES (1)")
	fails(t, writer, "CREATE TABLE u (a INT)", 1142)
	reader := client(t, s, id, prefix+".report", "first password", "shop")
	wantRows(t, reader, "SELECT a FROM t", "1")
	fails(t, reader, "INSERT INTO t VALUES (2)", 1143)

	user := "/clusters/" + id + "/sqlUsers/" + prefix + "."
	api.do("PATCH", user+"api", `{"password":"second password"}`)
	wantError(t, client(t, s, id, prefix+".api", "first password", "shop").PingContext(t.Context()), 1045)
	api.do("PATCH", user+"report", fmt.Sprintf(`{"builtinRole":%q}`, prefix+".role_readwrite"))
	run(t, reader, "INSERT INTO t VALUES (2)")
	api.do("PUT", "/clusters/"+id+"/password", `{"password":"new root password"}`)
	wantError(t, client(t, s, id, prefix+".root", "root password", "test").PingContext(t.Context()), 1045)

	// A restart of both: the passwords are known by their hashes alone.
	must(t, s.Close())
	api, s = cloud(t, dir)
	if again, p := s.Endpoint(id); again != host || p != port {
		t.Errorf("after a restart the endpoint is %s:%d, it was %s:%d", again, p, host, port)
	}
	must(t, client(t, s, id, prefix+".root", "new root password", "test").PingContext(t.Context()))
	writer = client(t, s, id, prefix+".api", "second password", "shop")
	wantRows(t, writer, "SELECT a FROM t ORDER BY a", "1", "2")
	api.do("DELETE", user+"api", "")
	wantError(t, client(t, s, id, prefix+".api", "second password", "shop").PingContext(t.Context()), 1045)
	api.do("DELETE", "/clusters/"+id, "")
	if err := root.PingContext(t.Context()); err == nil {
		t.Error("a deleted cluster answers")
	}
	left, err := filepath.Glob(filepath.Join(dir, "sql", id+"*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("a deleted cluster left %q", left)
	}
}
