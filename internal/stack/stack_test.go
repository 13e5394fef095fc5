package stack

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"portfolio-infra/internal/environment/mark"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is what a state and the engine have of a resource.
type golden struct {
	Inputs              map[string]any
	Protect             bool
	DeleteBeforeReplace bool     `json:",omitempty"`
	DependsOn           []string `json:",omitempty"`
	SecretOutputs       []string `json:",omitempty"`
	DeletedWith         string   `json:",omitempty"`
	IgnoreChanges       []string `json:",omitempty"`
	Aliases             int      `json:",omitempty"`
	BeforeCreate        []string `json:",omitempty"`
	BeforeUpdate        []string `json:",omitempty"`
	AfterUpdate         []string `json:",omitempty"`
}

// everyKey is a configuration that sets every key, and everySecret has the keys of its
// secrets.
var (
	everyKey = map[string]string{
		"portfolio:pagesProject":       "my-site",
		"portfolio:productionBranch":   "trunk",
		"portfolio:worker":             "site-api",
		"portfolio:cluster":            "site-db",
		"portfolio:region":             "regions/aws-us-east-1",
		"portfolio:tidbProject":        "123",
		"portfolio:spendingLimit":      "500",
		"portfolio:adopt":              "true",
		"portfolio:protect":            "false",
		"portfolio:compatibilityDate":  "2026-01-01",
		"portfolio:compatibilityFlags": `["nodejs_compat"]`,
		"portfolio:observability":      "false",
		"portfolio:workersDev":         "true",
		"portfolio:vars":               `{"BOOL":true,"GREETING":"a\"b","NUMBER":-1500}`,
		"portfolio:secrets":            `{"KEY":"hidden","PIN":7}`,
		"portfolio:site":               "internal/example/site",
		"portfolio:domain":             "www.example.com",
		"portfolio:zoneId":             emulated.DefaultZoneID,
		"portfolio:siteVars":           `{"MODE":"live"}`,
		"portfolio:siteSecrets":        `{"SESSION":"hidden"}`,
		"portfolio:overwriteSite":      "true",
		"portfolio:shrinkSite":         "true",
		"portfolio:functionsEnv":       `["MODE"]`,
		"portfolio:publicFiles":        `[".env.example"]`,
		"portfolio:binding":            "API",
		"portfolio:moreBindings":       `{"AUTH":{"service":"auth","entrypoint":"Login"}}`,
		"portfolio:previewBinding":     "staging",
		"portfolio:database":           "shop",
		"portfolio:migrations":         "internal/example/migrations",
		"portfolio:migrationsFormat":   "goose",
		"portfolio:migrationsTable":    "goose_db_version",
		"portfolio:migrationsBaseline": "00001_create_projects",
		"portfolio:sqlUser":            "app",
		"portfolio:rotation":           "3",
		"portfolio:databaseUrlOptions": `{"sslaccept":"strict","pool":5}`,
		"portfolio:doppler":            `{"project":"portfolio","config":"prd"}`,
		"cloudflare:apiToken":          testToken,
		"cloudflare:baseUrl":           "https://api.cloudflare.com/client/v4",
	}
	everySecret = []string{"portfolio:secrets", "portfolio:siteSecrets", "cloudflare:apiToken"}
)

// goldens has what the golden files are of. Together they have every resource of the program.
var goldens = map[string]struct {
	stack  string
	config map[string]string
}{
	"resources.json": {"dev", nil},
	"every_key.json": {"dev", everyKey},
	"fresh.json":     {"pr-7", freshEnvironment},
	"branch.json":    {"pr-7", branchEnvironment},
}

func runGolden(t *testing.T, file string) *engine {
	t.Helper()
	a := newAccount(t)
	a.stack, a.secrets = goldens[file].stack, everySecret
	a.dopplerCLI("echo --visibility")
	a.env[mark.EnvRepository] = "1234"
	a.up(goldens[file].config)
	return &a.engine
}

// A state lives on under its URNs. This test shows each change of a type, a name, a
// parent, an input or an option: an existing state must survive it.
func TestRun_golden(t *testing.T) {
	for file, test := range goldens {
		t.Run(file, func(t *testing.T) {
			compareGolden(t, "testdata/"+file, goldenOf(test.stack, runGolden(t, file)))
		})
	}
}

// goldenOf returns what was registered, by URN.
func goldenOf(stack string, e *engine) map[urn.URN]golden {
	resources := map[urn.URN]golden{}
	for _, r := range e.registered {
		var parent tokens.Type
		if p := urn.URN(r.RegisterRPC.GetParent()); p != "" {
			parent = p.QualifiedType()
		}
		resources[urn.New(tokens.QName(stack), "portfolio", parent, tokens.Type(r.TypeToken), r.Name)] = golden{
			Inputs:              plainInputs(r.Inputs),
			Protect:             r.RegisterRPC.GetProtect(),
			DeleteBeforeReplace: r.RegisterRPC.GetDeleteBeforeReplace(),
			DependsOn:           slices.Sorted(slices.Values(r.RegisterRPC.GetDependencies())),
			SecretOutputs:       r.RegisterRPC.GetAdditionalSecretOutputs(),
			DeletedWith:         r.RegisterRPC.GetDeletedWith(),
			IgnoreChanges:       r.RegisterRPC.GetIgnoreChanges(),
			Aliases:             len(r.RegisterRPC.GetAliases()),
			BeforeCreate:        r.RegisterRPC.GetHooks().GetBeforeCreate(),
			BeforeUpdate:        r.RegisterRPC.GetHooks().GetBeforeUpdate(),
			AfterUpdate:         r.RegisterRPC.GetHooks().GetAfterUpdate(),
		}
	}
	return resources
}

func compareGolden(t *testing.T, file string, resources map[urn.URN]golden) {
	t.Helper()
	have, err := json.MarshalIndent(resources, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, masked := range map[string]string{
		`\d{4}-\d\d-\d\dT[0-9:.]+Z`:             "TIME",
		`portfolio-dev-[a-z0-9]{12}`:            "OWNER",
		mark.Of("1234", 7) + `-[a-z0-9]{12}`:    "MARKED-OWNER",
		`((?:digest|settings)\\":\\")[0-9a-f]+`: "${1}DIGEST",
		`\b[A-Z2-7]{26}\b`:                      "KEY",
		`[0-9a-f]{64}`:                          "HASH",
		`(pulumi-build/)[0-9a-f]+`:              "${1}HASH",
	} {
		have = regexp.MustCompile(pattern).ReplaceAll(have, []byte(masked))
	}
	have = append(have, '\n')
	if *update {
		if err := os.WriteFile(file, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(have), "\n")); diff != "" {
		t.Errorf("the resources differ from %s; look at it and run the test with -update (-want +got):\n%s", file, diff)
	}
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

// Two stacks in one process see nothing of each other's environment, or of the process's.
func TestProgram_sideBySide(t *testing.T) {
	t.Setenv("CLOUDFLARE_ACCOUNT_ID", "not an account")
	t.Setenv("PATH", t.TempDir())
	var wg sync.WaitGroup
	for _, digit := range []string{"a", "b"} {
		a := newAccount(t)
		a.dopplerCLI("echo --visibility")
		a.Cloud.AccountID, a.Cloud.Token = strings.Repeat(digit, 32), testToken+digit
		a.env["CLOUDFLARE_ACCOUNT_ID"], a.env["CLOUDFLARE_API_TOKEN"] = a.Cloud.AccountID, a.Cloud.Token
		script := digit + ".js"
		a.dir = testfiles.Folder(t, map[string]string{script: "export default {}"})
		wg.Go(func() {
			testcheck.Error(t, a.run(map[string]string{"workerScript": script, "doppler": `{"project":"portfolio","config":"prd"}`}))
			worker := a.engine.registered["portfolio-dev-api"].Inputs
			if account, file := textOf(worker, "accountId"), textOf(worker, "contentFile"); account != a.Cloud.AccountID || file != script {
				t.Errorf("account %s and script %s, want %s and %s", account, file, a.Cloud.AccountID, script)
			}
		})
	}
	wg.Wait()
}

func TestRun_drift(t *testing.T) {
	const bound = `{"API_SERVICE":{"service":"portfolio-dev-api","environment":"production"}}`
	for _, test := range []struct {
		name, production, preview string
		want                      string
	}{
		{"none", bound, bound, ""},
		{"no project", "", "", "no project ("},
		{"one environment", bound, "{}", "not as wanted: preview.API_SERVICE ("},
		{"another Worker", strings.Replace(bound, "portfolio-dev-api", "other", 1), bound, "not as wanted: production.API_SERVICE ("},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			if test.production != "" {
				a.UploadWorker("portfolio-dev-api", "")
				a.UploadWorker("other", "")
				a.CreateProject("portfolio-dev", "main")
				a.Configure("portfolio-dev", `{"production":{"services":`+test.production+`},"preview":{"services":`+test.preview+`}}`)
			}
			mark := textOf(a.up(nil)["binding"]["environment"].ObjectValue(), envDrift)
			if !strings.HasPrefix(mark, test.want) || (mark == "") != (test.want == "") {
				t.Errorf("drift mark %q, want %q", mark, test.want)
			}
			// Without drift the mark of an earlier repair must stay as it is.
			if ignored := slices.Contains(a.ignored("binding"), "environment."+envDrift); ignored != (test.want == "") {
				t.Errorf("mark ignored: %t", ignored)
			}
		})
	}
}

// The golden files have production, the default, and another Worker.
func TestRun_previewBindingNone(t *testing.T) {
	inputs := newAccount(t).up(map[string]string{"previewBinding": "none", "moreBindings": `{"AUTH":{"service":"auth"}}`})
	stdin := textOf(inputs["binding"], "stdin")
	if want := `"preview":{"AUTH":{"service":"auth","environment":"production"}}}`; !strings.HasSuffix(stdin, want) {
		t.Errorf("request %s, want %s in it", stdin, want)
	}
}

// A project with a Wrangler file is refused once there is a Worker to be bound.
func TestRun_wranglerFile(t *testing.T) {
	a := newAccount(t)
	a.UploadWorker("portfolio-dev-api", "")
	a.CreateProject("portfolio-dev", "main")
	a.Configure("portfolio-dev", `{"production":{"wrangler_config_hash":"cafe"}}`)
	a.refuse(nil, "[[services]]")
}
