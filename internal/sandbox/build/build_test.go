package build

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// module makes a module of a program that prints its text, and returns what builds it.
func module(t *testing.T, name, text string) part {
	t.Helper()
	dir := t.TempDir()
	testfiles.Write(t, dir, map[string]string{
		"go.mod":  "module " + name + "\n\ngo 1.25\n",
		"main.go": "package main\n\nimport \"" + name + "/text\"\n\nfunc main() { print(text.Text) }\n",
		// Different each time, so that it is in no cache.
		"text/text.go": "package text\n\nconst Text = `" + text + dir + "`\n",
	})
	return part{
		name: name, missing: true, packages: 1000,
		target: func(context.Context, string, bool, io.Writer) (target, error) {
			return target{dir: dir, env: []string{"GOWORK=off"}, build: []string{"-o", filepath.Join(dir, "program")}, packages: []string{"."}}, nil
		},
		finish: func() error { return os.Remove(filepath.Join(dir, "program")) },
	}
}

// Both are announced before and built after; what is compiled already is linked, and what is
// not missing is not spoken of.
func TestRun(t *testing.T) {
	a, b := module(t, "a", "one"), module(t, "b", "two")
	for _, want := range []string{
		"building a and b into bin/, only once: up to 2 packages, a few seconds on 3 cores\n",
		"linking a and b into bin/\n",
		"linking b into bin/\n",
	} {
		var out strings.Builder
		if err := run(t.Context(), &out, 3, a, b); err != nil {
			t.Fatal(err)
		}
		if have := out.String(); have != want {
			t.Errorf("it says %q, want %q", have, want)
		}
		a.missing = strings.HasPrefix(want, "building")
	}
}

// What cannot be counted without the network is taken to be all there is.
func TestRun_notDownloaded(t *testing.T) {
	a := module(t, "a", "one")
	built, err := a.target(t.Context(), "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.target = func(_ context.Context, _ string, offline bool, _ io.Writer) (target, error) {
		if offline {
			return target{}, errors.New("not downloaded")
		}
		return built, nil
	}
	var out strings.Builder
	if err := run(t.Context(), &out, 2, a); err != nil || !strings.Contains(out.String(), "up to 1000 packages, about 3 minutes on 2 cores\n") {
		t.Errorf("%v; it says %q", err, out.String())
	}
}

func TestRun_fails(t *testing.T) {
	a := module(t, "a", "`\nconst")
	var out strings.Builder
	testcheck.Error(t, run(t.Context(), &out, 2, a), "building a: ")
	if !strings.Contains(out.String(), "syntax error") {
		t.Errorf("it says %q", out.String())
	}
}

// What is there is not built again.
func TestChoose(t *testing.T) {
	root := project(t, "go 1.25.11\n")
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	pulumi := func(folder, version string) {
		t.Helper()
		testfiles.Write(t, folder, map[string]string{"pulumi": "#!/bin/sh\necho v" + version + "\n"})
		if err := os.Chmod(filepath.Join(folder, "pulumi"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	tidb, err := BuiltTiDB(root)
	if err != nil {
		t.Fatal(err)
	}
	chosen := func(when, want string) {
		t.Helper()
		parts, err := choose(t.Context(), root, unset, true, true)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for i, p := range parts {
			if i > 0 || p.missing { // the program is always looked at
				have = append(have, strings.Fields(p.name)[1])
			}
		}
		if have := strings.Join(have, " "); have != want {
			t.Errorf("%s: builds %q, want %q", when, have, want)
		}
	}
	chosen("nothing is there", "program Pulumi "+tidbVersion)
	pulumi(dir, "3.9.0")
	chosen("an old CLI is on the PATH", "program Pulumi "+tidbVersion)
	pulumi(filepath.Join(root, "bin"), CLIVersion)
	chosen("a CLI is built", "program "+tidbVersion)
	pulumi(dir, "3.1000.0")
	remove(filepath.Join(root, "bin", "pulumi"))
	chosen("a new CLI is on the PATH", "program "+tidbVersion)
	testfiles.Write(t, filepath.Dir(tidb), map[string]string{filepath.Base(tidb): ""})
	chosen("TiDB is built", "program")
	for _, name := range []string{"bin/portfolio", "bin/sandbox", "bin/plancheck", "bin/environment", "internal/provider/pulumi-resource-tidbcloud/pulumi-resource-tidbcloud"} {
		chosen("before "+name, "program")
		testfiles.Write(t, root, map[string]string{name: ""})
	}
	chosen("all is built", "")
	remove(tidb)
	chosen("TiDB is missing", tidbVersion)
	if parts, err := choose(t.Context(), root, unset, false, false); err != nil || len(parts) != 1 {
		t.Errorf("the program alone: %v, %v", parts, err)
	}
	missing := func(name string) (string, bool) { return filepath.Join(dir, "tidb"), name == TiDBVariable }
	_, err = choose(t.Context(), root, missing, true, true)
	testcheck.Error(t, err, TiDBVariable)
}
