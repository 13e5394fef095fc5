package stack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// load loads a configuration.
func load(project, stack string, values map[string]string) (cfg *Config, err error) {
	env := testEnv()
	p := Program{Getenv: func(name string) string { return env[name] }, Dir: "../.."}
	runErr := new(engine).run(func(ctx *pulumi.Context) error {
		cfg, err = p.loadConfig(ctx)
		return nil
	}, project, stack, values, project+":secrets")
	if runErr != nil {
		panic(runErr)
	}
	return cfg, err
}

// fuzzed has the keys, each with values that are good or nearly so.
var fuzzed = [][]string{
	{"accountId", testAccount},
	{"pagesProject", "portfolio"},
	{"productionBranch", "main", "feature/x"},
	{"worker", "portfolio-api"},
	{"workerScript", "internal/stack/testdata/worker.js", "internal/../internal/stack/testdata/worker.js", "internal/stack/testdata/worker.js/", "\xff.mjs"},
	{"compatibilityDate", "2026-01-01"},
	{"compatibilityFlags", `["nodejs_compat"]`, "null", `["a"] ["b"]`},
	{"observability", "true", "0"},
	{"vars", `{"GREETING":"hello"}`, `{"A":"b"} garbage`, `{"A":null}`, `{"A":true,"B":-150}`},
	{"secrets", `{"KEY":"hidden"}`, `{"A-B":"hidden"}`},
	{"binding", "API"},
	{"moreBindings", `{"AUTH":{"service":"auth","entrypoint":"Login"}}`},
	{"previewBinding", "none", "production", "staging-api", "a/b"},
	{"overwriteWorker", "true", "0"},
	{"workersDev", "true", "0"},
	{"cluster", "portfolio-db"},
	{"region", "regions/aws-us-east-1"},
	{"tidbProject", "123"},
	{"spendingLimit", "500", "+1", "007"},
	{"database", "shop"},
	{"sqlUser", "app", "Root"},
	{"rotation", "3", "2026-11"},
	{"databaseUrlOptions", `{"sslaccept":"strict"}`, "{}"},
	{"doppler", `{"project":"portfolio","config":"prd"}`, "{}"},
	{"adopt", "true"},
	{"expireAfterDays", "3"},
	{"protect", "false"},
	{"cloudflare:apiToken", testToken},
	{"cloudflare:baseUrl", "http://127.0.0.1:1/client/v4", "https:user:hunter2@x"},
	{"tidbcloud:publicKey", "publickey"},
	{"tidbcloud:privateKey", "privatekey"},
}

// Any value of any key is taken, or is the one problem of an error that names the key.
func FuzzLoadConfig(f *testing.F) {
	for i, key := range fuzzed {
		for _, value := range append(key[1:], "a\nb", "null") {
			f.Add(uint8(i), value)
		}
	}
	for _, value := range []string{"", " ", "\xff", `"`, "-", "ü", `{"A\nB":"hunter2"}`, `[""]`, strings.Repeat("a", 70)} {
		f.Add(uint8(len(value)), value)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		key := fuzzed[int(which)%len(fuzzed)]
		_, err := load("portfolio", "dev", map[string]string{key[0]: value})
		if err == nil {
			if takesJSON := strings.ContainsAny(key[1][:1], "{["); value != "" && takesJSON && !json.Valid([]byte(value)) {
				t.Errorf("%s: %q is accepted", key[0], value)
			}
			return
		}
		if text := err.Error(); !strings.Contains(text, "has a problem") || !strings.Contains(text, key[0]+": ") {
			t.Errorf("the error does not name %s alone: %q", key[0], text)
		} else if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\x1b") {
			t.Errorf("the error is no text: %q", text)
		}
	})
}

var tokenPattern = regexp.MustCompile(`\A[!-~]{8,}\z`)

// An error about a secret does not depend on its value.
func FuzzLoadConfig_secret(f *testing.F) {
	for _, value := range []string{"hunter2 hunter2", "x\n", `"}`, "\xff"} {
		f.Add(value)
	}
	text := func(key, value string) string {
		_, err := load("portfolio", "dev", map[string]string{key: value})
		return fmt.Sprint(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, key := range []string{"cloudflare:apiToken", "tidbcloud:publicKey", "tidbcloud:privateKey"} {
			have, refused := text(key, value), text(key, "x")
			if taken := value == "" || tokenPattern.MatchString(value); have != refused && (have != "<nil>" || !taken) {
				t.Errorf("%s: the error for %q is %q, and for another value %q", key, value, have, refused)
			}
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range [][2]string{{`{"A-B":`, "}"}, {`{"A":`, ",}"}} {
			have, other := text("secrets", end[0]+string(quoted)+end[1]), text("secrets", end[0]+`""`+end[1])
			if have == "<nil>" || have != other {
				t.Errorf("%q: %s, and for another value %s", value, have, other)
			}
		}
	})
}
