package clouds

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/testcheck"
)

func none(string) (string, bool) { return "", false }

func TestStart_environment(t *testing.T) {
	for name, test := range map[string]struct{ env, value, want string }{
		"time in words":             {"SANDBOX_CLUSTER_TIME", "soon", `"soon" is not a duration such as 500ms or 10s`},
		"time below zero":           {"SANDBOX_CLUSTER_TIME", "-1s", `"-1s" is not a duration`},
		"time with a line break":    {"SANDBOX_CLUSTER_TIME", "1s\n", `"1s\n" is not a duration`},
		"faults in words":           {"SANDBOX_FAULTS", "POST 500", "invalid character"},
		"one fault without a list":  {"SANDBOX_FAULTS", `{"status":500}`, "cannot unmarshal object"},
		"unknown status":            {"SANDBOX_FAULTS", `[{"status":42}]`, "fault 0: status 42 is not "},
		"unknown member of a fault": {"SANDBOX_FAULTS", `[{"mehtod":"POST","status":500}]`, `unknown field "mehtod"`},
		"malformed pattern":         {"SANDBOX_FAULTS", `[{},{"path":"/["}]`, `fault 1: path "/["`},
		"two lists":                 {"SANDBOX_FAULTS", `[][]`, "more than one JSON value"},
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
	for range 2 {
		c, err := Start(t.Context(), dir, none)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Start(t.Context(), dir, none)
		testcheck.Error(t, err, "another sandbox is running")
		c.Close()
	}
}

// What is served has an environment for a shell; Stop knows a server that was killed.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var out strings.Builder
	if err := Serve(ctx, dir, none, map[string]string{"MORE": "it's"}, &out); err != nil {
		t.Fatal(err)
	}
	env, err := readEnvironment(strings.NewReader(out.String()))
	if err != nil || !strings.Contains(env, "export CLOUDFLARE_BASE_URL='http://127.0.0.1:") || !strings.Contains(env, `export MORE='it'\''s'`) {
		t.Errorf("%v: it printed %s", err, out.String())
	}
	if err := Stop(t.Context(), dir); !errors.Is(err, errNothingServes) {
		t.Errorf("after the end: %v", err)
	}
	if err := os.WriteFile(pidFile(dir), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	testcheck.Error(t, Stop(t.Context(), dir), "nothing serves")
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"plain": "'plain'", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if have := Quote(in); have != want {
			t.Errorf("%s: %s, want %s", in, have, want)
		}
	}
}
