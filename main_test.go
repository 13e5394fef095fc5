package main

import (
	"strings"
	"testing"
)

// What a request may be is tested in internal/pages.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		stdin  string
		code   int
		stdout string // how it begins; standard output is for the result alone
		stderr string // in one line
	}{
		{"help", []string{"help"}, "", 0, "usage: portfolio", ""},
		{"help by a flag", []string{"--help"}, "", 0, "usage: portfolio", ""},
		{"help by a short flag", []string{"-h"}, "", 0, "usage: portfolio", ""},
		{"empty verb", []string{""}, "", 2, "", `portfolio: unknown command ""`},
		{"unknown verb", []string{"redeploy"}, "", 2, "", `portfolio: unknown command "redeploy": use bind, unbind, deploy or undeploy`},
		{"verb with a line break and an escape", []string{"bind\n\x1b[31m"}, "", 2, "", `portfolio: unknown command "bind\n\x1b[31m"`},
		{"bind with an argument", []string{"bind", "site"}, "", 2, "", "portfolio: bind takes no arguments"},
		{"unbind with an empty argument", []string{"unbind", ""}, "", 2, "", "portfolio: unbind takes no arguments"},
		{"deploy with an argument", []string{"deploy", "public"}, "", 2, "", "portfolio: deploy takes no arguments"},
		{"undeploy with two projects", []string{"undeploy", "site", "other"}, "", 2, "", "portfolio: undeploy takes one Pages project"},
		{"undeploy with a flag alone", []string{"undeploy", "-others"}, "", 2, "", "portfolio: undeploy takes one Pages project"},
		{"undeploy with another flag", []string{"undeploy", "-all", "site"}, "", 2, "", "portfolio: undeploy takes one Pages project"},
		{"undeploy with another flag behind", []string{"undeploy", "-others", "-f"}, "", 2, "", "portfolio: undeploy takes one Pages project"},
		{"undeploy with others", []string{"undeploy", "--others", "../x"}, "", 1, "", `portfolio: undeploy: "../x" is not a valid`},
		{"undeploy with a project", []string{"undeploy", "site"}, "", 1, "", "portfolio: undeploy: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN"},
		{"undeploy by the stack, which deletes nothing", []string{"undeploy"}, `{"project":"site"}`, 0, "", "undeploy: nothing is deleted"},
		{"bind", []string{"bind"}, "", 1, "", "portfolio: bind: no request on standard input"},
		{"unbind", []string{"unbind"}, "\n", 1, "", "portfolio: unbind: no request on standard input"},
		{"deploy", []string{"deploy"}, "[]", 1, "", "portfolio: deploy: reading the request from standard input"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			noEnv := func(string) string { return "" }
			if code := run(t.Context(), test.args, strings.NewReader(test.stdin), &stdout, &stderr, noEnv); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if out := stdout.String(); !strings.HasPrefix(out, test.stdout) || (out == "") != (test.stdout == "") {
				t.Errorf("standard output %q, want %q", out, test.stdout)
			}
			if said := stderr.String(); !strings.HasPrefix(said, test.stderr) || strings.Count(said, "\n") != min(1, len(test.stderr)) {
				t.Errorf("standard error %q, want %q in one line", said, test.stderr)
			}
		})
	}
}
