package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
		"missing":           {"", "doppler", "", "config key doppler: the Doppler CLI is not on the PATH"},
		"before visibility": {"echo --no-interactive", "doppler", "", "older than 3.68"},
		"broken":            {"exit 3", "doppler", "", "exit status 3"},
		"token in config":   {"echo --visibility", "doppler:dopplerToken", "dp.st.hunter2", "pulumi config rm doppler:dopplerToken"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.dopplerCLI(test.script)
			config := map[string]string{test.key: test.value}
			config["doppler"] = `{"project":"portfolio","config":"prd"}`
			a.refuse(config, test.want)
		})
	}
}

// Without the CLI the command's resource can still be destroyed.
func TestRun_dopplerDelete(t *testing.T) {
	a := newAccount(t)
	dir := a.dopplerCLI(`case "$*" in *--help) echo --visibility ;; *) echo "$*" >"$0.called" ;; esac`)
	command := textOf(a.up(map[string]string{"doppler": `{"project":"portfolio","config":"prd"}`})["doppler"], "delete")
	for path, want := range map[string]string{dir: "", t.TempDir(): "DATABASE_URL stays in portfolio/prd"} {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
		cmd.Env = []string{"PATH=" + path}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) || (want == "") != (len(out) == 0) {
			t.Errorf("%v, output %q, want %q", err, out, want)
		}
	}
	called, err := os.ReadFile(filepath.Join(dir, "doppler.called"))
	if want := "secrets delete --yes --silent --project=portfolio --config=prd DATABASE_URL\n"; err != nil || string(called) != want {
		t.Errorf("it ran %q, %v, want %q", called, err, want)
	}
}
