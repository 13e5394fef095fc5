package main

import (
	"bytes"
	"context"
	"fmt"
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

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sandbox/engine"
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

// fixture is a sandbox of its own, on the real engine.
type fixture struct {
	testing.TB
	*engine.Engine
	clouds *clouds.Clouds
	// printed is what the engine printed in the last operation.
	printed bytes.Buffer
}

// newFixture opens a sandbox in a folder of its own, beside other tests.
func newFixture(t *testing.T, env ...string) *fixture {
	t.Helper()
	t.Parallel()
	return openFixture(t, t.TempDir(), env...)
}

// openFixture opens the sandbox that lies in dir. Of the environment that the clouds read, it
// sets only what is given. Unless that is a time, nothing in these clouds takes any.
func openFixture(t testing.TB, dir string, env ...string) *fixture {
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
	set := map[string]string{"PATH": os.Getenv("PATH"), build.TiDBVariable: sqltest.TiDB(t)}
	for _, assignment := range env {
		name, value, _ := strings.Cut(assignment, "=")
		set[name] = value
	}
	c, err := clouds.Start(t.Context(), dir, func(name string) (string, bool) { value, ok := set[name]; return value, ok })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.TiDB.RateLimit = -1 // a test is quicker than a person
	if set["SANDBOX_CLUSTER_TIME"] == "" {
		c.TiDB.CreateTime, c.TiDB.DeleteTime, c.Cloudflare.DeployTime = -1, -1, -1
	}
	f := &fixture{TB: t, clouds: c}
	f.Engine = &engine.Engine{Root: root, Dir: dir, Env: c.Env, Config: map[string]any{}, CLI: command, Stdout: &f.printed, Stderr: &f.printed}
	// Other tests cover what else Pulumi.dev.yaml deploys.
	f.set(map[string]any{"site": "", "migrations": ""})
	return f
}

// result is the result of an operation.
type result struct {
	// changes counts the resources that did not stay the same, by the kind of change.
	changes map[string]int
	// steps are what the engine did to those resources, by URN.
	steps map[string]apitype.OpType
	calls []emulator.Call
	err   error
}

// try runs up, preview, refresh or destroy.
func (f *fixture) try(verb string, options ...optup.Option) result {
	f.Helper()
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
	before := len(f.clouds.Log.Calls())
	r.err = f.on(func(s auto.Stack) (err error) {
		ctx, out := f.Context(), io.Writer(&f.printed)
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
	r.calls = f.clouds.Log.Calls()[before:]
	if verb == "preview" || verb == "refresh" {
		f.noWrites(verb, r.calls)
	}
	return r
}

// on opens the stack for one operation.
func (f *fixture) on(operation func(auto.Stack) error) error {
	f.Helper()
	f.printed.Reset()
	f.keep()
	return f.With(f.Context(), operation)
}

// run runs an operation that must succeed.
func (f *fixture) run(verb string, options ...optup.Option) result {
	f.Helper()
	r := f.try(verb, options...)
	if r.err != nil {
		f.Fatalf("%s: %v\n%s", verb, r.err, f.printed.String())
	}
	return r
}

func (f *fixture) up() result { f.Helper(); return f.run("up") }

// fails runs an operation that must fail and say each of texts.
func (f *fixture) fails(verb string, texts ...string) result {
	f.Helper()
	r := f.try(verb)
	if r.err == nil {
		f.Errorf("%s succeeded:\n%s", verb, f.printed.String())
	}
	f.says(verb, texts...)
	return r
}

// refused runs an up that must fail as its preview does, and write nothing.
func (f *fixture) refused(texts ...string) {
	f.Helper()
	f.fails("preview", texts...)
	f.noWrites("a refused up", f.fails("up", texts...).calls)
}

// savePlan saves the plan of a preview in a file.
func (f *fixture) savePlan() (file string) {
	f.Helper()
	file = filepath.Join(f.TempDir(), "plan.json")
	err := f.on(func(s auto.Stack) error {
		_, err := s.Preview(f.Context(), optpreview.Plan(file), optpreview.ProgressStreams(&f.printed), optpreview.ErrorProgressStreams(&f.printed))
		return err
	})
	if err != nil {
		f.Fatalf("preview --save-plan: %v\n%s", err, f.printed.String())
	}
	return file
}

// planned runs an up that must do what a preview planned.
func (f *fixture) planned() result { f.Helper(); return f.run("up", optup.Plan(f.savePlan())) }

// says checks what the engine printed in the last operation.
func (f *fixture) says(what string, texts ...string) {
	f.Helper()
	for _, text := range texts {
		if !strings.Contains(f.printed.String(), text) {
			f.Errorf("%s does not say %q:\n%s", what, text, f.printed.String())
		}
	}
}

func (f *fixture) noWrites(what string, calls []emulator.Call) {
	f.Helper()
	for _, c := range calls {
		if c.Write() {
			f.Errorf("%s wrote: %s %s", what, c.Method, c.Path)
		}
	}
}

// maxIdleReads bounds the calls of a run with nothing to do. Digest challenges and SQL are
// not counted.
func (f *fixture) maxIdleReads() int {
	if f.Config[engine.Project+":domain"] != nil {
		return 8 // its status and its DNS record
	}
	return 6
}

// noChanges runs an up that must change nothing and write nothing.
func (f *fixture) noChanges() {
	f.Helper()
	r := f.up()
	f.want("changes of an up with nothing to do", r.changes, map[string]int{})
	f.noWrites("an up with nothing to do", r.calls)
	if len(r.calls) > f.maxIdleReads() {
		f.Errorf("an up with nothing to do made %d reads: %+v", len(r.calls), r.calls)
	}
}

func (f *fixture) want(what string, have, want any) {
	f.Helper()
	if diff := cmp.Diff(want, have); diff != "" {
		f.Errorf("%s (-want +have):\n%s%s", what, diff, f.printed.String())
	}
}

// set sets config values of the stack; nil takes one out.
func (f *fixture) set(values map[string]any) {
	for key, value := range values {
		if !strings.Contains(key, ":") {
			key = engine.Project + ":" + key
		}
		f.Config[key] = value
		if value == nil {
			delete(f.Config, key)
		}
	}
}

// resource returns the only resource of the state whose type ends so.
func (f *fixture) resource(kind string) apitype.ResourceV3 {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	return only(f, kind, slices.DeleteFunc(state.Resources, func(r apitype.ResourceV3) bool { return !strings.HasSuffix(string(r.Type), kind) }))
}

// outputs returns the stack's outputs, secret ones too.
func (f *fixture) outputs() map[string]any {
	f.Helper()
	all, err := f.Outputs(f.Context(), true)
	if err != nil {
		f.Fatal(err)
	}
	return all
}

// projectCopy copies a folder of the project, for this test, to another one of the project, since the
// config names no others. It returns the name for the config.
func projectCopy(t testing.TB, from, suffix string) string {
	t.Helper()
	name := filepath.Join(".sandbox", "test", t.Name()+suffix)
	folder := filepath.Join(root, name)
	if err := os.RemoveAll(folder); err != nil { // of a run that was killed
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, from))); err != nil {
		t.Fatal(err)
	}
	return name
}

// login returns the connection strings of the application, which must be what the Worker
// has, and of the admin.
func (f *fixture) login() (app, admin string) {
	f.Helper()
	all := f.outputs()
	app, _ = all["databaseUrl"].(string)
	admin, _ = all["migrationUrl"].(string)
	if !f.script().Secrets["DATABASE_URL"].Is(app) {
		f.Error("the Worker's DATABASE_URL is not the output's")
	}
	return app, admin
}

// serves checks that the application's connection string logs in.
func (f *fixture) serves() {
	f.Helper()
	app, _ := f.login()
	f.query(app, "SELECT 1")
}

// query runs one statement and returns the rows as printed.
func (f *fixture) query(connection, statement string) string {
	f.Helper()
	out, err := f.tryQuery(connection, statement)
	if err != nil {
		f.Fatalf("%s: %v", statement, err)
	}
	return out
}

func (f *fixture) tryQuery(connection, statement string) (string, error) {
	u, err := url.Parse(connection)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = query(f.Context(), u, f.clouds.SQL.CAFile(), statement, &out)
	return out.String(), err
}

const (
	cloudflareAPI = "CLOUDFLARE_BASE_URL"
	tidbAPI       = "TIDBCLOUD_SERVERLESS_ENDPOINT"
)

func (f *fixture) account() string { return "/accounts/" + f.clouds.Env["CLOUDFLARE_ACCOUNT_ID"] }

// pages and scripts are the paths of the stack's own project and Worker.
func (f *fixture) pages() string   { return f.account() + "/pages/projects/portfolio" }
func (f *fixture) scripts() string { return f.account() + "/workers/scripts/portfolio-api" }

// byHand makes a call as a person with curl does.
func (f *fixture) byHand(method, base, path, body string) string {
	f.Helper()
	return f.send(method, base, path, "application/json", body)
}

// deploy uploads a Worker as wrangler does.
func (f *fixture) deploy(name string) {
	f.Helper()
	body, contentType := emulator.Form(
		emulator.Part{Name: "metadata", Type: "application/json", Content: []byte(`{"main_module":"worker.js","compatibility_date":"2026-06-01","bindings":[]}`)},
		emulator.Part{Name: "worker.js", Type: "application/javascript+module", Content: []byte("export default {}")})
	f.send(http.MethodPut, cloudflareAPI, f.account()+"/workers/scripts/"+name, contentType, string(body))
}

// send makes a call that must succeed.
func (f *fixture) send(method, base, path, contentType, body string) string {
	f.Helper()
	answer, err := f.trySend(method, base, path, contentType, body)
	if err != nil {
		f.Fatalf("%v\n%s", err, answer)
	}
	return answer
}

func (f *fixture) trySend(method, base, path, contentType, body string) (string, error) {
	request, err := http.NewRequestWithContext(f.Context(), method, f.clouds.Env[base]+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", contentType)
	client := http.DefaultClient
	if base == tidbAPI {
		client = &http.Client{Transport: &digest.Transport{Username: f.clouds.TiDB.PublicKey, Password: f.clouds.TiDB.PrivateKey}}
	} else {
		request.Header.Set("Authorization", "Bearer "+f.clouds.Cloudflare.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return string(answer), err
}

// cluster returns the only live cluster.
func (f *fixture) cluster() tidbcloud.Cluster {
	f.Helper()
	live := slices.DeleteFunc(f.clouds.TiDB.Clusters(), func(c tidbcloud.Cluster) bool { return c.State == "DELETING" || c.State == "DELETED" })
	return only(f, "live clusters", live)
}

func (f *fixture) script() cloudflare.Script {
	f.Helper()
	return only(f, "Workers", f.clouds.Cloudflare.Scripts())
}

func (f *fixture) project() cloudflare.Project {
	f.Helper()
	return only(f, "Pages projects", f.clouds.Cloudflare.Projects())
}

func only[T any](f *fixture, what string, all []T) T {
	f.Helper()
	if len(all) != 1 {
		f.Fatalf("there are %d %s, want one", len(all), what)
	}
	return all[0]
}

// bound checks that both environments of the project have the binding.
func (f *fixture) bound() {
	f.Helper()
	want := map[string]cloudflare.Service{"API_SERVICE": {Service: "portfolio-api", Environment: "production"}}
	f.want("production", maps.Clone(f.project().Production.Services), want)
	f.want("preview", maps.Clone(f.project().Preview.Services), want)
}

// left checks how many projects, Workers and clusters there are.
func (f *fixture) left(projects, workers, clusters int) {
	f.Helper()
	f.want("projects, Workers and clusters that are left",
		[]int{len(f.clouds.Cloudflare.Projects()), len(f.clouds.Cloudflare.Scripts()), len(f.clouds.TiDB.Clusters())},
		[]int{projects, workers, clusters})
}
