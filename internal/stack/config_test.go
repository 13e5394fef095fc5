package stack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

func TestLoadConfig_problems(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		want             string
	}{
		{"account of another length", "portfolio:accountId", "abc", `portfolio:accountId: "abc" (or CLOUDFLARE_ACCOUNT_ID) must be 32 hexadecimal digits`},
		{"project too long", "portfolio:pagesProject", strings.Repeat("a", 59), "portfolio:pagesProject:"},
		{"worker with a space", "portfolio:worker", "my api", "portfolio:worker:"},
		{"cluster too short", "portfolio:cluster", "db", `portfolio:cluster: "db" must have 4 to 64`},
		{"region without its prefix", "portfolio:region", "aws-ap-northeast-1", `portfolio:region: "aws-ap-northeast-1" must be a region's name, like regions/aws-ap-northeast-1; did you mean regions/aws-ap-northeast-1?`},
		{"branch of no name", "portfolio:productionBranch", "a..b", "portfolio:productionBranch:"},
		{"date of another form", "portfolio:compatibilityDate", "1.6.2026", "portfolio:compatibilityDate:"},
		{"flags that are no list", "portfolio:compatibilityFlags", `{"a":1}`, "portfolio:compatibilityFlags:"},
		{"flag with a capital", "portfolio:compatibilityFlags", `["NodeJS"]`, "portfolio:compatibilityFlags:"},
		{"boolean of words", "portfolio:observability", "maybe", "portfolio:observability:"},
		{"limit below zero", "portfolio:spendingLimit", "-1", "portfolio:spendingLimit:"},
		{"project ID with letters", "portfolio:tidbProject", "12a", "portfolio:tidbProject:"},
		{"variable of the stack", "portfolio:vars", `{"PULUMI_STACK":"x"}`, "PULUMI_STACK is set by the stack itself"},
		{"variable with a dash", "portfolio:vars", `{"A-B":"x"}`, `portfolio:vars: "A-B"`},
		{"variable with a fraction", "portfolio:vars", `{"N":1.1}`, "portfolio:vars: N is a number, which keeps neither a zero at the end"},
		{"variable with an exponent", "portfolio:vars", `{"N":1e3}`, "`pulumi config set --type string --path vars.N -- 1e3`"},
		{"variable above 2^53", "portfolio:vars", `{"N":9007199254740993}`, "vars.N -- 9007199254740993`"},
		{"variable below -2^53", "portfolio:vars", `{"N":-9007199254740993}`, "vars.N -- -9007199254740993`"},
		{"variable above 2^64", "portfolio:siteVars", `{"N":12345678901234567000}`, "siteVars.N -- 12345678901234567000`"},
		{"option with a fraction", "portfolio:databaseUrlOptions", `{"timeout":1.5}`, "databaseUrlOptions.timeout -- 1.5`"},
		{"project ID that YAML read", "portfolio:tidbProject", "1.2345678901234568e+21", "YAML read a number or a date: `pulumi config set tidbProject`"},
		{"date that YAML read", "portfolio:compatibilityDate", "2026-11-30 00:00:00 +0000 UTC", "YAML read a number or a date: `pulumi config set compatibilityDate`"},
		{"binding to a number", "portfolio:moreBindings", `{"AUTH":{"service":12}}`, "service is a number: set it once more with --type string"},
		{"doppler of a boolean", "portfolio:doppler", `{"project":true,"config":"dev"}`, "project is a bool: set it once more with --type string"},
		{"variable that is an object", "portfolio:vars", `{"A":{"B":"c"}}`, "portfolio:vars: the value must be an object of texts"},
		{"secrets in plain text", "portfolio:secrets", `{"A":"open sesame"}`, "portfolio:secrets: the value is in plain text"},
		{"site's secrets in plain text", "portfolio:siteSecrets", `{"A":"open sesame"}`, "--path siteSecrets.NAME"},
		{"site's variable with a binding's name", "portfolio:siteVars", `{"API_SERVICE":"x"}`, "portfolio:siteVars: API_SERVICE is the name of a binding"},
		{"binding with a dash", "portfolio:binding", "API-SERVICE", "portfolio:binding:"},
		{"binding without a service", "portfolio:moreBindings", `{"AUTH":{}}`, `portfolio:moreBindings: AUTH: service ""`},
		{"binding with an unknown member", "portfolio:moreBindings", `{"AUTH":{"servce":"x"}}`, "portfolio:moreBindings:"},
		{"binding declared twice", "portfolio:moreBindings", `{"API_SERVICE":{"service":"x"}}`, "API_SERVICE is the binding to the stack's own Worker"},
		{"script that is not there", "portfolio:workerScript", "no/such.js", `portfolio:workerScript: "no/such.js": no such file`},
		{"script that is a folder", "portfolio:workerScript", "internal", "portfolio:workerScript:"},
		{"script by an absolute path", "portfolio:workerScript", "/etc/x.js", "the path is absolute"},
		{"script with a newline", "portfolio:workerScript", "a\nb.js", "control character"},
		{"site that is not there", "portfolio:site", "no/such", `portfolio:site: "no/such": there is no such folder`},
		{"site that is a file", "portfolio:site", "go.mod", `portfolio:site: "go.mod": it is not a folder`},
		{"site by an absolute path", "portfolio:site", "/tmp", "the path is absolute"},
		{"functions by an absolute path", "portfolio:functions", "/tmp", `portfolio:functions: "/tmp": the path is absolute`},
		{"variable of wrangler with a dash", "portfolio:functionsEnv", `["MODE","A-B"]`, `portfolio:functionsEnv: "A-B" must be letters, digits and underscores`},
		{"variables of wrangler that are no list", "portfolio:functionsEnv", `{"A":"b"}`, "portfolio:functionsEnv: the value must be a list of names"},
		{"migrations that are not there", "portfolio:migrations", "no/such", `portfolio:migrations: "no/such": there is no such folder`},
		{"migrations of another kind", "portfolio:migrations", "internal/example/api", "it has no migrations; the layouts are goose ("},
		{"migrations that are a file", "portfolio:migrations", "go.mod", `portfolio:migrations: "go.mod": it is not a folder`},
		{"format without migrations", "portfolio:migrationsFormat", "prisma", "set without the config key migrations: set both, or run `pulumi config rm migrationsFormat`"},
		{"table without migrations", "portfolio:migrationsTable", "t", "run `pulumi config rm migrationsTable`"},
		{"baseline without migrations", "portfolio:migrationsBaseline", "00001_a", "run `pulumi config rm migrationsBaseline`"},
		{"migrations by an absolute path", "portfolio:migrations", "/tmp", "the path is absolute"},
		{"rotation of before", "portfolio:rotation", "2026-11", "pulumi config set rotation 0"},
		{"rotation below zero", "portfolio:rotation", "-1", "portfolio:rotation:"},
		{"domain with a path", "portfolio:domain", "example.com/a", "portfolio:domain:"},
		{"zone without a domain", "portfolio:zoneId", testAccount, "set without the config key domain"},
		{"database with a quote", "portfolio:database", "a`b", "portfolio:database:"},
		{"user that makes databases", "portfolio:sqlUser", "pulumi", "the stack's own admin"},
		{"option with a space", "portfolio:databaseUrlOptions", `{"a b":"c"}`, "portfolio:databaseUrlOptions:"},
		{"doppler without a config", "portfolio:doppler", `{"project":"p"}`, `portfolio:doppler: config ""`},
		{"doppler of two words", "portfolio:doppler", `"prd"`, "portfolio:doppler:"},
		{"token with a space", "cloudflare:apiToken", "two words here", "cloudflare:apiToken: the value (or CLOUDFLARE_API_TOKEN) must be 8 to 512 characters"},
		{"preview of a path", "portfolio:previewBinding", "a/b", "portfolio:previewBinding:"},
		{"password in a URL without slashes", "cloudflare:baseUrl", "https:user:hunter2@example.com", `cloudflare:baseUrl: "example.com" names no host`},
		{"private key of one letter", "tidbcloud:privateKey", "x", "tidbcloud:privateKey:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			newAccount(t).refuse(map[string]string{test.key: test.value}, "has a problem", test.want) // and no other
		})
	}
}

// The keys of migrations are checked against the folder.
func TestLoadConfig_migrations(t *testing.T) {
	const own, prisma = "internal/example/migrations", "internal/stack/testdata/prisma" // without migration_lock.toml
	for _, test := range []struct {
		name, folder, format, key, value string
		want                             string // if empty, the value is taken
	}{
		{"format of the folder", prisma, "drizzle-1", "", "", ""},
		{"format that the layout does not tell", prisma, "", "", "", "`pulumi config set migrationsFormat prisma`"},
		{"format of no tool", prisma, "flyway", "", "", `portfolio:migrationsFormat: "flyway" must be goose, drizzle-0, drizzle-1 or prisma`},
		{"table", own, "", "migrationsTable", "versions", ""},
		{"table of the stack itself", own, "", "migrationsTable", "Pulumi_migrations", "a name of the stack's own tables"},
		{"table of Prisma", prisma, "prisma", "migrationsTable", "t", "portfolio:migrationsTable: Prisma's table is always _prisma_migrations: run `pulumi config rm migrationsTable`"},
		{"baseline", own, "", "migrationsBaseline", "00002_first_projects.sql", ""},
		{"baseline that is not there", own, "", "migrationsBaseline", "00002_projects",
			`portfolio:migrationsBaseline: "internal/example/migrations" has no migration "00002_projects"; the nearest are 00002_first_projects.sql, `},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := map[string]string{"migrations": test.folder, "migrationsFormat": test.format}
			if test.key != "" {
				config[test.key] = test.value
			}
			if test.want == "" {
				newAccount(t).up(config)
			} else {
				newAccount(t).refuse(config, "has a problem", test.want)
			}
		})
	}
}

// A number among secrets is refused without being shown.
func TestLoadConfig_numberInSecrets(t *testing.T) {
	for _, key := range []string{"secrets", "siteSecrets"} {
		a := newAccount(t)
		a.secrets = []string{"portfolio:" + key}
		config := map[string]string{key: `{"PIN":12345678901234567890,"A":"b"}`}
		a.refuse(config, "has a problem", "portfolio:"+key+": PIN is a number", "`pulumi config set --secret --path "+key+".PIN`")
		if strings.Contains(a.run(config).Error(), "12345") {
			t.Error("the error shows the value")
		}
	}
}

// What a number keeps is taken.
func TestLoadConfig_numbers(t *testing.T) {
	cfg, err := load("portfolio", "dev", map[string]string{"vars": `{"A":9007199254740992,"B":-1500,"C":0,"D":true,"E":"1.10"}`})
	testcheck.Error(t, err)
	want := map[string]string{"A": "9007199254740992", "B": "-1500", "C": "0", "D": "true", "E": "1.10"}
	if diff := cmp.Diff(want, cfg.Vars); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConfig_missing(t *testing.T) {
	for env, key := range map[string]string{
		"CLOUDFLARE_ACCOUNT_ID": "portfolio:accountId",
		"CLOUDFLARE_API_TOKEN":  "cloudflare:apiToken",
		"TIDBCLOUD_PUBLIC_KEY":  "tidbcloud:publicKey",
		"TIDBCLOUD_PRIVATE_KEY": "tidbcloud:privateKey",
	} {
		a := newAccount(t)
		delete(a.env, env)
		a.refuse(nil, key+": not set", env)
	}
}

// Pulumi.yaml alone has the defaults.
func TestLoadConfig_noDefaults(t *testing.T) {
	for key, value := range defaults {
		_, err := load("portfolio", "dev", map[string]string{key: ""})
		if value == "" {
			testcheck.Error(t, err)
		} else {
			testcheck.Error(t, err, "portfolio:"+key+":")
		}
	}
}

func TestLoadConfig_allProblemsAtOnce(t *testing.T) {
	a := newAccount(t)
	delete(a.env, "CLOUDFLARE_ACCOUNT_ID")
	a.secrets = []string{"cloudflare:apiToken"}
	a.refuse(map[string]string{"cluster": "x", "region": "x", "worker": "X Y", "cloudflare:apiToken": "bad hunter2"},
		"5 problems", "portfolio:cluster", "portfolio:region", "portfolio:worker", "cloudflare:apiToken", "portfolio:accountId")
}

func TestCheckSystem(t *testing.T) {
	testcheck.Error(t, checkSystem("linux"))
	testcheck.Error(t, checkSystem("darwin"))
	testcheck.Error(t, checkSystem("windows"), "use WSL")
}

// Whatever the names of the project and the stack, the default names are valid, or the
// error says which key to set.
func TestLoadConfig_names(t *testing.T) {
	long := strings.Repeat("p", 100)
	for _, test := range []struct {
		project, stack string
		problems       int
	}{
		{"portfolio", "dev", 0}, {"_", ".", 4}, {"My.Project", "a_b", 0}, {long, "dev", 4}, {long[:65], "a", 4}, {"p", long, 3}, {"0", "-", 0}, {"ü", "İ", 1}, {"a", "b", 0},
	} {
		owner := ownerName(test.project, test.stack, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if !labelPattern.MatchString(owner) || len(owner) > 63 || !strings.HasSuffix(owner, "abcdefghijkl") {
			t.Errorf("the owner is %q", owner)
		}
		_, err := load(test.project, test.stack, nil)
		if strings.Count(fmt.Sprint(err), "; set this key") != test.problems || (err == nil) != (test.problems == 0) {
			t.Errorf("%q, %q: %v, want %d problems", test.project, test.stack, err, test.problems)
		}
	}
}

// labelPattern is what a cluster's label takes.
var labelPattern = regexp.MustCompile(`\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z`)
