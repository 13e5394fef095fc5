package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The made-up SDK in testdata/toy.
const (
	toyModule  = "example.com/pulumi-toy/sdk/v2"
	toyPackage = toyModule + "/go/toy"
)

// goMod is a go.mod that requires the made-up SDK and Pulumi's stand-in.
func goMod(t testing.TB) string {
	t.Helper()
	testdata := filepath.ToSlash(mustAbs(t, "testdata"))
	return "module example.com/program\n\ngo 1.25\n\n" +
		"require (\n\t" + toyModule + " v2.3.4\n\tgithub.com/pulumi/pulumi/sdk/v3 v3.0.0\n)\n\n" +
		"replace " + toyModule + " => " + testdata + "/toy\n\n" +
		"replace github.com/pulumi/pulumi/sdk/v3 => " + testdata + "/pulumi\n"
}

// newProgram writes a module that has the files, and a go.mod if they have none.
func newProgram(t testing.TB, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := files["go.mod"]; !ok {
		mustWrite(t, filepath.Join(root, "go.mod"), goMod(t))
	}
	for name, content := range files {
		mustWrite(t, filepath.Join(root, name), content)
	}
	return root
}

// usesToy is a file that uses an expression of the made-up SDK. Its package is not main, so that a build links nothing.
func usesToy(expr string) string {
	return "package program\n\nimport \"" + toyPackage + "\"\n\nvar _ = " + expr + "\n"
}

func mustAbs(t testing.TB, name string) string {
	t.Helper()
	abs, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func mustWrite(t testing.TB, name, content string) {
	t.Helper()
	if _, err := writeFile(name, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func mustRemove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

// runSlim runs the command in dir and returns its exit code and what it printed.
func runSlim(t testing.TB, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), dir, args, &out, &errs)
	return code, out.String(), errs.String()
}

// mustSlim runs the command and returns what it printed. Without arguments it cuts the made-up SDK.
func mustSlim(t *testing.T, dir string, args ...string) string {
	t.Helper()
	if len(args) == 0 {
		args = []string{"-package", toyPackage}
	}
	code, stdout, stderr := runSlim(t, dir, args...)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return stdout
}

// goTool runs the go command in dir as a user would, with go.work in force, and returns all that it prints.
func goTool(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustGo(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := goTool(dir, args...)
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// contents returns the contents of the files below dir, by path with slashes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for name := range tree(t, dir) {
		files[name] = mustRead(t, filepath.Join(dir, name))
	}
	return files
}

// tree returns the modification times of the files below dir, by path with slashes.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files[name] = info.ModTime().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
