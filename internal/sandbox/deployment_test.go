package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
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
	f.set(map[string]any{"site": "internal/example/site"})
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

// encrypt returns a config value as the stack's file has a secret.
func (f *fixture) encrypt(value string) any {
	f.Helper()
	if _, err := f.Command(f.Context(), "config", "set", "--secret", "encrypted", value); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(f.Dir, "project", "Pulumi.dev.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Config map[string]any }
	if err := yaml.Unmarshal(b, &file); err != nil {
		f.Fatal(err)
	}
	return file.Config["portfolio:encrypted"]
}

// A secret variable of the site is written when its value changes, and not otherwise.
func TestStack_siteSecrets(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	f.up()
	for _, value := range []string{"recognizable-one", "recognizable-two"} {
		f.set(map[string]any{"siteSecrets": map[string]any{"SESSION": f.encrypt(value)}})
		f.up()
		if !f.project().Production.Secrets["SESSION"].Is(value) || !f.project().Preview.Secrets["SESSION"].Is(value) {
			t.Errorf("the secret is not %s", value)
		}
		f.noChanges()
		f.secretStays(value)
	}
	f.set(map[string]any{"siteSecrets": nil})
	f.up()
	f.want("secrets", len(f.project().Production.Secrets), 0)
	f.noChanges()
}

// secretStays checks that a secret is neither printed nor kept in the clear.
func (f *fixture) secretStays(secret string) {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	for name, text := range map[string]string{"the state": fmt.Sprintf("%+v", state), "the output": f.printed.String()} {
		if strings.Contains(text, secret) {
			f.Errorf("%s shows %s", name, secret)
		}
	}
}
