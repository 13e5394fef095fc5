package cloudflare

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const account = "0123456789abcdef0123456789abcdef"

// answering returns a client of an API that gives one answer to all calls, and
// what it was asked.
func answering(t *testing.T, status int, body string) (*Client, *[]string) {
	t.Helper()
	asked := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" {
			t.Errorf("%s %s without the token", r.Method, r.URL)
		}
		*asked = append(*asked, r.Method+" "+r.URL.EscapedPath())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cf-Ray", "ray-1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return &Client{Token: "the-token", AccountID: account, BaseURL: server.URL}, asked
}

func TestClient_paths(t *testing.T) {
	c, asked := answering(t, http.StatusOK, `{"success":true,"result":{}}`)
	if _, err := c.Project(t.Context(), "a/../b?c"); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteProject(t.Context(), "site"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Script(t.Context(), "ä b"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /accounts/" + account + "/pages/projects/a%2F..%2Fb%3Fc",
		"DELETE /accounts/" + account + "/pages/projects/site",
		"GET /accounts/" + account + "/workers/scripts/%C3%A4%20b/settings",
	}
	if !slices.Equal(*asked, want) {
		t.Errorf("asked %q, want %q", *asked, want)
	}
}

func TestClient_errors(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   []string
	}{
		"failure with 200": {200, `{"success":false,"errors":[{"code":8000000,"message":"An unknown error occurred"}],"result":null}`,
			[]string{"An unknown error occurred", "8000000", "ray-1"}},
		"no result": {200, `{"success":true,"errors":[],"result":null}`, []string{"holds no result"}},
		"wrong token": {401, `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`,
			[]string{"401", "Authentication error", "CLOUDFLARE_API_TOKEN"}},
		"another account": {403, `{"success":false,"errors":[{"code":9109,"message":"Unauthorized to access requested resource"}]}`,
			[]string{"403", "accountId"}},
		"no project": {404, `{"success":false,"errors":[{"code":8000007,"message":"Project not found."}]}`,
			[]string{"404", "pulumi refresh"}},
		"several": {400, `{"success":false,"errors":[{"code":1,"message":"one"},{"code":2,"message":"two"}]}`, []string{"one; two"}},
	} {
		c, _ := answering(t, test.status, test.body)
		_, err := c.Project(t.Context(), "site")
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range append(test.want, "Cloudflare: GET ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", name, want, err)
			}
		}
		if strings.Contains(err.Error(), "the-token") {
			t.Errorf("%s: the error shows the token", name)
		}
	}
}

func TestClient_invalidServiceName(t *testing.T) {
	c, _ := answering(t, http.StatusBadRequest,
		`{"success":false,"errors":[{"code":8000022,"message":"Invalid Service name (). Check your Service name and try again."}]}`)
	err := c.PatchServices(t.Context(), "site", map[string]ServicesPatch{})
	if err == nil || !strings.Contains(err.Error(), "moreBindings") {
		t.Errorf("the error is %v", err)
	}
}

func TestClient_DeleteProject_gone(t *testing.T) {
	c, _ := answering(t, http.StatusNotFound, `{"success":false,"errors":[{"code":8000007,"message":"Project not found."}]}`)
	if err := c.DeleteProject(t.Context(), "site"); err != nil {
		t.Error(err)
	}
}

func TestDeploymentConfig_others(t *testing.T) {
	c, _ := answering(t, http.StatusOK, `{"success":true,"result":{"deployment_configs":{"production":{
		"services":{"A":{"service":"api","environment":"production"}},
		"env_vars":{"KEY":{"type":"secret_text","value":""}},
		"kv_namespaces":{},"d1_databases":null,"fail_open":true,"compatibility_flags":["a"],"wrangler_config_hash":"cafe"}}}}`)
	p, err := c.Project(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	config := p.DeploymentConfigs["production"]
	if s := config.Services["A"]; s == nil || s.Service != "api" {
		t.Errorf("the service is %+v", s)
	}
	if config.WranglerConfigHash != "cafe" {
		t.Errorf("the hash is %q", config.WranglerConfigHash)
	}
	if len(config.Others) != 1 || config.Others["env_vars"] == nil {
		t.Errorf("the others are %v, want only env_vars", config.Others)
	}
}

func TestScript_Var(t *testing.T) {
	c, _ := answering(t, http.StatusOK, `{"success":true,"result":{"bindings":[
		{"type":"secret_text","name":"PULUMI_STACK"},{"type":"plain_text","name":"OTHER","text":"x"},
		{"type":"plain_text","name":"PULUMI_STACK","text":"mine"}]}}`)
	s, err := c.Script(t.Context(), "api")
	if err != nil {
		t.Fatal(err)
	}
	if have := s.Var("PULUMI_STACK"); have != "mine" {
		t.Errorf("%q", have)
	}
	if have := s.Var("NONE"); have != "" {
		t.Errorf("%q", have)
	}
}

func TestIsNotFound(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   bool
	}{
		"no project":           {404, `{"success":false,"errors":[{"code":8000007,"message":"Project not found."}]}`, true},
		"no Worker":            {404, `{"success":false,"errors":[{"code":10007,"message":"This Worker does not exist on your account."}]}`, true},
		"no Worker by service": {404, `{"success":false,"errors":[{"code":10090,"message":"This service does not exist."}]}`, true},
		"no such path":         {404, `{"success":false,"errors":[{"code":7003,"message":"Could not route to /accounts/x."}]}`, false},
		"a proxy's page":       {404, `<html>Not Found</html>`, false},
		"nothing":              {404, ``, false},
		"another status":       {403, `{"success":false,"errors":[{"code":8000007,"message":"Project not found."}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := answering(t, tt.status, tt.body)
			if _, err := c.Project(t.Context(), "site"); IsNotFound(err) != tt.want {
				t.Errorf("IsNotFound of %v is %v", err, !tt.want)
			}
		})
	}
	if IsNotFound(nil) {
		t.Error("no error says that something does not exist")
	}
}
