package main

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	const (
		stack   = `{"op":"same","urn":"urn:pulumi:prod::portfolio::pulumi:pulumi:Stack::portfolio-prod"}`
		cluster = `"urn":"urn:pulumi:prod::portfolio::portfolio:index:Database$tidbcloud:index:Cluster::cluster"`
		user    = `"urn":"urn:pulumi:prod::portfolio::tidbcloud:index:SqlUser::user"`
		worker  = `"urn":"urn:pulumi:prod::portfolio::cloudflare:index/workersScript:WorkersScript::api"`
		project = `"urn":"urn:pulumi:prod::portfolio::cloudflare:index/pagesProject:PagesProject::site"`
	)
	for _, test := range []struct{ name, plan, out, err string }{
		{"nothing to do", `{"steps":[` + stack + `,{"op":"same",` + cluster + `}]}`, "neither", ""},
		{"created and updated", `{"steps":[{"op":"create",` + cluster + `},{"op":"update",` + project + `}]}`, "neither", ""},
		{"a Worker is replaced", `{"steps":[{"op":"replace",` + worker + `},{"op":"delete-replaced",` + worker + `}]}`, "neither", ""},
		{"a cluster is replaced", `{"steps":[{"op":"create-replacement",` + cluster + `},{"op":"replace",` + cluster + `},{"op":"delete-replaced",` + cluster + `}]}`,
			"", "replace tidbcloud:index:Cluster cluster\n"},
		{"a user and a project are deleted", `{"steps":[{"op":"delete",` + user + `},{"op":"delete",` + project + `}]}`,
			"", "delete tidbcloud:index:SqlUser user\n  delete cloudflare:index/pagesProject:PagesProject site"},
		{"a warning", `{"steps":[` + stack + `],"diagnostics":[{"severity":"warning","message":"slow\n"},{"severity":"info","message":"fine"}]}`, "warning: slow\nthis plan", ""},
		{"a failed preview", `{"steps":[` + stack + `],"diagnostics":[{"severity":"error","message":"no such region"}]}`, "error: no such region", "the preview failed"},
		{"no plan", "", "", "reading the plan"},
		{"another text", "error: no stack", "", "reading the plan"},
		{"an empty plan", "{}", "", "no steps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := check(strings.NewReader(test.plan), &out)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			if !strings.Contains(out.String(), test.out) || test.out == "" && out.Len() > 0 {
				t.Errorf("it prints %q, want %q", out.String(), test.out)
			}
		})
	}
}
