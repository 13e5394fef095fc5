package stack

import (
	"encoding/json"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// load loads a configuration. In keys PROJECT is the project.
func load(project, stack string, values map[string]string) (cfg *Config, err error) {
	config := map[string]string{}
	for key, value := range values {
		config[strings.Replace(key, "PROJECT:", project+":", 1)] = value
	}
	env := testEnv()
	p := Program{Getenv: func(name string) string { return env[name] }, Dir: "../.."}
	runErr := new(engine).run(func(ctx *pulumi.Context) error {
		cfg, err = p.loadConfig(ctx)
		return nil
	}, project, stack, config, project+":secrets")
	if runErr != nil {
		panic(runErr)
	}
	return cfg, err
}

// What the APIs take, stated independently of the program.
var (
	labelPattern    = regexp.MustCompile(`\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z`)
	plainPattern    = regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`)
	variablePattern = regexp.MustCompile(`\A[A-Za-z_]\w{0,127}\z`)
	tokenPattern    = regexp.MustCompile(`\A[!-~]{8,}\z`)
	accountPattern  = regexp.MustCompile(`\A[0-9a-f]{32}\z`)
	databasePattern = regexp.MustCompile(`\A\w{1,64}\z`)
)

func allMatch(names []string, pattern *regexp.Regexp) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !pattern.MatchString(name) })
}

func namesMatch[V any](m map[string]V, pattern *regexp.Regexp) bool {
	return allMatch(slices.Collect(maps.Keys(m)), pattern)
}

// accepted has, by key, what holds for a configuration that sets it; nil is nothing.
var accepted = []struct {
	key  string
	good []string
	ok   func(*Config) bool
}{
	{"PROJECT:accountId", []string{testAccount}, func(c *Config) bool { return accountPattern.MatchString(c.AccountID) }},
	{"PROJECT:pagesProject", []string{"portfolio"}, func(c *Config) bool { return labelPattern.MatchString(c.PagesProject) && len(c.PagesProject) <= 58 }},
	{"PROJECT:productionBranch", []string{"main", "feature/x"}, func(c *Config) bool {
		return plainPattern.MatchString(strings.NewReplacer("/", "", ".", "").Replace(c.ProductionBranch)) && len(c.ProductionBranch) <= 244 && c.ProductionBranch[0] != '-'
	}},
	{"PROJECT:worker", []string{"portfolio-api"}, func(c *Config) bool {
		return plainPattern.MatchString(c.Worker) && len(c.Worker) <= 63 && c.Worker[0] != '-' && strings.ToLower(c.Worker) == c.Worker
	}},
	{"PROJECT:workerScript", []string{
		"internal/stack/testdata/worker.js", "internal/../internal/stack/testdata/worker.js", "internal/stack/testdata/worker.js/", "\xff.mjs",
	}, func(c *Config) bool {
		path := c.Script.Path
		return !filepath.IsAbs(path) && len(c.Script.SHA256) == 64 && !strings.Contains(c.Script.MainModule(), "/") &&
			!strings.ContainsFunc(path, unicode.IsControl) && utf8.ValidString(path)
	}},
	{"PROJECT:compatibilityDate", []string{"2026-01-01"}, func(c *Config) bool {
		day, err := time.Parse(time.DateOnly, c.CompatibilityDate)
		return err == nil && !day.After(time.Now())
	}},
	{"PROJECT:compatibilityFlags", []string{`["nodejs_compat"]`, "null", `["a"] ["b"]`}, func(c *Config) bool { return allMatch(c.CompatibilityFlags, plainPattern) }},
	{"PROJECT:observability", []string{"true", "0"}, nil},
	{"PROJECT:vars", []string{`{"GREETING":"hello"}`, `{"A":"b"} garbage`, `{"A":null}`, `{"A":true,"B":-150}`}, func(c *Config) bool { return namesMatch(c.Vars, variablePattern) }},
	{"PROJECT:secrets", []string{`{"KEY":"hidden"}`, `{"A-B":"hidden"}`}, func(c *Config) bool { return namesMatch(c.Secrets, variablePattern) }},
	{"PROJECT:binding", []string{"API"}, func(c *Config) bool {
		return len(c.Bindings.Bindings) == 1 && namesMatch(c.Bindings.Bindings, variablePattern)
	}},
	{"PROJECT:moreBindings", []string{`{"AUTH":{"service":"auth","entrypoint":"Login"}}`}, func(c *Config) bool {
		for _, s := range c.Bindings.Bindings {
			if !plainPattern.MatchString(s.Service) || !plainPattern.MatchString(s.Environment) || s.Entrypoint != "" && !variablePattern.MatchString(strings.ReplaceAll(s.Entrypoint, "$", "_")) {
				return false
			}
		}
		return namesMatch(c.Bindings.Bindings, variablePattern)
	}},
	{"PROJECT:previewBinding", []string{"none", "production", "staging-api", "a/b"}, func(c *Config) bool {
		own, differs := c.Bindings.Preview["API_SERVICE"]
		return !differs || plainPattern.MatchString(own.Service)
	}},
	{"PROJECT:overwriteWorker", []string{"true", "0"}, nil},
	{"PROJECT:workersDev", []string{"true", "0"}, nil},
	{"PROJECT:cluster", []string{"portfolio-db"}, func(c *Config) bool {
		return labelPattern.MatchString(strings.ToLower(c.Cluster)) && len(c.Cluster) >= 4 && len(c.Cluster) <= 64
	}},
	{"PROJECT:region", []string{"regions/aws-us-east-1"}, func(c *Config) bool {
		name, ok := strings.CutPrefix(c.Region, "regions/")
		return ok && labelPattern.MatchString(name)
	}},
	{"PROJECT:tidbProject", []string{"123"}, func(c *Config) bool { return strings.Trim(c.TiDBProject, "0123456789") == "" }},
	{"PROJECT:spendingLimit", []string{"500", "+1", "007"}, func(c *Config) bool {
		return c.SpendingLimit >= 0 && int(int32(c.SpendingLimit)) == c.SpendingLimit
	}},
	{"PROJECT:database", []string{"shop"}, func(c *Config) bool { return databasePattern.MatchString(c.Database) }},
	{"PROJECT:sqlUser", []string{"app", "Root"}, func(c *Config) bool {
		return plainPattern.MatchString(c.SQLUser) && len(c.SQLUser) <= 16 && unicode.IsLetter(rune(c.SQLUser[0])) && c.SQLUser != "root"
	}},
	{"PROJECT:rotation", []string{"3", "2026-11"}, func(c *Config) bool { return c.Rotation >= 0 }},
	{"PROJECT:databaseUrlOptions", []string{`{"sslaccept":"strict"}`, "{}"}, func(c *Config) bool { return namesMatch(c.URLOptions, variablePattern) }},
	{"PROJECT:doppler", []string{`{"project":"portfolio","config":"prd"}`, "{}"}, func(c *Config) bool {
		return c.Doppler == (Doppler{}) || plainPattern.MatchString(c.Doppler.Project) && plainPattern.MatchString(c.Doppler.Config)
	}},
	{"PROJECT:adopt", []string{"true"}, nil},
	{"PROJECT:expireAfterDays", []string{"3"}, nil},
	{"PROJECT:protect", []string{"false"}, nil},
	{"cloudflare:apiToken", []string{testToken}, func(c *Config) bool { return tokenPattern.MatchString(c.Token) }},
	{"cloudflare:baseUrl", []string{"http://127.0.0.1:1/client/v4", "https:user:hunter2@x"}, func(c *Config) bool {
		u, err := url.Parse(c.BaseURL)
		return c.BaseURL == "" || err == nil && u.Hostname() != "" && u.User == nil
	}},
	{"tidbcloud:publicKey", []string{"publickey"}, nil},
	{"tidbcloud:privateKey", []string{"privatekey"}, nil},
}

// Any value of any key is either one that the APIs take, or the one problem of an error
// that names the key.
func FuzzLoadConfig(f *testing.F) {
	for i, key := range accepted {
		for _, value := range append(key.good, "a\nb", "null") {
			f.Add(uint8(i), value)
		}
	}
	for _, value := range []string{"", " ", "\xff", `"`, "-", "ü", `{"A\nB":"hunter2"}`, `[""]`, strings.Repeat("a", 70)} {
		f.Add(uint8(len(value)), value)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		key := accepted[int(which)%len(accepted)]
		cfg, err := load("portfolio", "dev", map[string]string{key.key: value})
		if err == nil {
			if key.ok != nil && !key.ok(cfg) {
				t.Errorf("%s: %q is accepted: %+v", key.key, value, cfg)
			}
			if takesJSON := strings.ContainsAny(key.good[0][:1], "{["); value != "" && takesJSON && !json.Valid([]byte(value)) {
				t.Errorf("%s: %q is accepted", key.key, value)
			}
			return
		}
		text := err.Error()
		if name := strings.Replace(key.key, "PROJECT:", "portfolio:", 1); !strings.Contains(text, name+": ") {
			t.Errorf("the error does not name %s: %q", name, text)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\x1b") {
			t.Errorf("the error is no text: %q", text)
		}
	})
}

// An error about a secret does not depend on its value.
func FuzzLoadConfig_secret(f *testing.F) {
	f.Add("hunter2 hunter2")
	f.Add("x\n")
	f.Add(`"}`)
	f.Add("\xff")
	want := map[string]string{}
	keys := []string{"cloudflare:apiToken", "tidbcloud:publicKey", "tidbcloud:privateKey"}
	for _, key := range keys {
		_, err := load("portfolio", "dev", map[string]string{key: "x"})
		want[key] = err.Error()
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, key := range keys {
			_, err := load("portfolio", "dev", map[string]string{key: value})
			if err != nil && err.Error() != want[key] {
				t.Errorf("%s: the error for %q is %q, and for another value %q", key, value, err, want[key])
			}
			if err == nil && value != "" && !tokenPattern.MatchString(value) {
				t.Errorf("%s: %q is accepted", key, value)
			}
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range [][2]string{{`{"A-B":`, "}"}, {`{"A":`, ",}"}} {
			text := end[0] + string(quoted) + end[1]
			_, err := load("portfolio", "dev", map[string]string{"PROJECT:secrets": text})
			_, other := load("portfolio", "dev", map[string]string{"PROJECT:secrets": end[0] + `""` + end[1]})
			if err == nil || other == nil || err.Error() != other.Error() {
				t.Errorf("%s: %v, and for another value %v", text, err, other)
			}
		}
	})
}
