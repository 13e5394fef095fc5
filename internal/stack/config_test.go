package stack

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestConfig_mistakes(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		want             string
	}{
		{"account of another length", "portfolio:accountId", "abc", `portfolio:accountId: "abc" is not an account ID`},
		{"account with a path", "portfolio:accountId", "../../../../../../../../../../../x", "portfolio:accountId:"},
		{"project too long", "portfolio:pagesProject", strings.Repeat("a", 59), "portfolio:pagesProject:"},
		{"project with upper case", "portfolio:pagesProject", "Portfolio", "portfolio:pagesProject:"},
		{"worker with a space", "portfolio:worker", "my api", "portfolio:worker:"},
		{"worker with a quote", "portfolio:worker", `a"b`, "portfolio:worker:"},
		{"cluster too short", "portfolio:cluster", "db", `portfolio:cluster: "db" is not a valid name: it takes 4 to 64`},
		{"cluster with unicode", "portfolio:cluster", "datenbänke", "portfolio:cluster:"},
		{"cluster with a newline", "portfolio:cluster", "port\nfolio", "portfolio:cluster:"},
		{"region without its prefix", "portfolio:region", "aws-ap-northeast-1", "such as regions/aws-ap-northeast-1"},
		{"region of nobody", "portfolio:region", "regions/moon-1", "portfolio:region:"},
		{"branch with a shell's words", "portfolio:productionBranch", "main; rm -rf /", "portfolio:productionBranch:"},
		{"branch of no name", "portfolio:productionBranch", "a..b", "portfolio:productionBranch:"},
		{"branch that ends in a slash", "portfolio:productionBranch", "release/", "portfolio:productionBranch:"},
		{"date of another form", "portfolio:compatibilityDate", "1.6.2026", "portfolio:compatibilityDate:"},
		{"date in the future", "portfolio:compatibilityDate", "2999-01-01", "in the future"},
		{"flags that are no list", "portfolio:compatibilityFlags", `{"a":1}`, "portfolio:compatibilityFlags:"},
		{"flag with a capital", "portfolio:compatibilityFlags", `["NodeJS"]`, "portfolio:compatibilityFlags:"},
		{"boolean of words", "portfolio:observability", "maybe", "portfolio:observability:"},
		{"limit below zero", "portfolio:spendingLimit", "-1", "portfolio:spendingLimit:"},
		{"limit with a fraction", "portfolio:spendingLimit", "1.5", "portfolio:spendingLimit:"},
		{"limit too large", "portfolio:spendingLimit", "2147483648", "portfolio:spendingLimit:"},
		{"project ID with letters", "portfolio:tidbProject", "12a", "portfolio:tidbProject:"},
		{"variable of the stack", "portfolio:vars", `{"PULUMI_STACK":"x"}`, "PULUMI_STACK is set by the stack itself"},
		{"variable with a dash", "portfolio:vars", `{"A-B":"x"}`, `portfolio:vars: "A-B"`},
		{"variable that is an object", "portfolio:vars", `{"A":{"B":"c"}}`, "portfolio:vars: the value is not an object of texts"},
		{"variable that is null", "portfolio:vars", `{"A":null}`, "portfolio:vars: the value is not an object of texts"},
		{"secrets in plain text", "portfolio:secrets", `{"A":"open sesame"}`, "portfolio:secrets: it is in plain text"},
		{"binding with a dash", "portfolio:binding", "API-SERVICE", "portfolio:binding:"},
		{"binding without a service", "portfolio:moreBindings", `{"AUTH":{}}`, `portfolio:moreBindings: AUTH: service ""`},
		{"binding with an unknown member", "portfolio:moreBindings", `{"AUTH":{"servce":"x"}}`, "portfolio:moreBindings:"},
		{"binding declared twice", "portfolio:moreBindings", `{"API_SERVICE":{"service":"x"}}`, "API_SERVICE is the binding to the stack's own Worker"},
		{"script that is not there", "portfolio:workerScript", "no/such.js", `portfolio:workerScript: "no/such.js": no such file`},
		{"script that is a folder", "portfolio:workerScript", "internal", "portfolio:workerScript:"},
		{"script of another kind", "portfolio:workerScript", "go.mod", "portfolio:workerScript:"},
		{"script by an absolute path", "portfolio:workerScript", "/etc/x.js", "the path is absolute"},
		{"script with a newline", "portfolio:workerScript", "a\nb.js", "control character"},
		{"database with a quote", "portfolio:database", "a`b", "portfolio:database:"},
		{"database with a dash", "portfolio:database", "a-b", "portfolio:database:"},
		{"user that is root", "portfolio:sqlUser", "root", "not for applications"},
		{"user that makes databases", "portfolio:sqlUser", "pulumi", "not for applications"},
		{"user too long", "portfolio:sqlUser", "abcdefghijklmnopq", "portfolio:sqlUser:"},
		{"option with a space", "portfolio:databaseUrlOptions", `{"a b":"c"}`, "portfolio:databaseUrlOptions:"},
		{"doppler without a config", "portfolio:doppler", `{"project":"p"}`, `portfolio:doppler: config ""`},
		{"doppler of two words", "portfolio:doppler", `"prd"`, "portfolio:doppler:"},
		{"token with a space", "cloudflare:apiToken", "two words here", "cloudflare:apiToken: it (or CLOUDFLARE_API_TOKEN) cannot be read"},
		{"token with a newline", "cloudflare:apiToken", testToken + "\n", "cloudflare:apiToken:"},
		{"base URL in the clear", "cloudflare:baseUrl", "http://api.example.com", "cloudflare:baseUrl:"},
		{"private key of one letter", "tidbcloud:privateKey", "x", "tidbcloud:privateKey:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			goodEnv(t, "")
			t.Setenv("DOPPLER_TOKEN", testToken)
			e, err := runStack(map[string]string{test.key: test.value})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %q, want %q in it", err, test.want)
			}
			if !strings.Contains(err.Error(), "has a mistake") {
				t.Errorf("the error is %q, want just one mistake", err)
			}
			if names := e.names(); len(names) > 0 {
				t.Errorf("registered %v", names)
			}
		})
	}
}

func TestConfig_missing(t *testing.T) {
	for env, key := range map[string]string{
		"CLOUDFLARE_ACCOUNT_ID": "portfolio:accountId",
		"CLOUDFLARE_API_TOKEN":  "cloudflare:apiToken",
		"TIDBCLOUD_PUBLIC_KEY":  "tidbcloud:publicKey",
		"TIDBCLOUD_PRIVATE_KEY": "tidbcloud:privateKey",
	} {
		t.Run(env, func(t *testing.T) {
			goodEnv(t, "")
			t.Setenv(env, "")
			_, err := runStack(nil)
			if err == nil || !strings.Contains(err.Error(), key+": ") || !strings.Contains(err.Error(), env) {
				t.Errorf("the error is %v, want it to name %s and %s", err, key, env)
			}
		})
	}
}

// `pulumi config set --path vars.DEBUG true` stores a boolean.
func TestConfig_scalars(t *testing.T) {
	goodEnv(t, "")
	const object = `{"BOOL":true,"NUMBER":-1.50e3,"TEXT":"a\"b"}`
	e, err := runStack(map[string]string{"portfolio:vars": object, "portfolio:secrets": `{"KEY":7}`}, "portfolio:secrets")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, b := range e.registered["portfolio-dev-api"].Inputs["bindings"].ArrayValue() {
		text := b.ObjectValue()["text"]
		if text.IsSecret() {
			text = text.SecretValue().Element
		}
		have[b.ObjectValue()["name"].StringValue()] = text.StringValue()
	}
	for name, want := range map[string]string{"BOOL": "true", "NUMBER": "-1.50e3", "TEXT": `a"b`, "KEY": "7"} {
		if have[name] != want {
			t.Errorf("%s is %q, want %q", name, have[name], want)
		}
	}
}

// Pulumi.yaml alone says what the defaults are.
func TestConfig_defaultsStandInOnePlace(t *testing.T) {
	goodEnv(t, "")
	for key := range defaults {
		_, err := runStack(map[string]string{"portfolio:" + key: ""})
		mayBeEmpty := defaults[key] == ""
		if mistake := err != nil; mistake == mayBeEmpty || mistake && !strings.Contains(err.Error(), "portfolio:"+key+":") {
			t.Errorf("%s: without the default %q the error is %v", key, defaults[key], err)
		}
	}
}

func TestCheckSystem(t *testing.T) {
	for goos, want := range map[string]string{"linux": "", "darwin": "", "windows": "use WSL"} {
		err := checkSystem(goos)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v", goos, err)
		}
	}
}

func TestConfig_allMistakesAtOnce(t *testing.T) {
	goodEnv(t, "")
	t.Setenv("CLOUDFLARE_ACCOUNT_ID", "")
	bad := map[string]string{
		"portfolio:cluster": "x", "portfolio:region": "x", "portfolio:worker": "X Y", "cloudflare:apiToken": "bad token",
	}
	_, err := runStack(bad, "cloudflare:apiToken")
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range append(slices.Collect(maps.Keys(bad)), "portfolio:accountId", "5 mistakes") {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%q is not in %q", key, err)
		}
	}
	if strings.Contains(err.Error(), "bad token") {
		t.Errorf("the error shows the token: %q", err)
	}
}

func TestConfig_secretsAreNotShown(t *testing.T) {
	goodEnv(t, "")
	_, err := runStack(map[string]string{"portfolio:secrets": `{"A": hunter2-hunter2}`}, "portfolio:secrets")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

func TestScript_content(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, test := range []struct{ name, content, want string }{
		{"service-worker.js", "addEventListener('fetch')", "exports nothing"},
		{"module.mjs", "export default {}", ""},
	} {
		if err := os.WriteFile(test.name, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		// A script may lie beside the project's folder.
		s, err := readScript(".", filepath.Join("..", filepath.Base(dir), test.name))
		switch {
		case test.want == "" && (err != nil || s.MainModule() != test.name):
			t.Errorf("%s: %+v, %v", test.name, s, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestOwnerName(t *testing.T) {
	for _, test := range []struct{ project, stack, want string }{
		{"portfolio", "dev", "portfolio-dev-abcdefghijkl"},
		{"My.Project", "a_b", "my-project-a-b-abcdefghijkl"},
		{strings.Repeat("p", 100), "dev", strings.Repeat("p", 50) + "-abcdefghijkl"},
	} {
		if have := ownerName(test.project, test.stack, "ABCDEFGHIJKLMNOP"); have != test.want {
			t.Errorf("%s, %s: %q, want %q", test.project, test.stack, have, test.want)
		}
	}
}
