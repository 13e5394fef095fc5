package main

import (
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
)

// step is a step of a plan as the engine prints it.
func step(op, kind, name string) string {
	return fmt.Sprintf(`{"op":%q,"urn":"urn:pulumi:prod::portfolio::portfolio:index:Parent$%s::%s"}`, op, kind, name)
}

// replacement are the steps by which the engine replaces a resource.
func replacement(kind, name string) string {
	return step("create-replacement", kind, name) + "," + step("replace", kind, name) + "," + step("delete-replaced", kind, name)
}

// warning is a warning of a provider as the engine prints it.
func warning(text string) string {
	return fmt.Sprintf(`{"severity":"warning","message":%q}`, "warning: "+text+"\n")
}

func TestCheck(t *testing.T) {
	const (
		stack   = `{"op":"same","urn":"urn:pulumi:prod::portfolio::pulumi:pulumi:Stack::portfolio-prod"}`
		cluster = "tidbcloud:index:Cluster"
		user    = "tidbcloud:index:SqlUser"
		worker  = "cloudflare:index/workersScript:WorkersScript"
		project = "cloudflare:index/pagesProject:PagesProject"
		domain  = "cloudflare:index/pagesDomain:PagesDomain"
		record  = "cloudflare:index/dnsRecord:DnsRecord"
		command = "command:local:Command"
		stash   = "pulumi:index:Stash"
	)
	for _, test := range []struct{ name, steps, out, err string }{
		{"nothing to do", step("same", cluster, "cluster"), "neither", ""},
		{"created and updated", step("create", cluster, "cluster") + "," + step("update", project, "site"), "neither", ""},
		{"a cluster is replaced", replacement(cluster, "cluster"), "", "replace tidbcloud:index:Cluster cluster: every row of every database on it$"},
		{"a login and a project are deleted", step("delete", user, "user") + "," + step("delete", project, "site"),
			"", "delete tidbcloud:index:SqlUser user: a login, and whoever uses it is shut out\n  delete cloudflare:index/pagesProject:PagesProject site: "},
		{"a Worker is deleted", step("delete", worker, "api"), "", "delete " + worker + " api: "},
		{"a Worker is replaced", replacement(worker, "api"), "", "replace " + worker + " api: "},
		{"a domain is deleted", step("delete", domain, "www.example.com"), "", "delete " + domain + " www.example.com: "},
		{"a domain is replaced", replacement(domain, "www.example.com"), "", "replace " + domain + " www.example.com: "},
		{"a record is deleted", step("delete", record, "dns-www.example.com"), "", "delete " + record + " dns-www.example.com: "},
		{"the site is taken out", step("delete", command, "site"), "", "delete command:local:Command site: "},
		{"the site is replaced", replacement(command, "site"), "replace command:local:Command site: nothing is lost: its delete command deletes nothing\nthis plan neither", ""},
		{"the owner is deleted", step("delete", stash, "owner"), "", "delete pulumi:index:Stash owner: "},
		{"the names are replaced", replacement(stash, "names"), "", "replace pulumi:index:Stash names: "},
		{"the secrets of the site are taken out", step("delete", stash, "digest-key"), "nothing is lost: ", ""},
		{"a resource of another program", step("delete", "doppler:index/secret:Secret", "doppler"), "", "doppler:index/secret:Secret doppler: nobody knows what"},
		{"an operation of a later engine", step("forget", cluster, "cluster"), "", "forget tidbcloud:index:Cluster cluster: "},
		{"a provider that nothing uses", step("delete", "pulumi:providers:doppler", "default"), "neither", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkPlan(t, `{"steps":[`+stack+","+test.steps+`]}`, test.out, test.err)
		})
	}
	for _, test := range []struct{ name, plan, out, err string }{
		{"a warning", `{"steps":[` + stack + `],"diagnostics":[{"severity":"warning","message":"slow\n"},{"severity":"info","message":"fine"}]}`, "warning: slow\nthis plan", ""},
		{"a warning as the engine prints it", `{"steps":[` + stack + `],"diagnostics":[` + warning("slow") + `]}`, "^warning: slow\nthis plan", ""},
		{"a migration drops a column", `{"steps":[` + stack + `],"diagnostics":[` + warning(migration.LossPrefix+"4_x.sql:2: drops the column a.x") + `]}`,
			"", "tick its box:\n  this migration takes data away: 4_x.sql:2: drops the column a.x$"},
		{"migrations and resources take data away", `{"steps":[` + stack + "," + step("delete", cluster, "cluster") + `],"diagnostics":[` +
			warning("slow") + "," + warning(migration.LossPrefix+"x") + "," + warning(migration.LossPrefix+"y") + "," + warning(migration.LossPrefix+"x") + `]}`,
			"^warning: slow\n", "\n  this migration takes data away: x\n  this migration takes data away: y\n  delete "},
		{"a secret of the config is part of the prefix", `{"steps":[` + stack + `],"diagnostics":[` + warning("this migration takes [secret] away: 4_x.sql:2: drops the table a") + `]}`,
			"", "\n  this migration takes [secret] away: 4_x.sql:2: drops the table a$"},
		{"a secret is the word warning", `{"steps":[` + stack + `],"diagnostics":[{"severity":"warning","message":"[secret]: ` + migration.LossPrefix + `x\n"}]}`, "", "takes data away: x$"},
		{"a text about migrations", `{"steps":[` + stack + `],"diagnostics":[` + warning("using the [secret] state: "+migration.LossPrefix) + `]}`, "neither", ""},
		{"a failed preview", `{"steps":[` + stack + `],"diagnostics":[{"severity":"error","message":"no such region"}]}`, "error: no such region", "the preview failed"},
		{"no plan", "", "", "reading the plan"},
		{"another text", "error: no stack", "", "reading the plan"},
		{"an empty plan", "{}", "", "no steps"},
	} {
		t.Run(test.name, func(t *testing.T) { checkPlan(t, test.plan, test.out, test.err) })
	}
}

// checkPlan checks a plan, and compares what is printed and the error, which may be empty. A "^" matches
// the beginning of what is printed, and a "$" the end of the error.
func checkPlan(t *testing.T, plan, wantOut, wantErr string) {
	t.Helper()
	var out strings.Builder
	err := check(strings.NewReader(plan), &out)
	have := ""
	if err != nil {
		have = err.Error() + "$"
	}
	if (have == "") != (wantErr == "") || !strings.Contains(have, wantErr) {
		t.Errorf("the error is %v, want %q", err, wantErr)
	}
	if !strings.Contains("^"+out.String(), wantOut) || wantOut == "" && out.Len() > 0 {
		t.Errorf("it prints %q, want %q", out.String(), wantOut)
	}
}
