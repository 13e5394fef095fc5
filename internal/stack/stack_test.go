package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	testAccount = "0123456789abcdef0123456789abcdef"
	testToken   = "a-token-that-is-made-up-0123456789abcdef"
)

// engine is a mocked engine: it keeps what was registered.
type engine struct {
	mu         sync.Mutex
	registered map[string]pulumi.MockResourceArgs
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registered[args.Name] = args
	state := maps.Clone(args.Inputs)
	id := args.Name + "-id"
	text := resource.NewStringProperty
	switch args.TypeToken {
	case "pulumi:index:Stash":
		state["output"] = args.Inputs["input"]
	case "tidbcloud:index:Cluster":
		state["host"], state["port"], state["userPrefix"] = text("db.example.com"), resource.NewNumberProperty(4000), text("prefix")
	case "tidbcloud:index:SqlUser":
		state["fullName"] = text("prefix." + args.Inputs["name"].StringValue())
		state["password"] = resource.MakeSecret(text("password-of-" + args.Name))
	case "cloudflare:index/pagesProject:PagesProject":
		state["subdomain"], state["createdOn"] = text("portfolio-x1.pages.dev"), text("2026-01-02T03:04:05Z")
	case "command:local:Command":
		state["stdout"] = text(`{"project":"portfolio","redeploy":false}`)
	}
	return id, state, nil
}

func (e *engine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, nil
}

// names returns what was registered.
func (e *engine) names() []string { return slices.Sorted(maps.Keys(e.registered)) }

// goodEnv sets the credentials, and a Cloudflare API that answers with the
// project, or 404 where it is empty.
func goodEnv(t *testing.T, project string) {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if project == "" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"success":false,"errors":[{"code":8000007,"message":"Project not found"}]}`))
			return
		}
		if strings.HasSuffix(r.URL.Path, "/content/v2") {
			w.Header().Set("Content-Type", "application/javascript")
		}
		_, _ = w.Write([]byte(`{"success":true,"result":` + project + `}`))
	}))
	t.Cleanup(api.Close)
	t.Chdir("../..")
	for name, value := range map[string]string{
		"CLOUDFLARE_BASE_URL":   api.URL,
		"CLOUDFLARE_API_TOKEN":  testToken,
		"CLOUDFLARE_ACCOUNT_ID": testAccount,
		"TIDBCLOUD_PUBLIC_KEY":  "publickey",
		"TIDBCLOUD_PRIVATE_KEY": "privatekey",
	} {
		t.Setenv(name, value)
	}
}

// defaults are those of Pulumi.yaml, by key without namespace, as the engine gives them
// to the program (pkg/v3/workspace/config.go, createConfigValue).
var defaults = readDefaults("../../Pulumi.yaml")

func readDefaults(path string) map[string]string {
	project, err := workspace.LoadProject(path)
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	for key, config := range project.Config {
		switch value := config.Default.(type) {
		case string, int, bool:
			all[key] = fmt.Sprint(value)
		default:
			text, err := json.Marshal(value)
			if err != nil {
				panic(err)
			}
			all[key] = string(text)
		}
	}
	return all
}

// withDefaults adds the defaults of Pulumi.yaml to what is configured.
func withDefaults(project string, config map[string]string) map[string]string {
	all := map[string]string{}
	for key, value := range defaults {
		all[project+":"+key] = value
	}
	maps.Copy(all, config)
	return all
}

func runStack(config map[string]string, secret ...string) (*engine, error) {
	e := &engine{registered: map[string]pulumi.MockResourceArgs{}}
	err := pulumi.RunErr(Run, pulumi.WithMocks("portfolio", "dev", e), func(ri *pulumi.RunInfo) {
		ri.Config = withDefaults("portfolio", config)
		ri.ConfigSecretKeys = secret
	})
	return e, err
}

// plainInputs returns inputs as JSON-like values, secrets as {"secret": value}.
func plainInputs(m resource.PropertyMap) map[string]any {
	return m.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() {
			return map[string]any{"secret": v.SecretValue().Element.Mappable()}, true
		}
		return nil, false
	})
}

func sameJSON(t *testing.T, what string, have, want any) {
	t.Helper()
	h, err := json.MarshalIndent(have, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.MarshalIndent(want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if string(h) != string(w) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, h, w)
	}
}

func TestRun_everyInput(t *testing.T) {
	goodEnv(t, `{"name":"portfolio","deployment_configs":{
		"production":{"services":{"API_SERVICE":{"service":"portfolio-api","environment":"production"},"AUTH":{"service":"auth","environment":"production","entrypoint":"Login"}}},
		"preview":{"services":{"API_SERVICE":{"service":"portfolio-api","environment":"production"},"AUTH":{"service":"auth","environment":"production","entrypoint":"Login"}}}}}`)
	dopplerCLI(t, "echo --visibility")
	e, err := runStack(map[string]string{
		"portfolio:pagesProject":       "portfolio",
		"portfolio:productionBranch":   "trunk",
		"portfolio:worker":             "portfolio-api",
		"portfolio:cluster":            "portfolio-db",
		"portfolio:region":             "regions/aws-us-east-1",
		"portfolio:tidbProject":        "123",
		"portfolio:spendingLimit":      "500",
		"portfolio:adopt":              "true",
		"portfolio:compatibilityDate":  "2026-01-01",
		"portfolio:compatibilityFlags": `["nodejs_compat"]`,
		"portfolio:observability":      "false",
		"portfolio:vars":               `{"GREETING":"hello"}`,
		"portfolio:secrets":            `{"KEY":"hidden"}`,
		"portfolio:moreBindings":       `{"AUTH":{"service":"auth","entrypoint":"Login"}}`,
		"portfolio:database":           "shop",
		"portfolio:sqlUser":            "app",
		"portfolio:rotation":           "2026-11",
		"portfolio:databaseUrlOptions": `{"sslaccept":"strict","pool":5}`,
		"portfolio:doppler":            `{"project":"portfolio","config":"prd"}`,
		"cloudflare:apiToken":          testToken,
	}, "portfolio:secrets", "cloudflare:apiToken")
	if err != nil {
		t.Fatal(err)
	}
	wantNames := []string{"admin", "api", "binding", "cluster", "database", "doppler", "names", "owner", "pages", "portfolio", "portfolio-api", "schema", "user"}
	if names := e.names(); !slices.Equal(names, wantNames) {
		t.Errorf("registered %v, want %v", names, wantNames)
	}
	owner := e.registered["owner"].Inputs["input"].StringValue()
	sameJSON(t, "cluster", plainInputs(e.registered["cluster"].Inputs), map[string]any{
		"displayName": "portfolio-db", "region": "regions/aws-us-east-1", "owner": owner,
		"projectId": "123", "spendingLimitMonthly": 500, "adopt": true, "deletionProtection": true,
	})
	sameJSON(t, "admin", plainInputs(e.registered["admin"].Inputs), map[string]any{
		"clusterId": "cluster-id", "name": "pulumi", "role": "role_admin", "owner": owner, "adopt": true, "rotation": "2026-11",
	})
	sameJSON(t, "user", plainInputs(e.registered["user"].Inputs), map[string]any{
		"clusterId": "cluster-id", "name": "app", "role": "role_readwrite", "owner": owner, "adopt": true, "rotation": "2026-11",
	})
	sameJSON(t, "schema", plainInputs(e.registered["schema"].Inputs), map[string]any{
		"clusterId": "cluster-id", "host": "db.example.com", "port": 4000, "name": "shop",
		"user": "prefix.pulumi", "password": map[string]any{"secret": "password-of-admin"},
	})
	secretURL := map[string]any{"secret": "mysql://prefix.app:password-of-user@db.example.com:4000/shop?pool=5&sslaccept=strict"}
	sameJSON(t, "doppler", plainInputs(e.registered["doppler"].Inputs), map[string]any{
		"create": "doppler secrets set --silent --no-interactive --visibility=masked --project=portfolio --config=prd DATABASE_URL >/dev/null",
		"delete": "if command -v doppler >/dev/null; then doppler secrets delete --yes --silent --project=portfolio --config=prd DATABASE_URL >/dev/null; " +
			"else echo 'there is no Doppler CLI on the PATH: DATABASE_URL stays in portfolio/prd' >&2; fi",
		"logging": "stderr", "stdin": secretURL, "triggers": []any{"portfolio", "prd"},
	})
	script, err := readScript(".", "internal/stack/worker.js")
	if err != nil {
		t.Fatal(err)
	}
	variable := func(kind, name string, text any) map[string]any {
		return map[string]any{"type": kind, "name": name, "text": text}
	}
	var note string
	eachBinding(e.registered["portfolio-api"].Inputs, func(name string, b resource.PropertyMap) {
		if name == varUpload {
			note, _ = plain(b["text"]).V.(string)
		}
	})
	if uploaded(note) != script.SHA256 || !strings.Contains(note, " due (") {
		t.Errorf("the upload's note is %q", note)
	}
	sameJSON(t, "worker", plainInputs(e.registered["portfolio-api"].Inputs), map[string]any{
		"accountId": testAccount, "scriptName": "portfolio-api",
		"contentFile": "internal/stack/worker.js", "contentSha256": script.SHA256, "mainModule": "worker.js",
		"compatibilityDate": "2026-01-01", "compatibilityFlags": []string{"nodejs_compat"},
		"observability": map[string]any{"enabled": false},
		"bindings": []any{
			variable("plain_text", "GREETING", "hello"),
			variable("plain_text", "PULUMI_STACK", owner),
			variable("plain_text", "PULUMI_UPLOAD", note),
			variable("secret_text", "DATABASE_URL", secretURL),
			variable("secret_text", "KEY", map[string]any{"secret": "hidden"}),
		},
		"keepBindings": []string{"secret_text", "secret_key"},
	})
	sameJSON(t, "project", plainInputs(e.registered["portfolio"].Inputs), map[string]any{
		"accountId": testAccount, "name": "portfolio", "productionBranch": "trunk",
	})
	sameJSON(t, "binding", plainInputs(e.registered["binding"].Inputs), map[string]any{
		"create": "bin/portfolio bind", "update": "bin/portfolio bind", "delete": deleteCommand,
		"environment": map[string]any{"CLOUDFLARE_API_TOKEN": map[string]any{"secret": testToken}, "PAGES_BINDING_DRIFT": ""},
		"logging":     "stderr",
		"stdin": `{"accountId":"` + testAccount + `","project":"portfolio","productionBranch":"trunk","createdOn":"2026-01-02T03:04:05Z","bindings":{` +
			`"API_SERVICE":{"service":"portfolio-api","environment":"production"},` +
			`"AUTH":{"service":"auth","environment":"production","entrypoint":"Login"}}}`,
	})
}

func TestRun_urlOptions(t *testing.T) {
	for config, want := range map[string]string{"": "?sslaccept=strict", "{}": "", `{"ssl":"a b"}`: "?ssl=a%20b", `{"ssl":true}`: "?ssl=true"} {
		t.Run(config, func(t *testing.T) {
			goodEnv(t, "")
			set := map[string]string{}
			if config != "" {
				set["portfolio:databaseUrlOptions"] = config
			}
			e, err := runStack(set)
			if err != nil {
				t.Fatal(err)
			}
			var have string
			for _, b := range e.registered["portfolio-dev-api"].Inputs["bindings"].ArrayValue() {
				if o := b.ObjectValue(); o["name"].StringValue() == "DATABASE_URL" {
					have = o["text"].SecretValue().Element.StringValue()
				}
			}
			if full := "mysql://prefix.api:password-of-user@db.example.com:4000/portfolio" + want; have != full {
				t.Errorf("%s, want %s", have, full)
			}
		})
	}
}

func TestRun_drift(t *testing.T) {
	bound := `{"services":{"API_SERVICE":{"service":"portfolio-dev-api","environment":"production"}}}`
	for _, test := range []struct {
		name, project, want string
	}{
		{"none", `{"deployment_configs":{"production":` + bound + `,"preview":` + bound + `}}`, ""},
		{"no project", "", "no project ("},
		{"one environment", `{"deployment_configs":{"production":` + bound + `,"preview":{}}}`, "not as wanted: preview.API_SERVICE ("},
		{"another Worker", `{"deployment_configs":{"production":{"services":{"API_SERVICE":{"service":"other","environment":"production"}}},"preview":` + bound + `}}`,
			"not as wanted: production.API_SERVICE ("},
	} {
		t.Run(test.name, func(t *testing.T) {
			goodEnv(t, test.project)
			e, err := runStack(nil)
			if err != nil {
				t.Fatal(err)
			}
			command := e.registered["binding"]
			mark := command.Inputs["environment"].ObjectValue()["PAGES_BINDING_DRIFT"].StringValue()
			if !strings.HasPrefix(mark, test.want) || (mark == "") != (test.want == "") {
				t.Errorf("the mark is %q, want %q", mark, test.want)
			}
			// Without drift the mark of an earlier repair must stay as it is.
			ignored := slices.Contains(command.RegisterRPC.GetIgnoreChanges(), "environment.PAGES_BINDING_DRIFT")
			if ignored != (test.want == "") {
				t.Errorf("the mark is ignored: %t", ignored)
			}
		})
	}
}

func TestRun_namesFromProjectAndStack(t *testing.T) {
	goodEnv(t, "")
	e, err := runStack(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{
		"cluster":           {"displayName", "portfolio-dev-db"},
		"portfolio-dev-api": {"scriptName", "portfolio-dev-api"},
		"portfolio-dev":     {"name", "portfolio-dev"},
	} {
		if have := e.registered[name].Inputs[resource.PropertyKey(want[0])].StringValue(); have != want[1] {
			t.Errorf("%s: %s is %q, want %q", name, want[0], have, want[1])
		}
	}
}
