package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runMake runs make as a person does. The test may itself run below a make.
func runMake(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "MAKEFLAGS="), env...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// On an unsupported system make says so in one line, before it builds anything.
func TestMake_otherSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "uname"), []byte("#!/bin/sh\necho MINGW64_NT-10.0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	said, err := runMake(t, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, "help")
	if err == nil || !strings.Contains(said, "use WSL") || strings.Count(said, "\n") != 1 {
		t.Errorf("%v; make says %q, want one line", err, said)
	}
}

// The user's own workspace and mode do not change what make builds. Other flags stay.
func TestMake_goSettings(t *testing.T) {
	show := filepath.Join(t.TempDir(), "show.mk")
	if err := os.WriteFile(show, []byte("show:\n\t@go env GOWORK GOFLAGS\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, workspace := range []string{"off", filepath.Join(t.TempDir(), "go.work")} {
		output, err := runMake(t, []string{"GOWORK=" + workspace, "GOFLAGS=-mod=mod -tags=theirs"}, "-f", "Makefile", "-f", show, "show")
		if want := filepath.Join(root, "go.work") + "\n-tags=theirs\n"; err != nil || output != want {
			t.Errorf("GOWORK=%s: %v; %q, want %q", workspace, err, output, want)
		}
	}
}

// CI's deployment builds neither the Pulumi CLI nor TiDB, nor does a statement on the real
// stack.
func TestMake_parts(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"build"}, ""},
		{[]string{"up"}, " cli tidb"},
		{[]string{"site"}, " cli tidb"},
		{[]string{"test"}, " cli tidb"},
		{[]string{"sql"}, " cli tidb"},
		{[]string{"sql", "REAL=1"}, ""},
		{[]string{"output"}, " cli"},
		{[]string{"serve"}, " tidb"},
	} {
		output, err := runMake(t, nil, append(tt.args, "-n")...)
		_, have, ok := strings.Cut(output, " ./internal/sandbox/build/run")
		if have, _, _ = strings.Cut(have, "\n"); err != nil || !ok || strings.TrimRight(have, " ") != tt.want {
			t.Errorf("make %s: %v; it builds%q, want%q", strings.Join(tt.args, " "), err, have, tt.want)
		}
	}
}

// The variable STACK names the stack of each command that works on one, and no shell parses it.
func TestMake_stack(t *testing.T) {
	for target, want := range map[string]string{"up": "up", "preview": "preview", "refresh": "refresh", "down": "destroy", "output": "output", "sql": "sql"} {
		for _, stack := range []string{"", "pr-1", "$(touch gone)"} {
			args, all := []string{"-n", target}, want
			if stack != "" {
				args, all = append(args, "STACK="+stack), want+` -stack "$STACK"`
			}
			output, err := runMake(t, []string{"STACK=", "Q=", "ADMIN=", "REAL="}, args...)
			_, have, _ := strings.Cut(output, "\nbin/sandbox ")
			if err != nil || strings.TrimSpace(have) != all {
				t.Errorf("make %s STACK=%s: %v; it runs %q, want %q", target, stack, err, have, all)
			}
		}
	}
}
