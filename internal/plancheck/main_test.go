package main

import (
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// step is a step of a plan as the engine prints it.
func step(op, kind, name string) string {
	return fmt.Sprintf(`{"op":%q,"urn":"urn:pulumi:prod::portfolio::portfolio:index:Parent$%s::%s"}`, op, kind, name)
}

// replacement are the steps by which the engine replaces a resource.
func replacement(kind, name string) string {
	return step("create-replacement", kind, name) + "," + step("replace", kind, name) + "," + step("delete-replaced", kind, name)
}

// diagnostic is what a provider says, as the engine prints it.
func diagnostic(severity, text string) string {
	return fmt.Sprintf(`{"severity":%q,"message":%q}`, severity, severity+": "+text+"\n")
}

func warning(text string) string { return diagnostic("warning", text) }

// planOf is a preview's output, with the stack's own step and others.
func planOf(steps string, diagnostics ...string) string {
	if steps != "" {
		steps = "," + steps
	}
	return `{"steps":[{"op":"same","urn":"urn:pulumi:prod::portfolio::pulumi:pulumi:Stack::portfolio-prod"}` + steps + `],"diagnostics":[` + strings.Join(diagnostics, ",") + `]}`
}

func TestCheck(t *testing.T) {
	const (
		cluster = "tidbcloud:index:Cluster"
		user    = "tidbcloud:index:SqlUser"
		worker  = "cloudflare:index/workersScript:WorkersScript"
		project = "cloudflare:index/pagesProject:PagesProject"
		domain  = "cloudflare:index/pagesDomain:PagesDomain"
		record  = "cloudflare:index/dnsRecord:DnsRecord"
		command = "command:local:Command"
		stash   = "pulumi:index:Stash"
	)
	// In what is printed "^" is the beginning, and in an error "$" is the end.
	for _, test := range []struct{ name, plan, out, err string }{
		{"nothing to do", planOf(step("same", cluster, "cluster")), "neither", ""},
		{"created and updated", planOf(step("create", cluster, "cluster") + "," + step("update", project, "site")), "neither", ""},
		{"a cluster is replaced", planOf(replacement(cluster, "cluster")), "", "replace tidbcloud:index:Cluster cluster: every row of every database on it$"},
		{"a login and a project are deleted", planOf(step("delete", user, "user") + "," + step("delete", project, "site")),
			"", "delete tidbcloud:index:SqlUser user: a login, and whoever uses it is shut out\n  delete cloudflare:index/pagesProject:PagesProject site: "},
		{"a Worker is deleted", planOf(step("delete", worker, "api")), "", "delete " + worker + " api: "},
		{"a Worker is replaced", planOf(replacement(worker, "api")), "", "replace " + worker + " api: "},
		{"a domain is deleted", planOf(step("delete", domain, "www.example.com")), "", "delete " + domain + " www.example.com: "},
		{"a domain is replaced", planOf(replacement(domain, "www.example.com")), "", "replace " + domain + " www.example.com: "},
		{"a record is deleted", planOf(step("delete", record, "dns-www.example.com")), "", "delete " + record + " dns-www.example.com: "},
		{"the site is taken out", planOf(step("delete", command, "site")), "", "delete command:local:Command site: "},
		{"the site is replaced", planOf(replacement(command, "site")), "replace command:local:Command site: nothing is lost: its delete command deletes nothing\nthis plan neither", ""},
		{"the owner is deleted", planOf(step("delete", stash, "owner")), "", "delete pulumi:index:Stash owner: "},
		{"the names are replaced", planOf(replacement(stash, "names")), "", "replace pulumi:index:Stash names: "},
		{"the secrets of the site are taken out", planOf(step("delete", stash, "digest-key")), "nothing is lost: ", ""},
		{"a resource of another program", planOf(step("delete", "doppler:index/secret:Secret", "doppler")), "", "doppler:index/secret:Secret doppler: nobody knows what"},
		{"a command that is not declared", planOf(step("delete", command, "another")), "", "Command another: nobody knows what"},
		{"a stash that is not declared", planOf(step("delete", stash, "another")), "", "Stash another: nobody knows what"},
		{"no URN", planOf(`{"op":"delete","urn":"x"}`), "", "delete  x: nobody knows what"},
		{"an operation of a later engine", planOf(step("forget", cluster, "cluster")), "", "forget tidbcloud:index:Cluster cluster: "},
		{"a provider that nothing uses", planOf(step("delete", "pulumi:providers:doppler", "default")), "neither", ""},
		{"a warning without its prefix", planOf("", `{"severity":"warning","message":"slow\n"}`, `{"severity":"info","message":"fine"}`), "^warning: slow\nthis plan", ""},
		{"a warning", planOf("", warning("slow")), "^warning: slow\nthis plan", ""},
		{"a migration drops a column", planOf("", warning(migration.LossPrefix+"4_x.sql:2: drops the column a.x")), "",
			"tick its box:\n  this migration takes data away: 4_x.sql:2: drops the column a.x$"},
		{"migrations and resources take data away", planOf(step("delete", cluster, "cluster"),
			warning("slow"), warning(migration.LossPrefix+"x"), warning(migration.LossPrefix+"y"), warning(migration.LossPrefix+"x")),
			"^warning: slow\n", "\n  this migration takes data away: x\n  this migration takes data away: y\n  delete "},
		{"a secret of the config is part of the prefix", planOf("", warning("this migration takes [secret] away: 4_x.sql:2: drops the table a")), "",
			"\n  this migration takes [secret] away: 4_x.sql:2: drops the table a$"},
		{"a secret is the word warning", planOf("", `{"severity":"warning","message":"[secret]: `+migration.LossPrefix+`x\n"}`), "", "takes data away: x$"},
		{"a text about migrations", planOf("", warning("using the [secret] state: "+migration.LossPrefix)), "neither", ""},
		{"a failed preview", planOf("", diagnostic("error", "no such region")), "error: no such region", "the preview failed"},
		{"no plan", "", "", "reading the plan"},
		{"another text", "error: no stack", "", "reading the plan"},
		{"an empty plan", "{}", "", "no steps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := check(strings.NewReader(test.plan), &out)
			if err != nil {
				err = fmt.Errorf("%w$", err)
			}
			testcheck.Error(t, err, test.err)
			if !strings.Contains("^"+out.String(), test.out) || test.out == "" && out.Len() > 0 {
				t.Errorf("it prints %q, want %q", out.String(), test.out)
			}
		})
	}
}
