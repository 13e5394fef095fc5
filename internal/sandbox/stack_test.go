package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// A stack comes and goes without touching what is not its own, or a file of the project.
func TestStack_life(t *testing.T) {
	f := newFixture(t)
	f.byHand("POST", cloudflareAPI, f.account()+"/pages/projects", `{"name":"theirs","production_branch":"main"}`)
	f.byHand("POST", tidbAPI, "/clusters", `{"displayName":"their-db","region":{"name":"regions/aws-us-east-1"}}`)
	theirCluster := "/clusters/" + f.clouds.TiDB.Clusters()[0].ClusterID
	theirs := func() []string {
		return []string{
			f.byHand("GET", cloudflareAPI, f.account()+"/pages/projects/theirs", ""),
			f.byHand("GET", tidbAPI, theirCluster, ""),
		}
	}
	time.Sleep(time.Second) // their cluster becomes ACTIVE
	before, files := theirs(), projectFiles(f)

	f.want("the first preview", f.run("preview").changes, map[string]int{"create": 14})
	f.up()
	f.want("what is not ours after up", theirs(), before)
	f.run("destroy")
	f.want("what is not ours after destroy", theirs(), before)
	f.left(1, 0, 1)
	f.want("the project's files", projectFiles(f), files)
}

// projectFiles lists the files of the project's folder with their times. Test binaries and
// the caches of other tests lie elsewhere.
func projectFiles(f *fixture) []string {
	f.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (slices.Contains([]string{".git", ".sandbox", ".pulumi-build"}, d.Name())) {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			files = append(files, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return files
}

func TestStack_drift(t *testing.T) {
	f := newFixture(t)
	f.up()
	cluster := f.cluster()
	outputs := f.outputs()
	for name, want := range map[string]any{
		"pagesUrl": "https://portfolio.pages.dev", "pagesProject": "portfolio", "worker": "portfolio-api",
		"clusterId": cluster.ClusterID, "clusterHost": cluster.Endpoints.Public.Host, "clusterPort": float64(cluster.Endpoints.Public.Port),
		"clusterUserPrefix": cluster.UserPrefix, "clusterRegion": "regions/aws-ap-northeast-1",
	} {
		f.want("output "+name, outputs[name], want)
	}
	if state, ok := outputs["binding"].(map[string]any); !ok || state["changedAt"] == nil {
		t.Errorf("output binding: %v", outputs["binding"])
	}
	f.bound()
	f.noChanges()
	f.want("refresh", f.run("refresh").changes, map[string]int{})
	f.want("preview", f.run("preview").changes, map[string]int{})
	f.noChanges()

	t.Log("binding removed by hand, twice: the second time must be noticed as well")
	for range 2 {
		f.byHand("PATCH", cloudflareAPI, f.pages(),
			`{"deployment_configs":{"production":{"services":{"API_SERVICE":null}},"preview":{"services":{"API_SERVICE":null}}}}`)
		f.repaired(1)
		f.bound()
	}

	t.Log("cluster renamed by hand, with a refresh and without one")
	for _, refresh := range []bool{true, false} {
		f.byHand("PATCH", tidbAPI, "/clusters/"+cluster.ClusterID, `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`)
		if refresh {
			f.want("refresh", f.run("refresh").changes, map[string]int{"update": 1})
			f.up()
			f.noChanges()
		} else {
			f.repaired(1)
		}
		f.want("name", f.cluster().DisplayName, "portfolio-db")
	}

	t.Log("cluster deleted by hand")
	f.byHand("DELETE", tidbAPI, "/clusters/"+cluster.ClusterID, "")
	f.untilDeleted()
	f.up()
	f.moved(&cluster)
	f.serves()
	f.noChanges()

	t.Log("region changed: cluster, users and database are replaced, the Worker is updated")
	f.set(map[string]any{"region": "regions/aws-us-east-1"})
	f.want("changes", f.up().changes, map[string]int{"replace": 5, "update": 1})
	f.moved(&cluster)
	f.want("region", cluster.Region.Name, "regions/aws-us-east-1")
	f.want("output clusterPort", f.outputs()["clusterPort"], float64(cluster.Endpoints.Public.Port))
	f.serves()
	f.bound()
	f.noChanges()

	t.Log("project deleted by hand")
	drop := func() { f.byHand("DELETE", cloudflareAPI, f.pages(), "") }
	drop()
	f.repaired(1)
	f.bound()
	f.run("refresh") // it reads the new creation time, and no more
	f.up()
	f.noChanges()

	t.Log("project deleted by hand, and an update in the same run")
	drop()
	f.set(map[string]any{"productionBranch": "trunk"})
	f.up()
	f.bound()
	f.want("branch", f.project().ProductionBranch, "trunk")
	f.noChanges()

	t.Log("project deleted by hand and by a refresh from the state")
	drop()
	f.run("refresh")
	f.up()
	f.bound()
	f.noChanges()

	t.Log("a secret set by hand outlives an update of the project")
	f.byHand("PATCH", cloudflareAPI, f.pages(), `{"deployment_configs":{"production":{"env_vars":{"KEY":{"type":"secret_text","value":"hidden"}}}}}`)
	f.run("refresh")
	f.want("preview", f.run("preview").changes, map[string]int{})
	f.noChanges()
	f.set(map[string]any{"productionBranch": "main"})
	f.up()
	if !f.project().Production.Secrets["KEY"].Is("hidden") {
		t.Error("the secret is lost")
	}
	f.noChanges()
}

// moved checks that there is another cluster than before, and notes it.
func (f *fixture) moved(cluster *tidbcloud.Cluster) {
	f.Helper()
	before := cluster.ClusterID
	if *cluster = f.cluster(); cluster.ClusterID == before {
		f.Error("there is no new cluster")
	}
}

// untilDeleted waits until no cluster is left: a refresh still reads one that is being
// deleted.
func (f *fixture) untilDeleted() {
	for len(f.clouds.TiDB.Clusters()) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestStack_worker(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"vars": map[string]any{"MODE": "live"}})
	f.up()
	ours := f.script().Module("worker.js")
	settings := func(bindings string) {
		f.form("PATCH", f.scripts()+"/settings", jsonPart("settings", `{"bindings":[`+bindings+`]}`))
	}
	const inherited = `{"type":"inherit","name":"PULUMI_STACK"},{"type":"inherit","name":"PULUMI_UPLOAD"}`

	t.Log("deleted by hand")
	f.byHand("DELETE", cloudflareAPI, f.scripts(), "")
	f.repaired(1)
	f.want("script", f.script().Module("worker.js"), ours)

	t.Log("a variable changed by hand; as with the real plugin, a refresh does not notice")
	settings(`{"type":"plain_text","name":"MODE","text":"test"},{"type":"inherit","name":"DATABASE_URL"},` + inherited)
	f.run("refresh")
	f.repaired(1)
	f.want("MODE", f.script().Vars["MODE"], "live")

	t.Log("a secret removed by hand")
	settings(`{"type":"inherit","name":"MODE"},` + inherited)
	f.repaired(1)
	if f.script().Secrets["DATABASE_URL"] == "" {
		t.Error("DATABASE_URL is lost")
	}

	t.Log("wrangler deploy, which removes plain variables, and one that keeps them")
	const theirs = "export default { fetch() { return new Response('theirs') } }"
	for _, keep := range []string{`["secret_text"]`, `["secret_text"]`, `["secret_text","plain_text"]`, `["secret_text"]`} {
		f.deploy("portfolio-api", theirs, keep)
		f.refused("workerScript", "overwriteWorker")
		f.run("refresh") // it makes no script ours
		f.refused("workerScript", "overwriteWorker")
		f.want("script", f.script().Module("worker.js"), theirs)
		f.set(map[string]any{"overwriteWorker": true})
		f.want("up", f.up().changes, map[string]int{"update": 1})
		f.want("script", f.script().Module("worker.js"), ours)
		f.noChanges()
		f.set(map[string]any{"overwriteWorker": nil})
	}

	t.Log("a secret of somebody else stays, and another binding that goes is named first, whatever an upload does by itself")
	for _, keeps := range []bool{false, true} {
		f.clouds.Cloudflare.KeepSecrets = keeps
		f.byHand("PUT", cloudflareAPI, f.scripts()+"/secrets", `{"type":"secret_text","name":"THEIRS","text":"hidden-theirs"}`)
		f.noChanges()
		mode := fmt.Sprintf("keeps %t", keeps)
		f.set(map[string]any{"vars": map[string]any{"MODE": mode}})
		settings(`{"type":"kv_namespace","name":"CACHE","namespace_id":"1"},{"type":"inherit","name":"MODE"},` +
			`{"type":"inherit","name":"DATABASE_URL"},{"type":"inherit","name":"THEIRS"},` + inherited)
		f.run("preview")
		f.says("the preview", "CACHE (kv_namespace)")
		f.up()
		f.want("MODE", f.script().Vars["MODE"], mode)
		if !f.script().Secrets["THEIRS"].Is("hidden-theirs") {
			t.Errorf("the secret is lost: %+v", f.script())
		}
		f.noChanges()
	}
}

// Bad input, and what exists under the stack's names, is noticed before anything is written to
// any cloud.
func TestStack_refused(t *testing.T) {
	f := newFixture(t)

	t.Log("several mistakes at once")
	f.clouds.Cloudflare.NoSubdomain = true
	f.set(map[string]any{"cluster": "db", "workerScript": "../\n.js"})
	token, account := f.Env["CLOUDFLARE_API_TOKEN"], f.Env["CLOUDFLARE_ACCOUNT_ID"]
	f.Env["CLOUDFLARE_API_TOKEN"], f.Env["CLOUDFLARE_ACCOUNT_ID"] = "two words and more", ""
	f.refused("portfolio:cluster", "portfolio:workerScript", "cloudflare:apiToken", "portfolio:accountId")
	f.set(map[string]any{"cluster": nil, "workerScript": nil})
	f.Env["CLOUDFLARE_API_TOKEN"], f.Env["CLOUDFLARE_ACCOUNT_ID"] = token, account

	t.Log("an account without a workers.dev subdomain")
	f.refused("workers.dev subdomain", "dash.cloudflare.com")
	f.byHand("PUT", cloudflareAPI, f.account()+"/workers/subdomain", `{"subdomain":"me"}`)

	t.Log("a Worker and a Pages project")
	f.deploy("portfolio-api", "export default {}", "[]")
	f.byHand("POST", cloudflareAPI, f.account()+"/pages/projects", `{"name":"portfolio","production_branch":"main"}`)
	f.refused("a Worker \"portfolio-api\" exists already", "a Pages project \"portfolio\" exists already", "adopt")
	f.byHand("DELETE", cloudflareAPI, f.pages(), "")
	f.byHand("DELETE", cloudflareAPI, f.scripts(), "")

	t.Log("a cluster")
	f.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
	time.Sleep(time.Second)
	theirs := f.clouds.TiDB.Clusters()
	f.noWrites("a refused up", f.fails("up", "pulumi import tidbcloud:index:Cluster cluster "+theirs[0].ClusterID).calls)
	f.want("clusters", f.clouds.TiDB.Clusters(), theirs)
	f.set(map[string]any{"adopt": "true", "workersDev": true})
	f.up()
	f.want("the adopted cluster", f.cluster().ClusterID, theirs[0].ClusterID)
	f.noChanges()
	f.set(map[string]any{"adopt": nil})
	f.up()

	t.Log("a Worker under a new name; a key that is taken out again is no rename of the stack")
	f.deploy("other-api", "export default {}", "[]")
	f.set(map[string]any{"worker": "other-api"})
	f.refused("a Worker \"other-api\" exists already")
	f.set(map[string]any{"worker": "portfolio-api"})
	f.noChanges()
	f.set(map[string]any{"database": "other"})
	f.up()
	f.set(map[string]any{"database": nil})
	f.up()
	f.noChanges()

	t.Log("the workers.dev address")
	address := func(want string) {
		t.Helper()
		if have := f.byHand("GET", cloudflareAPI, f.scripts()+"/subdomain", ""); !strings.Contains(have, want) {
			t.Errorf("workers.dev: %s, want %s", have, want)
		}
	}
	address(`"enabled":true,"previews_enabled":false`)
	for _, how := range []string{"replaced", "tainted"} {
		options := []optup.Option{optup.Replace([]string{"**WorkersScriptSubdomain::workers-dev"})}
		if how == "tainted" {
			options = nil
			f.edit(func(r *apitype.ResourceV3) { r.Taint = r.URN.Name() == "workers-dev" })
		}
		f.want(how, f.run("up", options...).changes, map[string]int{"replace": 1})
		address(`"enabled":true`)
	}
	f.set(map[string]any{"workersDev": false})
	f.up()
	address(`"enabled":false`)
	if strings.Contains(f.printed.String(), "workers.dev address") {
		t.Errorf("the run that switches it off says to do so:\n%s", f.printed.String())
	}
	f.byHand("POST", cloudflareAPI, f.scripts()+"/subdomain", `{"enabled":true}`)
	f.noChanges()
	f.says("up", "workers.dev address")
	f.run("destroy")
}

func TestStack_unknownRegion(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"region": "regions/aws-mars-1"})
	f.refused(`region "regions/aws-mars-1" is not among those`)
}

// A token in the config is kept in the command's environment. It does not make the command's
// output a secret, and may be changed.
func TestStack_tokenInConfig(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"cloudflare:apiToken": f.clouds.Cloudflare.Token})
	f.up()
	public, err := f.Outputs(t.Context(), false)
	if err != nil || public["binding"] == "[secret]" || public["binding"] == nil {
		t.Errorf("the output binding is %v, %v", public["binding"], err)
	}
	f.want("secret outputs", []any{public["databaseUrl"], public["migrationUrl"]}, []any{"[secret]", "[secret]"})
	f.noChanges()
	const rotated = "a-token-that-was-made-later-0123456789ab"
	f.clouds.Cloudflare.Token = rotated
	f.set(map[string]any{"cloudflare:apiToken": rotated})
	f.up()
	f.noChanges()
	f.run("destroy")
}

// The output says that a deployment is due until there is one, in an up with nothing to do
// as well.
func TestStack_redeploy(t *testing.T) {
	f := newFixture(t)
	f.up()
	due := func(want bool) {
		t.Helper()
		f.up()
		binding, _ := f.outputs()["binding"].(map[string]any)
		f.want("redeploy", binding["redeploy"], any(want))
	}
	deploy := func() {
		t.Helper()
		if _, err := f.clouds.Cloudflare.AddDeployment("portfolio", "main"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the API's times are in seconds
	}
	deploy()
	due(false)
	f.byHand("PATCH", cloudflareAPI, f.pages(), `{"deployment_configs":{"preview":{"services":{"API_SERVICE":null}}}}`)
	due(true)
	due(true)
	deploy()
	due(false)
	f.noChanges()

	// What is deleted together with its parent is not deleted separately. So destroy needs no
	// program and no old token, and can delete an inactive cluster, whose users cannot be
	// changed.
	t.Log("destroy with an inactive cluster")
	if err := f.clouds.TiDB.SetState(f.cluster().ClusterID, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.run("destroy").calls {
		if strings.Contains(c.Path, "/sqlUsers") || c.Method == http.MethodGet && strings.Contains(c.Path, "/pages/projects") {
			t.Errorf("destroy made the call %s %s", c.Method, c.Path)
		}
	}
	f.left(0, 0, 0)
}

// noDeletions checks that no step deletes or replaces anything.
func (f *fixture) noDeletions(operation string, r result) {
	f.Helper()
	for urn, op := range r.steps {
		if op != apitype.OpCreate && op != apitype.OpUpdate {
			f.Errorf("%s: %s of %s", operation, op, urn)
		}
	}
}
