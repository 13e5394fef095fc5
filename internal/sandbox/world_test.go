package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icholy/digest"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sandbox/engine"
	"portfolio-infra/internal/sandbox/sqlclient"
)

// root is the project's folder.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// cli is the Pulumi CLI, found once for all tests.
var cli = sync.OnceValues(func() (auto.PulumiCommand, error) {
	return engine.FindCLI(context.Background(), root, os.Stderr)
})

// world is a sandbox of its own, on the real engine.
type world struct {
	testing.TB
	*engine.Engine
	clouds *clouds.Clouds
	// printed is what the engine printed in the last operation.
	printed bytes.Buffer
}

// newWorld opens a sandbox in a folder of its own, beside other tests.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	t.Parallel()
	return openWorld(t, t.TempDir(), env...)
}

// openWorld opens the sandbox that lies in dir. Of the environment that the clouds read, it
// sets what is given and no more.
func openWorld(t testing.TB, dir string, env ...string) *world {
	t.Helper()
	for _, name := range []string{"bin/portfolio", "bin/sandbox", "internal/provider/pulumi-resource-tidbcloud/pulumi-resource-tidbcloud"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Fatalf("%s is not built: run `make build` first", name)
		}
	}
	command, err := cli()
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{"SANDBOX_CLUSTER_TIME": "500ms", "PATH": os.Getenv("PATH")}
	for _, assignment := range env {
		name, value, _ := strings.Cut(assignment, "=")
		set[name] = value
	}
	c, err := clouds.Start(t.Context(), dir, func(name string) (string, bool) { value, ok := set[name]; return value, ok })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &world{TB: t, clouds: c}
	w.Engine = &engine.Engine{Root: root, Dir: dir, Env: c.Env, Config: map[string]any{}, CLI: command, Stdout: &w.printed, Stderr: &w.printed}
	return w
}

// result is what became of an operation.
type result struct {
	// changes counts the resources that did not stay the same, by what became of them.
	changes map[string]int
	// steps are what the engine did to those resources, by URN.
	steps map[string]apitype.OpType
	calls []emulator.Call
	err   error
}

// try runs up, preview, refresh or destroy.
func (w *world) try(verb string, options ...optup.Option) result {
	w.Helper()
	r := result{changes: map[string]int{}, steps: map[string]apitype.OpType{}}
	stream, ended := make(chan events.EngineEvent), make(chan struct{})
	go func() {
		defer close(ended)
		for e := range stream {
			if e.ResourcePreEvent != nil && e.ResourcePreEvent.Metadata.Op != apitype.OpSame {
				r.steps[e.ResourcePreEvent.Metadata.URN] = e.ResourcePreEvent.Metadata.Op
			}
			if e.SummaryEvent != nil {
				for op, n := range e.SummaryEvent.ResourceChanges {
					r.changes[string(op)] = n
				}
				delete(r.changes, string(apitype.OpSame))
			}
		}
	}()
	before := len(w.clouds.Log.Calls())
	r.err = w.on(func(s auto.Stack) (err error) {
		ctx, out := w.Context(), io.Writer(&w.printed)
		switch verb {
		case "up":
			_, err = s.Up(ctx, append([]optup.Option{optup.EventStreams(stream), optup.ProgressStreams(out), optup.ErrorProgressStreams(out)}, options...)...)
		case "preview":
			_, err = s.Preview(ctx, optpreview.EventStreams(stream), optpreview.ProgressStreams(out), optpreview.ErrorProgressStreams(out))
		case "refresh":
			_, err = s.Refresh(ctx, optrefresh.EventStreams(stream), optrefresh.ProgressStreams(out), optrefresh.ErrorProgressStreams(out))
		case "destroy":
			_, err = s.Destroy(ctx, optdestroy.EventStreams(stream), optdestroy.ProgressStreams(out), optdestroy.ErrorProgressStreams(out))
		}
		return err
	})
	if r.err == nil { // else the CLI may have ended before it sent an event
		<-ended
	}
	r.calls = w.clouds.Log.Calls()[before:]
	if verb == "preview" || verb == "refresh" {
		w.noWrites(verb, r.calls)
	}
	return r
}

// on opens the stack for one operation.
func (w *world) on(operation func(auto.Stack) error) error {
	w.Helper()
	w.printed.Reset()
	return w.With(w.Context(), operation)
}

// run runs an operation that must succeed.
func (w *world) run(verb string, options ...optup.Option) result {
	w.Helper()
	r := w.try(verb, options...)
	if r.err != nil {
		w.Fatalf("%s: %v\n%s", verb, r.err, w.printed.String())
	}
	return r
}

func (w *world) up() result { w.Helper(); return w.run("up") }

// fails runs an operation that must fail and say each of texts.
func (w *world) fails(verb string, texts ...string) result {
	w.Helper()
	r := w.try(verb)
	if r.err == nil {
		w.Errorf("%s succeeded:\n%s", verb, w.printed.String())
	}
	w.says(verb, texts...)
	return r
}

// refused runs an up that must fail as its preview does, and write nothing.
func (w *world) refused(texts ...string) {
	w.Helper()
	w.fails("preview", texts...)
	w.noWrites("a refused up", w.fails("up", texts...).calls)
}

// says checks what the engine printed last.
func (w *world) says(what string, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if !strings.Contains(w.printed.String(), text) {
			w.Errorf("%s does not say %q:\n%s", what, text, w.printed.String())
		}
	}
}

func (w *world) noWrites(what string, calls []emulator.Call) {
	w.Helper()
	for _, c := range calls {
		if c.Write() {
			w.Errorf("%s wrote: %s %s", what, c.Method, c.Path)
		}
	}
}

// maxQuietReads bounds the calls of a run with nothing to do. Digest challenges and SQL are
// not counted.
const maxQuietReads = 6

// quiet runs an up that must change nothing and write nothing.
func (w *world) quiet() {
	w.Helper()
	r := w.up()
	w.want("changes of an up with nothing to do", r.changes, map[string]int{})
	w.noWrites("an up with nothing to do", r.calls)
	if len(r.calls) > maxQuietReads {
		w.Errorf("an up with nothing to do made %d reads: %+v", len(r.calls), r.calls)
	}
}

// repaired checks that a preview shows n updates, that an up makes them, and that then there
// is nothing to do.
func (w *world) repaired(n int) {
	w.Helper()
	w.want("preview", w.run("preview").changes, map[string]int{"update": n})
	w.want("up", w.up().changes, map[string]int{"update": n})
	w.quiet()
}

func (w *world) want(what string, have, want any) {
	w.Helper()
	if diff := cmp.Diff(want, have); diff != "" {
		w.Errorf("%s (-want +have):\n%s%s", what, diff, w.printed.String())
	}
}

// set sets config values of the stack; nil takes one out.
func (w *world) set(values map[string]any) {
	for key, value := range values {
		if !strings.Contains(key, ":") {
			key = engine.Project + ":" + key
		}
		w.Config[key] = value
		if value == nil {
			delete(w.Config, key)
		}
	}
}

// outputs returns the stack's outputs, secret ones too.
func (w *world) outputs() map[string]any {
	w.Helper()
	all, err := w.Outputs(w.Context(), true)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// login returns the connection strings of the application, which must be what the Worker
// has, and of the admin.
func (w *world) login() (app, admin string) {
	w.Helper()
	all := w.outputs()
	app, _ = all["databaseUrl"].(string)
	admin, _ = all["migrationUrl"].(string)
	if !w.script().Secrets["DATABASE_URL"].Is(app) {
		w.Error("the Worker's DATABASE_URL is not the output's")
	}
	return app, admin
}

// serves checks that the application's connection string logs in.
func (w *world) serves() {
	w.Helper()
	app, _ := w.login()
	w.query(app, "SELECT 1")
}

// query runs one statement and returns the rows as printed.
func (w *world) query(connection, statement string) string {
	w.Helper()
	out, err := w.tryQuery(connection, statement)
	if err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
	return out
}

func (w *world) tryQuery(connection, statement string) (string, error) {
	u, err := url.Parse(connection)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = sqlclient.Run(w.Context(), u, w.clouds.SQL.CAFile(), statement, &out)
	return out.String(), err
}

const (
	cloudflareAPI = "CLOUDFLARE_BASE_URL"
	tidbAPI       = "TIDBCLOUD_SERVERLESS_ENDPOINT"
)

func (w *world) account() string { return "/accounts/" + w.clouds.Env["CLOUDFLARE_ACCOUNT_ID"] }

// pages and scripts are the paths of the stack's own project and Worker.
func (w *world) pages() string   { return w.account() + "/pages/projects/portfolio" }
func (w *world) scripts() string { return w.account() + "/workers/scripts/portfolio-api" }

// byHand makes a call as a person with curl does.
func (w *world) byHand(method, base, path, body string) string {
	w.Helper()
	return w.send(method, base, path, "application/json", body)
}

// form makes a call of Cloudflare with the parts of a form.
func (w *world) form(method, path string, parts ...string) {
	w.Helper()
	body := strings.Join(append([]string{""}, parts...), "\r\n--b\r\nContent-Disposition: form-data; name=")
	w.send(method, cloudflareAPI, path, "multipart/form-data; boundary=b", strings.TrimPrefix(body, "\r\n")+"\r\n--b--\r\n")
}

func jsonPart(name, content string) string {
	return `"` + name + "\"\r\nContent-Type: application/json\r\n\r\n" + content
}

// deploy uploads a Worker as wrangler does, without bindings but for those of the types in
// keep.
func (w *world) deploy(name, script, keep string) {
	w.Helper()
	w.form(http.MethodPut, w.account()+"/workers/scripts/"+name,
		jsonPart("metadata", `{"main_module":"worker.js","compatibility_date":"2026-06-01","bindings":[],"keep_bindings":`+keep+"}"),
		"\"worker.js\"; filename=\"worker.js\"\r\nContent-Type: application/javascript+module\r\n\r\n"+script)
}

func (w *world) send(method, base, path, contentType, body string) string {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.clouds.Env[base]+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	client := http.DefaultClient
	if base == tidbAPI {
		client = &http.Client{Transport: &digest.Transport{Username: w.clouds.TiDB.PublicKey, Password: w.clouds.TiDB.PrivateKey}}
	} else {
		request.Header.Set("Authorization", "Bearer "+w.clouds.Cloudflare.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		w.Fatalf("%s %s: %d, %v\n%s", method, path, response.StatusCode, err, answer)
	}
	return string(answer)
}

// cluster returns the only live cluster.
func (w *world) cluster() tidbcloud.Cluster {
	w.Helper()
	live := slices.DeleteFunc(w.clouds.TiDB.Clusters(), func(c tidbcloud.Cluster) bool { return c.State == "DELETING" || c.State == "DELETED" })
	return only(w, "live clusters", live)
}

func (w *world) script() cloudflare.Script {
	w.Helper()
	return only(w, "Workers", w.clouds.Cloudflare.Scripts())
}

func (w *world) project() cloudflare.Project {
	w.Helper()
	return only(w, "Pages projects", w.clouds.Cloudflare.Projects())
}

func only[T any](w *world, what string, all []T) T {
	w.Helper()
	if len(all) != 1 {
		w.Fatalf("there are %d %s, want one", len(all), what)
	}
	return all[0]
}

// bound checks that both environments of the project have the binding.
func (w *world) bound() {
	w.Helper()
	want := map[string]cloudflare.Service{"API_SERVICE": {Service: "portfolio-api", Environment: "production"}}
	w.want("production", maps.Clone(w.project().Production.Services), want)
	w.want("preview", maps.Clone(w.project().Preview.Services), want)
}

// left checks how many projects, Workers and clusters there are.
func (w *world) left(projects, workers, clusters int) {
	w.Helper()
	w.want("projects, Workers and clusters that are left",
		[]int{len(w.clouds.Cloudflare.Projects()), len(w.clouds.Cloudflare.Scripts()), len(w.clouds.TiDB.Clusters())},
		[]int{projects, workers, clusters})
}
