package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// On another system make says so in one line, before it builds anything. The test may run
// below a make itself, which then would print folders.
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
