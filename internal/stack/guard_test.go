package stack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/cloudflare"
)

// api answers each path with a status and a result, and notes the deletions.
type api struct {
	answers map[string]string
	deleted []string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/accounts/"+testAccount)
	if r.Method == http.MethodDelete {
		a.deleted = append(a.deleted, path)
	}
	answer, ok := a.answers[path]
	if !ok {
		code := "8000007"
		if strings.HasPrefix(path, "/workers/") {
			code = "10007"
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"success":false,"errors":[{"code":` + code + `,"message":"not found"}],"result":null}`))
		return
	}
	_, _ = w.Write([]byte(`{"success":true,"result":` + answer + `}`))
}

func (a *api) client(t *testing.T) *cloudflare.Client {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return &cloudflare.Client{Token: testToken, AccountID: testAccount, BaseURL: server.URL}
}

func TestGuardProject(t *testing.T) {
	const path = "/pages/projects/site"
	for name, test := range map[string]struct {
		project, deployments string
		want                 string
	}{
		"none":       {"", "", ""},
		"left over":  {`{"subdomain":"site.pages.dev","domains":["site.pages.dev"],"build_config":{"build_command":null,"root_dir":""},"deployment_configs":{"production":{"env_vars":null,"limits":{"cpu_ms":10}}}}`, "[]", ""},
		"deployed":   {`{}`, `[{"id":"1"}]`, "it has deployments"},
		"a source":   {`{"source":{"type":"github"}}`, "[]", "it builds from a repository"},
		"a build":    {`{"build_config":{"build_command":"npm run build","root_dir":""}}`, "[]", "it has build settings"},
		"a domain":   {`{"subdomain":"site.pages.dev","domains":["site.pages.dev","example.com"]}`, "[]", "it has the domain example.com"},
		"a binding":  {`{"deployment_configs":{"preview":{"services":{"A":{"service":"x"}}}}}`, "[]", "it has service bindings"},
		"a variable": {`{"deployment_configs":{"production":{"env_vars":{"A":{"value":"x"}}}}}`, "[]", "it has env_vars"},
		"a database": {`{"deployment_configs":{"production":{"d1_databases":{"A":{"id":"x"}}}}}`, "[]", "it has d1_databases"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{answers: map[string]string{}}
			if test.project != "" {
				a.answers[path], a.answers[path+"/deployments"] = test.project, test.deployments
			}
			err := guardProject(t.Context(), a.client(t), "site")
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if removed := len(a.deleted) == 1; removed != (test.project != "") {
					t.Errorf("deleted %v", a.deleted)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{test.want, "pagesProject", "pulumi import cloudflare:index/pagesProject:PagesProject site " + testAccount + "/site"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			if len(a.deleted) > 0 {
				t.Errorf("deleted %v", a.deleted)
			}
		})
	}
}

func TestGuardWorker(t *testing.T) {
	const path = "/workers/scripts/api/settings"
	for name, test := range map[string]struct {
		settings, owner string
		refused         bool
	}{
		"none":                  {"", "me", false},
		"left over":             {`{"bindings":[{"type":"plain_text","name":"PULUMI_STACK","text":"me"}]}`, "me", false},
		"another stack's":       {`{"bindings":[{"type":"plain_text","name":"PULUMI_STACK","text":"you"}]}`, "me", true},
		"a stranger's":          {`{"bindings":[]}`, "me", true},
		"a secret of that name": {`{"bindings":[{"type":"secret_text","name":"PULUMI_STACK"}]}`, "me", true},
		"nobody's and no owner": {`{"bindings":[]}`, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{answers: map[string]string{}}
			if test.settings != "" {
				a.answers[path] = test.settings
			}
			err := guardWorker(t.Context(), a.client(t), "api", test.owner)
			if refused := err != nil; refused != test.refused {
				t.Fatalf("the error is %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "pulumi import cloudflare:index/workersScript:WorkersScript api "+testAccount+"/api") {
				t.Errorf("no import line in %q", err)
			}
		})
	}
}

func TestDeclaredOwner(t *testing.T) {
	variable := func(name string, text resource.PropertyValue) resource.PropertyValue {
		return resource.NewObjectProperty(resource.PropertyMap{"name": resource.NewStringProperty(name), "text": text})
	}
	for name, test := range map[string]struct {
		bindings []resource.PropertyValue
		want     string
	}{
		"none":     {nil, ""},
		"there":    {[]resource.PropertyValue{variable("A", resource.NewStringProperty("x")), variable(varOwner, resource.NewStringProperty("me"))}, "me"},
		"a secret": {[]resource.PropertyValue{variable(varOwner, resource.MakeSecret(resource.NewStringProperty("me")))}, "me"},
		"an output": {[]resource.PropertyValue{variable(varOwner, resource.NewOutputProperty(resource.Output{
			Element: resource.NewStringProperty("me"), Known: true, Secret: true}))}, "me"},
		"all secret": {[]resource.PropertyValue{resource.MakeSecret(variable(varOwner, resource.NewStringProperty("me")))}, "me"},
		"no text":    {[]resource.PropertyValue{variable(varOwner, resource.MakeSecret(resource.NewNumberProperty(1)))}, ""},
	} {
		inputs := resource.PropertyMap{"bindings": resource.NewArrayProperty(test.bindings)}
		if have := declaredOwner(inputs); have != test.want {
			t.Errorf("%s: %q, want %q", name, have, test.want)
		}
	}
	if have := declaredOwner(resource.PropertyMap{}); have != "" {
		t.Errorf("without bindings: %q", have)
	}
}
