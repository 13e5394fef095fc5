package site

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Cloudflare's own asset server, which wrangler runs, answers the same.
func TestAssets_wrangler(t *testing.T) {
	theirs := startWrangler(t, pages)
	ours := httptest.NewServer(pages.deploy())
	defer ours.Close()
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			wantStatus, wantBody, want := ask(t, theirs, r.method, r.target, r.header)
			status, body, have := ask(t, ours.URL, r.method, r.target, r.header)
			if diff := cmp.Diff([]string{fmt.Sprint(wantStatus), wantBody}, []string{fmt.Sprint(status), body}); diff != "" {
				t.Error(diff)
			}
			for _, h := range []http.Header{want, have} {
				h.Del("X-Server-Env")
				if h.Get("Etag") != "" { // the keys are made up here
					h.Set("Etag", "one")
				}
				for name, values := range h {
					h[name] = []string{strings.Join(values, ", ")}
				}
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var ready = regexp.MustCompile(`Ready on (http://[^\s\x1b]+)`)

// startWrangler serves a folder by `wrangler pages dev`, and returns the address.
func startWrangler(t *testing.T, f folder) string {
	t.Helper()
	modules, err := filepath.Abs("../../../.sandbox/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	line := []string{filepath.Join(modules, "node/bin/node"), filepath.Join(modules, "wrangler/bin/wrangler.js")}
	for _, file := range line {
		if _, err := os.Stat(file); err != nil {
			t.Skip("wrangler is not installed: make npm")
		}
	}
	dir := t.TempDir()
	for name, content := range f {
		file := filepath.Join(dir, "public", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), line[0], append(slices.Clone(line[1:]), "pages", "dev", "public", "--ip=127.0.0.1", "--port=0",
		"--compatibility-date=2026-06-01", "--show-interactive-dev-session=false")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "WRANGLER_SEND_METRICS=false", "NO_COLOR=1", "CI=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It starts processes of its own, which would outlive it.
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	var said strings.Builder
	address := make(chan string)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if found := ready.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		close(address)
	}()
	found, ok := <-address
	if !ok {
		t.Fatalf("wrangler ended: %s", said.String())
	}
	go func() {
		for range address {
		}
	}()
	return found
}
