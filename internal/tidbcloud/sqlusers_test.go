package tidbcloud_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"portfolio-infra/internal/tidbcloud"
)

func TestClient_FindSQLUser(t *testing.T) {
	const list = `{"sqlUsers":[
		{"userName":"p.root","builtinRole":"role_admin","authMethod":"mysql_native_password"},
		{"userName":"p.api","builtinRole":"p.role_readwrite","customRoles":["x"]},
		{"userName":"p.viewer"}]}`
	for _, tt := range []struct {
		name, fullName, answer string
		want                   *tidbcloud.SQLUser
		wantErr                string
	}{
		{"role with prefix", "p.api", list, &tidbcloud.SQLUser{FullName: "p.api", Role: "role_readwrite"}, ""},
		{"role without prefix", "p.root", list, &tidbcloud.SQLUser{FullName: "p.root", Role: "role_admin"}, ""},
		{"no role", "p.viewer", list, &tidbcloud.SQLUser{FullName: "p.viewer"}, ""},
		{"missing", "p.other", list, nil, ""},
		{"no users", "p.api", `{}`, nil, ""},
		{"user without a name", "p.api", `{"sqlUsers":[{}]}`, nil, "a SQL user without a name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/clusters/1/sqlUsers": answer(200, tt.answer)}}
			got, err := f.client().FindSQLUser(t.Context(), "1", tt.fullName)
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Error(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestClient_CreateSQLUser(t *testing.T) {
	f := &fake{routes: map[string]http.HandlerFunc{"POST /v1beta1/clusters/1/sqlUsers": inTurn(
		`{"userName":"p.api","builtinRole":"p.role_readwrite"}`,
		`400 {"code":"49900002","error":"password hunter2hunter2 is too simple","msgPrefix":"invalid parameter","status":400}`,
		`400 {"code":"x","error":{"why":"hunter2hunter2"},"status":400}`,
	)}}
	c := f.client()
	n := tidbcloud.CreateSQLUserRequest{Name: "api", Password: "hunter2hunter2", Role: tidbcloud.RoleReadWrite}
	made, err := c.CreateSQLUser(t.Context(), "1", n)
	if err != nil || *made != (tidbcloud.SQLUser{FullName: "p.api", Role: "role_readwrite"}) {
		t.Errorf("made %+v: %v", made, err)
	}
	want := map[string]any{"userName": "api", "password": "hunter2hunter2", "builtinRole": "role_readwrite", "authMethod": "mysql_native_password", "autoPrefix": true}
	if !reflect.DeepEqual(f.calls[0].body, want) {
		t.Errorf("sent %v", f.calls[0].body)
	}
	for _, wantErr := range []string{
		`creating SQL user "api": TiDB Cloud: POST https://iam.test/v1beta1/clusters/1/sqlUsers: 400 Bad Request: invalid parameter: password [password] is too simple (code 49900002, request id trace-1)`,
		`400 Bad Request: {"why":"[password]"} (code x, request id trace-1)`,
	} {
		if _, err := c.CreateSQLUser(t.Context(), "1", n); err == nil || !strings.HasSuffix(err.Error(), wantErr) {
			t.Errorf("got  %v\nwant %s", err, wantErr)
		}
	}
}

func TestClient_UpdateSQLUser(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change tidbcloud.UpdateSQLUserRequest
		want   map[string]any
	}{
		{"password", tidbcloud.UpdateSQLUserRequest{Password: "hunter2hunter2"}, map[string]any{"password": "hunter2hunter2"}},
		{"reader", tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleReadOnly}, map[string]any{"builtinRole": "p.role_readonly"}},
		{"writer", tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleReadWrite}, map[string]any{"builtinRole": "p.role_readwrite"}},
		{"administrator", tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleAdmin}, map[string]any{"builtinRole": "role_admin"}},
		{"both", tidbcloud.UpdateSQLUserRequest{Password: "hunter2hunter2", Role: tidbcloud.RoleReadOnly}, map[string]any{"password": "hunter2hunter2", "builtinRole": "p.role_readonly"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"PATCH /v1beta1/clusters/1/sqlUsers/p.api": inTurn(`{}`, `400 {"code":"x","error":"no hunter2hunter2"}`)}}
			c := f.client()
			if err := c.UpdateSQLUser(t.Context(), "1", "p.api", tt.change); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(f.calls[0].body, tt.want) {
				t.Errorf("sent %v", f.calls[0].body)
			}
			err := c.UpdateSQLUser(t.Context(), "1", "p.api", tt.change)
			if err == nil || tt.change.Password != "" && strings.Contains(err.Error(), tt.change.Password) {
				t.Error(err)
			}
		})
	}
}

func TestClient_DeleteSQLUser(t *testing.T) {
	f := &fake{routes: map[string]http.HandlerFunc{"DELETE /v1beta1/clusters/1/sqlUsers/p.a/b": answer(200, `{"code":0,"message":"ok"}`)}}
	if err := f.client().DeleteSQLUser(t.Context(), "1", "p.a/b"); err != nil {
		t.Error(err)
	}
	if got := f.requests(); !reflect.DeepEqual(got, []string{"DELETE /v1beta1/clusters/1/sqlUsers/p.a%2Fb"}) {
		t.Errorf("called %v", got)
	}
}
