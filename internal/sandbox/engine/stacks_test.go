package engine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// beside returns the engine of another stack of the same project.
func (e *Engine) beside(stack string) *Engine {
	return &Engine{Root: e.Root, Dir: e.Dir, Stack: stack, CLI: e.CLI, Stdout: e.Stdout, Stderr: e.Stderr}
}

// A stack has the settings of its own file, and its own copy of them. Only an environment without
// one has those of all environments.
func TestEngine_settings(t *testing.T) {
	dev := newEngine(t, "name: portfolio\n", "config:\n  portfolio:a: dev\n")
	testfiles.Write(t, dev.Root, map[string]string{"Pulumi.pr.yaml": "config:\n  portfolio:a: all\n  portfolio:protect: true\n", "Pulumi.pr-2.yaml": "config:\n  portfolio:a: own\n"})
	for stack, want := range map[string]any{"dev": "dev", "pr-1": "all", "pr-2": "own", "pr-x": nil, "prod": nil} {
		e := dev.beside(stack)
		e.copies(t)
		config := yamlMap{"portfolio:protect": false}
		if want != nil {
			config["portfolio:a"] = want
		}
		e.has(t, stackFile(stack), yamlMap{"config": config})
	}
}

func TestCheckStack(t *testing.T) {
	for name, good := range map[string]bool{"pr-1": true, "a.b_C": true, "": false, "org/dev": false, "../x": false, "a b": false, strings.Repeat("a", 101): false} {
		if err := CheckStack(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// One stack reads another's outputs, secret ones too. Removing it leaves the other as it was.
func TestEngine_stackReference(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	dev := newEngine(t, "name: portfolio\nruntime: go\n", "")
	dev.Stdout, dev.Stderr = &said, &said
	if dev.CLI, err = FindCLI(t.Context(), root, &said); err != nil {
		t.Fatal(err)
	}
	dev.Program = func(ctx *pulumi.Context) error {
		ctx.Export("clusterId", pulumi.String("1234"))
		ctx.Export("databaseUrl", pulumi.ToSecret(pulumi.String("hidden")))
		return nil
	}
	other := dev.beside("pr-2")
	other.Program = func(ctx *pulumi.Context) error {
		reference, err := pulumi.NewStackReference(ctx, "organization/portfolio/dev", nil)
		if err != nil {
			return err
		}
		for _, name := range []string{"clusterId", "databaseUrl"} {
			ctx.Export(name, reference.GetOutput(pulumi.String(name)))
		}
		return nil
	}
	stacks := func(want ...string) {
		t.Helper()
		have, err := dev.Stacks()
		if diff := cmp.Diff(want, have); diff != "" || err != nil {
			t.Errorf("the stacks are %v, %v", have, err)
		}
	}
	stacks()
	for _, e := range []*Engine{dev, other} {
		if err := e.Operate(t.Context(), "up"); err != nil {
			t.Fatalf("%s: %v\n%s", e.stack(), err, said.String())
		}
	}
	stacks("dev", "pr-2")
	have, err := other.Outputs(t.Context(), true)
	if diff := cmp.Diff(map[string]any{"clusterId": "1234", "databaseUrl": "hidden"}, have); diff != "" || err != nil {
		t.Errorf("%v (-want +have):\n%s", err, diff)
	}

	before, err := os.ReadFile(dev.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.Operate(t.Context(), "destroy"), other.Remove(t.Context())); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	stacks("dev")
	if after, err := os.ReadFile(dev.checkpoint()); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the other stack's state is another one: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dev.path("project"), "Pulumi.pr-2.yaml")); !os.IsNotExist(err) {
		t.Errorf("the settings of the removed stack: %v", err)
	}
	testcheck.Error(t, other.Exists(), "there is no stack pr-2: there are dev")
}
