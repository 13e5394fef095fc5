package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/sandbox/standin"
)

// upgrades are states that earlier versions of the program made, each with the emulated
// clouds of that time and a row in a table. They are named by their commits.
const upgrades = "testdata/upgrade"

// newUpgrade opens a copy of a kept sandbox.
func newUpgrade(t *testing.T, commit string) *world {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(upgrades, commit))); err != nil {
		t.Fatal(err)
	}
	return openWorld(t, dir)
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
			w := newUpgrade(t, commit.Name())
			w.forgetDoppler()
			before := w.outputs()
			w.gentle("preview", w.run("preview"))
			w.gentle("up", w.up())
			after := w.outputs()
			for name, output := range before {
				if name != "binding" { // it says what the last run did
					w.want("output "+name, after[name], output)
				}
			}
			app, _ := w.login()
			w.want("rows", w.query(app, "SELECT name FROM guests"), "name\nAda\n")
			w.quiet()
		})
	}
}

// A stack wrote DATABASE_URL to Doppler by the SDK's Secret. Once that is taken out of the
// state, as the README says, an up writes it by the CLI and deletes nothing; else the
// deletion of the Secret would delete what was just written.
func TestUpgrade_doppler(t *testing.T) {
	w := newUpgrade(t, "1c75203")
	w.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": "prd"}})
	port, stop, err := standin.Serve("doppler", "0.9.0", p.Provider{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	w.Env["PULUMI_DEBUG_PROVIDERS"] = fmt.Sprintf("doppler:%d", port)
	w.want("deletions before the state was changed", w.run("preview").changes["delete"], 1)
	delete(w.Env, "PULUMI_DEBUG_PROVIDERS")
	w.forgetDoppler()
	w.gentle("up", w.up())
	app, _ := w.login()
	w.want("in Doppler", w.inDoppler("prd"), hashOf(app))
	w.quiet()
}

// forgetDoppler takes the Secret of Doppler's provider out of a state that has one, as the
// README tells users to.
func (w *world) forgetDoppler() {
	w.Helper()
	state, err := w.State()
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range slices.Backward(state.Resources) { // the secret before its provider
		if strings.Contains(string(r.Type), "doppler") {
			if _, err := w.Command(w.Context(), "state", "delete", string(r.URN), "--yes"); err != nil {
				w.Fatal(err)
			}
		}
	}
}
