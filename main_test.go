package main

import (
	"strings"
	"testing"
)

// Standard output is for the result alone: an error leaves it empty.
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
		{"undeploy with two projects", []string{"undeploy", "site", "other"}, "", 2, "undeploy takes one Pages project"},
		{"undeploy with a flag alone", []string{"undeploy", "-others"}, "", 2, "undeploy takes one Pages project"},
		{"undeploy with another flag", []string{"undeploy", "-all", "site"}, "", 2, "undeploy takes one Pages project"},
		{"undeploy with another flag behind", []string{"undeploy", "-others", "-f"}, "", 2, "undeploy takes one Pages project"},
		{"undeploy with a project that is none", []string{"undeploy", "--others", "../x"}, "", 1, `undeploy: "../x" is not a valid`},
		{"undeploy with a project, without a token", []string{"undeploy", "site"}, deploy, 1, "undeploy: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN"},
		{"bind without a request", []string{"bind"}, "", 1, "bind: no request on standard input"},
		{"unbind without a request", []string{"unbind"}, "\n", 1, "unbind: no request on standard input"},
		{"bind with a request of another kind", []string{"bind"}, "[]", 1, "bind: reading the request from standard input"},
		{"bind with an account that is none", []string{"bind"}, strings.Replace(request, "0123", "$(id", 1), 1, `bind: accountId: "$(id`},
		{"unbind with a project that is none", []string{"unbind"}, strings.Replace(request, "site", "../x", 1), 1, `unbind: project: "../x"`},
		{"bind without a token", []string{"bind"}, request, 1, "bind: no API token: set CLOUDFLARE_API_TOKEN"},
		{"deploy without a request", []string{"deploy"}, "", 1, "deploy: no request on standard input"},
		{"deploy with a request of bind", []string{"deploy"}, request, 1, `deploy: reading the request from standard input: json: unknown field "bindings"`},
		{"deploy with an owner that is none", []string{"deploy"}, strings.Replace(deploy, "owner-1", "$(id)", 1), 1, `deploy: owner: "$(id)"`},
		{"deploy without a token", []string{"deploy"}, deploy, 1, "deploy: no API token: set CLOUDFLARE_API_TOKEN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			noEnv := func(string) string { return "" }
			if code := run(t.Context(), test.args, strings.NewReader(test.stdin), &stdout, &stderr, noEnv); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			said := stderr.String()
			if !strings.HasPrefix(said, "portfolio: ") || !strings.Contains(said, test.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("standard error %q, want %q in one line", said, test.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("standard output %q", stdout.String())
			}
		})
	}
}

// The delete command of the resource does nothing, and nothing makes it fail.
func TestRun_undeploy(t *testing.T) {
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"undeploy"}, strings.NewReader(`{"project":"site"}`), &stdout, &stderr, func(string) string { return "" })
	if code != 0 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "undeploy: nothing is deleted") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout.String(), stderr.String())
	}
}

func TestRun_help(t *testing.T) {
	for _, arg := range []string{"-h", "--help", "help"} {
		var stdout, stderr strings.Builder
		if code := run(t.Context(), []string{arg}, nil, &stdout, &stderr, nil); code != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, standard error %q", arg, code, stderr.String())
		}
		if !strings.HasPrefix(stdout.String(), "usage: portfolio") {
			t.Errorf("%s: standard output %q", arg, stdout.String())
		}
	}
}
