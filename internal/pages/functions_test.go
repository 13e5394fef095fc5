package pages

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// onPath puts a shell script on the PATH, and returns its folder.
func onPath(t *testing.T, name, script string) string {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return bin
}

func npx(t *testing.T, script string) string {
	t.Helper()
	return onPath(t, "npx", script)
}

// compiles is the script of an npx that compiles what imports nothing.
const compiles = `for last; do case "$before" in
--outfile) echo worker >"$last" ;;
--metafile) echo '{}' >"$last" ;;
esac; before=$last; done
`

// fails is the script of an npx whose wrangler runs, and fails.
const fails = `echo '{"type":"wrangler-session"}' >"$WRANGLER_OUTPUT_FILE_PATH"; echo "[id].ts:1:2: a mistake"; exit 1`

// route is a function.
const route = "export const onRequest = () => new Response('one')"

// Functions lie beside the site, or where the user says, and nowhere else.
func TestRead_functions(t *testing.T) {
	npx(t, compiles)
	for _, tt := range []struct {
		name      string
		files     files
		functions string // the key
		want      string
	}{
		{"none", files{"web/dist/index.html": ""}, "", ""},
		{"beside the site", files{"web/dist/index.html": "", "web/functions/a.js": route}, "", "web/functions"},
		{"a link beside the site", files{"web/dist/index.html": "", "web/functions": "-> ../shared", "shared/a.js": route}, "", "web/functions"},
		{"in the site", files{"web/dist/index.html": "", "web/dist/functions/a.js": route}, "", ""},
		{"above the site's parent", files{"web/dist/index.html": "", "functions/a.js": route}, "", ""},
		{"a file beside the site", files{"web/dist/index.html": "", "web/functions": ""}, "", ""},
		{"the user's", files{"web/dist/index.html": "", "functions/a.js": route, "web/functions/a.js": route}, "functions", "functions"},
		{"beside a Worker", files{"web/dist/index.html": "", "web/dist/_worker.js": "export default {}", "web/functions/a.js": route}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(tt.files.project(t, ""))
			s := mustRead(t, Folder{Site: "web/dist", Functions: tt.functions})
			if s.Functions() != tt.want || (s.compiled != nil) != (tt.want != "") {
				t.Errorf("functions %q, want %q; compiled %v", s.Functions(), tt.want, s.compiled)
			}
		})
	}
}

// Whatever is wrong with the functions is one error, which names the key to change.
func TestRead_functionsProblems(t *testing.T) {
	for _, tt := range []struct {
		name, functions, npx string
		key, want            string
	}{
		{"no such folder", "no/such", compiles, "functions", `"no/such": there is no such folder; give a folder of file routes`},
		{"a file", "dist/index.html", compiles, "functions", `"dist/index.html": it is not a folder`},
		{"without a route", "functions", "exit 156", "functions", "functions: no file in it, but for links, exports onRequest"},
		{"a mistake", "functions", fails, "functions", "compiling functions with wrangler: exit status 1: [id].ts:1:2: a mistake"},
		{"a mistake beside the site", "", fails, "site", "compiling functions with wrangler: exit status 1: [id].ts:1:2: a mistake"},
		{"no metafile", "", "exit 0", "site", "reading wrangler's metafile of functions: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			npx(t, tt.npx)
			t.Chdir(files{"dist/index.html": "", "functions/a.js": route}.project(t, ""))
			_, err := Read(t.Context(), Folder{Site: "dist", Functions: tt.functions})
			testcheck.Error(t, err, tt.want)
			if wrong := (*FunctionsError)(nil); !errors.As(err, &wrong) || wrong.Key != tt.key {
				t.Errorf("%v is not an error of the key %s", err, tt.key)
			}
		})
	}
}

// A warning says what is left out.
func TestRead_functionsWarnings(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files files
		npx   string
		want  string
	}{
		{"beside a Worker", files{"dist/_worker.js": "export default {}"}, compiles, "the functions in functions are not deployed, as with wrangler: the site has a Worker in their place"},
		{"without a route", nil, "exit 156", "functions: no file in it, but for links, exports onRequest"},
		{"without wrangler", nil, "echo canceled; exit 1", "wrangler did not run in ., so it is not known whether something that functions imports has changed, " +
			"and a deployment would fail: install it there (`npm install --save-dev wrangler`): exit status 1: canceled"},
		{"nothing", nil, compiles, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			npx(t, tt.npx)
			folder := files{"dist/index.html": "", "functions/a.js": route}.project(t, "")
			tt.files.write(t, folder)
			t.Chdir(folder)
			got := strings.Join(mustRead(t, Folder{Site: "dist"}).Warnings, "\n")
			if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("warnings %q, want %q", got, tt.want)
			}
		})
	}
}

// If nothing else is imported, or wrangler does not run, the digest is that of earlier
// versions, which knew only the files in the folder.
func TestRead_functionsDigest(t *testing.T) {
	for name, script := range map[string]string{"with wrangler": compiles, "without": "exit 1", "without a route": "exit 156"} {
		t.Run(name, func(t *testing.T) {
			npx(t, script)
			folder := files{"public/index.html": "hello", "public/_routes.json": routes, "functions/api/[id].js": route, "functions/_lib.ts": "export const n: number = 1",
				"functions/node_modules/x/index.js": "x"}.project(t, "")
			read := func() string { return mustRead(t, Folder{Site: filepath.Join(folder, "public")}).Digest }
			const before = "925dd89c28697ef8fadef581ef8148e5"
			equal(t, "digest", read(), before)
			files{"empty/x": "", "functions/linked": "-> ../empty", "functions/.#lock": "-> nobody@nowhere"}.write(t, folder)
			equal(t, "digest with links to a folder and to nothing", read(), before)
			files{"functions/_lib.ts": ""}.write(t, folder)
			if read() == before {
				t.Error("the digest does not change with a function")
			}
		})
	}
}

// A variable that decides what wrangler builds counts if wrangler gets it.
func TestRead_functionsVariables(t *testing.T) {
	npx(t, compiles)
	folder := files{"dist/index.html": "", "functions/a.js": route}.project(t, "dist")
	read := func(value string, names ...string) string {
		t.Setenv("NODE_ENV", value)
		return mustRead(t, Folder{Site: folder, FunctionsEnv: names}).Digest
	}
	if read("a") != read("b") {
		t.Error("the digest changes with a variable that wrangler does not get")
	}
	if read("a", "NODE_ENV") == read("b", "NODE_ENV") {
		t.Error("the digest does not change with a variable that wrangler gets")
	}
}

// wrangler runs once, in the folder above the functions, and what it makes is deployed.
func TestDeploy_functionsOnce(t *testing.T) {
	bin := npx(t, `echo "$PWD $*" >>"${0%/*}/calls"`+"\n"+compiles)
	w := newWorld(t, page)
	w.request.Functions = files{"web/functions/a.js": route}.project(t, "web/functions")
	w.request.Flags = []string{"nodejs_compat"}
	w.api.stages = []string{"deploy success"}
	w.mustDeploy()
	equal(t, "deployed", w.api.form()[workerFile].Content, "worker\n")
	said, err := os.ReadFile(filepath.Join(bin, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(said)), "\n")
	where, err := filepath.EvalSymlinks(filepath.Dir(w.request.Functions))
	if err != nil {
		t.Fatal(err)
	}
	// One call is the preview's.
	if len(calls) != 2 || !strings.HasPrefix(calls[1], where+" --no-install wrangler pages functions build functions ") ||
		!strings.HasSuffix(calls[1], " --compatibility-date "+projectDate+" --compatibility-flags nodejs_compat") {
		t.Errorf("calls %q", calls)
	}
}

// Without wrangler there is one clear error, before any write.
func TestDeploy_functionsWithoutWrangler(t *testing.T) {
	for key, change := range map[string]func(*DeployRequest){"site": func(*DeployRequest) {}, "functions": func(r *DeployRequest) { r.Functions = filepath.Join(filepath.Dir(r.Site), "functions") }} {
		w := newWorld(t, page)
		files{"functions/index.js": route}.write(t, filepath.Dir(w.request.Site))
		change(&w.request)
		t.Setenv("PATH", t.TempDir())
		project := filepath.Dir(w.request.Site)
		calls := w.fails("config key "+key+": compiling "+filepath.Join(project, "functions")+" with wrangler: ", "install wrangler in "+project+" (npm install --save-dev wrangler)")
		equal(t, "calls", calls, []string{"GET "})
	}
}

// wrangler gets only listed variables, and the values of those that the user adds are not
// shown.
func TestDeploy_functionsEnvironment(t *testing.T) {
	bin := npx(t, `env >"${0%/*}/seen"; echo "I have $REDIS_URL"; `+fails)
	for name, value := range map[string]string{"REDIS_URL": "redis://:hunter2-hunter2@host", "SENTRY_DSN": "https://x@sentry", "MODE": "live", "NODE_ENV": "test", "CLOUDFLARE_API_TOKEN": apiToken} {
		t.Setenv(name, value)
	}
	folder := files{"dist/index.html": "", "functions/a.js": route}.project(t, "dist")
	seen := func(names ...string) (all []string) {
		t.Helper()
		_, err := Read(t.Context(), Folder{Site: folder, FunctionsEnv: names})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
		text, readErr := os.ReadFile(filepath.Join(bin, "seen"))
		if readErr != nil {
			t.Fatal(readErr)
		}
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(line, "=")
			if slices.Contains([]string{"REDIS_URL", "SENTRY_DSN", "MODE", "NODE_ENV", "CLOUDFLARE_API_TOKEN"}, name) || strings.HasPrefix(name, "WRANGLER_") {
				all = append(all, strings.TrimSpace(line))
			}
		}
		slices.Sort(all)
		return slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, "WRANGLER_OUTPUT_FILE_PATH=") })
	}
	settings := []string{"WRANGLER_HIDE_BANNER=true", "WRANGLER_SEND_METRICS=false", "WRANGLER_WRITE_LOGS=false"}
	equal(t, "seen", seen(), append([]string{"NODE_ENV=production"}, settings...))
	equal(t, "seen with more", seen("REDIS_URL", "MODE", "NODE_ENV", "NOT_SET"),
		append([]string{"MODE=live", "NODE_ENV=test", "REDIS_URL=redis://:hunter2-hunter2@host"}, settings...))
}
