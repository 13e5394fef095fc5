package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/engine"
	"portfolio-infra/internal/testfiles"
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

// there lists what is in the clouds and has the text in its name.
func (f *fixture) there(text string) (all []string) {
	add := func(kind, name string) {
		if strings.Contains(name, text) {
			all = append(all, kind+" "+name)
		}
	}
	for _, p := range f.clouds.Cloudflare.Projects() {
		add("project", p.Name)
	}
	for _, s := range f.clouds.Cloudflare.Scripts() {
		add("Worker", s.Name)
	}
	for _, c := range f.clouds.TiDB.Clusters() {
		add("cluster", c.DisplayName)
		for _, b := range f.clouds.TiDB.Branches(c.ClusterID) {
			add("branch", b.DisplayName)
		}
	}
	return all
}

// The data of a living environment becomes a masked copy, one that needs no masks, and its own again,
// as planned, and nothing is left of what it was before. Whatever it is, production keeps its rows and
// users.
func TestEnvironment_otherData(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"migrations": "internal/example/migrations"})
	f.up()
	production, _ := f.login()
	f.query(production, "INSERT INTO guests (name, message) VALUES ('Ada Lovelace', 'ada@example.com')")
	before, parent := f.query(production, guestsQuery), f.cluster().ClusterID
	masks := projectCopy(t, "internal/example/masks", "")

	data := map[string]map[string]any{
		"fresh":    {"previewData": "", "seeds": "internal/example/seeds", "branchOf": nil, "masks": nil},
		"masked":   {"previewData": "branch", "seeds": "", "branchOf": parent, "masks": masks},
		"unmasked": {"previewData": "branch", "seeds": "", "branchOf": parent, "masks": "none"},
	}
	guests := map[string]string{
		"fresh":    "guest\nAda: The first entry\nGrace: Sign below: the\nZoë: Umlauts and a s\n",
		"masked":   "guest\nGuest 1: xxxxxxxxxxxxxxx\n",
		"unmasked": "guest\nAda Lovelace: ada@example.com\n",
	}
	e := f.environment("pr-3", nil)
	shows := func(kind string) {
		t.Helper()
		app, _ := e.urls()
		f.want("guests", e.query(app, "SELECT CONCAT(name, ': ', LEFT(message, 15)) AS guest FROM guests ORDER BY id"), guests[kind])
		if !e.named("portfolio-pr-3-api").Secrets["DATABASE_URL"].Is(app) {
			t.Error("the Worker's DATABASE_URL is not the output's")
		}
		have, want := []int{len(f.clouds.TiDB.Clusters()), len(f.clouds.TiDB.Branches(parent))}, []int{1, 1}
		if kind == "fresh" {
			want = []int{2, 0}
		}
		f.want("clusters and branches", have, want)
		f.want("rows of production", f.query(production, guestsQuery), before)
		f.want("users of production", f.users(parent), []string{"api", "api_b", "pulumi", "root"})
	}
	for i, kind := range []string{"fresh", "masked", "unmasked", "masked", "fresh"} {
		t.Logf("%d: %s", i, kind)
		e.set(data[kind])
		e.planned()
		shows(kind)
		if kind == "unmasked" {
			e.noChanges()
		}
		if kind != "masked" || i > 1 {
			continue
		}
		branch, outputs := only(f, "branches", f.clouds.TiDB.Branches(parent)), e.outputs()
		f.want("IDs", []any{outputs["clusterId"], outputs["branchId"], outputs["clusterUserPrefix"]}, []any{parent, branch.BranchID, branch.UserPrefix})
		if owner := branch.Annotations["pulumi.com/owner"]; !mark.Bears(owner, mark.Of(testRepository, 3)) {
			t.Errorf("the annotation %q does not bear the mark", owner)
		}
		t.Log("the logins rotate as on a cluster")
		e.set(map[string]any{"rotation": "1"})
		e.up()
		shows(kind)
		e.noChanges()
		t.Log("other masks begin with another copy")
		testfiles.Write(t, filepath.Join(root, masks), map[string]string{"2_more.sql": "UPDATE guests SET message = 'gone';\n"})
		guests[kind] = "guest\nGuest 1: gone\n"
		e.planned()
		shows(kind)
	}
	e.noChanges()
	e.run("destroy")
	f.left(1, 1, 1)
	f.noChanges()
}
