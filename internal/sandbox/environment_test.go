package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/engine"
)

const testRepository = "123456789"

// environment returns a stack beside that of the fixture, in the same clouds, as a job of
// GitHub runs it.
func (f *fixture) environment(stack string, config map[string]any) *fixture {
	e := &fixture{TB: f.TB, clouds: f.clouds}
	env := maps.Clone(f.Env)
	env[mark.EnvRepository] = testRepository
	e.Engine = &engine.Engine{Root: root, Dir: f.Dir, Env: env, Config: map[string]any{}, Stack: stack, CLI: f.CLI, Stdout: &e.printed, Stderr: &e.printed}
	// All that Pulumi.pr.yaml has, where it is taken too.
	e.set(map[string]any{"site": "", "migrations": "internal/example/migrations", "previewData": "", "seeds": "", "protect": false})
	e.set(config)
	return e
}

// named returns the Worker of that name.
func (f *fixture) named(worker string) cloudflare.Script {
	f.Helper()
	return only(f, "Workers "+worker, slices.DeleteFunc(f.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name != worker }))
}

// urls returns the connection strings of the application and of the admin.
func (f *fixture) urls() (app, admin string) {
	f.Helper()
	all := f.outputs()
	app, _ = all["databaseUrl"].(string)
	admin, _ = all["migrationUrl"].(string)
	return app, admin
}

// emptied checks that the state has nothing.
func (f *fixture) emptied() {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	f.want("resources that the state has", len(state.Resources), 0)
}

// An environment with data of its own has its own names and the mark, shows the seeds, and is
// gone after a destroy.
func TestEnvironment_fresh(t *testing.T) {
	f := newFixture(t).environment("pr-1", map[string]any{"site": "internal/example/site", "seeds": "internal/example/seeds"})
	f.planned()
	bears := func(what, owner string) {
		if !mark.Bears(owner, mark.Of(testRepository, 1)) {
			f.Errorf("%s: %q does not bear the mark", what, owner)
		}
	}
	f.want("project", f.project().Name, "portfolio-pr-1")
	bears("the Worker", f.named("portfolio-pr-1-api").Vars["PULUMI_STACK"])
	f.want("cluster", f.cluster().DisplayName, "portfolio-pr-1-db")
	bears("the cluster", f.cluster().Labels["pulumi.com/owner"])
	site, _, err := f.clouds.Cloudflare.Site("portfolio-pr-1")
	if err != nil || !bytes.Contains(site.Headers, []byte("noindex")) {
		f.Errorf("the site's headers are %q, %v", site.Headers, err)
	}
	app, _ := f.urls()
	f.want("guests", f.query(app, "SELECT name FROM guests ORDER BY id"), "name\nAda\nGrace\nZoë\n")
	f.query(app, "INSERT INTO guests (name, message) VALUES ('Linus', 'typed by a reviewer')")
	f.noChanges()
	f.want("refresh", f.run("refresh").changes, map[string]int{})
	f.noChanges()
	f.want("guests", f.query(app, "SELECT COUNT(*) FROM guests"), "COUNT(*)\n4\n")
	f.run("destroy")
	f.left(0, 0, 0)
	f.emptied()
}

// An environment on a branch has the rows of production without those who are in it. What is
// typed there stays there. Other masks begin with another copy. Production keeps its rows byte
// for byte, and stays when the environment ends.
func TestEnvironment_branch(t *testing.T) {
	f := newFixture(t)
	f.clouds.TiDB.InheritUsers = true // nobody knows whether TiDB Cloud does that
	f.set(map[string]any{"migrations": "internal/example/migrations"})
	f.up()
	production, _ := f.login()
	const all = "SELECT id, name, message, created_at FROM guests ORDER BY id"
	f.query(production, "INSERT INTO guests (name, message) VALUES ('Ada Lovelace', 'ada@example.com'), ('Grace Hopper', 'call me')")
	before, parent := f.query(production, all), f.cluster().ClusterID
	f.byHand("POST", tidbAPI, "/clusters/"+parent+"/sqlUsers",
		`{"userName":"reporter","password":"recognizable-theirs","authMethod":"mysql_native_password","autoPrefix":true,"builtinRole":"role_readonly"}`)
	untouched := func(when string) {
		f.Helper()
		f.want("rows of production "+when, f.query(production, all), before)
	}

	masks := projectCopy(t, "internal/example/masks", "")
	e := f.environment("pr-2", map[string]any{"previewData": "branch", "branchOf": "stack:organization/portfolio/dev", "masks": masks})
	e.planned()
	branch := only(f, "branches", f.clouds.TiDB.Branches(parent))
	for what, owner := range map[string]string{"name": branch.DisplayName, "annotation": branch.Annotations["pulumi.com/owner"], "Worker": e.named("portfolio-pr-2-api").Vars["PULUMI_STACK"]} {
		if !mark.Bears(owner, mark.Of(testRepository, 2)) {
			f.Errorf("%s: %q does not bear the mark", what, owner)
		}
	}
	outputs := e.outputs()
	f.want("IDs", []any{outputs["clusterId"], outputs["branchId"], outputs["clusterUserPrefix"]}, []any{parent, branch.BranchID, branch.UserPrefix})
	const guests = "SELECT CONCAT(name, ': ', message) AS guest FROM guests ORDER BY id"
	app, _ := e.urls()
	f.want("masked rows", e.query(app, guests), "guest\nGuest 1: xxxxxxxxxxxxxxx\nGuest 2: xxxxxxx\n")
	untouched("after the branch was made")
	f.want("users of production", f.users(parent), []string{"api", "api_b", "pulumi", "reporter", "root"})
	_, err := f.tryQuery(fmt.Sprintf("mysql://%s.reporter:recognizable-theirs@%s:%d/portfolio", branch.UserPrefix,
		branch.Endpoints.Public.Host, branch.Endpoints.Public.Port), "SELECT 1")
	if err == nil || !strings.Contains(err.Error(), "1045") {
		f.Errorf("production's login on the branch: %v", err)
	}
	e.query(app, "INSERT INTO guests (name, message) VALUES ('Linus', 'typed by a reviewer')")
	e.noChanges()
	f.want("refresh", e.run("refresh").changes, map[string]int{})
	e.noChanges()
	untouched("after an entry on the branch")

	t.Log("the logins rotate as on a cluster")
	e.set(map[string]any{"rotation": "1"})
	e.up()
	app, _ = e.urls()
	f.want("guests", e.query(app, "SELECT COUNT(*) FROM guests"), "COUNT(*)\n3\n")
	e.noChanges()

	t.Log("other masks, on another copy")
	if err := os.WriteFile(filepath.Join(root, masks, "2_more.sql"), []byte("UPDATE guests SET message = 'gone';\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.planned()
	app, _ = e.urls()
	f.want("masked rows", e.query(app, guests), "guest\nGuest 1: gone\nGuest 2: gone\n")
	e.noChanges()
	untouched("after the reset")

	e.run("destroy")
	e.emptied()
	f.left(1, 1, 1)
	f.want("branches that are left", len(f.clouds.TiDB.Branches(parent)), 0)
	untouched("after the end of the environment")
	f.noChanges()
}

// The data of a living environment becomes a copy and then its own again, as planned, and nothing is
// left of what it was before. A copy that no longer needs masks, and then does, is made as planned too.
func TestEnvironment_otherData(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"migrations": "internal/example/migrations"})
	f.up()
	production, _ := f.login()
	f.query(production, "INSERT INTO guests (name, message) VALUES ('Ada Lovelace', 'ada@example.com')")
	const all = "SELECT id, name, message, created_at FROM guests ORDER BY id"
	before, parent := f.query(production, all), f.cluster().ClusterID

	data := map[string]map[string]any{
		"fresh":    {"previewData": "", "seeds": "internal/example/seeds", "branchOf": nil, "masks": nil},
		"masked":   {"previewData": "branch", "seeds": "", "branchOf": parent, "masks": "internal/example/masks"},
		"unmasked": {"previewData": "branch", "seeds": "", "branchOf": parent, "masks": "none"},
	}
	guests := map[string]string{"fresh": "name\nAda\nGrace\nZoë\n", "masked": "name\nGuest 1\n", "unmasked": "name\nAda Lovelace\n"}
	e := f.environment("pr-3", nil)
	for i, kind := range []string{"fresh", "masked", "unmasked", "masked", "fresh", "unmasked", "fresh"} {
		t.Logf("%d: %s", i, kind)
		e.set(data[kind])
		e.planned()
		e.noChanges()
		app, _ := e.urls()
		f.want("guests", e.query(app, "SELECT name FROM guests ORDER BY id"), guests[kind])
		if !e.named("portfolio-pr-3-api").Secrets["DATABASE_URL"].Is(app) {
			t.Error("the Worker's DATABASE_URL is not the output's")
		}
		for len(f.clouds.TiDB.Clusters()) > 2 { // one is still being deleted
			time.Sleep(10 * time.Millisecond)
		}
		clusters, branches := 1, 1
		if kind == "fresh" {
			clusters, branches = 2, 0
		}
		f.left(2, 2, clusters)
		f.want("branches", len(f.clouds.TiDB.Branches(parent)), branches)
		f.want("rows of production", f.query(production, all), before)
		f.want("users of production", f.users(parent), []string{"api", "api_b", "pulumi", "root"})
		if t.Failed() {
			t.FailNow()
		}
	}
	e.run("destroy")
	f.left(1, 1, 1)
	f.noChanges()
}
