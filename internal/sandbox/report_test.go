package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/engine"
	"portfolio-infra/internal/sandbox/site"
)

// ended returns the last lines of an up in a sandbox of the fixture's, with the time left out.
func (f *fixture) ended(stack string, args ...string) string {
	f.Helper()
	out := f.command(append([]string{"up", "-stack", stack}, args...)...)
	_, report, ok := strings.Cut(out, "\nDuration: ")
	if !ok || strings.Contains(out, "\nOutputs:") {
		f.Fatalf("up prints\n%s", out)
	}
	_, report, _ = strings.Cut(report, "\n")
	report = regexp.MustCompile(`(?m)^time: +\d+ s$`).ReplaceAllString(strings.TrimLeft(report, "\n"), "time: N s")
	return regexp.MustCompile(`\d+ reads`).ReplaceAllString(report, "N reads")
}

// command runs a command line on the fixture's clouds, which must succeed, with its config.
func (f *fixture) command(args ...string) string {
	f.Helper()
	env := map[string]string{"SANDBOX_DIR": f.Dir}
	for name, value := range f.clouds.Env {
		env[name] = value
	}
	var out bytes.Buffer
	s := &sandbox{root: root, config: f.Config, stdout: &out, stderr: &out, lookup: func(name string) (string, bool) { value, ok := env[name]; return value, ok }}
	if code := run(f.Context(), s, args); code != 0 {
		f.Fatalf("%v: exit code %d\n%s", args, code, out.String())
	}
	return out.String()
}

// An up ends with what it did, and leaves out what the stack has not.
func TestRun_report(t *testing.T) {
	f := newFixture(t)
	if err := f.clouds.Share(f.Dir); err != nil {
		t.Fatal(err)
	}
	calls := "; each one is in " + filepath.Join(f.Dir, "calls.jsonl") + "\ntime: N s\n"
	f.want("without a site", f.ended("dev"), "calls:  N reads, 7 writes"+calls)

	f.set(map[string]any{"site": "internal/example/site", "migrations": "internal/example/migrations"})
	served := "site:        http://localhost:8788, for https://portfolio.pages.dev\nserved by:   `make site`"
	if !(&sandbox{root: root}).runtime().Installed() {
		served += ". " + site.NoRuntime
	}
	f.want("with a site", f.ended("dev"), served+"\nfiles:       5 sent, 0 skipped\nmigrations:  3 of 3 applied now, in 3 steps\ncalls:       N reads, 7 writes"+calls)
	f.want("with nothing to do", f.ended("dev"), served+"\nfiles:       0 sent, 5 skipped\nmigrations:  0 of 3 applied now\ncalls:       N reads, 0 writes"+calls)
}

func TestMigrated(t *testing.T) {
	for want, all := range map[string][]engine.Migrations{
		"":                               nil,
		"1 of 3 applied now, in 1 step":  {{Name: "migrations", Files: 3, Applied: 1, Steps: 1}},
		"0 of 3 applied now, in 2 steps": {{Name: "migrations", Files: 3, Steps: 2}},
		"0 of 3 applied now; seeds: 1 of 1 applied now, in 1 step": {{Name: "migrations", Files: 3}, {Name: "seeds", Files: 1, Applied: 1, Steps: 1}},
	} {
		if have := migrated(all); have != want {
			t.Errorf("%q, want %q", have, want)
		}
	}
}

// Without npm an up says in one line what is missing, and succeeds.
func TestOperation_withoutRuntime(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for served, want := range map[string]string{
		"":                      "site:       http://pr-1.localhost:8788, for https://x.pages.dev\nserved by:  `make site`. " + site.NoRuntime + "\nfiles:      1 sent, 2 skipped\n",
		"http://localhost:8080": "site:       http://pr-1.localhost:8080, for https://x.pages.dev\nserved by:  `make site`, which is running\nfiles:      1 sent, 2 skipped\n",
	} {
		var out bytes.Buffer
		lines := newTable(&out)
		operation{sandbox: &sandbox{root: t.TempDir(), stack: "pr-1"}}.reportSite(lines, &engine.Done{Site: "https://x.pages.dev", Files: 3, Sent: 1}, served)
		if err := lines.out.Flush(); err != nil || out.String() != want {
			t.Errorf("%q, %v; want %q", out.String(), err, want)
		}
	}
}
