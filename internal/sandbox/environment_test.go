package main

import (
	"bytes"
	"maps"
	"slices"
	"testing"

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

// app and admin return connection strings of the environment.
func (f *fixture) urls() (app, admin string) {
	f.Helper()
	all := f.outputs()
	app, _ = all["databaseUrl"].(string)
	admin, _ = all["migrationUrl"].(string)
	return app, admin
}

// ended checks that the state has nothing.
func (f *fixture) ended() {
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
	f.up()
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
	f.ended()
}
