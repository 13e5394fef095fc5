package stack

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/testcheck"
)

// freshEnvironment and branchEnvironment are the configurations of an environment with data
// of its own, and of one with a copy.
var (
	freshEnvironment = map[string]string{
		"portfolio:protect":    "false",
		"portfolio:site":       "internal/example/site",
		"portfolio:migrations": "internal/example/migrations",
		"portfolio:seeds":      "internal/example/seeds",
	}
	branchEnvironment = map[string]string{
		"portfolio:protect":     "false",
		"portfolio:migrations":  "internal/example/migrations",
		"portfolio:previewData": "branch",
		"portfolio:branchOf":    "10000001",
		"portfolio:masks":       "internal/example/masks",
	}
)

// newEnvironment returns an account and a configuration of an environment with these changes.
// A value "-" takes a key out.
func newEnvironment(t *testing.T, config map[string]string, changes ...string) (*account, map[string]string) {
	a := newAccount(t)
	a.stack = "pr-7"
	config = maps.Clone(config)
	for i := 0; i < len(changes); i += 2 {
		config["portfolio:"+changes[i]] = changes[i+1]
		if changes[i+1] == "-" {
			delete(config, "portfolio:"+changes[i])
		}
	}
	return a, config
}

func TestEnvironment_problems(t *testing.T) {
	for _, test := range []struct {
		name, data, key, value string
		want                   string // empty for none
	}{
		{"nothing but protect", "", "protect", "false", ""},
		{"fresh by name", "fresh", "seeds", "-", ""},
		{"protected", "fresh", "protect", "true", "portfolio:protect: an environment ends with its pull request: run `pulumi config set protect false`"},
		{"a project's name", "fresh", "pagesProject", "portfolio", "portfolio:pagesProject: the names of an environment are made of its stack's: run `pulumi config rm pagesProject`"},
		{"a Worker's name", "fresh", "worker", "portfolio-api", "run `pulumi config rm worker`"},
		{"a cluster's name", "fresh", "cluster", "portfolio-db", "run `pulumi config rm cluster`"},
		{"a domain", "fresh", "domain", "www.example.com", "run `pulumi config rm domain`"},
		{"a zone", "fresh", "zoneId", testAccount, "run `pulumi config rm zoneId`"},
		{"Doppler", "fresh", "doppler", `{"project":"p","config":"prd"}`, "run `pulumi config rm doppler`"},
		{"another kind of data", "fresh", "previewData", "copy", `portfolio:previewData: "copy" must be fresh or branch, or empty for fresh: run ` + "`pulumi config rm previewData`"},
		{"seeds that are not there", "fresh", "seeds", "no/such", `portfolio:seeds: "no/such": there is no such folder`},
		{"seeds of another kind", "fresh", "seeds", "internal/example/api", `portfolio:seeds: "internal/example/api": `},
		{"a parent of fresh data", "fresh", "branchOf", "10000001", "run `pulumi config set previewData branch`, or `pulumi config rm branchOf`"},
		{"masks of fresh data", "fresh", "masks", "none", "run `pulumi config set previewData branch`, or `pulumi config rm masks`"},
		{"days that are none", "fresh", "expireAfterDays", "0", "portfolio:expireAfterDays: "},

		{"a copy", "branch", "masks", "internal/example/masks", ""},
		{"a copy as it is", "branch", "masks", "none", ""},
		{"a copy of a stack's cluster", "branch", "branchOf", "stack:acme/portfolio/prod", ""},
		{"no masks", "branch", "masks", "-", "portfolio:masks: previewData branch needs a folder of SQL"},
		{"no masks, on purpose", "branch", "masks", "-", "`pulumi config set masks none`"},
		{"masks that are not there", "branch", "masks", "no/such", `portfolio:masks: "no/such": there is no such folder`},
		{"masks by an absolute path", "branch", "masks", "/tmp", "the path is absolute"},
		{"no parent", "branch", "branchOf", "-", "portfolio:branchOf: previewData branch needs the cluster to copy: run `pulumi config set branchOf CLUSTER_ID`"},
		{"a parent's path", "branch", "branchOf", "clusters/1", `portfolio:branchOf: "clusters/1" must be the ID of a cluster`},
		{"a short name of a stack", "branch", "branchOf", "stack:prod", `portfolio:branchOf: "prod" must be the full name of a stack`},
		{"seeds of a copy", "branch", "seeds", "internal/example/seeds", "portfolio:seeds: a copy of another cluster has that one's rows: run `pulumi config rm seeds`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := freshEnvironment
			if test.data == branchData {
				config = branchEnvironment
			}
			a, values := newEnvironment(t, config, "site", "-", test.key, test.value)
			e := &engine{stacks: map[string]resource.PropertyMap{"acme/portfolio/prod": {"clusterId": resource.NewStringProperty("10000002")}}}
			err := a.runOn(e, values)
			if test.want == "" {
				testcheck.Error(t, err)
				return
			}
			testcheck.Error(t, err, "has a problem", test.want) // and no other
			if len(e.registered) > 0 {
				t.Errorf("registered %v", e.names())
			}
		})
	}
	a, values := newEnvironment(t, branchEnvironment, "protect", "true", "worker", "api", "branchOf", "-", "masks", "-", "seeds", "x")
	_, err := a.run(values)
	testcheck.Error(t, err, "5 problems", "portfolio:protect", "portfolio:worker", "portfolio:branchOf", "portfolio:masks", "portfolio:seeds")
}

// Any other stack refuses the keys of environments.
func TestEnvironment_only(t *testing.T) {
	for key, value := range map[string]string{
		"previewData": "fresh", "seeds": "internal/example/seeds", "branchOf": "10000001", "masks": "none",
	} {
		for _, stack := range []string{"dev", "pr-07", "my-pr-7"} {
			a := newAccount(t)
			a.stack = stack
			_, err := a.run(map[string]string{"portfolio:" + key: value})
			testcheck.Error(t, err, "has a problem", "portfolio:"+key+": only a stack named pr-NUMBER", "`pulumi config rm "+key+"`")
		}
	}
}

// The cluster of another stack is found by its outputs. An error comes before anything is
// registered.
func TestCopy_findParent(t *testing.T) {
	id := resource.PropertyMap{"clusterId": resource.NewStringProperty("10000002"), "databaseUrl": resource.MakeSecret(resource.NewStringProperty("hidden"))}
	for name, test := range map[string]struct {
		stacks map[string]resource.PropertyMap
		want   []string
	}{
		"its output":       {map[string]resource.PropertyMap{"acme/portfolio/prod": id}, nil},
		"no such stack":    {nil, []string{"config key branchOf: ", "acme/portfolio/prod", "`pulumi config set branchOf CLUSTER_ID`", "unknown stack"}},
		"never brought up": {map[string]resource.PropertyMap{"acme/portfolio/prod": {}}, []string{"config key branchOf: ", "no output clusterId", "`pulumi up`"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, config := newEnvironment(t, branchEnvironment, "branchOf", "stack:acme/portfolio/prod")
			e := &engine{stacks: test.stacks}
			testcheck.Error(t, a.runOn(e, config), test.want...)
			if test.want == nil {
				if have := textOf(e.registered["branch"].Inputs, "clusterId"); have != "10000002" {
					t.Errorf("the parent is %q", have)
				}
			} else if len(e.registered) > 0 {
				t.Errorf("registered %v", e.names())
			}
		})
	}
}

// An environment's owner bears its mark if the repository is known, and stays once it is made.
func TestEnvironment_owner(t *testing.T) {
	marked := mark.Of("1234", 7)
	for name, test := range map[string]struct {
		repository, kept, want string
	}{
		"in a job":            {"1234", "", marked + "-"},
		"by hand":             {"", "", "portfolio-pr-7-"},
		"by hand, then a job": {"1234", "portfolio-pr-7-0123456789ab", "portfolio-pr-7-0123456789ab"},
		"a job, then by hand": {"", marked + "-0123456789ab", marked + "-0123456789ab"},
		"the mark of another": {"4321", marked + "-0123456789ab", marked + "-0123456789ab"},
	} {
		t.Run(name, func(t *testing.T) {
			a, config := newEnvironment(t, branchEnvironment)
			a.env[mark.EnvRepository] = test.repository
			e := &engine{skipped: map[string]resource.PropertyMap{}}
			if test.kept != "" {
				e.skipped["owner"] = resource.PropertyMap{"output": resource.NewStringProperty(test.kept)}
			}
			if err := a.runOn(e, config); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(e.registered["owner"].RegisterRPC.GetIgnoreChanges(), []string{"input"}) {
				t.Error("a later run would change the owner")
			}
			have := textOf(e.registered["branch"].Inputs, "owner")
			if !strings.HasPrefix(have, test.want) || !labelPattern.MatchString(have) || len(have) > 63 {
				t.Errorf("the owner is %q, want %q", have, test.want)
			}
			if worker := declaredScript(e.registered["portfolio-pr-7-api"].Inputs).Var(varOwner); worker != have {
				t.Errorf("the Worker bears %q, not %q", worker, have)
			}
		})
	}
	a := newAccount(t)
	a.env[mark.EnvRepository] = "1234"
	e, err := a.run(nil)
	if err != nil {
		t.Fatal(err)
	}
	if have := textOf(e.registered["cluster"].Inputs, "owner"); !strings.HasPrefix(have, "portfolio-dev-") {
		t.Errorf("the owner of a stack that is no environment is %q", have)
	}
}

func TestCheckStackName(t *testing.T) {
	marked := mark.Of("1234", 7) + "-0123456789ab"
	for name, test := range map[string]struct {
		owner, project, stack string
		want                  string
	}{
		"not known yet":                   {"", "portfolio", "pr-7", ""},
		"an environment":                  {marked, "portfolio", "pr-7", ""},
		"made by hand":                    {"portfolio-pr-7-0123456789ab", "portfolio", "pr-7", ""},
		"its project renamed":             {"port-folio-pr-7-0123456789ab", "site", "pr-7", ""},
		"a project without a letter":      {"pr-7-0123456789ab", "_", "pr-7", ""},
		"another stack":                   {"portfolio-dev-0123456789ab", "portfolio", "prod", ""},
		"made an environment":             {"portfolio-dev-0123456789ab", "portfolio", "pr-7", "`pulumi stack rename dev`"},
		"of another pull request":         {marked, "portfolio", "pr-70", "`pulumi stack rename pr-7`"},
		"of another pull request by hand": {"portfolio-pr-17-0123456789ab", "portfolio", "pr-7", "`pulumi stack rename pr-17`"},
		"an environment that is kept":     {marked, "portfolio", "prod", "`pulumi stack rename pr-7`"},
	} {
		err := checkStackName(test.owner, test.project, test.stack)
		if test.want == "" {
			testcheck.Error(t, err)
		} else {
			testcheck.Error(t, err, test.want)
		}
		if renamed := checkRenamed(&Config{}, map[string]string{}, test.owner, test.project, test.stack); (renamed == nil) != (err == nil) {
			t.Errorf("%s: before the names are kept: %v", name, renamed)
		}
	}
	a, config := newEnvironment(t, branchEnvironment)
	e := &engine{skipped: map[string]resource.PropertyMap{"owner": {"output": resource.NewStringProperty("portfolio-dev-0123456789ab")}}}
	testcheck.Error(t, a.runOn(e, config), "`pulumi stack rename dev`")
	if _, registered := e.registered["branch"]; registered {
		t.Error("the branch was registered")
	}
}

// What masks do, and to which database, makes the token by which a branch is reset.
func TestCopy_resetToken(t *testing.T) {
	token := func(database string, files ...string) string {
		c := Copy{Masks: &Migrations{Files: pulumi.StringMap{}}}
		for i := 0; i < len(files); i += 2 {
			c.Masks.Files[files[i]] = pulumi.String(files[i+1])
		}
		return c.resetToken(database)
	}
	one := token("shop", "1.sql", "a", "2.sql", "b")
	if again := token("shop", "2.sql", "b", "1.sql", "a"); again != one {
		t.Errorf("%s and %s for the same", one, again)
	}
	for name, other := range map[string]string{
		"content": token("shop", "1.sql", "a", "2.sql", "c"), "database": token("blog", "1.sql", "a", "2.sql", "b"),
		"one less": token("shop", "1.sql", "a"), "another name": token("shop", "1.sql", "a", "3.sql", "b"),
	} {
		if other == one {
			t.Errorf("another %s has the same token", name)
		}
	}
}

// Both logins and their rotation are on a branch as on a cluster.
func TestRun_rotationOnBranch(t *testing.T) {
	a, config := newEnvironment(t, branchEnvironment, "rotation", "1")
	e, err := a.run(config)
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[string]string{"user": "", "user_b": "1", "admin": "1"} {
		if have := textOf(e.registered[resource].Inputs, "rotation"); have != want {
			t.Errorf("%s: rotation %q, want %q", resource, have, want)
		}
	}
	script := declaredScript(e.registered["portfolio-pr-7-api"].Inputs)
	var url string
	for _, b := range script.Bindings {
		if b.Name == varDatabaseURL {
			url = b.Text
		}
	}
	if want := "mysql://copy.api_b:password-of-user_b@branch.example.com:4000/portfolio?"; !strings.HasPrefix(url, want) {
		t.Errorf("the Worker has %s, want %s", url, want)
	}
}

// The tracked settings are taken as they are, and with the lines that they propose instead.
func TestEnvironment_settingsFile(t *testing.T) {
	file, err := os.ReadFile("../../Pulumi.pr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fresh := string(file)
	branch := regexp.MustCompile(`(?m)^  portfolio:(previewData|seeds): .*\n`).ReplaceAllString(fresh, "")
	branch = strings.NewReplacer("  # portfolio:", "  portfolio:", "CLUSTER_ID", `"10000001"`).Replace(branch)
	for data, text := range map[string]string{freshData: fresh, branchData: branch} {
		var settings struct{ Config map[string]string }
		if err := yaml.Unmarshal([]byte(text), &settings); err != nil {
			t.Fatal(err)
		}
		if settings.Config["portfolio:previewData"] != data {
			t.Errorf("the data is %q, want %q", settings.Config["portfolio:previewData"], data)
		}
		a := newAccount(t)
		a.stack = "pr-7"
		_, err = a.run(settings.Config)
		testcheck.Error(t, err)
	}
}
