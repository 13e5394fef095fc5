package main

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// gone checks, if it is to be so, that nothing of the environment is in either cloud.
func (tr *killTrial) gone(wanted bool) {
	tr.Helper()
	if !wanted {
		return
	}
	var want []string
	if tr.copied {
		want = []string{"project portfolio", "Worker portfolio-api", "cluster portfolio-db"}
	}
	tr.want("what is in the clouds", tr.there(""), want)
}

// stands checks that there is one of everything of the environment, and that all of it agrees.
func (tr *killTrial) stands() {
	tr.Helper()
	name := "portfolio-" + tr.Stack
	worker := tr.named(name + "-api")
	owner := worker.Vars["PULUMI_STACK"]
	if !mark.Bears(owner, mark.Of(testRepository, tr.number)) {
		tr.Errorf("the Worker's owner is %q", owner)
	}
	app, _ := tr.urls()
	if !worker.Secrets["DATABASE_URL"].Is(app) {
		tr.Error("the Worker's DATABASE_URL is not the output's")
	}
	project := find(tr.clouds.Cloudflare.Projects(), func(p cloudflare.Project) bool { return p.Name == name })
	if project == nil {
		tr.Fatalf("there is no project %s", name)
	}
	tr.want("bound to", []string{project.Production.Services["API_SERVICE"].Service, project.Preview.Services["API_SERVICE"].Service},
		[]string{worker.Name, worker.Name})
	tr.want("deployments", len(project.Deployments), 1)
	site, _, err := tr.clouds.Cloudflare.Site(name)
	if err != nil || !bytes.Contains(site.Headers, []byte("noindex")) {
		tr.Errorf("the site's headers are %q, %v", site.Headers, err)
	}
	tr.want("rows of a migration", tr.query(app, "SELECT COUNT(*) FROM projects"), "COUNT(*)\n3\n")
	guests := tr.query(app, guestsQuery)
	if !tr.copied {
		tr.left(1, 1, 1)
		tr.want("owner of the cluster", tr.cluster().Labels["pulumi.com/owner"], owner)
		tr.want("SQL users", len(tr.clouds.TiDB.Users(tr.cluster().ClusterID)), 4)
		tr.want("seeds", strings.Count(guests, "\n"), 4)
		return
	}
	tr.left(2, 2, 1)
	b := only(tr.fixture, "branches", tr.clouds.TiDB.Branches(tr.cluster().ClusterID))
	tr.want("the branch's name", b.DisplayName, owner)
	if !masked(guests) {
		tr.Errorf("the rows are not masked:\n%s", guests)
	}
	tr.hidden("in the end", nil)
	tr.want("what production's login sees on the branch", tr.inherited(b), "nothing")
}

const guestsQuery = "SELECT id, name, message, created_at FROM guests ORDER BY id"

// masked reports whether rows of guests are all masked.
func masked(rows string) bool {
	return strings.Count(rows, "\n") == 3 && strings.Count(rows, "Guest ") == 2 && !strings.Contains(rows, "@") && !strings.Contains(rows, "call me")
}

// seen returns what a login sees: the rows, and what was done to them.
func (tr *killTrial) seen(connection string) string {
	all, err := tr.tryQuery(connection, guestsQuery)
	if err != nil {
		return "nothing"
	}
	for _, statement := range []string{"SHOW TABLES", "SELECT * FROM pulumi_migration_steps"} {
		more, err := tr.tryQuery(connection, statement)
		all += fmt.Sprint(more, err)
	}
	return all
}

// inherited returns what production's application would see on a branch that inherited its login.
func (tr *killTrial) inherited(b tidbcloud.Branch) string {
	tr.Helper()
	u, err := url.Parse(tr.production.url)
	if err != nil {
		tr.Fatal(err)
	}
	password, _ := u.User.Password()
	_, name, _ := strings.Cut(u.User.Username(), ".")
	u.User, u.Host = url.UserPassword(b.UserPrefix+"."+name, password), fmt.Sprintf("%s:%d", b.Endpoints.Public.Host, b.Endpoints.Public.Port)
	return tr.seen(u.String())
}

// loginsOf returns the connection strings that a masked environment has.
func (tr *killTrial) loginsOf(when string) (all []string) {
	tr.Helper()
	if !tr.copied || !tr.made || tr.lost() {
		return nil
	}
	app, admin := tr.urls()
	if app == "" || admin == "" {
		tr.Fatalf("%s: the environment has no logins", when)
	}
	return []string{app, admin}
}

// hidden checks that the environment's logins see only masked rows. A login of production that
// came along with its branch may see what it sees in production, until the masks begin.
func (tr *killTrial) hidden(when string, logins []string) {
	tr.Helper()
	if !tr.copied {
		return
	}
	for _, b := range tr.clouds.TiDB.Branches(tr.cluster().ClusterID) {
		if b.State != "ACTIVE" {
			continue
		}
		if seen := tr.inherited(b); seen != "nothing" && seen != tr.production.rows {
			tr.Errorf("%s production's login sees on the branch:\n%s", when, seen)
		}
	}
	for _, login := range logins {
		if rows, err := tr.tryQuery(login, guestsQuery); err == nil && !masked(rows) {
			tr.Errorf("%s a login of the environment sees:\n%s", when, rows)
		}
	}
}
