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
	const (
		path = "/pages/projects/site"
		made = `{"name":"site","subdomain":"site.pages.dev","domains":["site.pages.dev"],"production_branch":"main"}`
	)
	for name, test := range map[string]struct {
		project, deployments string
		adopt, dryRun        bool
		want                 string
	}{
		"none":             {"", "", false, false, ""},
		"left over":        {made, "[]", false, false, ""},
		"in a preview":     {made, "[]", false, true, ""},
		"not looked at":    {made, "[]", true, false, "it is empty"},
		"deployed":         {made, `[{"id":"1"}]`, false, false, "it has deployments"},
		"of another form":  {strings.Replace(made, `"main"`, `"main","access":{"id":"1"}`, 1), "[]", false, false, "a new one does not have its access"},
		"of another stack": {strings.Replace(made, `"main"`, `"trunk"`, 1), "[]", false, false, "production_branch"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{answers: map[string]string{}}
			if test.project != "" {
				a.answers[path], a.answers[path+"/deployments"] = test.project, test.deployments
			}
			cfg := Config{AccountID: testAccount, PagesProject: "site", ProductionBranch: "main", Adopt: test.adopt,
				Cloudflare: Access{Token: testToken, BaseURL: a.client(t).BaseURL}}
			err := guardProject(t.Context(), cfg, test.dryRun)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if removed := len(a.deleted) == 1; removed != (test.project != "" && !test.dryRun) {
					t.Errorf("deleted %v", a.deleted)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{test.want, "pagesProject", "adopt", "pulumi import cloudflare:index/pagesProject:PagesProject site " + testAccount + "/site"} {
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
