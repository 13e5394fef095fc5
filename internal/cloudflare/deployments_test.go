package cloudflare

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// uploadToken is what the asset calls take.
const uploadToken = "upload-token"

func body(text string) rest.Body {
	return rest.Body{ContentType: "text/plain", Size: int64(len(text)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

func TestClient_deploymentCalls(t *testing.T) {
	const site = "/client/v4/accounts/" + account + "/pages/projects/site%2Fx"
	for _, tt := range []struct {
		name, result string
		call         func(context.Context, *Client) (any, error)
		want         any
		request      string
		sent         string
		token        string
	}{
		{"upload token", `{"jwt":"a.b.c"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.UploadToken(ctx, "site/x") },
			"a.b.c", "GET " + site + "/upload-token", "", token},
		{"missing assets", `["b"]`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.MissingAssets(ctx, uploadToken, []string{"a", "b"})
			},
			[]string{"b"}, "POST /client/v4/pages/assets/check-missing", `{"hashes":["a","b"]}`, uploadToken},
		{"upload", `null`,
			func(ctx context.Context, c *Client) (any, error) {
				return nil, c.UploadAssets(ctx, uploadToken, body("files"))
			},
			nil, "POST /client/v4/pages/assets/upload", "files", uploadToken},
		{"upsert", `null`,
			func(ctx context.Context, c *Client) (any, error) {
				return nil, c.UpsertHashes(ctx, uploadToken, []string{"a"})
			},
			nil, "POST /client/v4/pages/assets/upsert-hashes", `{"hashes":["a"]}`, uploadToken},
		{"create", `{"id":"1","url":"https://1.site.pages.dev"}`,
			func(ctx context.Context, c *Client) (any, error) {
				d, err := c.CreateDeployment(ctx, "site/x", body("form"))
				return d.URL, err
			},
			"https://1.site.pages.dev", "POST " + site + "/deployments", "form", token},
		{"read", `{"id":"1","latest_stage":{"name":"deploy","status":"success"},"deployment_trigger":{"metadata":{"commit_message":"hello"}}}`,
			func(ctx context.Context, c *Client) (any, error) {
				d, err := c.Deployment(ctx, "site/x", "1/2")
				return []any{d.Message(), d.Live(), d.Failed()}, err
			},
			[]any{"hello", true, false}, "GET " + site + "/deployments/1%2F2", "", token},
		{"list", `[{"id":"2"},{"id":"1"}]`,
			func(ctx context.Context, c *Client) (any, error) {
				list, err := c.Deployments(ctx, "site/x", "", 2)
				return len(list), err
			},
			2, "GET " + site + "/deployments?page=2&per_page=25", "", token},
		{"list of an environment", `[]`,
			func(ctx context.Context, c *Client) (any, error) {
				list, err := c.Deployments(ctx, "site/x", "production", 1)
				return len(list), err
			},
			0, "GET " + site + "/deployments?page=1&per_page=25&env=production", "", token},
		{"delete", `null`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteDeployment(ctx, "site/x", "1") },
			nil, "DELETE " + site + "/deployments/1?force=true", "", token},
		{"log", `{"total":2,"data":[{"ts":"x","line":"one"},{"ts":"x","line":"two"}]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.DeploymentLog(ctx, "site/x", "1") },
			"two", "GET " + site + "/deployments/1/history/logs?size=10000000", "", token},
		{"empty log", `{"total":0,"data":[]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.DeploymentLog(ctx, "site/x", "1") },
			"", "GET " + site + "/deployments/1/history/logs?size=10000000", "", token},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "Bearer "+tt.token {
					t.Errorf("Authorization is %q", got)
				}
				resttest.Respond(200, `{"success":true,"errors":[],"result":`+tt.result+`}`)(w, r)
			})
			got, err := tt.call(t.Context(), clientOf(resttest.Transport(api)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			request := api.Requests()[0]
			if request.Call != tt.request || request.Body != tt.sent {
				t.Errorf("%s %q, want %s %q", request.Call, request.Body, tt.request, tt.sent)
			}
		})
	}
}

func TestIsTokenExpired(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *Client
		want bool
	}{
		{"its code", failing(403, "8000013", "Unauthorized"), true},
		{"its code with 200", failing(200, "8000013", "Unauthorized"), true},
		{"401", failing(401, "10000", "Authentication error"), true},
		{"401 without a body", responding(401, ""), true},
		{"403", failing(403, "9109", "Unauthorized"), false},
		{"another code", failing(400, "8000000", "An unknown error occurred"), false},
		{"no error", responding(200, `{"success":true,"result":[]}`), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.c.MissingAssets(t.Context(), uploadToken, nil)
			if got := IsTokenExpired(err); got != tt.want {
				t.Errorf("IsTokenExpired of %v is %t", err, got)
			}
			if tt.want {
				testcheck.Error(t, err, "run it again: it uploads only what is missing")
				resttest.CheckReadable(t, err, uploadToken)
			}
		})
	}
}

// An asset call may be repeated, the creation of a deployment may not.
func TestClient_deploymentRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := resttest.Respond(500, `{"success":false,"errors":[{"code":8000000,"message":"An unknown error occurred"}]}`)
		api := resttest.NewAPI(broken)
		c := clientOf(resttest.Transport(api))
		if err := c.UploadAssets(t.Context(), uploadToken, body("files")); !rest.Retryable(err) || len(api.Calls()) != 5 {
			t.Errorf("%d uploads: %v", len(api.Calls()), err)
		}
		api = resttest.NewAPI(broken)
		c = clientOf(resttest.Transport(api))
		_, err := c.CreateDeployment(t.Context(), "site", body("form"))
		if !rest.Ambiguous(err) || !IsUnknownError(err) || len(api.Calls()) != 1 {
			t.Errorf("%d deployments: %v", len(api.Calls()), err)
		}
	})
}

func TestClient_missingDeployment(t *testing.T) {
	c := failing(404, "8000009", "The deployment ID you have specified does not exist.")
	if err := c.DeleteDeployment(t.Context(), "site", "1"); err != nil {
		t.Error(err)
	}
	_, err := c.Deployment(t.Context(), "site", "1")
	if !IsNotFound(err) {
		t.Errorf("not IsNotFound: %v", err)
	}
	testcheck.Error(t, err, "somebody deleted the deployment: run it again")
	err = failing(400, "8000034", "You cannot delete the active production deployment.").DeleteDeployment(t.Context(), "site", "1")
	if !IsActiveDeployment(err) {
		t.Errorf("not IsActiveDeployment: %v", err)
	}
}
