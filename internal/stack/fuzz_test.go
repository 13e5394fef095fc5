package stack

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// fuzzEnv sets the credentials. No call is made with them.
func fuzzEnv(f *testing.F) {
	for name, value := range map[string]string{
		"CLOUDFLARE_BASE_URL":   "",
		"CLOUDFLARE_API_TOKEN":  testToken,
		"CLOUDFLARE_ACCOUNT_ID": testAccount,
		"TIDBCLOUD_PUBLIC_KEY":  "publickey",
		"TIDBCLOUD_PRIVATE_KEY": "privatekey",
		"DOPPLER_TOKEN":         testToken,
	} {
		f.Setenv(name, value)
	}
}

// loadWith loads a configuration. The default script's path does not hold here.
func loadWith(project, stack string, values map[string]string) (cfg Config, err error) {
	config := map[string]string{project + ":workerScript": "worker.js"}
	for key, value := range values {
		config[strings.Replace(key, "PROJECT:", project+":", 1)] = value
	}
	runErr := pulumi.RunErr(func(ctx *pulumi.Context) error {
		cfg, err = Program{Getenv: os.Getenv, Dir: "."}.loadConfig(ctx)
		return nil
	}, pulumi.WithMocks(project, stack, &engine{}), func(ri *pulumi.RunInfo) {
		ri.Config = withDefaults(project, config)
		ri.ConfigSecretKeys = []string{project + ":secrets"}
	})
	if runErr != nil {
		panic(runErr)
	}
	return cfg, err
}

// What the APIs take, said once more and in other words than the program's.
var (
	labelPattern    = regexp.MustCompile(`\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z`)
	plainPattern    = regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`)
	variablePattern = regexp.MustCompile(`\A[A-Za-z_]\w{0,127}\z`)
)

func allMatch(names []string, pattern *regexp.Regexp) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !pattern.MatchString(name) })
}

func keysOf[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// accepted says by key what must hold for a configuration in which it was set.
var accepted = []struct {
	key  string
	good []string
	ok   func(Config) bool
}{
	{"PROJECT:accountId", []string{testAccount}, func(c Config) bool {
		_, err := strconv.ParseUint(c.AccountID[:16], 16, 64)
		return err == nil && len(c.AccountID) == 32 && plainPattern.MatchString(c.AccountID)
	}},
	{"PROJECT:pagesProject", []string{"portfolio"}, func(c Config) bool { return labelPattern.MatchString(c.PagesProject) && len(c.PagesProject) <= 58 }},
	{"PROJECT:productionBranch", []string{"main", "feature/x"}, func(c Config) bool {
		return plainPattern.MatchString(strings.NewReplacer("/", "", ".", "").Replace(c.ProductionBranch)) && len(c.ProductionBranch) <= 244 && c.ProductionBranch[0] != '-'
	}},
	{"PROJECT:worker", []string{"portfolio-api"}, func(c Config) bool {
		return plainPattern.MatchString(c.Worker) && len(c.Worker) <= 63 && c.Worker[0] != '-' && strings.ToLower(c.Worker) == c.Worker
	}},
	{"PROJECT:workerScript", []string{"worker.js", "../stack/worker.js"}, func(c Config) bool {
		return !filepath.IsAbs(c.Script.Path) && len(c.Script.SHA256) == 64 && !strings.Contains(c.Script.MainModule(), "/")
	}},
	{"PROJECT:compatibilityDate", []string{"2026-01-01"}, func(c Config) bool {
		day, err := time.Parse(time.DateOnly, c.CompatibilityDate)
		return err == nil && !day.After(time.Now())
	}},
	{"PROJECT:compatibilityFlags", []string{`["nodejs_compat"]`, "null", `["a"] ["b"]`}, func(c Config) bool { return allMatch(c.CompatibilityFlags, plainPattern) }},
	{"PROJECT:observability", []string{"true", "0"}, func(Config) bool { return true }},
	{"PROJECT:vars", []string{`{"GREETING":"hello"}`, `{"A":"b"} garbage`, `{"A":null}`, `{"A":true,"B":-1.50}`}, func(c Config) bool { return allMatch(keysOf(c.Vars), variablePattern) }},
	{"PROJECT:secrets", []string{`{"KEY":"hidden"}`, `{"A-B":"hidden"}`}, func(c Config) bool { return allMatch(keysOf(c.Secrets), variablePattern) }},
	{"PROJECT:binding", []string{"API"}, func(c Config) bool {
		return len(c.Wanted.Bindings) == 1 && allMatch(keysOf(c.Wanted.Bindings), variablePattern)
	}},
	{"PROJECT:moreBindings", []string{`{"AUTH":{"service":"auth","entrypoint":"Login"}}`}, func(c Config) bool {
		for _, s := range c.Wanted.Bindings {
			if !plainPattern.MatchString(s.Service) || !plainPattern.MatchString(s.Environment) || s.Entrypoint != "" && !variablePattern.MatchString(strings.ReplaceAll(s.Entrypoint, "$", "_")) {
				return false
			}
		}
		return allMatch(keysOf(c.Wanted.Bindings), variablePattern)
	}},
	{"PROJECT:previewBinding", []string{"none", "production", "staging-api", "a/b"}, func(c Config) bool {
		for _, s := range c.Wanted.Preview {
			if !plainPattern.MatchString(s.Service) {
				return false
			}
		}
		return true
	}},
	{"PROJECT:overwriteWorker", []string{"true", "0"}, func(Config) bool { return true }},
	{"PROJECT:workersDev", []string{"true", "0"}, func(Config) bool { return true }},
	{"PROJECT:cluster", []string{"portfolio-db"}, func(c Config) bool {
		return labelPattern.MatchString(strings.ToLower(c.Cluster)) && len(c.Cluster) >= 4 && len(c.Cluster) <= 64
	}},
	{"PROJECT:region", []string{"regions/aws-us-east-1"}, func(c Config) bool {
		name, ok := strings.CutPrefix(c.Region, "regions/")
		return ok && labelPattern.MatchString(name)
	}},
	{"PROJECT:tidbProject", []string{"123"}, func(c Config) bool { return strings.Trim(c.TidbProject, "0123456789") == "" }},
	{"PROJECT:spendingLimit", []string{"500", "+1", "007"}, func(c Config) bool { return c.SpendingLimit >= 0 && int(int32(c.SpendingLimit)) == c.SpendingLimit }},
	{"PROJECT:database", []string{"shop"}, func(c Config) bool { return validDatabase(c.Database) }},
	{"PROJECT:sqlUser", []string{"app", "Root"}, func(c Config) bool {
		return plainPattern.MatchString(c.SQLUser) && len(c.SQLUser) <= 16 && unicode.IsLetter(rune(c.SQLUser[0])) && c.SQLUser != "root"
	}},
	{"PROJECT:rotation", []string{"2026-11"}, func(Config) bool { return true }},
	{"PROJECT:databaseUrlOptions", []string{`{"sslaccept":"strict"}`, "{}"}, func(c Config) bool { return allMatch(keysOf(c.URLOptions), variablePattern) }},
	{"PROJECT:doppler", []string{`{"project":"portfolio","config":"prd"}`, "{}"}, func(c Config) bool {
		return c.Doppler == (Doppler{}) || plainPattern.MatchString(c.Doppler.Project) && plainPattern.MatchString(c.Doppler.Config)
	}},
	{"PROJECT:adopt", []string{"true"}, func(Config) bool { return true }},
	{"PROJECT:protect", []string{"false"}, func(Config) bool { return true }},
	{"cloudflare:apiToken", []string{testToken}, func(c Config) bool { return validToken(c.Cloudflare.Token) }},
	{"cloudflare:baseUrl", []string{"http://127.0.0.1:1/client/v4", "https:user:hunter2@x"}, func(c Config) bool {
		u, err := url.Parse(c.Cloudflare.BaseURL)
		return c.Cloudflare.BaseURL == "" || err == nil && u.Hostname() != "" && u.User == nil
	}},
	{"tidbcloud:publicKey", []string{"publickey"}, func(Config) bool { return true }},
	{"tidbcloud:privateKey", []string{"privatekey"}, func(Config) bool { return true }},
}

// jsonKeys take a JSON value.
var jsonKeys = []string{
	"PROJECT:compatibilityFlags", "PROJECT:vars", "PROJECT:secrets", "PROJECT:moreBindings", "PROJECT:databaseUrlOptions", "PROJECT:doppler",
}

func validToken(s string) bool {
	return len(s) >= 8 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func validDatabase(s string) bool {
	return s != "" && len(s) <= 64 && plainPattern.MatchString(s) && !strings.Contains(s, "-")
}

// Any value of any key is one that the APIs take, or the one mistake that the error
// tells by its key.
func FuzzLoadConfig(f *testing.F) {
	fuzzEnv(f)
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
		cfg, err := loadWith("portfolio", "dev", map[string]string{key.key: value})
		if err == nil {
			if !key.ok(cfg) {
				t.Errorf("%s: %q is accepted: %+v", key.key, value, cfg)
			}
			if value != "" && slices.Contains(jsonKeys, key.key) && !json.Valid([]byte(value)) {
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

// What is said of a secret does not depend on it.
func FuzzLoadConfig_secret(f *testing.F) {
	fuzzEnv(f)
	f.Add("hunter2 hunter2")
	f.Add("x\n")
	f.Add(`"}`)
	f.Add("\xff")
	said := map[string]string{}
	keys := []string{"cloudflare:apiToken", "tidbcloud:publicKey", "tidbcloud:privateKey"}
	for _, key := range keys {
		_, err := loadWith("portfolio", "dev", map[string]string{key: "x"})
		said[key] = err.Error()
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, key := range keys {
			_, err := loadWith("portfolio", "dev", map[string]string{key: value})
			if err != nil && err.Error() != said[key] {
				t.Errorf("%s: of %q is said %q, and of another %q", key, value, err, said[key])
			}
			if err == nil && value != "" && !validToken(value) {
				t.Errorf("%s: %q is accepted", key, value)
			}
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range [][2]string{{`{"A-B":`, "}"}, {`{"A":`, ",}"}} {
			text := end[0] + string(quoted) + end[1]
			_, err := loadWith("portfolio", "dev", map[string]string{"PROJECT:secrets": text})
			_, other := loadWith("portfolio", "dev", map[string]string{"PROJECT:secrets": end[0] + `""` + end[1]})
			if err == nil || other == nil || err.Error() != other.Error() {
				t.Errorf("%s: %v, and of another %v", text, err, other)
			}
		}
	})
}

// Whatever project and stack are called, the names made of them are valid or a
// mistake that tells which key to set.
func FuzzLoadConfig_names(f *testing.F) {
	fuzzEnv(f)
	for _, seed := range [][2]string{
		{"portfolio", "dev"}, {"_", "."}, {"My.Project", "a_b"}, {strings.Repeat("p", 100), "dev"}, {"p", strings.Repeat("s", 100)}, {"0", "-"}, {"ü", "İ"}, {"a", "b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, project, stack string) {
		if project == "" || stack == "" || strings.Contains(project, ":") || len(project) > 1000 {
			return // the engine takes no such names
		}
		owner := ownerName(project, stack, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if !labelPattern.MatchString(owner) || len(owner) > 63 || !strings.HasSuffix(owner, "abcdefghijkl") {
			t.Errorf("the owner is %q", owner)
		}
		if s := slug(project); s != "" && !labelPattern.MatchString(s) {
			t.Errorf("%q becomes %q", project, s)
		}
		cfg, err := loadWith(project, stack, nil)
		if err != nil {
			if !strings.Contains(err.Error(), "set this key") {
				t.Errorf("%q, %q: the error does not say what to do: %v", project, stack, err)
			}
			return
		}
		for _, key := range accepted {
			if !key.ok(cfg) {
				t.Errorf("%q, %q: %s is not valid: %+v", project, stack, key.key, cfg)
			}
		}
	})
}

// What the fuzz targets above found.
func TestLoadConfig_found(t *testing.T) {
	for name, value := range map[string]string{
		"CLOUDFLARE_API_TOKEN": testToken, "CLOUDFLARE_ACCOUNT_ID": testAccount, "TIDBCLOUD_PUBLIC_KEY": "publickey", "TIDBCLOUD_PRIVATE_KEY": "privatekey",
	} {
		t.Setenv(name, value)
	}
	long := strings.Repeat("p", 65)
	for _, test := range []struct{ name, project, key, value, want string }{
		{"project without a letter", "_", "PROJECT:pagesProject", "site", `_:database: the name "", made of the project's, is not valid: set this key`},
		{"project longer than a database's name", long, "PROJECT:pagesProject", "site", long + `:database: the name "ppp`},
		{"list with another behind it", "portfolio", "PROJECT:compatibilityFlags", `["a"] ["b"]`, "portfolio:compatibilityFlags: the value is not"},
		{"object with words behind it", "portfolio", "PROJECT:vars", `{"A":"b"} garbage`, "portfolio:vars: the value is not"},
		{"password in a URL without slashes", "portfolio", "cloudflare:baseUrl", "https:user:hunter2@example.com", `cloudflare:baseUrl: "example.com" names no host`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadWith(test.project, "dev", map[string]string{test.key: test.value})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error is %v, want %q in it", err, test.want)
			}
		})
	}
	if owner := ownerName("_", ".", "ABCDEFGHIJKLMNOP"); owner != "abcdefghijkl" {
		t.Errorf("the owner is %q", owner)
	}
}

// A script that is accepted lies at a relative path, which the state can hold.
func FuzzReadScript(f *testing.F) {
	for _, seed := range []string{
		"worker.js", "./worker.js", "../stack/worker.js", "/etc/x.js", "worker.js\x00", "a\nb.js", "stack.go", "", ".js", "../stack", "worker.js/", "worker.js/../worker.js", `..\worker.js`,
		strings.Repeat("a/", 5000) + ".js", "\xff.mjs", "~/x.js", "-.js",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s, err := readScript(".", path)
		if err != nil {
			if s != (Script{}) {
				t.Errorf("%q: %+v beside the error %v", path, s, err)
			}
			return
		}
		ext := filepath.Ext(s.MainModule())
		if filepath.IsAbs(s.Path) || ext != ".js" && ext != ".mjs" || len(s.SHA256) != 64 || strings.ContainsFunc(s.Path, unicode.IsControl) || !utf8.ValidString(s.Path) {
			t.Errorf("%q is accepted: %+v", path, s)
		}
	})
}

// Whatever the parts are, a standard parser gives them back, and they are ASCII
// letters that no client and no shell's quotes change.
func FuzzDatabaseURL(f *testing.F) {
	f.Add("3pT.api", "plain", "gw.example.com", uint16(4000), "portfolio", "sslaccept", "strict")
	f.Add("u", "a:b@c/d?e#f%g h+i", "::1", uint16(3306), "my db", "a&b", "=")
	f.Add("", "", "127.0.0.1", uint16(0), "..", "", "")
	f.Add("\xff", "\x00\n", "fe80::1", uint16(65535), "a/../b", "ü", "'\"\\")
	f.Fuzz(func(t *testing.T, user, password, host string, port uint16, database, name, value string) {
		if net.ParseIP(host) == nil && !labelPattern.MatchString(strings.ReplaceAll(host, ".", "-")) {
			return // not what a cluster is called
		}
		text := databaseURL(user, password, host, int(port), database, map[string]string{name: value})
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'`\\$<>", r) }) {
			t.Errorf("not plain: %s", text)
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		have, _ := u.User.Password()
		if u.Scheme != "mysql" || u.User.Username() != user || have != password || u.Hostname() != host || u.Port() != strconv.Itoa(int(port)) || u.Path != "/"+database {
			t.Errorf("%s is read as %#v", text, u)
		}
		if q := u.Query(); len(q) != 1 || q.Get(name) != value {
			t.Errorf("options %v, want %q=%q", q, name, value)
		}
	})
}
