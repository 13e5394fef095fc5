package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/standin"
)

// upgrades are states that earlier versions of the program made, each with the emulated
// clouds of that time and a row in a table. They are named by their commits.
const upgrades = "testdata/upgrade"

// newUpgrade opens a copy of a kept sandbox with the configuration that it had. The
// credentials are those of the sandbox that keeps some in its configuration.
func newUpgrade(t *testing.T, commit string) *fixture {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(upgrades, commit))); err != nil {
		t.Fatal(err)
	}
	var kept struct{ Config map[string]any }
	b, err := os.ReadFile(filepath.Join(dir, "project", "Pulumi.dev.yaml"))
	if err == nil {
		err = yaml.Unmarshal(b, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := openFixture(t, dir, "CLOUDFLARE_API_TOKEN=token-of-the-kept-sandbox-0123456789abcd",
		"TIDBCLOUD_PUBLIC_KEY=keptkey1", "TIDBCLOUD_PRIVATE_KEY=private-key-of-the-kept-sandbox")
	f.set(kept.Config)
	return f
}

// An up of this program on a state of an earlier one keeps the rows and the connection
// string, and replaces and deletes nothing.
func TestUpgrade(t *testing.T) {
	kept, err := os.ReadDir(upgrades)
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range kept {
		t.Run(commit.Name(), func(t *testing.T) {
			f := newUpgrade(t, commit.Name())
			f.forgetDoppler()
			before := f.outputs()
			f.noDeletions("preview", f.run("preview"))
			f.noDeletions("up", f.up())
			after := f.outputs()
			for name, output := range before {
				if name != "binding" { // it says what the last run did
					f.want("output "+name, after[name], output)
				}
			}
			app, _ := f.login()
			f.want("rows", f.query(app, "SELECT name FROM guests"), "name\nAda\n")
			f.noChanges()
		})
	}
}

// The state of 17c5e6a has every key set, as far as one state and the emulated clouds allow.
// This program has nothing to do there, and its run leaves the state as it was: the engine
// shows no change of an option, such as a dependency or a hook, but saves it.
func TestUpgrade_everyKey(t *testing.T) {
	f := newUpgrade(t, "17c5e6a")
	resources := func() map[resource.URN]apitype.ResourceV3 {
		state, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		all := map[resource.URN]apitype.ResourceV3{}
		for _, r := range state.Resources {
			r.SourcePosition, r.StackTrace = "", nil // lines of the program
			all[r.URN] = r
		}
		return all
	}
	before := resources()
	f.want("preview", f.run("preview").steps, map[string]apitype.OpType{})
	f.noChanges()
	anyOrder := cmpopts.SortSlices(func(a, b resource.URN) bool { return a < b })
	encrypted := cmpopts.IgnoreMapEntries(func(key string, _ any) bool { return key == "ciphertext" }) // another text each time
	if diff := cmp.Diff(before, resources(), anyOrder, encrypted); diff != "" {
		t.Errorf("resources (-before +after):\n%s", diff)
	}
}

// A stack wrote DATABASE_URL to Doppler by the SDK's Secret. Once that is taken out of the
// state, as CHANGELOG.md says, an up writes it by the CLI and deletes nothing; else the
// deletion of the Secret would delete what was just written.
func TestUpgrade_doppler(t *testing.T) {
	f := newUpgrade(t, "1c75203")
	f.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": "prd"}})
	port, stop, err := standin.Serve("doppler", "0.9.0", p.Provider{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	f.Env["PULUMI_DEBUG_PROVIDERS"] = fmt.Sprintf("doppler:%d", port)
	f.want("deletions before the state was changed", f.run("preview").changes["delete"], 1)
	delete(f.Env, "PULUMI_DEBUG_PROVIDERS")
	f.forgetDoppler()
	f.noDeletions("up", f.up())
	app, _ := f.login()
	f.want("in Doppler", f.inDoppler("prd"), hashOf(app))
	f.noChanges()
}

// forgetDoppler takes the Secret of Doppler's provider out of a state that has one, as
// CHANGELOG.md tells users to.
func (f *fixture) forgetDoppler() {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range slices.Backward(state.Resources) { // the secret before its provider
		if strings.Contains(string(r.Type), "doppler") {
			if _, err := f.Command(f.Context(), "state", "delete", string(r.URN), "--yes"); err != nil {
				f.Fatal(err)
			}
		}
	}
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
