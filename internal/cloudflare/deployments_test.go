package cloudflare

import (
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

// Each call has its path, its token and its body, and returns what is in the answer.
func TestClient_calls(t *testing.T) {
	ctx := t.Context()
	type request struct{ call, body, token string }
	var sent []request
	var got []any
	on := func(result string) *Client {
		return clientOf(resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			call := r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/client/v4/accounts/"+account)
			sent = append(sent, request{call, string(body), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")})
			resttest.Respond(200, `{"success":true,"errors":[],"result":`+result+`}`)(w, r)
		})))
	}
	add := func(value any, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		got = append(got, value)
	}
	p, err := on(`{"name":"site"}`).Project(ctx, "a/../b?c")
	add(p.Name, err)
	s, err := on(`{}`).Script(ctx, "ä b")
	add(s.Var("X"), err)
	add(nil, on(`null`).DeleteProject(ctx, "site"))
	add(on(`{"jwt":"a.b.c"}`).UploadToken(ctx, "site/x"))
	add(on(`["b"]`).MissingAssets(ctx, uploadToken, []string{"a", "b"}))
	add(nil, on(`null`).UploadAssets(ctx, uploadToken, body("files")))
	add(nil, on(`null`).UpsertHashes(ctx, uploadToken, []string{"a"}))
	d, err := on(`{"id":"1","url":"https://1.site.pages.dev"}`).CreateDeployment(ctx, "site/x", body("form"))
	add(d.URL, err)
	d, err = on(`{"id":"1","latest_stage":{"name":"deploy","status":"success"},"deployment_trigger":{"metadata":{"commit_message":"hello"}}}`).Deployment(ctx, "site/x", "1/2")
	add([]any{d.Message(), d.Live(), d.Failed()}, err)
	all, err := on(`[{"id":"2"},{"id":"1"}]`).Deployments(ctx, "site/x", "", 2)
	add(len(all), err)
	all, err = on(`[]`).Deployments(ctx, "site/x", "production", 1)
	add(len(all), err)
	add(nil, on(`null`).DeleteDeployment(ctx, "site/x", "1"))
	add(on(`{"total":2,"data":[{"line":"one"},{"line":"two"}]}`).DeploymentLog(ctx, "site/x", "1"))
	add(on(`{"total":0,"data":[]}`).DeploymentLog(ctx, "site/x", "1"))

	const site = "/pages/projects/site%2Fx"
	want := []request{
		{"GET /pages/projects/a%2F..%2Fb%3Fc", "", token},
		{"GET /workers/scripts/%C3%A4%20b/settings", "", token},
		{"DELETE /pages/projects/site", "", token},
		{"GET " + site + "/upload-token", "", token},
		{"POST /client/v4/pages/assets/check-missing", `{"hashes":["a","b"]}`, uploadToken},
		{"POST /client/v4/pages/assets/upload", "files", uploadToken},
		{"POST /client/v4/pages/assets/upsert-hashes", `{"hashes":["a"]}`, uploadToken},
		{"POST " + site + "/deployments", "form", token},
		{"GET " + site + "/deployments/1%2F2", "", token},
		{"GET " + site + "/deployments?page=2&per_page=25", "", token},
		{"GET " + site + "/deployments?page=1&per_page=25&env=production", "", token},
		{"DELETE " + site + "/deployments/1?force=true", "", token},
		{"GET " + site + "/deployments/1/history/logs?size=10000000", "", token},
		{"GET " + site + "/deployments/1/history/logs?size=10000000", "", token},
	}
	if diff := cmp.Diff(want, sent, cmp.AllowUnexported(request{})); diff != "" {
		t.Error(diff)
	}
	values := []any{"site", "", nil, "a.b.c", []string{"b"}, nil, nil, "https://1.site.pages.dev", []any{"hello", true, false}, 2, 0, nil, "two", ""}
	if diff := cmp.Diff(values, got); diff != "" {
		t.Error(diff)
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
	_, err := failing(404, "8000009", "The deployment ID you have specified does not exist.").Deployment(t.Context(), "site", "1")
	if !IsNotFound(err) {
		t.Errorf("not IsNotFound: %v", err)
	}
	testcheck.Error(t, err, "somebody deleted the deployment: run it again")
	err = failing(400, "8000034", "You cannot delete the active production deployment.").DeleteDeployment(t.Context(), "site", "1")
	if !IsActiveDeployment(err) {
		t.Errorf("not IsActiveDeployment: %v", err)
	}
}
