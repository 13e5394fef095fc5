package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// On an unsupported system make says so in one line, before it builds anything. The test may
// itself run below a make, which would then print folders.
func TestMake_otherSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "uname"), []byte("#!/bin/sh\necho MINGW64_NT-10.0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "help")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "MAKEFLAGS=")
	output, err := cmd.CombinedOutput()
	if said := string(output); err == nil || !strings.Contains(said, "use WSL") || strings.Count(said, "\n") != 1 {
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
		cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-f", "Makefile", "-f", show, "show")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOWORK="+workspace, "GOFLAGS=-mod=mod -tags=theirs", "MAKEFLAGS=")
		output, err := cmd.CombinedOutput()
		if want := filepath.Join(root, "go.work") + "\n-tags=theirs\n"; err != nil || string(output) != want {
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
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-n"}, tt.args...)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "MAKEFLAGS=")
		output, err := cmd.CombinedOutput()
		_, have, ok := strings.Cut(string(output), " ./internal/sandbox/build/run")
		if have, _, _ = strings.Cut(have, "\n"); err != nil || !ok || strings.TrimRight(have, " ") != tt.want {
			t.Errorf("make %s: %v; it builds%q, want%q", strings.Join(tt.args, " "), err, have, tt.want)
		}
	}
}

// The variable STACK names the stack of each command that works on one, and no shell parses it.
func TestMake_stack(t *testing.T) {
	for target, want := range map[string]string{"up": "up", "preview": "preview", "refresh": "refresh", "down": "destroy", "output": "output", "sql": "sql"} {
		for _, stack := range []string{"", "pr-1", "$(touch gone)"} {
			cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-n", target)
			if stack != "" {
				cmd.Args = append(cmd.Args, "STACK="+stack)
			}
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "MAKEFLAGS=", "STACK=", "Q=", "ADMIN=", "REAL=")
			output, err := cmd.CombinedOutput()
			_, have, _ := strings.Cut(string(output), "\nbin/sandbox ")
			all := want
			if stack != "" {
				all += ` -stack "$STACK"`
			}
			if err != nil || strings.TrimSpace(have) != all {
				t.Errorf("make %s STACK=%s: %v; it runs %q, want %q", target, stack, err, have, all)
			}
		}
	}
}
