package main

import (
	"encoding/json"
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
	f.want("deployments", f.deployments(), 101)

	f.fails("destroy", "Your project has too many deployments to be deleted")
	undeploy := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin", "portfolio"), append([]string{"undeploy"}, args...)...)
		for name, value := range f.clouds.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	// The one deployment of the stack is live.
	if said, err := undeploy("portfolio"); err == nil || !strings.Contains(said, "bin/portfolio undeploy -others portfolio") {
		t.Errorf("%v: %s", err, said)
	}
	f.want("deployments", f.deployments(), 101)
	if said, err := undeploy("-others", "portfolio"); err != nil || !strings.Contains(said, "1 deleted, 100 left") {
		t.Errorf("%v: %s", err, said)
	}
	f.run("destroy")
	f.left(0, 0, 0)
}

// deployments returns the number of the project's deployments.
func (f *fixture) deployments() int {
	f.Helper()
	var list struct {
		Info struct {
			Total int `json:"total_count"`
		} `json:"result_info"`
	}
	if err := json.Unmarshal([]byte(f.byHand("GET", cloudflareAPI, f.pages()+"/deployments", "")), &list); err != nil {
		f.Fatal(err)
	}
	return list.Info.Total
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
		if !f.project().Production.Secrets["THEIRS"].Is("hidden") {
			t.Error("the secret of somebody else is lost")
		}
		if !f.project().Production.Secrets["SESSION"].Is(value) || !f.project().Preview.Secrets["SESSION"].Is(value) {
			t.Errorf("the secret is not %s", value)
		}
		f.noChanges()
		f.secretStays(value)
	}
	f.set(map[string]any{"siteSecrets": nil})
	f.up()
	f.want("secrets", slices.Collect(maps.Keys(f.project().Production.Secrets)), []string{"THEIRS"})
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
