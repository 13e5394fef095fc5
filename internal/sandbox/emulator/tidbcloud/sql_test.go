package tidbcloud_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// recorder is a SQL that records its calls and answers all with err.
type recorder struct {
	calls []string
	err   error
}

func (r *recorder) record(format string, args ...any) error {
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	return r.err
}

// want compares the calls since the last time.
func (r *recorder) want(t *testing.T, calls ...string) {
	t.Helper()
	if diff := cmp.Diff(calls, r.calls); diff != "" {
		t.Errorf("calls of SQL: (-want +got)\n%s", diff)
	}
	r.calls = nil
}

func (r *recorder) CreateCluster(id string) error { return r.record("create %s", id) }
func (r *recorder) CreateBranch(parent, id string, at time.Time) error {
	return r.record("branch %s %s %s", parent, id, at.Format(time.RFC3339Nano))
}
func (r *recorder) DeleteCluster(id string) error      { return r.record("delete %s", id) }
func (r *recorder) DropUser(id, userName string) error { return r.record("drop %s %s", id, userName) }
func (r *recorder) SetEndpoint(id string, disabled bool) error {
	return r.record("endpoint %s disabled %v", id, disabled)
}
func (r *recorder) PutUser(id string, l tidbcloud.Login) error {
	return r.record("put %s %s %s %q %s", id, l.UserName, l.BuiltinRole, l.Password, l.Hash)
}

// hashOfPassword is MySQL's CONCAT('*', UPPER(SHA1(UNHEX(SHA1('password'))))).
const hashOfPassword = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"

func TestCloud_SQL(t *testing.T) {
	sql := &recorder{}
	cloud := newCloud()
	cloud.SQL, cloud.File = sql, filepath.Join(t.TempDir(), "state.json")
	c := serve(t, cloud)
	gone, id := c.create("gone", ""), c.create("cluster", "")
	prefix := cloud.Clusters()[1].UserPrefix + "."
	c.do("DELETE", clusterPath(gone), "").want(200)
	c.do("DELETE", clusterPath(gone), "").want(200)
	sql.want(t, "create "+gone, "create "+id, "delete "+gone)
	api := prefix + "api"
	c.do("POST", clusterPath(id, "sqlUsers"), `{"userName":"api","password":"password",`+nativeAuth+`,"autoPrefix":true,"builtinRole":"role_readwrite"}`).want(200)
	c.do("PATCH", clusterPath(id, "sqlUsers", api), `{"builtinRole":"`+prefix+`role_readonly"}`).want(200)
	put := "put " + id + " " + api + " " + prefix
	sql.want(t, put+`role_readwrite "password" `+hashOfPassword, put+`role_readonly "" `+hashOfPassword)
	disable := func(disabled bool) string {
		return fmt.Sprintf(`{"updateMask":"endpoints.public.disabled","cluster":{"endpoints":{"public":{"disabled":%v}}}}`, disabled)
	}
	for _, disabled := range []bool{true, false, true} {
		c.do("PATCH", clusterPath(id), disable(disabled)).want(200)
	}
	c.do("PATCH", clusterPath(id), `{"updateMask":"displayName","cluster":{"displayName":"renamed"}}`).want(200)
	off, on := "endpoint "+id+" disabled true", "endpoint "+id+" disabled false"
	sql.want(t, off, on, off)

	// A call that fails makes the request fail without effect.
	sql.err = errors.New("the disk is full")
	c.do("POST", clustersPath, `{"displayName":"another",`+tokyo+`}`).want(500, `"code":500`)
	c.do("DELETE", clusterPath(id), "").want(500, "the disk is full")
	c.do("PATCH", clusterPath(id), disable(false)).want(500, "the disk is full")
	c.do("PATCH", clusterPath(id, "sqlUsers", api), `{"password":"new password"}`).want(500, `"status":500`)
	c.do("DELETE", clusterPath(id, "sqlUsers", api), "").want(500)
	c.do("GET", clusterPath(id), "").want(200, `"state":"ACTIVE"`)
	if len(cloud.Clusters()) != 2 || !cloud.CheckPassword(id, api, "password") {
		t.Errorf("a refused request had an effect: %+v", cloud.Clusters())
	}
	sql.calls = nil

	// After a restart the calls are repeated for what exists, without passwords and not
	// for what is DELETING.
	again := newCloud()
	again.SQL, again.File = sql, cloud.File
	if err := again.Load(); !errors.Is(err, sql.err) {
		t.Errorf("loading: %v, want %v", err, sql.err)
	}
	sql.calls, sql.err = nil, nil
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	sql.want(t, "create "+id, off, put+`role_readonly "" `+hashOfPassword)
}
