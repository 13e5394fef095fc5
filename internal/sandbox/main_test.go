package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestRun_usage(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("SANDBOX_DIR", t.TempDir())
	t.Setenv("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4")
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no command":          {nil, 2, "no command"},
		"unknown command":     {[]string{"deploy"}, 2, `unknown command "deploy"`},
		"unknown flag":        {[]string{"up", "-x"}, 2, "-x"},
		"argument too many":   {[]string{"preview", "now"}, 2, `unexpected argument "now"`},
		"config without =":    {[]string{"up", "-c", "region"}, 2, `"region" is not KEY=VALUE`},
		"config without key":  {[]string{"up", "-c", "=x"}, 2, "is not KEY=VALUE"},
		"config of bad YAML":  {[]string{"up", "-c", "vars={A: [}"}, 2, "portfolio:vars"},
		"two outputs":         {[]string{"output", "a", "b"}, 2, `unexpected argument "b"`},
		"served by nobody":    {[]string{"up", "-served"}, 2, "CLOUDFLARE_BASE_URL"},
		"serve and stop":      {[]string{"serve", "-detach", "-stop"}, 2, "exclude each other"},
		"help":                {[]string{"help"}, 0, "usage: sandbox COMMAND"},
		"help with a command": {[]string{"up", "-h"}, 0, "usage: sandbox COMMAND"},
		"help among flags":    {[]string{"sql", "-real", "--help"}, 0, "usage: sandbox COMMAND"},
		"argument of the CLI": {[]string{"cli", "x"}, 2, `unexpected argument "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(t.Context(), test.args, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("%q is not in %q", test.want, out.String())
			}
		})
	}
}

func TestRun_elsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	if code := run(t.Context(), []string{"up"}, &out, &out); code != 1 || !strings.Contains(out.String(), "run this in the project's folder") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestSandbox_environment(t *testing.T) {
	for name, value := range map[string]string{
		"SANDBOX_CLUSTER_TIME": "soon",
		"SANDBOX_FAULTS":       "[{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			s := &sandbox{dir: t.TempDir()}
			_, err := s.startClouds()
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestSandbox_lock(t *testing.T) {
	s := &sandbox{dir: t.TempDir()}
	unlock, err := s.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.lock(t.Context()); err == nil || !strings.Contains(err.Error(), "another sandbox is running") {
		t.Errorf("the error is %v", err)
	}
	unlock()
	unlock, err = s.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestSandbox_writeProject(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Pulumi.yaml", "name: portfolio\nruntime: go\nplugins:\n  providers:\n    - name: x\n      path: a/b\n")
	write("Pulumi.dev.yaml", "secretsprovider: awskms://x\nencryptionsalt: theirs\nconfig:\n  portfolio:a: one\n  portfolio:b:\n    secure: cipher\n  portfolio:c:\n    d:\n      secure: cipher\n")
	var said bytes.Buffer
	s := &sandbox{root: root, dir: filepath.Join(root, ".sandbox"), config: map[string]any{"portfolio:e": "two"}, stderr: &said}
	dir, err := s.writeProject()
	if err != nil {
		t.Fatal(err)
	}
	same := func(name, want string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var have, wanted any
		if err := yaml.Unmarshal(b, &have); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		h, _ := yaml.Marshal(have)
		w, _ := yaml.Marshal(wanted)
		if !bytes.Equal(h, w) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, h, w)
		}
	}
	same("Pulumi.yaml", "name: portfolio\nruntime: go\nmain: ../..\nplugins:\n  providers:\n    - name: x\n      path: ../../a/b\n")
	same("Pulumi.dev.yaml", "config:\n  portfolio:a: one\n  portfolio:e: two\n")
	if !strings.Contains(said.String(), "left out: portfolio:b") || !strings.Contains(said.String(), "left out: portfolio:c") {
		t.Errorf("it said %q", said.String())
	}
	// The engine writes its salt into the copy; it must stay.
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("encryptionsalt: mine\nconfig:\n  portfolio:e: old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writeProject(); err != nil {
		t.Fatal(err)
	}
	same("Pulumi.dev.yaml", "encryptionsalt: mine\nconfig:\n  portfolio:a: one\n  portfolio:e: two\n")
}

// TestVersions compares the versions that the code names with those that the
// modules require.
func TestVersions(t *testing.T) {
	for _, test := range []struct{ file, module, want string }{
		{"../../go.mod", "github.com/pulumi/pulumi/sdk/v3", cliVersion},
		{"../tools/go.mod", "github.com/pulumi/pulumi/pkg/v3", cliVersion},
		{"../../go.mod", "github.com/pulumi/pulumi-cloudflare/sdk/v6", plugins[0].version},
		{"../../go.mod", "github.com/pulumi/pulumi-command/sdk", plugins[1].version},
	} {
		b, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(regexp.QuoteMeta(test.module) + ` v(\S+)`).FindSubmatch(b)
		if m == nil || string(m[1]) != test.want {
			t.Errorf("%s requires %s %s, want %s", test.file, test.module, m, test.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"plain": "'plain'", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if have := quote(in); have != want {
			t.Errorf("%s: %s, want %s", in, have, want)
		}
	}
}
