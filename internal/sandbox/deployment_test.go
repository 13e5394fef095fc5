package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Taking out the site deletes no deployment. A project that has too many to be deleted can be
// deleted once the user ran the command in docs/site.md.
func TestStack_undeploy(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	f.up()
	for range 100 {
		if _, err := f.clouds.Cloudflare.AddDeployment("portfolio", "feature"); err != nil {
			t.Fatal(err)
		}
	}
	f.set(map[string]any{"site": nil})
	f.up()
	f.set(map[string]any{"site": "internal/example/site"})
	f.up()
	f.want("deployments", len(f.project().Deployments), 101)
	f.fails("destroy", "Your project has too many deployments to be deleted")
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin", "portfolio"), "undeploy", "-others", "portfolio")
	for name, value := range f.clouds.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(said), "1 deleted, 100 left") {
		t.Errorf("%v: %s", err, said)
	}
	f.run("destroy")
	f.left(0, 0, 0)
}

// encrypt returns a config value as the stack's file has a secret.
func (f *fixture) encrypt(value string) any {
	f.Helper()
	f.keep()
	if _, err := f.Command(f.Context(), "config", "set", "--secret", "encrypted", value); err != nil {
		f.Fatal(err)
	}
	return f.stackFile()["portfolio:encrypted"]
}

// stackFile returns the configuration in the stack's settings file.
func (f *fixture) stackFile() map[string]any {
	f.Helper()
	b, err := os.ReadFile(filepath.Join(f.Dir, "project", "Pulumi.dev.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Config map[string]any }
	if err := yaml.Unmarshal(b, &file); err != nil {
		f.Fatal(err)
	}
	return file.Config
}

// A secret variable of the site is written when its value changes, and not otherwise. One of
// somebody else outlives that, and an update of the project.
func TestStack_siteSecrets(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	f.up()
	f.byHand("PATCH", cloudflareAPI, f.pages(), `{"deployment_configs":{"production":{"env_vars":{"THEIRS":{"type":"secret_text","value":"hidden"}}}}}`)
	for i, value := range []string{"recognizable-one", "recognizable-two"} {
		f.set(map[string]any{"siteSecrets": map[string]any{"SESSION": f.encrypt(value)}, "productionBranch": fmt.Sprint("branch-", i)})
		f.up()
		production, preview := f.project().Production.Secrets, f.project().Preview.Secrets
		f.want("theirs and ours", []bool{production["THEIRS"].Is("hidden"), production["SESSION"].Is(value), preview["SESSION"].Is(value)}, []bool{true, true, true})
		f.noChanges()
		state, err := f.State()
		if err != nil || strings.Contains(fmt.Sprint(state, f.printed.String()), value) {
			t.Errorf("%v, or the state or the output shows %s", err, value)
		}
	}
	f.set(map[string]any{"siteSecrets": nil})
	f.up()
	f.want("secrets", slices.Collect(maps.Keys(f.project().Production.Secrets)), []string{"THEIRS"})
}
