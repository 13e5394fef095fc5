package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

const (
	account = "0123456789abcdef0123456789abcdef"
	token   = "hunter2-hunter2-hunter2"
)

// clientOf returns a client of an API that is in memory.
func clientOf(transport http.RoundTripper) *Client {
	return &Client{Token: token, AccountID: account, HTTP: &http.Client{Transport: transport}}
}

// responding returns a client of an API that gives one response to all calls.
func responding(status int, body string) *Client {
	return clientOf(resttest.Transport(resttest.Respond(status, body, "Cf-Ray", "ray-1")))
}

func failing(status int, code, message string) *Client {
	return responding(status, `{"success":false,"errors":[{"code":`+code+`,"message":"`+message+`"}],"result":null}`)
}

func TestClient_errors(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *Client
		want []string
	}{
		{"failure with 200", failing(200, "8000000", "An unknown error occurred"), []string{"200 OK: An unknown error occurred (code 8000000, request id ray-1)"}},
		{"no result", responding(200, `{"success":true,"errors":[],"result":null}`), []string{"it has no result"}},
		{"wrong token", failing(401, "10000", "Authentication error"), []string{"401 Unauthorized: Authentication error", "CLOUDFLARE_API_TOKEN"}},
		{"another account", failing(403, "9109", "Unauthorized to access requested resource"), []string{"403", "accountId"}},
		{"no project", failing(404, "8000007", "Project not found."), []string{"404", "keys accountId and pagesProject", "pulumi refresh"}},
		{"no such path", failing(404, "7003", "Could not route."), []string{"keys accountId and pagesProject"}},
		{"several", responding(400, `{"success":false,"errors":[{"code":1,"message":"one"},{"code":2,"message":"two"}]}`), []string{"one; two (code 1,"}},
		{"no such Worker to bind", failing(400, "8000022", "Invalid Service name (). Check your Service name and try again."), []string{"moreBindings"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.c.Project(t.Context(), "site")
			testcheck.Error(t, err, append(tt.want, "Cloudflare: GET https://api.cloudflare.com/client/v4/accounts/")...)
			if err != nil {
				resttest.CheckReadable(t, err, token)
			}
		})
	}
	// The suggestion names the keys of what is missing.
	_, err := failing(404, "7003", "Could not route.").Script(t.Context(), "api")
	testcheck.Error(t, err, "keys accountId and worker,")
}

func TestIsNotFound(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *Client
		want bool
	}{
		{"no project", failing(404, "8000007", "Project not found."), true},
		{"no Worker", failing(404, "10007", "This Worker does not exist on your account."), true},
		{"no Worker by service", failing(404, "10090", "This service does not exist."), true},
		{"no such path", failing(404, "7003", "Could not route to /accounts/x."), false},
		{"a proxy's page", responding(404, "<html>Not Found</html>"), false},
		{"nothing", responding(404, ""), false},
		{"another status", failing(403, "8000007", "Project not found."), false},
		{"no error", responding(200, `{"result":{}}`), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.c.Project(t.Context(), "site"); IsNotFound(err) != tt.want {
				t.Errorf("IsNotFound of %v is %v", err, !tt.want)
			}
		})
	}
}

// It is no error to delete what is gone.
func TestClient_delete_missing(t *testing.T) {
	err := errors.Join(
		failing(404, "8000007", "Project not found.").DeleteProject(t.Context(), "site"),
		failing(404, "10007", "This Worker does not exist on your account.").DeleteScript(t.Context(), "api"),
		failing(404, "10056", "Binding not found").DeleteSecret(t.Context(), "api", "KEY"),
		failing(404, "8000009", "The deployment ID you have specified does not exist.").DeleteDeployment(t.Context(), "site", "1"))
	testcheck.Error(t, err)
	testcheck.Error(t, failing(400, "10142", "Cannot delete service").DeleteScript(t.Context(), "api"), "Cannot delete service")
}

// fresh is a new project as the API returns it, with a compatibility date of another day
// than that of its creation.
const fresh = `{"id":"1","name":"site","subdomain":"site.pages.dev","domains":["site.pages.dev"],"source":null,
	"build_config":{"build_command":null,"root_dir":"","web_analytics_tag":null},"created_on":"2026-06-01T23:59:59.5Z",
	"production_branch":"main","production_script_name":"pages-worker--1-production","uses_functions":false,"framework":"",
	"latest_deployment":null,"canonical_deployment":null,"deployment_configs":{"preview":{"compatibility_date":"2026-05-30"},"production":{
		"always_use_latest_compatibility_date":false,"build_image_major_version":3,"compatibility_date":"2026-05-30",
		"compatibility_flags":[],"env_vars":null,"services":{},"placement":{"mode":""},"fail_open":true,"usage_model":"standard"}}}`

func TestProject_Altered(t *testing.T) {
	for name, test := range map[string]struct{ old, new, want string }{
		"new":                    {"", "", ""},
		"fewer properties":       {`"fail_open":true,`, "", ""},
		"a source":               {`"source":null`, `"source":{"type":"github"}`, "source"},
		"a build command":        {`"build_command":null`, `"build_command":"make"`, "build_config"},
		"web analytics":          {`"web_analytics_tag":null`, `"web_analytics_tag":"x"`, "build_config"},
		"a build cache":          {`"root_dir":""`, `"build_caching":true`, "build_config"},
		"a domain":               {`["site.pages.dev"]`, `["site.pages.dev","example.com"]`, "domains"},
		"another branch":         {`"production_branch":"main"`, `"production_branch":"trunk"`, "production_branch"},
		"a failed deployment":    {`"latest_deployment":null`, `"latest_deployment":{"id":"1"}`, "latest_deployment"},
		"a deployment":           {`"canonical_deployment":null`, `"canonical_deployment":{"id":"1"}`, "canonical_deployment"},
		"functions":              {`"uses_functions":false`, `"uses_functions":true`, "uses_functions"},
		"another date":           {`"compatibility_date":"2026-05-30"`, `"compatibility_date":"2026-05-31"`, "preview.compatibility_date"},
		"flags":                  {`"compatibility_flags":[]`, `"compatibility_flags":["nodejs_compat"]`, "production.compatibility_flags"},
		"the latest date":        {`date":false`, `date":true`, "production.always_use_latest_compatibility_date"},
		"an older image":         {`version":3`, `version":2`, "production.build_image_major_version"},
		"closed when it fails":   {`"fail_open":true`, `"fail_open":false`, "production.fail_open"},
		"another usage model":    {`"standard"`, `"bundled"`, "production.usage_model"},
		"a variable":             {`"env_vars":null`, `"env_vars":{"A":{"type":"plain_text","value":"x"}}`, "production.env_vars"},
		"a variable of previews": {`"preview":{`, `"preview":{"env_vars":{"A":{"type":"plain_text","value":"x"}},`, "preview.env_vars"},
		"a binding":              {`"services":{}`, `"services":{"A":{"service":"x"}}`, "production.services"},
		"placement":              {`"mode":""`, `"mode":"smart"`, "production.placement"},
		"limits":                 {`"services":{}`, `"limits":{"cpu_ms":10}`, "production.limits"},
		"a Wrangler file":        {`"services":{}`, `"wrangler_config_hash":"cafe"`, "production.wrangler_config_hash"},
		"unknown property":       {`"framework":""`, `"access":{"policy":"1"}`, "access"},
		"deploy hooks":           {`"framework":""`, `"deploy_hooks":[{"id":"1"}]`, "deploy_hooks"},
	} {
		t.Run(name, func(t *testing.T) {
			c := responding(200, `{"success":true,"result":`+strings.Replace(fresh, test.old, test.new, 1)+`}`)
			p, err := c.Project(t.Context(), "site")
			if got := p.Altered("main"); got != test.want || err != nil {
				t.Errorf("%q, want %q: %v", got, test.want, err)
			}
		})
	}
}

func TestClient_ScriptSHA256(t *testing.T) {
	const one = "--b\r\nContent-Disposition: form-data; name=\"w.js\"\r\n\r\nexport default {}\r\n"
	const more = "--b\r\nContent-Disposition: form-data; name=\"x.js\"\r\n\r\nmore\r\n"
	for _, tt := range []struct{ name, contentType, body, hashed, wantErr string }{
		{"one module", "multipart/form-data; boundary=b", one + "--b--\r\n", "export default {}", ""},
		{"two modules", "multipart/form-data; boundary=b", one + more + "--b--\r\n", "export default {}more", ""},
		{"service worker", "application/javascript", "addEventListener()", "addEventListener()", ""},
		{"cut off", "multipart/form-data; boundary=b", one, "", "unexpected EOF (request id ray-1)"},
		{"no type", ";", "x", "", "no media type"},
		{"another type", "text/plain", "x", "", `of type "text/plain"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := clientOf(resttest.Transport(resttest.Respond(200, tt.body, "Content-Type", tt.contentType, "Cf-Ray", "ray-1")))
			got, err := c.ScriptSHA256(t.Context(), "api")
			testcheck.Error(t, err, tt.wantErr)
			if want := sha256.Sum256([]byte(tt.hashed)); err == nil && got != hex.EncodeToString(want[:]) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestClient_workersDev(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *Client
		has  bool
		dev  WorkersDev
	}{
		{"on", responding(200, `{"success":true,"result":{"subdomain":"me","enabled":true}}`), true, WorkersDev{Enabled: true}},
		{"previews alone", responding(200, `{"success":true,"result":{"subdomain":"me","previews_enabled":true}}`), true, WorkersDev{Previews: true}},
		{"off", responding(200, `{"success":true,"result":{"subdomain":"me"}}`), true, WorkersDev{}},
		{"none", failing(404, "10007", "workers.api.error.script_not_found"), false, WorkersDev{}},
		{"no such path", failing(404, "7003", "Could not route."), true, WorkersDev{}},
		{"forbidden", failing(403, "10000", "Authentication error"), true, WorkersDev{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if has, err := tt.c.HasSubdomain(t.Context()); has != tt.has || err != nil {
				t.Errorf("HasSubdomain is %t, %v", has, err)
			}
			if dev, err := tt.c.WorkersDev(t.Context(), "api"); tt.name != "forbidden" && (dev != tt.dev || err != nil) {
				t.Errorf("WorkersDev is %v, %v", dev, err)
			}
		})
	}
}

func TestScript_Var(t *testing.T) {
	s, err := responding(200, `{"success":true,"result":{"bindings":[
		{"type":"secret_text","name":"PULUMI_STACK"},{"type":"plain_text","name":"OTHER","text":"x"},
		{"type":"plain_text","name":"PULUMI_STACK","text":"mine"}]}}`).Script(t.Context(), "api")
	if s.Var("PULUMI_STACK") != "mine" || s.Var("NONE") != "" || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
}
