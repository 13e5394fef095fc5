package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// dopplerCLI puts a Doppler CLI on the PATH that runs a shell script, and returns its
// folder. An empty script is no CLI.
func (a *account) dopplerCLI(script string) string {
	a.Helper()
	dir := a.TempDir()
	a.env["PATH"] = dir
	if script == "" {
		return dir
	}
	if err := os.WriteFile(filepath.Join(dir, "doppler"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		a.Fatal(err)
	}
	return dir
}

func TestRun_dopplerCLI(t *testing.T) {
	for name, test := range map[string]struct{ script, key, value, want string }{
		"missing":           {"", "portfolio:doppler", "", "config key doppler: the Doppler CLI is not on the PATH"},
		"before visibility": {"echo --no-interactive", "portfolio:doppler", "", "older than 3.68"},
		"broken":            {"exit 3", "portfolio:doppler", "", "exit status 3"},
		"token in config":   {"echo --visibility", "doppler:dopplerToken", "dp.st.hunter2", "pulumi config rm doppler:dopplerToken"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.dopplerCLI(test.script)
			config := map[string]string{test.key: test.value}
			config["portfolio:doppler"] = `{"project":"portfolio","config":"prd"}`
			e, err := a.run(config)
			testcheck.Error(t, err, test.want)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the token: %v", err)
			}
			if len(e.registered) > 0 {
				t.Errorf("registered %v", e.names())
			}
		})
	}
}

// Without the CLI the command's resource can still be destroyed.
func TestRun_dopplerDelete(t *testing.T) {
	a := newAccount(t)
	dir := a.dopplerCLI(`case "$*" in *--help) echo --visibility ;; *) echo "$*" >"$0.called" ;; esac`)
	e, err := a.run(map[string]string{"portfolio:doppler": `{"project":"portfolio","config":"prd"}`})
	if err != nil {
		t.Fatal(err)
	}
	remove := func(path string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", e.registered["doppler"].Inputs["delete"].StringValue())
		cmd.Env = []string{"PATH=" + path}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := remove(dir); out != "" {
		t.Errorf("output %q", out)
	}
	called, err := os.ReadFile(filepath.Join(dir, "doppler.called"))
	if want := "secrets delete --yes --silent --project=portfolio --config=prd DATABASE_URL\n"; err != nil || string(called) != want {
		t.Errorf("it ran %q, %v, want %q", called, err, want)
	}
	if out := remove(t.TempDir()); !strings.Contains(out, "DATABASE_URL stays in portfolio/prd") {
		t.Errorf("without the CLI the output is %q", out)
	}
}
