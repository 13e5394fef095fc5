package main

import (
	"testing"
	"time"
)

// deployByHand makes a deployment that is not the stack's, and waits until it is live.
func (f *fixture) deployByHand() {
	f.Helper()
	if _, err := f.clouds.Cloudflare.AddDeployment("portfolio", "main"); err != nil {
		f.Fatal(err)
	}
	time.Sleep(time.Second)
}

// The site is deployed again when the settings that a deployment takes from the project
// changed, or somebody replaced it, and not otherwise.
func TestStack_deployment(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.noChanges()

	t.Log("replaced by hand, twice: the second time must be noticed as well")
	for range 2 {
		f.deployByHand()
		f.run("preview")
		f.says("preview", "a deployment that this stack did not make")
		f.repaired(1)
	}

	t.Log("variables")
	f.set(map[string]any{"siteVars": map[string]any{"MODE": "live"}})
	f.repaired(2)
	f.want("variables", f.project().Preview.Vars, map[string]string{"MODE": "live"})

	t.Log("project deleted by hand")
	f.byHand("DELETE", cloudflareAPI, f.pages(), "")
	f.repaired(2)
	f.want("variables", f.project().Production.Vars, map[string]string{"MODE": "live"})
	f.run("destroy")
	f.left(0, 0, 0)
}

// A site that somebody else deploys is not replaced without consent.
func TestStack_deploymentConflict(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": ""})
	f.up()
	f.deployByHand()
	f.noChanges()
	f.set(map[string]any{"site": "internal/example/site"})
	f.refused("config key site", "overwriteSite")
	f.set(map[string]any{"overwriteSite": "true"})
	f.up()
	f.noChanges()
	f.set(map[string]any{"overwriteSite": nil})
	f.up()
	f.noChanges()
}
