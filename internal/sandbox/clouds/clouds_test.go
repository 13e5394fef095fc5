package clouds

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

func none(string) (string, bool) { return "", false }

// start starts the clouds of a folder.
func start(t *testing.T, dir string) *Clouds {
	t.Helper()
	c, err := Start(t.Context(), dir, none)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestStart_environment(t *testing.T) {
	for name, test := range map[string]struct{ env, value, want string }{
		"time in words":             {"SANDBOX_CLUSTER_TIME", "soon", `"soon" is not a duration such as 500ms or 10s`},
		"time below zero":           {"SANDBOX_CLUSTER_TIME", "-1s", `"-1s" is not a duration`},
		"time with a line break":    {"SANDBOX_CLUSTER_TIME", "1s\n", `"1s\n" is not a duration`},
		"faults in words":           {"SANDBOX_FAULTS", "POST 500", "invalid character"},
		"unknown member of a fault": {"SANDBOX_FAULTS", `[{"mehtod":"POST","status":500}]`, `unknown field "mehtod"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			env := map[string]string{test.env: test.value}
			_, err := Start(t.Context(), dir, func(name string) (string, bool) { value, set := env[name]; return value, set })
			testcheck.Error(t, err, test.env, test.want)
			// The lock and the log of calls come first, and are empty.
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if info, err := os.Stat(file); err != nil || info.Size() > 0 || info.IsDir() {
					t.Errorf("written: %s", file)
				}
			}
		})
	}
}

func TestStart_lock(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	_, err := Start(t.Context(), dir, none)
	testcheck.Error(t, err, "another sandbox is running")
}

// shell is what Serve prints. It ends the server after the environment.
type shell struct {
	strings.Builder
	end func()
}

func (s *shell) Write(b []byte) (int, error) {
	if string(b) == "\n" {
		s.end()
	}
	return s.Builder.Write(b)
}

// What is served has an environment for a shell; Stop knows a server that was killed.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &shell{end: stop}
	testcheck.Error(t, Serve(ctx, dir, none, map[string]string{"MORE": "it's $(x)"}, out))
	env, err := readEnvironment(strings.NewReader(out.String()))
	if err != nil || !strings.Contains(env, "export CLOUDFLARE_BASE_URL='http://127.0.0.1:") || !strings.Contains(env, `export MORE='it'\''s $(x)'`) {
		t.Errorf("%v: it printed %s", err, out.String())
	}
	if err := Stop(t.Context(), dir); !errors.Is(err, errNothingServes) {
		t.Errorf("after the end: %v", err)
	}
	testcheck.Error(t, os.WriteFile(pidFile(dir), []byte("1"), 0o600))
	testcheck.Error(t, Stop(t.Context(), dir), "nothing serves")
}
