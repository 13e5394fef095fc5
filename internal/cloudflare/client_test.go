package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
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
		"no result": {200, `{"success":true,"errors":[],"result":null}`, []string{"it has no result"}},
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
	err := c.PatchServices(t.Context(), "site", nil)
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

// made is a project as the API shows a new one.
const made = `{"id":"1","name":"site","subdomain":"site.pages.dev","domains":["site.pages.dev"],"source":null,
	"build_config":{"build_command":null,"root_dir":"","web_analytics_tag":null},"created_on":"2026-06-01T23:59:59.5Z",
	"production_branch":"main","production_script_name":"pages-worker--1-production","uses_functions":false,"framework":"",
	"latest_deployment":null,"canonical_deployment":null,"deployment_configs":{"preview":{},"production":{
		"always_use_latest_compatibility_date":false,"build_image_major_version":3,"compatibility_date":"2026-06-01",
		"compatibility_flags":[],"env_vars":null,"services":{},"placement":{"mode":""},"fail_open":true,"usage_model":"standard"}}}`

func TestProject_Altered(t *testing.T) {
	for name, test := range map[string]struct{ old, new, want string }{
		"as it was made":         {"", "", ""},
		"less is told":           {`"fail_open":true,`, "", ""},
		"a source":               {`"source":null`, `"source":{"type":"github"}`, "source"},
		"a build command":        {`"build_command":null`, `"build_command":"make"`, "build_config"},
		"web analytics":          {`"web_analytics_tag":null`, `"web_analytics_tag":"x"`, "build_config"},
		"a build cache":          {`"root_dir":""`, `"build_caching":true`, "build_config"},
		"a domain":               {`["site.pages.dev"]`, `["site.pages.dev","example.com"]`, "domains"},
		"another branch":         {`"production_branch":"main"`, `"production_branch":"trunk"`, "production_branch"},
		"a failed deployment":    {`"latest_deployment":null`, `"latest_deployment":{"id":"1"}`, "latest_deployment"},
		"a deployment":           {`"canonical_deployment":null`, `"canonical_deployment":{"id":"1"}`, "canonical_deployment"},
		"functions":              {`"uses_functions":false`, `"uses_functions":true`, "uses_functions"},
		"another date":           {`"compatibility_date":"2026-06-01"`, `"compatibility_date":"2026-05-31"`, "production.compatibility_date"},
		"flags":                  {`"compatibility_flags":[]`, `"compatibility_flags":["nodejs_compat"]`, "production.compatibility_flags"},
		"the latest date":        {`date":false`, `date":true`, "production.always_use_latest_compatibility_date"},
		"an older image":         {`version":3`, `version":2`, "production.build_image_major_version"},
		"closed when it fails":   {`"fail_open":true`, `"fail_open":false`, "production.fail_open"},
		"another usage model":    {`"standard"`, `"bundled"`, "production.usage_model"},
		"a variable":             {`"env_vars":null`, `"env_vars":{"A":{"type":"plain_text","value":"x"}}`, "production.env_vars"},
		"a variable of previews": {`"preview":{}`, `"preview":{"env_vars":{"A":{"type":"plain_text","value":"x"}}}`, "preview.env_vars"},
		"a binding":              {`"services":{}`, `"services":{"A":{"service":"x"}}`, "production.services"},
		"placement":              {`"mode":""`, `"mode":"smart"`, "production.placement"},
		"limits":                 {`"services":{}`, `"limits":{"cpu_ms":10}`, "production.limits"},
		"a Wrangler file":        {`"services":{}`, `"wrangler_config_hash":"cafe"`, "production.wrangler_config_hash"},
		"what is not known here": {`"framework":""`, `"access":{"policy":"1"}`, "access"},
		"and hooks":              {`"framework":""`, `"deploy_hooks":[{"id":"1"}]`, "deploy_hooks"},
	} {
		c, _ := answering(t, http.StatusOK, `{"success":true,"result":`+strings.Replace(made, test.old, test.new, 1)+`}`)
		p, err := c.Project(t.Context(), "site")
		if err != nil {
			t.Fatal(err)
		}
		if have := p.Altered("main"); have != test.want {
			t.Errorf("%s: %q, want %q", name, have, test.want)
		}
	}
}

// A Worker's hash is that of the file that was uploaded, or of all its modules.
func TestClient_ScriptSHA256(t *testing.T) {
	const one = "--b\r\nContent-Disposition: form-data; name=\"w.js\"\r\n\r\nexport default {}\r\n"
	const more = "--b\r\nContent-Disposition: form-data; name=\"x.js\"\r\n\r\nmore\r\n"
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	for name, test := range map[string]struct{ contentType, body, want string }{
		"one module":    {"multipart/form-data; boundary=b", one + "--b--\r\n", sum("export default {}")},
		"two modules":   {"multipart/form-data; boundary=b", one + more + "--b--\r\n", sum("export default {}more")},
		"an old kind":   {"application/javascript", "addEventListener()", sum("addEventListener()")},
		"is cut off":    {"multipart/form-data; boundary=b", one, ""},
		"is of no kind": {";", "x", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", test.contentType)
			_, _ = w.Write([]byte(test.body))
		}))
		t.Cleanup(server.Close)
		c := &Client{Token: "the-token", AccountID: account, BaseURL: server.URL}
		have, err := c.ScriptSHA256(t.Context(), "api")
		if have != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, have, err)
		}
	}
}

func TestClient_advisoryLooks(t *testing.T) {
	const (
		notFound = `{"success":false,"errors":[{"code":10007,"message":"workers.api.error.script_not_found"}]}`
		noRoute  = `{"success":false,"errors":[{"code":7003,"message":"Could not route."}]}`
		refused  = `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`
	)
	for name, test := range map[string]struct {
		status int
		body   string
		has    bool
		dev    WorkersDev
	}{
		"there, and on":  {200, `{"success":true,"result":{"subdomain":"me","enabled":true}}`, true, WorkersDev{Enabled: true}},
		"previews alone": {200, `{"success":true,"result":{"subdomain":"me","previews_enabled":true}}`, true, WorkersDev{Previews: true}},
		"off":            {200, `{"success":true,"result":{"subdomain":"me"}}`, true, WorkersDev{}},
		"none":           {404, notFound, false, WorkersDev{}},
		"no such path":   {404, noRoute, true, WorkersDev{}},
		"may not ask":    {403, refused, true, WorkersDev{}},
	} {
		c, _ := answering(t, test.status, test.body)
		has, err := c.HasSubdomain(t.Context())
		if has != test.has || err != nil {
			t.Errorf("%s: the account has one: %t, %v", name, has, err)
		}
		if dev, err := c.WorkersDev(t.Context(), "api"); test.status != 403 && (dev != test.dev || err != nil) {
			t.Errorf("%s: the Worker is on it: %v, %v", name, dev, err)
		}
	}
}

// What to do about a thing that is not found names the keys of that thing.
func TestClient_adviceNamesTheCall(t *testing.T) {
	c, _ := answering(t, http.StatusNotFound, `{"success":false,"errors":[{"code":7003,"message":"Could not route."}]}`)
	_, project := c.Project(t.Context(), "site")
	_, worker := c.Script(t.Context(), "api")
	for _, test := range []struct {
		err              error
		want, wantNotHas string
	}{{project, "keys accountId and pagesProject", "worker"}, {worker, "keys accountId and worker", "pagesProject"}} {
		if !strings.Contains(test.err.Error(), test.want) || strings.Contains(test.err.Error(), "keys accountId, "+test.wantNotHas) {
			t.Errorf("the error is %v", test.err)
		}
	}
}

func TestClient_DeleteSecret_gone(t *testing.T) {
	c, _ := answering(t, http.StatusNotFound, `{"success":false,"errors":[{"code":10056,"message":"Binding not found"}]}`)
	if err := c.DeleteSecret(t.Context(), "api", "KEY"); err != nil {
		t.Error(err)
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
