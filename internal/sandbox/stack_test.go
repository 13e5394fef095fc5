package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// A stack comes and goes without touching what is not its own, or a file of the project.
func TestStack_life(t *testing.T) {
	w := newWorld(t)
	w.byHand("POST", cloudflareAPI, w.account()+"/pages/projects", `{"name":"theirs","production_branch":"main"}`)
	w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"their-db","region":{"name":"regions/aws-us-east-1"}}`)
	theirCluster := "/clusters/" + w.clouds.TiDB.Clusters()[0].ClusterID
	theirs := func() []string {
		return []string{
			w.byHand("GET", cloudflareAPI, w.account()+"/pages/projects/theirs", ""),
			w.byHand("GET", tidbAPI, theirCluster, ""),
		}
	}
	time.Sleep(time.Second) // their cluster becomes ACTIVE
	before, files := theirs(), projectFiles(w)

	w.want("the first preview", w.run("preview").changes, map[string]int{"create": 13})
	w.up()
	w.want("what is not ours after up", theirs(), before)
	w.run("destroy")
	w.want("what is not ours after destroy", theirs(), before)
	w.left(1, 0, 1)
	w.want("the project's files", projectFiles(w), files)
}

// projectFiles lists the files of the project's folder with their times. Test binaries and
// the caches of other tests lie elsewhere.
func projectFiles(w *world) []string {
	w.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == ".sandbox") {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			files = append(files, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return files
}

func TestStack_drift(t *testing.T) {
	w := newWorld(t)
	w.up()
	cluster := w.cluster()
	outputs := w.outputs()
	for name, want := range map[string]any{
		"pagesUrl": "https://portfolio.pages.dev", "pagesProject": "portfolio", "worker": "portfolio-api",
		"clusterId": cluster.ClusterID, "clusterHost": cluster.Endpoints.Public.Host, "clusterPort": float64(cluster.Endpoints.Public.Port),
		"clusterUserPrefix": cluster.UserPrefix, "clusterRegion": "regions/aws-ap-northeast-1",
	} {
		w.want("output "+name, outputs[name], want)
	}
	if state, ok := outputs["binding"].(map[string]any); !ok || state["changedAt"] == nil {
		t.Errorf("output binding: %v", outputs["binding"])
	}
	w.bound()
	w.quiet()
	w.want("refresh", w.run("refresh").changes, map[string]int{})
	w.want("preview", w.run("preview").changes, map[string]int{})
	w.quiet()

	t.Log("binding removed by hand, twice: the second time must be noticed as well")
	for range 2 {
		w.byHand("PATCH", cloudflareAPI, w.pages(),
			`{"deployment_configs":{"production":{"services":{"API_SERVICE":null}},"preview":{"services":{"API_SERVICE":null}}}}`)
		w.repaired(1)
		w.bound()
	}

	t.Log("cluster renamed by hand, with a refresh and without one")
	for _, refresh := range []bool{true, false} {
		w.byHand("PATCH", tidbAPI, "/clusters/"+cluster.ClusterID, `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`)
		if refresh {
			w.want("refresh", w.run("refresh").changes, map[string]int{"update": 1})
			w.up()
			w.quiet()
		} else {
			w.repaired(1)
		}
		w.want("name", w.cluster().DisplayName, "portfolio-db")
	}

	t.Log("cluster deleted by hand")
	w.byHand("DELETE", tidbAPI, "/clusters/"+cluster.ClusterID, "")
	w.untilDeleted()
	w.up()
	w.moved(&cluster)
	w.serves()
	w.quiet()

	t.Log("region changed: cluster, users and database are replaced, the Worker is updated")
	w.set(map[string]any{"region": "regions/aws-us-east-1"})
	w.want("changes", w.up().changes, map[string]int{"replace": 4, "update": 1})
	w.moved(&cluster)
	w.want("region", cluster.Region.Name, "regions/aws-us-east-1")
	w.want("output clusterPort", w.outputs()["clusterPort"], float64(cluster.Endpoints.Public.Port))
	w.serves()
	w.bound()
	w.quiet()

	t.Log("project deleted by hand")
	drop := func() { w.byHand("DELETE", cloudflareAPI, w.pages(), "") }
	drop()
	w.repaired(1)
	w.bound()
	w.run("refresh") // it reads the new creation time, and no more
	w.up()
	w.quiet()

	t.Log("project deleted by hand, and an update in the same run")
	drop()
	w.set(map[string]any{"productionBranch": "trunk"})
	w.up()
	w.bound()
	w.want("branch", w.project().ProductionBranch, "trunk")
	w.quiet()

	t.Log("project deleted by hand and by a refresh from the state")
	drop()
	w.run("refresh")
	w.up()
	w.bound()
	w.quiet()

	t.Log("a secret set by hand outlives an update of the project")
	w.byHand("PATCH", cloudflareAPI, w.pages(), `{"deployment_configs":{"production":{"env_vars":{"KEY":{"type":"secret_text","value":"hidden"}}}}}`)
	w.run("refresh")
	w.want("preview", w.run("preview").changes, map[string]int{})
	w.quiet()
	w.set(map[string]any{"productionBranch": "main"})
	w.up()
	if !w.project().Production.Secrets["KEY"].Is("hidden") {
		t.Error("the secret is lost")
	}
	w.quiet()
}

// moved checks that there is another cluster than before, and notes it.
func (w *world) moved(cluster *tidbcloud.Cluster) {
	w.Helper()
	before := cluster.ClusterID
	if *cluster = w.cluster(); cluster.ClusterID == before {
		w.Error("there is no new cluster")
	}
}

// untilDeleted waits until no cluster is left: a refresh still reads one that is being
// deleted.
func (w *world) untilDeleted() {
	for len(w.clouds.TiDB.Clusters()) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestStack_worker(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"vars": map[string]any{"MODE": "live"}})
	w.up()
	ours := w.script().Modules["worker.js"]
	settings := func(bindings string) {
		w.form("PATCH", w.scripts()+"/settings", jsonPart("settings", `{"bindings":[`+bindings+`]}`))
	}
	const inherited = `{"type":"inherit","name":"PULUMI_STACK"},{"type":"inherit","name":"PULUMI_UPLOAD"}`

	t.Log("deleted by hand")
	w.byHand("DELETE", cloudflareAPI, w.scripts(), "")
	w.repaired(1)
	w.want("script", w.script().Modules["worker.js"], ours)

	t.Log("a variable changed by hand; as with the real plugin, a refresh does not notice")
	settings(`{"type":"plain_text","name":"MODE","text":"test"},{"type":"inherit","name":"DATABASE_URL"},` + inherited)
	w.run("refresh")
	w.repaired(1)
	w.want("MODE", w.script().Vars["MODE"], "live")

	t.Log("a secret removed by hand")
	settings(`{"type":"inherit","name":"MODE"},` + inherited)
	w.repaired(1)
	if w.script().Secrets["DATABASE_URL"] == "" {
		t.Error("DATABASE_URL is lost")
	}

	t.Log("wrangler deploy, which removes plain variables, and one that keeps them")
	const theirs = "export default { fetch() { return new Response('theirs') } }"
	for _, keep := range []string{`["secret_text"]`, `["secret_text"]`, `["secret_text","plain_text"]`, `["secret_text"]`} {
		w.deploy("portfolio-api", theirs, keep)
		w.refused("workerScript", "overwriteWorker")
		w.run("refresh") // it makes no script ours
		w.refused("workerScript", "overwriteWorker")
		w.want("script", w.script().Modules["worker.js"], theirs)
		w.set(map[string]any{"overwriteWorker": true})
		w.want("up", w.up().changes, map[string]int{"update": 1})
		w.want("script", w.script().Modules["worker.js"], ours)
		w.quiet()
		w.set(map[string]any{"overwriteWorker": nil})
	}

	t.Log("a secret of somebody else stays, and another binding that goes is named first, whatever an upload does by itself")
	for _, keeps := range []bool{false, true} {
		w.clouds.Cloudflare.KeepSecrets = keeps
		w.byHand("PUT", cloudflareAPI, w.scripts()+"/secrets", `{"type":"secret_text","name":"THEIRS","text":"hidden-theirs"}`)
		w.quiet()
		mode := fmt.Sprintf("keeps %t", keeps)
		w.set(map[string]any{"vars": map[string]any{"MODE": mode}})
		settings(`{"type":"kv_namespace","name":"CACHE","namespace_id":"1"},{"type":"inherit","name":"MODE"},` +
			`{"type":"inherit","name":"DATABASE_URL"},{"type":"inherit","name":"THEIRS"},` + inherited)
		w.run("preview")
		w.says("the preview", "CACHE (kv_namespace)")
		w.up()
		w.want("MODE", w.script().Vars["MODE"], mode)
		if !w.script().Secrets["THEIRS"].Is("hidden-theirs") {
			t.Errorf("the secret is lost: %+v", w.script())
		}
		w.quiet()
	}
}

// What stands under the stack's names is noticed before anything is written in any cloud.
func TestStack_conflicts(t *testing.T) {
	w := newWorld(t)

	t.Log("an account without a workers.dev subdomain")
	w.clouds.Cloudflare.NoSubdomain = true
	w.refused("workers.dev subdomain", "dash.cloudflare.com")
	w.byHand("PUT", cloudflareAPI, w.account()+"/workers/subdomain", `{"subdomain":"me"}`)

	t.Log("a Worker and a Pages project")
	w.deploy("portfolio-api", "export default {}", "[]")
	w.byHand("POST", cloudflareAPI, w.account()+"/pages/projects", `{"name":"portfolio","production_branch":"main"}`)
	w.refused("a Worker \"portfolio-api\" exists already", "a Pages project \"portfolio\" exists already", "adopt")
	w.byHand("DELETE", cloudflareAPI, w.pages(), "")
	w.byHand("DELETE", cloudflareAPI, w.scripts(), "")

	t.Log("a cluster")
	w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
	time.Sleep(time.Second)
	theirs := w.clouds.TiDB.Clusters()
	w.noWrites("a refused up", w.fails("up", "pulumi import tidbcloud:index:Cluster cluster "+theirs[0].ClusterID).calls)
	w.want("clusters", w.clouds.TiDB.Clusters(), theirs)
	w.set(map[string]any{"adopt": "true", "workersDev": true})
	w.up()
	w.want("the adopted cluster", w.cluster().ClusterID, theirs[0].ClusterID)
	w.quiet()
	w.set(map[string]any{"adopt": nil})
	w.up()

	t.Log("a Worker under a new name; a name unset because the stack was renamed is not new")
	w.deploy("other-api", "export default {}", "[]")
	w.set(map[string]any{"worker": "other-api"})
	w.refused("a Worker \"other-api\" exists already")
	w.set(map[string]any{"worker": ""})
	w.refused("pulumi config set worker portfolio-api")
	w.set(map[string]any{"worker": "portfolio-api"})
	w.quiet()

	t.Log("the workers.dev address")
	address := func(want string) {
		t.Helper()
		if have := w.byHand("GET", cloudflareAPI, w.scripts()+"/subdomain", ""); !strings.Contains(have, want) {
			t.Errorf("workers.dev: %s, want %s", have, want)
		}
	}
	address(`"enabled":true,"previews_enabled":false`)
	w.set(map[string]any{"workersDev": false})
	w.up()
	address(`"enabled":false`)
	w.byHand("POST", cloudflareAPI, w.scripts()+"/subdomain", `{"enabled":true}`)
	w.quiet()
	w.says("up", "workers.dev address")
	w.run("destroy")
}

// A token of the config is kept with the command's environment, makes no secret of what the
// command prints, and may be changed.
func TestStack_tokenInConfig(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"cloudflare:apiToken": w.clouds.Cloudflare.Token})
	w.up()
	public, err := w.Outputs(t.Context(), false)
	if err != nil || public["binding"] == "[secret]" || public["binding"] == nil {
		t.Errorf("the output binding is %v, %v", public["binding"], err)
	}
	w.want("secret outputs", []any{public["databaseUrl"], public["migrationUrl"]}, []any{"[secret]", "[secret]"})
	w.quiet()
	const rotated = "a-token-that-was-made-later-0123456789ab"
	w.clouds.Cloudflare.Token = rotated
	w.set(map[string]any{"cloudflare:apiToken": rotated})
	w.up()
	w.quiet()
	w.run("destroy")
}

// The output says that a deployment is due until there is one, in an up with nothing to do
// as well.
func TestStack_redeploy(t *testing.T) {
	w := newWorld(t)
	w.up()
	due := func(want bool) {
		t.Helper()
		w.up()
		binding, _ := w.outputs()["binding"].(map[string]any)
		w.want("redeploy", binding["redeploy"], any(want))
	}
	deploy := func() {
		t.Helper()
		if _, err := w.clouds.Cloudflare.AddDeployment("portfolio", "main"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the API's times are in seconds
	}
	deploy()
	due(false)
	w.byHand("PATCH", cloudflareAPI, w.pages(), `{"deployment_configs":{"preview":{"services":{"API_SERVICE":null}}}}`)
	due(true)
	due(true)
	deploy()
	due(false)
	w.quiet()

	// What goes with the whole is not deleted by itself: so destroy needs no program and no
	// old token, and an inactive cluster, whose users cannot be changed, goes.
	t.Log("destroy with an inactive cluster")
	if err := w.clouds.TiDB.SetState(w.cluster().ClusterID, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.run("destroy").calls {
		if strings.Contains(c.Path, "/sqlUsers") || c.Method == http.MethodGet && strings.Contains(c.Path, "/pages/projects") {
			t.Errorf("destroy made the call %s %s", c.Method, c.Path)
		}
	}
	w.left(0, 0, 0)
}

func TestStack_badInput(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ key, value, env, want string }{
		"missing account":  {env: "CLOUDFLARE_ACCOUNT_ID", want: "portfolio:accountId"},
		"wrong region":     {key: "region", value: "regions/aws-mars-1", want: `region "regions/aws-mars-1" is not among those`},
		"short name":       {key: "cluster", value: "db", want: "portfolio:cluster"},
		"malformed path":   {key: "workerScript", value: "../\n.js", want: "portfolio:workerScript"},
		"unreadable token": {env: "CLOUDFLARE_API_TOKEN", value: "two words and more", want: "cloudflare:apiToken"},
	} {
		t.Log(name)
		if test.key != "" {
			w.set(map[string]any{test.key: test.value})
		}
		before := w.clouds.Env[test.env]
		w.clouds.Env[test.env] = test.value
		w.noWrites("a refused up", w.fails("up", test.want).calls)
		w.clouds.Env[test.env] = before
		w.set(map[string]any{test.key: nil})
	}
}

// gentle checks that no step deletes or replaces anything.
func (w *world) gentle(operation string, r result) {
	w.Helper()
	for urn, op := range r.steps {
		if op != apitype.OpCreate && op != apitype.OpUpdate {
			w.Errorf("%s: %s of %s", operation, op, urn)
		}
	}
}
