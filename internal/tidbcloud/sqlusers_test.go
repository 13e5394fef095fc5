package tidbcloud_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

func TestClient_FindSQLUser(t *testing.T) {
	const list = `{"sqlUsers":[
		{"userName":"p.root","builtinRole":"role_admin","authMethod":"mysql_native_password"},
		{"userName":"p.api","builtinRole":"p.role_readwrite","customRoles":["x"]},
		{"userName":"p.viewer"}]}`
	for _, tt := range []struct {
		name, fullName, body string
		want                 *tidbcloud.SQLUser
		wantErr              string
	}{
		{"role with prefix", "p.api", list, &tidbcloud.SQLUser{FullName: "p.api", Role: "role_readwrite"}, ""},
		{"role without prefix", "p.root", list, &tidbcloud.SQLUser{FullName: "p.root", Role: "role_admin"}, ""},
		{"no role", "p.viewer", list, &tidbcloud.SQLUser{FullName: "p.viewer"}, ""},
		{"missing", "p.other", list, nil, ""},
		{"no users", "p.api", `{}`, nil, ""},
		{"user without a name", "p.api", `{"sqlUsers":[{}]}`, nil, "a SQL user without a name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := clientOf(respond(200, tt.body)).FindSQLUser(t.Context(), "1", tt.fullName)
			testcheck.Error(t, err, tt.wantErr)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const password = "hunter2hunter2hunter2"

func TestClient_sqlUserRequests(t *testing.T) {
	bare := func(ctx context.Context, c *tidbcloud.Client) error {
		return c.UpdateSQLUser(ctx, "1", tidbcloud.FullName("", "api"), tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleReadOnly})
	}
	update := func(req tidbcloud.UpdateSQLUserRequest) func(context.Context, *tidbcloud.Client) error {
		return func(ctx context.Context, c *tidbcloud.Client) error { return c.UpdateSQLUser(ctx, "1", "p.a/b", req) }
	}
	create := func(ctx context.Context, c *tidbcloud.Client) error {
		_, err := c.CreateSQLUser(ctx, "1", tidbcloud.CreateSQLUserRequest{Name: "api", Password: password, Role: tidbcloud.RoleReadWrite})
		return err
	}
	const post, patch = "POST /v1beta1/clusters/1/sqlUsers", "PATCH /v1beta1/clusters/1/sqlUsers/p.a%2Fb"
	for _, tt := range []struct {
		name string
		do   func(context.Context, *tidbcloud.Client) error
		call string
		sent string
	}{
		{"create", create, post, `{"userName":"api","password":"` + password + `","builtinRole":"role_readwrite","authMethod":"mysql_native_password","autoPrefix":true}`},
		{"writer", update(tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleReadWrite}), patch, `{"builtinRole":"p.role_readwrite"}`},
		{"administrator", update(tidbcloud.UpdateSQLUserRequest{Role: tidbcloud.RoleAdmin}), patch, `{"builtinRole":"role_admin"}`},
		{"without a prefix", bare, "PATCH /v1beta1/clusters/1/sqlUsers/api", `{"builtinRole":"role_readonly"}`},
		{"both", update(tidbcloud.UpdateSQLUserRequest{Password: password, Role: tidbcloud.RoleReadOnly}), patch, `{"password":"` + password + `","builtinRole":"p.role_readonly"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(200, `{"userName":"p.api"}`))
			testcheck.Error(t, tt.do(t.Context(), clientOf(api)))
			sent := api.Requests()[0]
			if diff := cmp.Diff([]string{tt.call, tt.sent}, []string{sent.Call, sent.Body}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An API may repeat what it was sent, in an error or in place of a response.
func TestClient_passwordIsNotShown(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		wantErr string
	}{
		{"message", 400, `{"code":"49900002","error":"password ` + password + ` is too simple","msgPrefix":"invalid parameter","status":400}`,
			"400 Bad Request: invalid parameter: password [password] is too simple (code 49900002, request id trace-1)"},
		{"object", 400, `{"code":"x","error":{"why":"` + password + `"},"status":400}`, `400 Bad Request: {"why":"[password]"} (code x, request id trace-1)`},
		{"text", 400, "cannot take password=" + password, "400 Bad Request"},
		{"text with 200", 200, "cannot take password=" + password, "the response is not JSON"},
		{"text with 502", 502, "cannot take password=" + password, "502 Bad Gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var shown []string
				c := clientOf(respond(tt.status, tt.body))
				c.OnWait = func(_ context.Context, _ time.Duration, reason string) { shown = append(shown, reason) }
				_, err := c.CreateSQLUser(t.Context(), "1", tidbcloud.CreateSQLUserRequest{Name: "api", Password: password})
				_, branchErr := c.CreateBranch(t.Context(), "1", tidbcloud.Branch{DisplayName: "pr-1"}, password)
				for _, err := range []error{
					err, branchErr, c.UpdateSQLUser(t.Context(), "1", "p.api", tidbcloud.UpdateSQLUserRequest{Password: password}),
					c.SetBranchPassword(t.Context(), "1", "bran-1", "p.root", password),
				} {
					testcheck.Error(t, err, tt.wantErr)
					var e *rest.Error
					if !errors.As(err, &e) || strings.Contains(err.Error()+strings.Join(shown, "\n"), password[:8]) {
						t.Errorf("%v\n%q", err, shown)
					}
				}
			})
		})
	}
}

// A response that cannot be TiDB Cloud's is not a success.
func TestClient_writes_foreignResponse(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "HTML": "<html>Log in</html>", "a list": "[]"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clientOf(respond(200, body))
				for _, err := range []error{
					c.RenameCluster(t.Context(), "1", "another"),
					c.DeleteCluster(t.Context(), "1"),
					c.UpdateSQLUser(t.Context(), "1", "p.api", tidbcloud.UpdateSQLUserRequest{Password: password}),
					c.DeleteSQLUser(t.Context(), "1", "p.api"),
				} {
					testcheck.Error(t, err, "check for a proxy in between")
					if !rest.Ambiguous(err) {
						t.Errorf("not ambiguous: %v", err)
					}
				}
			})
		})
	}
}
