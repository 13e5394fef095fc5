package stack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testcheck"
)

const (
	testAccount = emulated.DefaultAccountID
	testToken   = cloudflaretest.Token
)

// engine is a mocked engine. It keeps what was registered, by name.
type engine struct {
	mu         sync.Mutex
	registered map[string]pulumi.MockResourceArgs
	// state has what the engine tells of the stack's own state, by URN.
	state resource.PropertyMap
	// stacks has the outputs of other stacks, by name.
	stacks map[string]resource.PropertyMap
	// skipped has the state of resources that the run leaves as they are, by name.
	skipped map[string]resource.PropertyMap
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registered[args.Name] = args
	state := maps.Clone(args.Inputs)
	text := resource.NewStringProperty
	switch args.TypeToken {
	case "pulumi:index:Stash":
		state["output"] = args.Inputs["input"]
	case "tidbcloud:index:Cluster":
		state["host"], state["port"], state["userPrefix"] = text("db.example.com"), resource.NewNumberProperty(4000), text("prefix")
	case "tidbcloud:index:Branch":
		state["branchId"], state["host"], state["port"] = text("bran-1"), text("branch.example.com"), resource.NewNumberProperty(4000)
		state["userPrefix"], state["user"] = text("copy"), text("copy.root")
		state["password"] = resource.MakeSecret(text("password-of-root"))
	case "tidbcloud:index:SqlUser":
		prefix := "prefix."
		if args.Inputs.HasValue("root") {
			prefix = "copy."
		}
		state["fullName"] = text(prefix + args.Inputs["name"].StringValue())
		state["password"] = resource.MakeSecret(text("password-of-" + args.Name))
	case "cloudflare:index/pagesProject:PagesProject":
		state["subdomain"], state["createdOn"] = text("portfolio-x1.pages.dev"), text("2026-01-02T03:04:05Z")
	case "command:local:Command":
		state["stdout"] = text(`{"project":"portfolio","redeploy":false}`) // of deploy as well
	}
	maps.Copy(state, e.skipped[args.Name])
	return args.Name + "-id", state, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == "pulumi:pulumi:readStackOutputs" {
		outputs, known := e.stacks[args.Args["name"].StringValue()]
		if !known {
			return nil, errors.New("unknown stack")
		}
		return resource.PropertyMap{"outputs": resource.NewObjectProperty(outputs)}, nil
	}
	return resource.PropertyMap{"outputs": resource.NewObjectProperty(e.state)}, nil
}

// names returns the names of what was registered.
func (e *engine) names() []string { return slices.Sorted(maps.Keys(e.registered)) }

// run runs do with the configuration, to which it adds the defaults.
func (e *engine) run(do pulumi.RunFunc, project, stack string, config map[string]string, secrets ...string) error {
	e.registered = map[string]pulumi.MockResourceArgs{}
	return pulumi.RunErr(do, pulumi.WithMocks(project, stack, e), func(info *pulumi.RunInfo) {
		info.Config = withDefaults(project, config)
		info.ConfigSecretKeys = secrets
	})
}

// withDefaults adds the defaults to a configuration, and the project to keys without a namespace.
func withDefaults(project string, config map[string]string) map[string]string {
	all := map[string]string{}
	for _, values := range []map[string]string{defaults, config} {
		for key, value := range values {
			if !strings.Contains(key, ":") {
				key = project + ":" + key
			}
			all[key] = value
		}
	}
	return all
}

// defaults are those of Pulumi.yaml, as the engine gives them to the program
// (pkg/v3/workspace/config.go, createConfigValue).
var defaults = readDefaults("../../Pulumi.yaml")

func readDefaults(path string) map[string]string {
	project, err := workspace.LoadProject(path)
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	for key, config := range project.Config {
		text, isText := config.Default.(string)
		if !isText {
			b, _ := json.Marshal(config.Default) // it was YAML
			text = string(b)
		}
		all[key] = text
	}
	return all
}

// testEnv returns an environment with everything that a run needs.
func testEnv() map[string]string {
	return map[string]string{
		"CLOUDFLARE_API_TOKEN":  testToken,
		"CLOUDFLARE_ACCOUNT_ID": testAccount,
		"TIDBCLOUD_PUBLIC_KEY":  "publickey",
		"TIDBCLOUD_PRIVATE_KEY": "privatekey",
	}
}

// account is an emulated account, and what the runs on it have.
type account struct {
	*testing.T
	*cloudflaretest.Account
	env     map[string]string
	dir     string   // the project's folder
	stack   string   // dev, if empty
	secrets []string // the config keys of secrets, with their namespace
	engine  engine
}

func newAccount(t *testing.T) *account {
	return &account{T: t, Account: cloudflaretest.New(t, &emulated.Cloud{}), env: testEnv(), dir: "../.."}
}

func (a *account) client() *cloudflare.Client {
	return &cloudflare.Client{Token: testToken, AccountID: testAccount, HTTP: a.HTTP()}
}

// run runs the program, with the environment that the language host gives it. The project
// portfolio and the stack dev give names their default.
func (a *account) run(config map[string]string) error {
	getenv := func(name string) string {
		if value, set := a.env[name]; set || name != pulumi.EnvConfig {
			return value
		}
		b, err := json.Marshal(withDefaults("portfolio", config))
		if err != nil {
			a.Fatal(err)
		}
		return string(b)
	}
	p := Program{Getenv: getenv, HTTP: a.HTTP(), Dir: a.dir}
	return a.engine.run(p.Run, "portfolio", cmp.Or(a.stack, "dev"), config, a.secrets...)
}

// up is a run that must succeed. It returns the inputs of what was registered, by name.
func (a *account) up(config map[string]string) map[string]resource.PropertyMap {
	a.Helper()
	if err := a.run(config); err != nil {
		a.Fatal(err)
	}
	inputs := map[string]resource.PropertyMap{}
	for name, r := range a.engine.registered {
		inputs[name] = r.Inputs
	}
	return inputs
}

// refuse is a run whose error must have all parts. It registers nothing, and does not show the
// value hunter2.
func (a *account) refuse(config map[string]string, parts ...string) {
	a.Helper()
	err := a.run(config)
	testcheck.Error(a, err, parts...)
	if have := fmt.Sprint(err, " ", a.engine.names()); strings.Contains(have, "hunter2") || !strings.HasSuffix(have, "[]") {
		a.Errorf("it shows a secret, or registered: %s", have)
	}
}

// ignored returns the changes that a resource ignores.
func (a *account) ignored(name string) []string {
	return a.engine.registered[name].RegisterRPC.GetIgnoreChanges()
}

// read returns what Cloudflare has of the project site and the Worker api.
func (a *account) read() *world {
	a.Helper()
	w, err := readWorld(a.Context(), a.client(), "site", "api")
	if err != nil {
		a.Fatal(err)
	}
	return w
}

// projects returns the number of projects in the account.
func (a *account) projects() int { return len(a.Cloud.Projects()) }
