package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// world is a sandbox of its own, on the real engine.
type world struct {
	testing.TB
	sb     *sandbox
	clouds *clouds
	// printed is what the engine printed in the last operation.
	printed bytes.Buffer
}

// newWorld opens a sandbox in a folder of its own. Of the environment that a
// sandbox reads, only the variables named in keep stay as they are.
func newWorld(t testing.TB, keep ...string) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir(), keep...)
}

// newWorldIn opens the sandbox that lies in dir.
func newWorldIn(t testing.TB, dir string, keep ...string) *world {
	t.Helper()
	t.Chdir("../..")
	for _, name := range []string{"bin/portfolio", "internal/provider/pulumi-resource-tidbcloud/pulumi-resource-tidbcloud"} {
		if _, err := os.Stat(name); err != nil {
			t.Fatalf("%s is not built: run `make build` first", name)
		}
	}
	w := &world{TB: t}
	t.Setenv("SANDBOX_DIR", dir)
	sb, err := newSandbox(&w.printed, &w.printed)
	if err != nil {
		t.Fatal(err)
	}
	w.sb = sb
	// The sandbox sets the environment of its process; a test gives it back.
	for _, name := range []string{
		"CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_BASE_URL",
		"TIDBCLOUD_SQL_CA_FILE", "DOPPLER_TOKEN", "PULUMI_BACKEND_URL",
		"PULUMI_CONFIG_PASSPHRASE", "PULUMI_DEBUG_PROVIDERS", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PULUMI_HOME",
		"PULUMI_SKIP_UPDATE_CHECK", "TIDBCLOUD_IAM_ENDPOINT", "TIDBCLOUD_PRIVATE_KEY", "TIDBCLOUD_PUBLIC_KEY",
		"TIDBCLOUD_SERVERLESS_ENDPOINT", "TMPDIR",
	} {
		if slices.Contains(keep, name) {
			continue
		}
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", os.Getenv("PATH"))
	t.Setenv("SANDBOX_CLUSTER_TIME", "500ms")
	unlock, err := sb.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	if w.clouds, err = sb.startClouds(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.clouds.close)
	return w
}

// on opens the stack for one operation, and returns the calls that it made.
func (w *world) on(operation func(auto.Stack) error) []emulator.Call {
	w.Helper()
	calls, err := w.try(operation)
	if err != nil {
		w.Fatalf("%v\n%s", err, w.printed.String())
	}
	return calls
}

func (w *world) try(operation func(auto.Stack) error) ([]emulator.Call, error) {
	w.Helper()
	w.printed.Reset()
	detach, err := w.sb.attachPlugins(w.Context(), w.clouds.env)
	if err != nil {
		w.Fatal(err)
	}
	defer detach()
	st, err := w.sb.open(w.Context(), w.clouds.env)
	if err != nil {
		w.Fatal(err)
	}
	before := len(w.clouds.log.Calls())
	err = operation(st)
	return w.clouds.log.Calls()[before:], err
}

// changes are counts of what became of resources, without those that stayed.
func changes(counts *map[string]int) map[string]int {
	if counts == nil {
		return nil
	}
	c := maps.Clone(*counts)
	delete(c, "same")
	return c
}

func (w *world) up() (changed map[string]int, outputs auto.OutputMap, calls []emulator.Call) {
	w.Helper()
	calls = w.on(func(s auto.Stack) error {
		r, err := s.Up(w.Context(), optup.ProgressStreams(&w.printed), optup.ErrorProgressStreams(&w.printed))
		changed, outputs = changes(r.Summary.ResourceChanges), r.Outputs
		return err
	})
	return changed, outputs, calls
}

// upFails runs an up that must fail, and returns what was printed.
func (w *world) upFails() (printed string, calls []emulator.Call) {
	w.Helper()
	calls, err := w.try(func(s auto.Stack) error {
		_, err := s.Up(w.Context(), optup.ProgressStreams(&w.printed), optup.ErrorProgressStreams(&w.printed))
		return err
	})
	if err == nil {
		w.Fatalf("up succeeded:\n%s", w.printed.String())
	}
	return w.printed.String(), calls
}

func (w *world) preview() map[string]int {
	w.Helper()
	var changed map[string]int
	calls := w.on(func(s auto.Stack) error {
		r, err := s.Preview(w.Context(), optpreview.ProgressStreams(&w.printed))
		changed = map[string]int{}
		for op, n := range r.ChangeSummary {
			if op != apitype.OpSame {
				changed[string(op)] = n
			}
		}
		return err
	})
	w.noWrites("preview", calls)
	return changed
}

func (w *world) refresh() map[string]int {
	w.Helper()
	var changed map[string]int
	calls := w.on(func(s auto.Stack) error {
		r, err := s.Refresh(w.Context(), optrefresh.ProgressStreams(&w.printed))
		changed = changes(r.Summary.ResourceChanges)
		return err
	})
	w.noWrites("refresh", calls)
	return changed
}

func (w *world) destroy() {
	w.Helper()
	w.on(func(s auto.Stack) error {
		_, err := s.Destroy(w.Context(), optdestroy.ProgressStreams(&w.printed))
		return err
	})
}

func (w *world) noWrites(what string, calls []emulator.Call) {
	w.Helper()
	for _, c := range calls {
		if c.Write() {
			w.Errorf("%s wrote: %s %s", what, c.Method, c.Path)
		}
	}
}

// maxQuietReads bounds the calls of a run with nothing to do. Digest challenges and
// SQL are not counted.
const maxQuietReads = 6

// quiet runs an up that must change nothing and write nothing.
func (w *world) quiet() {
	w.Helper()
	changed, _, calls := w.up()
	w.want("changes of an up with nothing to do", changed, map[string]int{})
	w.noWrites("an up with nothing to do", calls)
	if len(calls) > maxQuietReads {
		w.Errorf("an up with nothing to do made %d reads: %+v", len(calls), calls)
	}
}

func (w *world) want(what string, have, want any) {
	w.Helper()
	h, err := json.Marshal(have)
	if err != nil {
		w.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		w.Fatal(err)
	}
	if !bytes.Equal(h, wanted) {
		w.Errorf("%s: %s, want %s\n%s", what, h, wanted, w.printed.String())
	}
}

// byHandForm makes a call of Cloudflare whose one part is JSON.
func (w *world) byHandForm(method, path, part, body string) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.clouds.env[cloudflareAPI]+path, strings.NewReader(
		"--b\r\nContent-Disposition: form-data; name=\""+part+"\"\r\nContent-Type: application/json\r\n\r\n"+body+"\r\n--b--\r\n"))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	w.send(request)
}

// byHand makes a call as a person with curl would.
func (w *world) byHand(method, base, path, body string) string {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.clouds.env[base]+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.DefaultClient
	if strings.HasPrefix(base, "TIDBCLOUD") {
		client = &http.Client{Transport: &digest.Transport{
			Username: w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], Password: w.clouds.env["TIDBCLOUD_PRIVATE_KEY"]}}
	} else {
		request.Header.Set("Authorization", "Bearer "+w.clouds.env["CLOUDFLARE_API_TOKEN"])
	}
	response, err := client.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		w.Fatalf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	return string(answer)
}

const (
	cloudflareAPI = "CLOUDFLARE_BASE_URL"
	tidbAPI       = "TIDBCLOUD_SERVERLESS_ENDPOINT"
)

func (w *world) account() string { return "/accounts/" + w.clouds.env["CLOUDFLARE_ACCOUNT_ID"] }

// cluster returns the only cluster that lives.
func (w *world) cluster() tidbcloud.Cluster {
	w.Helper()
	var live []tidbcloud.Cluster
	for _, c := range w.clouds.tidb.Clusters() {
		if c.State != "DELETING" && c.State != "DELETED" {
			live = append(live, c)
		}
	}
	if len(live) != 1 {
		w.Fatalf("there are %d clusters: %+v", len(live), live)
	}
	return live[0]
}

// bound checks that both environments of the project have the binding.
func (w *world) bound() {
	w.Helper()
	projects := w.clouds.cloudflare.Projects()
	if len(projects) != 1 {
		w.Fatalf("there are %d Pages projects", len(projects))
	}
	for name, services := range map[string]any{"production": projects[0].Production.Services, "preview": projects[0].Preview.Services} {
		w.want(name, services, map[string]cloudflare.Service{
			"API_SERVICE": {Service: "portfolio-api", Environment: "production"}})
	}
}

func TestStack_life(t *testing.T) {
	w := newWorld(t)
	w.byHand("POST", cloudflareAPI, w.account()+"/pages/projects", `{"name":"theirs","production_branch":"main"}`)
	w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"their-db","region":{"name":"regions/aws-us-east-1"}}`)
	strangers := func() (project, cluster string) {
		return w.byHand("GET", cloudflareAPI, w.account()+"/pages/projects/theirs", ""),
			w.byHand("GET", tidbAPI, "/clusters/"+w.clouds.tidb.Clusters()[0].ClusterID, "")
	}
	time.Sleep(time.Second) // their cluster becomes ACTIVE
	theirProject, theirCluster := strangers()

	w.up()
	if project, cluster := strangers(); project != theirProject || cluster != theirCluster {
		t.Error("up touched what is not ours")
	}
	w.destroy()
	if project, cluster := strangers(); project != theirProject || cluster != theirCluster {
		t.Error("destroy touched what is not ours")
	}
	if n := len(w.clouds.cloudflare.Projects()); n != 1 {
		t.Errorf("%d projects are left", n)
	}
	if n := len(w.clouds.cloudflare.Scripts()); n != 0 {
		t.Errorf("%d Workers are left", n)
	}
	if n := len(w.clouds.tidb.Clusters()); n != 1 {
		t.Errorf("%d clusters are left", n)
	}
}

func TestStack_drift(t *testing.T) {
	w := newWorld(t)
	if changed := w.preview(); changed["create"] != 13 || len(changed) != 1 {
		t.Errorf("the first preview shows %v", changed)
	}
	_, outputs, _ := w.up()
	cluster := w.cluster()
	for name, want := range map[string]any{
		"pagesUrl": "https://portfolio.pages.dev", "pagesProject": "portfolio", "worker": "portfolio-api",
		"clusterId": cluster.ClusterID, "clusterHost": cluster.Endpoints.Public.Host, "clusterPort": cluster.Endpoints.Public.Port,
		"clusterUserPrefix": cluster.UserPrefix, "clusterRegion": "regions/aws-ap-northeast-1",
	} {
		w.want("output "+name, outputs[name].Value, want)
	}
	if state, ok := outputs["binding"].Value.(map[string]any); !ok || state["changedAt"] == nil {
		t.Errorf("output binding: %v", outputs["binding"].Value)
	}
	w.bound()
	w.quiet()
	w.want("preview", w.preview(), map[string]int{})
	w.want("refresh", w.refresh(), map[string]int{})
	w.quiet()

	t.Run("binding removed by hand", func(t *testing.T) {
		w.TB = t
		// Twice, since the second time must be seen as well as the first.
		for range 2 {
			w.byHand("PATCH", cloudflareAPI, w.account()+"/pages/projects/portfolio",
				`{"deployment_configs":{"production":{"services":{"API_SERVICE":null}},"preview":{"services":{"API_SERVICE":null}}}}`)
			w.want("preview", w.preview(), map[string]int{"update": 1})
			changed, _, _ := w.up()
			w.want("up", changed, map[string]int{"update": 1})
			w.bound()
			w.quiet()
		}
	})
	t.Run("cluster renamed by hand", func(t *testing.T) {
		w.TB = t
		rename := func() {
			w.byHand("PATCH", tidbAPI, "/clusters/"+cluster.ClusterID, `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`)
		}
		rename()
		w.want("refresh", w.refresh(), map[string]int{"update": 1})
		w.up()
		w.want("name", w.cluster().DisplayName, "portfolio-db")
		w.quiet()
		// An up sees it without a refresh, too.
		rename()
		w.want("preview", w.preview(), map[string]int{"update": 1})
		w.up()
		w.want("name", w.cluster().DisplayName, "portfolio-db")
		w.quiet()
	})
	t.Run("cluster deleted by hand", func(t *testing.T) {
		w.TB = t
		w.byHand("DELETE", tidbAPI, "/clusters/"+cluster.ClusterID, "")
		time.Sleep(1500 * time.Millisecond) // until it is gone
		_, outputs, _ := w.up()
		if w.cluster().ClusterID == cluster.ClusterID {
			t.Error("there is no new cluster")
		}
		cluster = w.cluster()
		w.query(w.workerURL(outputs), "SELECT 1")
		w.quiet()
	})
	t.Run("region changed", func(t *testing.T) {
		w.TB = t
		w.sb.config["portfolio:region"] = "regions/aws-us-east-1"
		changed, outputs, _ := w.up()
		// The cluster, its two users and the database are made anew; the Worker is told.
		w.want("changes", changed, map[string]int{"replace": 4, "update": 1})
		if w.cluster().ClusterID == cluster.ClusterID || w.cluster().Region.Name != "regions/aws-us-east-1" {
			t.Errorf("the cluster is %+v", w.cluster())
		}
		cluster = w.cluster()
		w.want("output clusterPort", outputs["clusterPort"].Value, cluster.Endpoints.Public.Port)
		w.query(w.workerURL(outputs), "SELECT 1")
		w.bound()
		w.quiet()
	})
	t.Run("project deleted by hand", func(t *testing.T) {
		w.TB = t
		drop := func() { w.byHand("DELETE", cloudflareAPI, w.account()+"/pages/projects/portfolio", "") }
		drop()
		w.repaired(1)
		w.bound()
		// A refresh sees when it was made, and no more.
		w.refresh()
		w.up()
		w.quiet()
		// An update is due in the same run.
		drop()
		w.sb.config["portfolio:productionBranch"] = "trunk"
		w.up()
		w.bound()
		w.want("branch", w.clouds.cloudflare.Projects()[0].ProductionBranch, "trunk")
		w.quiet()
		// A refresh takes it out of the state, and it is made as at first.
		drop()
		w.refresh()
		w.up()
		w.bound()
		w.quiet()
	})
}

// repaired sees in a preview that n resources differ, repairs them, and then there is
// nothing to do.
func (w *world) repaired(n int) {
	w.Helper()
	w.want("preview", w.preview(), map[string]int{"update": n})
	changed, _, _ := w.up()
	w.want("up", changed, map[string]int{"update": n})
	w.quiet()
}

// script is the stack's Worker.
func (w *world) script() cloudflare.Script {
	w.Helper()
	all := w.clouds.cloudflare.Scripts()
	if len(all) != 1 {
		w.Fatalf("there are %d Workers", len(all))
	}
	return all[0]
}

// deploy uploads a Worker as wrangler does, with these bindings and otherwise none but
// those of the types in keep.
func (w *world) deploy(name, script, bindings, keep string) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPut, w.clouds.env[cloudflareAPI]+w.account()+"/workers/scripts/"+name,
		strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n"+
			`{"main_module":"worker.js","compatibility_date":"2026-06-01","bindings":`+bindings+`,"keep_bindings":`+keep+"}\r\n"+
			"--b\r\nContent-Disposition: form-data; name=\"worker.js\"; filename=\"worker.js\"\r\n"+
			"Content-Type: application/javascript+module\r\n\r\n"+script+"\r\n--b--\r\n"))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	w.send(request)
}

// send makes a call of Cloudflare with the token.
func (w *world) send(request *http.Request) {
	w.Helper()
	request.Header.Set("Authorization", "Bearer "+w.clouds.env["CLOUDFLARE_API_TOKEN"])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(response.Body)
		w.Fatalf("%s %s: %d %s", request.Method, request.URL.Path, response.StatusCode, answer)
	}
}

// refused sees that a preview and an up say each of want, and write nothing.
func (w *world) refused(want ...string) {
	w.Helper()
	for _, operation := range []string{"preview", "up"} {
		calls, err := w.try(func(s auto.Stack) error {
			if operation == "preview" {
				_, err := s.Preview(w.Context(), optpreview.ProgressStreams(&w.printed), optpreview.ErrorProgressStreams(&w.printed))
				return err
			}
			_, err := s.Up(w.Context(), optup.ProgressStreams(&w.printed), optup.ErrorProgressStreams(&w.printed))
			return err
		})
		if err == nil {
			w.Errorf("%s succeeds:\n%s", operation, w.printed.String())
		}
		for _, text := range want {
			if !strings.Contains(w.printed.String(), text) {
				w.Errorf("%s does not say %q:\n%s", operation, text, w.printed.String())
			}
		}
		w.noWrites("a refused "+operation, calls)
	}
}

func TestStack_worker(t *testing.T) {
	w := newWorld(t)
	w.sb.config["portfolio:vars"] = map[string]any{"MODE": "live"}
	w.up()
	ours := w.script().Modules["worker.js"]
	settings := func(bindings string) {
		w.byHandForm("PATCH", w.account()+"/workers/scripts/portfolio-api/settings", "settings", `{"bindings":`+bindings+`}`)
	}

	w.byHand("DELETE", cloudflareAPI, w.account()+"/workers/scripts/portfolio-api", "")
	w.repaired(1)
	w.want("script", w.script().Modules["worker.js"], ours)

	// MODE was changed, and one of ours taken away, in the dashboard.
	settings(`[{"type":"plain_text","name":"MODE","text":"test"},{"type":"inherit","name":"PULUMI_STACK"},{"type":"inherit","name":"PULUMI_UPLOAD"},{"type":"inherit","name":"DATABASE_URL"}]`)
	w.refresh() // as with the real plugin, it does not see that
	w.repaired(1)
	w.want("MODE", w.script().Vars["MODE"], "live")
	settings(`[{"type":"inherit","name":"MODE"},{"type":"inherit","name":"PULUMI_STACK"},{"type":"inherit","name":"PULUMI_UPLOAD"}]`)
	w.repaired(1)
	if w.script().Secrets["DATABASE_URL"] == "" {
		t.Error("DATABASE_URL is lost")
	}

	// wrangler deploy, which takes plain variables away, and one that keeps them.
	const theirs = "export default { fetch() { return new Response('theirs') } }"
	for _, keep := range []string{`["secret_text"]`, `["secret_text"]`, `["secret_text","plain_text"]`, `["secret_text"]`} {
		w.deploy("portfolio-api", theirs, "[]", keep)
		w.refused("workerScript", "overwriteWorker")
		w.refresh() // it makes nobody's script ours
		w.refused("workerScript", "overwriteWorker")
		w.want("script", w.script().Modules["worker.js"], theirs)
		w.sb.config["portfolio:overwriteWorker"] = true
		changed, _, _ := w.up()
		w.want("up", changed, map[string]int{"update": 1})
		w.want("script", w.script().Modules["worker.js"], ours)
		w.quiet()
		delete(w.sb.config, "portfolio:overwriteWorker")
	}
}

// A secret of somebody else stays, one of ours goes when it is taken out of the config,
// and another binding that goes is named first: whatever an upload does by itself.
func TestStack_workerSecrets(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		t.Run(map[bool]string{false: "replaced", true: "kept"}[keeps], func(t *testing.T) {
			w := newWorld(t)
			w.clouds.cloudflare.KeepSecrets = keeps
			w.sb.config["portfolio:vars"] = map[string]any{"MODE": "live"}
			w.up()
			w.byHand("PUT", cloudflareAPI, w.account()+"/workers/scripts/portfolio-api/secrets", `{"type":"secret_text","name":"THEIRS","text":"hidden-theirs"}`)
			w.quiet()
			w.sb.config["portfolio:vars"] = map[string]any{"MODE": "test"}
			w.byHandForm("PATCH", w.account()+"/workers/scripts/portfolio-api/settings", "settings", `{"bindings":[{"type":"kv_namespace","name":"CACHE","namespace_id":"1"},`+
				`{"type":"inherit","name":"MODE"},{"type":"inherit","name":"PULUMI_STACK"},{"type":"inherit","name":"PULUMI_UPLOAD"},{"type":"inherit","name":"DATABASE_URL"},{"type":"inherit","name":"THEIRS"}]}`)
			w.preview()
			if !strings.Contains(w.printed.String(), "CACHE (kv_namespace)") {
				t.Errorf("the preview does not name CACHE:\n%s", w.printed.String())
			}
			w.up()
			if !w.script().Secrets["THEIRS"].Is("hidden-theirs") || w.script().Vars["MODE"] != "test" {
				t.Errorf("the Worker is %+v", w.script())
			}
			w.quiet()
		})
	}
}

func TestStack_pagesVariables(t *testing.T) {
	w := newWorld(t)
	w.up()
	w.byHand("PATCH", cloudflareAPI, w.account()+"/pages/projects/portfolio", `{"deployment_configs":{"production":{"env_vars":{"KEY":{"type":"secret_text","value":"hidden"}}}}}`)
	w.refresh()
	w.want("preview", w.preview(), map[string]int{})
	w.quiet()
	w.sb.config["portfolio:productionBranch"] = "trunk"
	w.up()
	if !w.clouds.cloudflare.Projects()[0].Production.Secrets["KEY"].Is("hidden") {
		t.Error("the secret is lost")
	}
	w.quiet()
}

// What stands under the stack's names is seen before anything is written in any cloud.
func TestStack_existingNames(t *testing.T) {
	w := newWorld(t)
	w.deploy("portfolio-api", "export default {}", "[]", "[]")
	w.byHand("POST", cloudflareAPI, w.account()+"/pages/projects", `{"name":"portfolio","production_branch":"main"}`)
	w.refused("a Worker \"portfolio-api\" exists already", "a Pages project \"portfolio\" exists already", "adopt")
	w.byHand("DELETE", cloudflareAPI, w.account()+"/pages/projects/portfolio", "")
	w.byHand("DELETE", cloudflareAPI, w.account()+"/workers/scripts/portfolio-api", "")
	w.up()
	w.quiet()
	// A new name is looked at as well, and one that is left by default is not new
	// because the stack was renamed.
	w.deploy("other-api", "export default {}", "[]", "[]")
	w.sb.config["portfolio:worker"] = "other-api"
	w.refused("a Worker \"other-api\" exists already")
	w.sb.config["portfolio:worker"] = ""
	w.refused("pulumi config set worker portfolio-api")
	w.sb.config["portfolio:worker"] = "portfolio-api"
	w.quiet()
}

func TestStack_newAccount(t *testing.T) {
	w := newWorld(t)
	w.clouds.cloudflare.NoSubdomain = true
	w.refused("workers.dev subdomain", "dash.cloudflare.com")
	w.byHand("PUT", cloudflareAPI, w.account()+"/workers/subdomain", `{"subdomain":"me"}`)
	w.sb.config["portfolio:workersDev"] = true
	w.up()
	w.quiet()
	on := func() string {
		return w.byHand("GET", cloudflareAPI, w.account()+"/workers/scripts/portfolio-api/subdomain", "")
	}
	if !strings.Contains(on(), `"enabled":true,"previews_enabled":false`) {
		t.Errorf("workers.dev: %s", on())
	}
	w.sb.config["portfolio:workersDev"] = false
	w.up()
	if !strings.Contains(on(), `"enabled":false`) {
		t.Errorf("workers.dev: %s", on())
	}
	w.byHand("POST", cloudflareAPI, w.account()+"/workers/scripts/portfolio-api/subdomain", `{"enabled":true}`)
	w.quiet()
	if !strings.Contains(w.printed.String(), "workers.dev address") {
		t.Errorf("the address is not told:\n%s", w.printed.String())
	}
	w.destroy()
}

func TestStack_strangers(t *testing.T) {
	w := newWorld(t)
	w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
	time.Sleep(time.Second)
	theirs := w.clouds.tidb.Clusters()[0]
	printed, calls := w.upFails()
	if !strings.Contains(printed, "pulumi import tidbcloud:index:Cluster cluster "+theirs.ClusterID) {
		t.Errorf("no import line:\n%s", printed)
	}
	w.noWrites("a refused up", calls)
	w.want("clusters", w.clouds.tidb.Clusters(), []tidbcloud.Cluster{theirs})

	w.sb.config["portfolio:adopt"] = "true"
	w.up()
	w.want("the adopted cluster", w.cluster().ClusterID, theirs.ClusterID)
	w.quiet()
	w.destroy()
}

// A token of the config is kept with the command's environment, makes no secret of what
// the command says, and may be changed.
func TestStack_tokenInConfig(t *testing.T) {
	w := newWorld(t)
	w.sb.config["cloudflare:apiToken"] = w.clouds.env["CLOUDFLARE_API_TOKEN"]
	_, outputs, _ := w.up()
	if binding := outputs["binding"]; binding.Secret || binding.Value == nil {
		t.Errorf("the output binding is %+v", binding)
	}
	w.quiet()
	const rotated = "a-token-that-was-made-later-0123456789ab"
	w.clouds.cloudflare.Token, w.sb.config["cloudflare:apiToken"] = rotated, rotated
	w.up()
	w.quiet()
	w.destroy()
}

// What goes with the whole has no end of its own: so the program need not be there, an
// old token is not used, and an inactive cluster, whose users cannot be changed, goes.
func TestStack_destroyInactive(t *testing.T) {
	w := newWorld(t)
	w.up()
	if err := w.clouds.tidb.SetState(w.cluster().ClusterID, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	calls := w.on(func(s auto.Stack) error {
		_, err := s.Destroy(w.Context(), optdestroy.ProgressStreams(&w.printed))
		return err
	})
	for _, c := range calls {
		if strings.Contains(c.Path, "/sqlUsers") || c.Method == http.MethodGet && strings.Contains(c.Path, "/pages/projects") {
			t.Errorf("destroy made the call %s %s", c.Method, c.Path)
		}
	}
	if n := len(w.clouds.tidb.Clusters()) + len(w.clouds.cloudflare.Projects()) + len(w.clouds.cloudflare.Scripts()); n > 0 {
		t.Errorf("%d things are left", n)
	}
}

// The output says that a deployment is due until there is one, by an up with nothing to
// do as well.
func TestStack_redeploy(t *testing.T) {
	w := newWorld(t)
	w.up()
	due := func(want bool) {
		t.Helper()
		_, outputs, _ := w.up()
		binding, _ := outputs["binding"].Value.(map[string]any)
		w.want("redeploy", binding["redeploy"], want)
	}
	deploy := func() {
		t.Helper()
		if _, err := w.clouds.cloudflare.AddDeployment("portfolio", "main"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // what the API tells of times is exact to the second
	}
	deploy()
	due(false)
	w.byHand("PATCH", cloudflareAPI, w.account()+"/pages/projects/portfolio", `{"deployment_configs":{"preview":{"services":{"API_SERVICE":null}}}}`)
	due(true)
	due(true)
	deploy()
	due(false)
	w.quiet()
}

func TestStack_badInput(t *testing.T) {
	for name, test := range map[string]struct {
		key, value, env, want string
	}{
		"missing account":  {env: "CLOUDFLARE_ACCOUNT_ID", want: "portfolio:accountId"},
		"wrong region":     {key: "portfolio:region", value: "regions/aws-mars-1", want: `region "regions/aws-mars-1" is not among those`},
		"short name":       {key: "portfolio:cluster", value: "db", want: "portfolio:cluster"},
		"malformed path":   {key: "portfolio:workerScript", value: "../\n.js", want: "portfolio:workerScript"},
		"unreadable token": {env: "CLOUDFLARE_API_TOKEN", value: "two words and more", want: "cloudflare:apiToken"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.key != "" {
				w.sb.config[test.key] = test.value
			} else {
				w.clouds.env[test.env] = test.value
			}
			printed, calls := w.upFails()
			if !strings.Contains(printed, test.want) {
				t.Errorf("%q is not named:\n%s", test.want, printed)
			}
			w.noWrites("a refused up", calls)
		})
	}
}

func TestStack_writesNothingElsewhere(t *testing.T) {
	w := newWorld(t)
	files := func() []string {
		var all []string
		err := filepath.WalkDir(w.sb.root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == ".sandbox") {
				return filepath.SkipDir
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if !d.IsDir() {
				all = append(all, path+" "+info.ModTime().String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := files()
	w.up()
	w.destroy()
	if after := files(); !slices.Equal(before, after) {
		t.Errorf("the project's folder changed:\n%v\n%v", before, after)
	}
}
