package main

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runIn runs a command line in a sandbox of its own.
func runIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := map[string]string{"SANDBOX_DIR": dir, "CLOUDFLARE_BASE_URL": "https://api.cloudflare.com/client/v4"}
	s := &sandbox{root: root, stdout: &out, stderr: &errs, lookup: func(name string) (string, bool) { value, ok := env[name]; return value, ok }}
	return run(t.Context(), s, args), out.String(), errs.String()
}

// A command line that cannot be meant is refused before anything is written. So is a stack that is
// not there, but for a command that makes it.
func TestRun_refused(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no command":              {nil, 2, "no command"},
		"unknown command":         {[]string{"deploy"}, 2, `unknown command "deploy"`},
		"unknown flag":            {[]string{"up", "-x"}, 2, "-x"},
		"argument too many":       {[]string{"preview", "now"}, 2, `unexpected argument "now"`},
		"two outputs":             {[]string{"output", "a", "b"}, 2, `unexpected argument "b"`},
		"argument of serve":       {[]string{"serve", "--", "-detach"}, 2, `unexpected argument "-detach"`},
		"served by nobody":        {[]string{"up", "-served"}, 2, "CLOUDFLARE_BASE_URL"},
		"serve and stop":          {[]string{"serve", "-detach", "-stop"}, 2, "exclude each other"},
		"two sites":               {[]string{"site", "a", "b"}, 2, `unexpected argument "b"`},
		"-c without a pair":       {[]string{"up", "-c"}, 2, "flag needs an argument: -c"},
		"without =":               {[]string{"up", "-c", "region"}, 2, `flag -c: "region" is not KEY=VALUE`},
		"without a key":           {[]string{"preview", "-c", "=x"}, 2, `flag -c: "=x" is not KEY=VALUE`},
		"key with a line break":   {[]string{"refresh", "-c", "clus\nter=x"}, 2, `flag -c: "clus\nter" is not a config key`},
		"key that is not UTF-8":   {[]string{"destroy", "-c", "\xff=x"}, 2, `flag -c: "\xff" is not a config key`},
		"key with two colons":     {[]string{"up", "-c", "a:b:c=x"}, 2, `flag -c: "a:b:c" is not a config key`},
		"key without a namespace": {[]string{"up", "-c", ":cluster=x"}, 2, `flag -c: ":cluster" is not a config key`},
		"object cut off":          {[]string{"up", "-c", `vars={"A": "b`}, 2, "flag -c: vars: yaml: "},
		"huge list cut off":       {[]string{"up", "-c", "compatibilityFlags=" + strings.Repeat("[", 1<<16)}, 2, "flag -c: compatibilityFlags: yaml: "},
		"another organisation's":  {[]string{"up", "-stack", "me/shop/dev"}, 2, `-stack: "me/shop/dev" cannot name a stack`},
		"empty stack":             {[]string{"preview", "-stack", ""}, 2, `"" cannot name a stack`},
		"no stack to destroy":     {[]string{"destroy", "-stack", "pr1"}, 1, "there is no stack pr1, and no other"},
		"no stack to refresh":     {[]string{"refresh", "-stack", "pr1"}, 1, "there is no stack pr1"},
		"no stack with outputs":   {[]string{"output", "-stack", "pr1"}, 1, "there is no stack pr1"},
		"no stack with rows":      {[]string{"sql", "-stack", "pr1", "SELECT 1"}, 1, "there is no stack pr1"},
		"no stack with a lock":    {[]string{"cancel", "-stack", "pr1"}, 1, "there is no stack pr1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			code, out, errs := runIn(t, dir, test.args...)
			if code != test.code || !strings.HasPrefix(errs, "sandbox: ") || !strings.Contains(errs, test.want) || out != "" {
				t.Errorf("exit code %d: %.300q, want %d, %q", code, errs, test.code, test.want)
			}
			if written, err := os.ReadDir(dir); err != nil || len(written) > 0 {
				t.Errorf("written: %v, %v", written, err)
			}
		})
	}
}

func TestRun_help(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"up", "-h"}, {"sql", "-real", "--help"}} {
		code, out, _ := runIn(t, t.TempDir(), args...)
		if code != 0 || !strings.Contains(out, "usage: sandbox COMMAND") || !strings.Contains(out, "-show-secrets") {
			t.Errorf("%v: exit code %d: %s", args, code, out)
		}
	}
}

func TestRun_folder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"a file":       file,
		"below a file": filepath.Join(file, "a", "b"),
		"huge name":    filepath.Join(t.TempDir(), strings.Repeat("a", 5000)),
	} {
		if code, out, errs := runIn(t, dir, "up"); code != 1 || !strings.Contains(errs, "SANDBOX_DIR: ") || out != "" {
			t.Errorf("%s: exit code %d: %.300q", name, code, errs)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
			t.Errorf("%s: the file holds %q, %v", name, b, err)
		}
	}
	var errs bytes.Buffer
	s := &sandbox{root: t.TempDir(), stderr: &errs}
	if code := run(t.Context(), s, []string{"up"}); code != 1 || !strings.Contains(errs.String(), "run this in the project's folder") {
		t.Errorf("elsewhere: exit code %d: %s", code, errs.String())
	}
}

func TestSandbox_explain(t *testing.T) {
	u, err := url.Parse("mysql://3pT.api:hunter2@gw.example.com:4000/shop?sslaccept=strict")
	if err != nil {
		t.Fatal(err)
	}
	for _, real := range []bool{false, true} {
		var out bytes.Buffer
		s := &sandbox{root: "/p", dir: "/p/.sandbox", stdout: &out, sql: sqlRequest{real: real, admin: real}}
		s.explain(u)
		for _, want := range []string{"mysql --host=gw.example.com --port=4000 --user=3pT.api --ssl-mode=VERIFY_", " shop\n", "export MYSQL_PWD=\"$(bin/sandbox sql"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("real %t: %q is not in\n%s", real, want, out.String())
			}
		}
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("real %t: the password is shown:\n%s", real, out.String())
		}
		if strings.Contains(out.String(), "sql -admin -real -password") != real || strings.Contains(out.String(), "serve -detach") == real {
			t.Errorf("real %t:\n%s", real, out.String())
		}
	}
}
