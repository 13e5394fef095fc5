package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// swap puts a file in place of one of the standard ones for the length of a test,
// and returns its name.
func swap(t *testing.T, std **os.File, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "std")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	old := *std
	*std = f
	t.Cleanup(func() {
		*std = old
		_ = f.Close()
	})
	return name
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Standard output is for the answer alone: a mistake leaves it empty.
func TestRun_badInput(t *testing.T) {
	const request = `{"accountId":"0123456789abcdef0123456789abcdef","project":"site","bindings":{"A":{"service":"api","environment":"production"}}}`
	const deploy = `{"accountId":"0123456789abcdef0123456789abcdef","project":"site","owner":"owner-1","site":"public","digest":"0123456789abcdef0123456789abcdef"}`
	for _, test := range []struct {
		name  string
		args  []string
		stdin string
		code  int
		want  string
	}{
		{"empty verb", []string{""}, request, 2, `unknown command ""`},
		{"unknown verb", []string{"redeploy"}, request, 2, `unknown command "redeploy": use bind, unbind, deploy or undeploy`},
		{"verb in capitals", []string{"BIND"}, request, 2, `unknown command "BIND"`},
		{"verb with a blank", []string{" bind"}, request, 2, `unknown command " bind"`},
		{"flag", []string{"--verbose"}, request, 2, `unknown command "--verbose"`},
		{"verb with a shell's words", []string{"bind; rm -rf $(pwd)"}, request, 2, `unknown command "bind; rm -rf $(pwd)"`},
		{"verb with a line break and an escape", []string{"bind\n\x1b[31m"}, request, 2, `unknown command "bind\n\x1b[31m"`},
		{"verb that is no UTF-8", []string{"\xff"}, request, 2, `unknown command "\xff"`},
		{"verb in unicode", []string{"bïnd"}, request, 2, `unknown command "bïnd"`},
		{"bind with an argument", []string{"bind", "site"}, request, 2, "bind takes no arguments"},
		{"unbind with an empty argument", []string{"unbind", ""}, request, 2, "unbind takes no arguments"},
		{"bind and unbind", []string{"bind", "unbind"}, request, 2, "bind takes no arguments"},
		{"deploy with an argument", []string{"deploy", "public"}, deploy, 2, "deploy takes no arguments"},
		{"undeploy with an argument", []string{"undeploy", "all"}, deploy, 2, "undeploy takes no arguments"},
		{"bind without a request", []string{"bind"}, "", 1, "bind: no request on standard input"},
		{"unbind without a request", []string{"unbind"}, "\n", 1, "unbind: no request on standard input"},
		{"bind with a request of another kind", []string{"bind"}, "[]", 1, "bind: reading the request from standard input"},
		{"bind with an account that is none", []string{"bind"}, strings.Replace(request, "0123", "$(id", 1), 1, `bind: accountId: "$(id`},
		{"unbind with a project that is none", []string{"unbind"}, strings.Replace(request, "site", "../x", 1), 1, `unbind: project: "../x"`},
		{"bind without a token", []string{"bind"}, request, 1, "bind: no API token: set CLOUDFLARE_API_TOKEN"},
		{"deploy without a request", []string{"deploy"}, "", 1, "deploy: no request on standard input"},
		{"undeploy with a request of another kind", []string{"undeploy"}, "[]", 1, "undeploy: reading the request from standard input"},
		{"deploy with a request of bind", []string{"deploy"}, request, 1, `deploy: reading the request from standard input: json: unknown field "bindings"`},
		{"deploy with an owner that is none", []string{"deploy"}, strings.Replace(deploy, "owner-1", "$(id)", 1), 1, `deploy: owner: "$(id)"`},
		{"undeploy without a token", []string{"undeploy"}, deploy, 1, "undeploy: no API token: set CLOUDFLARE_API_TOKEN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CLOUDFLARE_API_TOKEN", "")
			swap(t, &os.Stdin, test.stdin)
			stdout, stderr := swap(t, &os.Stdout, ""), swap(t, &os.Stderr, "")
			code := run(t.Context(), test.args)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if said := read(t, stderr); !strings.HasPrefix(said, "portfolio: ") || !strings.Contains(said, test.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("it says %q, want %q in one line", said, test.want)
			}
			if out := read(t, stdout); out != "" {
				t.Errorf("the answer is %q", out)
			}
		})
	}
}

func TestRun_help(t *testing.T) {
	for _, arg := range []string{"-h", "--help", "help"} {
		stdout := swap(t, &os.Stdout, "")
		if code := run(t.Context(), []string{arg}); code != 0 {
			t.Errorf("%s: exit code %d", arg, code)
		}
		if out := read(t, stdout); !strings.HasPrefix(out, "usage: portfolio") {
			t.Errorf("%s: it says %q", arg, out)
		}
	}
}
