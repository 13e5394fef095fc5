package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dopplerCLI puts a Doppler CLI on the PATH that runs a shell script.
func dopplerCLI(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "doppler"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestRun_dopplerCLI(t *testing.T) {
	for name, test := range map[string]struct{ script, config, value, want string }{
		"missing":           {"", "portfolio:doppler", "", "config key doppler: the Doppler CLI is not on the PATH"},
		"before visibility": {"echo --no-interactive", "portfolio:doppler", "", "older than 3.68"},
		"broken":            {"exit 3", "portfolio:doppler", "", "exit status 3"},
		"token in config":   {"echo --visibility", "doppler:dopplerToken", "dp.st.hunter2", "pulumi config rm doppler:dopplerToken"},
	} {
		t.Run(name, func(t *testing.T) {
			goodEnv(t, "")
			t.Setenv("PATH", t.TempDir())
			if test.script != "" {
				dopplerCLI(t, test.script)
			}
			config := map[string]string{test.config: test.value}
			config["portfolio:doppler"] = `{"project":"portfolio","config":"prd"}`
			e, err := runStack(config)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error is %v, want %q in it", err, test.want)
			}
			if len(e.registered) > 0 {
				t.Errorf("registered %v", e.names())
			}
		})
	}
}

// What is left of the secret's resource can be destroyed without the CLI.
func TestRun_dopplerDelete(t *testing.T) {
	goodEnv(t, "")
	const record = `case "$*" in *--help) echo --visibility ;; *) echo "$*" >"$0.called" ;; esac`
	dopplerCLI(t, record)
	cli := filepath.Join(os.Getenv("PATH"), "doppler")
	e, err := runStack(map[string]string{"portfolio:doppler": `{"project":"portfolio","config":"prd"}`})
	if err != nil {
		t.Fatal(err)
	}
	line := e.registered["doppler"].Inputs["delete"].StringValue()
	run := func() string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", line).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	if out := run(); out != "" {
		t.Errorf("it said %q", out)
	}
	called, err := os.ReadFile(cli + ".called")
	if want := "secrets delete --yes --silent --project=portfolio --config=prd DATABASE_URL\n"; err != nil || string(called) != want {
		t.Errorf("it ran %q, %v, want %q", called, err, want)
	}
	t.Setenv("PATH", t.TempDir())
	if out := run(); !strings.Contains(out, "DATABASE_URL stays in portfolio/prd") {
		t.Errorf("without the CLI it said %q", out)
	}
}
