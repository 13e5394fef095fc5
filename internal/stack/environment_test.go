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
	for change := range slices.Chunk(changes, 2) {
		config["portfolio:"+change[0]] = change[1]
		if change[1] == "-" {
			delete(config, "portfolio:"+change[0])
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
			a.engine.stacks = map[string]resource.PropertyMap{"acme/portfolio/prod": {"clusterId": resource.NewStringProperty("10000002")}}
			if test.want == "" {
				a.up(values)
			} else {
				a.refuse(values, "has a problem", test.want) // and no other
			}
		})
	}
	a, values := newEnvironment(t, branchEnvironment, "protect", "true", "worker", "api", "branchOf", "-", "masks", "-", "seeds", "x")
	a.refuse(values, "5 problems", "portfolio:protect", "portfolio:worker", "portfolio:branchOf", "portfolio:masks", "portfolio:seeds")
}

// Any other stack refuses the keys of environments.
func TestEnvironment_only(t *testing.T) {
	for key, value := range map[string]string{
		"previewData": "fresh", "seeds": "internal/example/seeds", "branchOf": "10000001", "masks": "none",
	} {
		_, err := load("portfolio", "dev", map[string]string{key: value})
		testcheck.Error(t, err, "has a problem", "portfolio:"+key+": only a stack named pr-NUMBER", "`pulumi config rm "+key+"`")
	}
}

// The cluster of another stack is found by its outputs. An error comes before anything is
// registered.
func TestCopy_findParent(t *testing.T) {
	a, config := newEnvironment(t, branchEnvironment, "branchOf", "stack:acme/portfolio/prod")
	a.refuse(config, "config key branchOf: ", "acme/portfolio/prod", "`pulumi config set branchOf CLUSTER_ID`", "unknown stack")
	outputs := resource.PropertyMap{}
	a.engine.stacks = map[string]resource.PropertyMap{"acme/portfolio/prod": outputs}
	a.refuse(config, "config key branchOf: ", "no output clusterId", "`pulumi up`")
	outputs["clusterId"] = resource.NewStringProperty("10000002")
	if have := textOf(a.up(config)["branch"], "clusterId"); have != "10000002" {
		t.Errorf("the parent is %q", have)
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
			if test.kept != "" {
				a.engine.skipped = map[string]resource.PropertyMap{"owner": {"output": resource.NewStringProperty(test.kept)}}
			}
			inputs := a.up(config)
			have := textOf(inputs["branch"], "owner")
			if !strings.HasPrefix(have, test.want) || !labelPattern.MatchString(have) || len(have) > 63 {
				t.Errorf("the owner is %q, want %q", have, test.want)
			}
			if worker := declaredScript(inputs["portfolio-pr-7-api"]).Var(varOwner); worker != have {
				t.Errorf("the Worker bears %q, not %q", worker, have)
			}
		})
	}
	a := newAccount(t)
	a.env[mark.EnvRepository] = "1234"
	if have := textOf(a.up(nil)["cluster"], "owner"); !strings.HasPrefix(have, "portfolio-dev-") {
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
		testcheck.Error(t, err, test.want)
		if renamed := checkRenamed(&Config{}, map[string]string{}, test.owner, test.project, test.stack); (renamed == nil) != (err == nil) {
			t.Errorf("%s: before the names are kept: %v", name, renamed)
		}
	}
	a, config := newEnvironment(t, branchEnvironment)
	a.engine.skipped = map[string]resource.PropertyMap{"owner": {"output": resource.NewStringProperty("portfolio-dev-0123456789ab")}}
	testcheck.Error(t, a.run(config), "`pulumi stack rename dev`")
	if slices.Contains(a.engine.names(), "branch") {
		t.Error("the branch was registered")
	}
}

// What masks do, and to which database, makes the token by which a branch is reset.
func TestCopy_resetToken(t *testing.T) {
	token := func(database string, files ...string) string {
		c := Copy{Masks: &Migrations{Files: pulumi.StringMap{}}}
		for file := range slices.Chunk(files, 2) {
			c.Masks.Files[file[0]] = pulumi.String(file[1])
		}
		return c.resetToken(database)
	}
	one := token("shop", "1.sql", "a", "2.sql", "b")
	for name, other := range map[string]string{
		"order":   token("shop", "2.sql", "b", "1.sql", "a"),
		"content": token("shop", "1.sql", "a", "2.sql", "c"), "database": token("blog", "1.sql", "a", "2.sql", "b"),
		"one less": token("shop", "1.sql", "a"), "another name": token("shop", "1.sql", "a", "3.sql", "b"),
	} {
		if (other == one) != (name == "order") {
			t.Errorf("another %s: %s, and before %s", name, other, one)
		}
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
		a.up(settings.Config)
	}
}
