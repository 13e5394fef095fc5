package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	dir := copyOf(t, filepath.Join(upgrades, commit))
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
	prepare := map[string]func(*fixture) (check func()){"1c75203": (*fixture).forgetDoppler, "17c5e6a": (*fixture).everyKey}
	for _, commit := range kept {
		t.Run(commit.Name(), func(t *testing.T) {
			f := newUpgrade(t, commit.Name())
			check := func() {}
			if prepare := prepare[commit.Name()]; prepare != nil {
				check = prepare(f)
			}
			before := f.outputs()
			for urn, op := range f.up().steps {
				if op != apitype.OpCreate && op != apitype.OpUpdate {
					t.Errorf("%s of %s", op, urn)
				}
			}
			after := f.outputs()
			for name, output := range before {
				if name != "binding" { // it says what the last run did
					f.want("output "+name, after[name], output)
				}
			}
			app, _ := f.login()
			f.want("rows", f.query(app, "SELECT name FROM guests"), "name\nAda\n")
			f.noChanges()
			check()
		})
	}
}

// everyKey is for the state that has every key set, as far as one state and the emulated clouds
// allow. This program has nothing to do there, and its run leaves the state as it was: the engine
// shows no change of an option, such as a dependency or a hook, but saves it.
func (f *fixture) everyKey() (check func()) {
	before := f.resources()
	f.want("preview", f.run("preview").steps, map[string]apitype.OpType{})
	return func() {
		anyOrder := cmpopts.SortSlices(func(a, b resource.URN) bool { return a < b })
		encrypted := cmpopts.IgnoreMapEntries(func(key string, _ any) bool { return key == "ciphertext" }) // another text each time
		if diff := cmp.Diff(before, f.resources(), anyOrder, encrypted); diff != "" {
			f.Errorf("resources (-before +after):\n%s", diff)
		}
	}
}

// forgetDoppler is for a stack that wrote DATABASE_URL to Doppler by the SDK's Secret. Once that
// is taken out of the state, as CHANGELOG.md says, an up writes it by the CLI; else the deletion
// of the Secret would delete what was just written.
func (f *fixture) forgetDoppler() (check func()) {
	f.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": "prd"}})
	port, stop, err := standin.Serve("doppler", "0.9.0", p.Provider{})
	if err != nil {
		f.Fatal(err)
	}
	defer stop()
	f.Env["PULUMI_DEBUG_PROVIDERS"] = fmt.Sprintf("doppler:%d", port)
	f.want("deletions before the state was changed", f.run("preview").changes["delete"], 1)
	delete(f.Env, "PULUMI_DEBUG_PROVIDERS")
	urns := []string{"pulumi:providers:doppler", "doppler:index/secret:Secret"}
	for urn, r := range f.resources() {
		if i := slices.Index(urns, string(r.Type)); i >= 0 {
			urns[i] = string(urn)
		}
	}
	for _, urn := range slices.Backward(urns) { // the secret before its provider
		if _, err := f.Command(f.Context(), "state", "delete", urn, "--yes"); err != nil {
			f.Fatal(err)
		}
	}
	return func() {
		app, _ := f.login()
		f.want("in Doppler", f.inDoppler("prd"), hashOf(app))
	}
}

// resources returns the resources of the state, without what says where the program is.
func (f *fixture) resources() map[resource.URN]apitype.ResourceV3 {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	all := map[resource.URN]apitype.ResourceV3{}
	for _, r := range state.Resources {
		r.SourcePosition, r.StackTrace = "", nil
		all[r.URN] = r
	}
	return all
}
