package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// The names of the stack's Pages projects and Workers in all cells, and those of strangers.
var (
	ourProjects = []string{"portfolio", "portfolio2", "portfolio-dev", "portfolio-staging"}
	ourWorkers  = []string{"portfolio-api", "portfolio-api2", "portfolio-dev-api", "portfolio-staging-api"}
)

var theirBranches = []string{"feature", "fix"}

const (
	domain      = "www.example.com"
	nextDomain  = "www2.example.com"
	theirDomain = "theirs.example.com"
	theirUser   = "theirs"
	theirWorker = "their-api"
)

// complete is a configuration with which every resource of the stack is there.
var complete = map[string]any{
	"protect": "false", "site": "internal/example/site", "migrations": "internal/example/migrations",
	"vars": map[string]any{"MODE": "live"}, "siteVars": map[string]any{"MODE": "live"}, "workersDev": "true",
	"domain": domain, "zoneId": cloudflare.DefaultZoneID, "doppler": map[string]any{"project": "portfolio", "config": "prd"},
}

// world is a prepared folder that cells work on copies of.
type world struct {
	// nothing has an empty stack, and complete one with all resources and strangers.
	nothing, complete string
	config            map[string]any
	connection        string // DATABASE_URL
	rows              string // the connection string of root on the database with the rows
	resources         []apitype.ResourceV3
	deployments       []string // of strangers, in the stack's own project
	checkouts         *checkouts
}

// prepare makes the stack of [complete] and the strangers beside it.
func prepare(t *testing.T, older *checkouts) *world {
	t.Helper()
	w := &world{complete: t.TempDir(), checkouts: older}
	f := openFixture(t, w.complete)
	f.set(complete)
	for key, name := range map[string]string{"secrets": "TOKEN", "siteSecrets": "SESSION"} {
		f.set(map[string]any{key: map[string]any{name: f.encrypt("recognizable-" + name)}})
	}
	w.config = maps.Clone(f.Config)
	f.clouds.Close()
	w.nothing = copyOf(t, w.complete)

	f = openFixture(t, w.complete)
	f.Config = maps.Clone(w.config)
	f.set(map[string]any{"site": ""})
	f.up()
	w.addDeployment(f, "main") // older than ours
	f.Config = maps.Clone(w.config)
	f.set(map[string]any{"overwriteSite": "true"})
	f.up()
	f.Config = maps.Clone(w.config)
	f.up()
	for _, branch := range theirBranches {
		w.addDeployment(f, branch)
	}
	w.connection, _ = f.login()
	w.rows = f.insert().url
	root := strings.TrimSuffix(w.rows, "/portfolio")
	f.query(root, "CREATE DATABASE theirs")
	f.query(root, "CREATE TABLE theirs.kept (id INT PRIMARY KEY)")
	f.query(root, "INSERT INTO theirs.kept VALUES (7)")
	c := f.cluster()
	f.byHand("POST", tidbAPI, "/clusters/"+c.ClusterID+"/sqlUsers",
		`{"userName":"`+theirUser+`","autoPrefix":true,"builtinRole":"role_readwrite","password":"recognizable-theirs","authMethod":"mysql_native_password"}`)
	f.byHand("POST", cloudflareAPI, f.pages()+"/domains", `{"name":"`+theirDomain+`"}`)
	strangersBeside(f)
	f.noChangesBeside()
	state, err := f.State()
	if err != nil {
		t.Fatal(err)
	}
	w.resources = slices.DeleteFunc(state.Resources, func(r apitype.ResourceV3) bool {
		return strings.HasPrefix(string(r.Type), "pulumi:providers:") || r.Type == "pulumi:pulumi:Stack"
	})
	f.clouds.Close()
	return w
}

// addDeployment deploys to the stack's own project as somebody else.
func (w *world) addDeployment(f *fixture, branch string) {
	f.Helper()
	id, err := f.clouds.Cloudflare.AddDeployment("portfolio", branch)
	if err != nil {
		f.Fatal(err)
	}
	w.deployments = append(w.deployments, id)
}

// noChangesBeside runs an up that must do nothing, whatever is beside the stack.
func (f *fixture) noChangesBeside() {
	f.Helper()
	r := f.up()
	f.want("changes of an up with nothing to do", r.changes, map[string]int{})
	f.noWrites("an up with nothing to do", r.calls)
}

// strangersBeside makes what other people have in the same accounts.
func strangersBeside(f *fixture) {
	f.Helper()
	f.deploy(theirWorker)
	f.byHand("POST", tidbAPI, "/clusters", `{"displayName":"their-db","region":{"name":"regions/aws-us-east-1"}}`)
	f.byHand("POST", cloudflareAPI, f.account()+"/pages/projects", `{"name":"portfolio2","production_branch":"main"}`)
	f.addRecord(cloudflare.Record{Type: "A", Name: nextDomain, Content: "192.0.2.1"})
	f.addRecord(cloudflare.Record{Type: "TXT", Name: "example.com", Content: "theirs"})
}

func (f *fixture) addRecord(r cloudflare.Record) {
	f.Helper()
	if err := f.clouds.Cloudflare.AddRecord(r); err != nil {
		f.Fatal(err)
	}
}

// open opens a copy of a prepared folder for a cell.
func (w *world) open(t *testing.T, nothing, taken bool) *trial {
	t.Helper()
	from := w.complete
	if nothing {
		from = w.nothing
	}
	c := &trial{fixture: openFixture(t, copyOf(t, from)), world: w, connections: map[string]string{}, secrets: map[string]bool{}}
	c.Config = maps.Clone(w.config)
	for _, secret := range []string{"recognizable-TOKEN", "recognizable-SESSION"} {
		c.secrets[secret] = true
	}
	if nothing {
		strangersBeside(c.fixture)
		if taken {
			c.byHand("POST", cloudflareAPI, c.account()+"/pages/projects", `{"name":"portfolio","production_branch":"main"}`)
			c.addRecord(cloudflare.Record{Type: "A", Name: domain, Content: "192.0.2.1"})
		}
	} else {
		c.rows = w.rows
		c.connections["portfolio-api"] = w.connection
		c.secrets[w.connection] = true
	}
	c.strangers = c.theirs()
	if !nothing {
		delete(c.strangers, "PagesProject portfolio") // ours
	}
	c.watch()
	return c
}

// theirs is what strangers have, by name.
func (c *trial) theirs() map[string]any {
	c.Helper()
	all := map[string]any{}
	for _, s := range c.clouds.Cloudflare.Scripts() {
		if s.Name == theirWorker {
			all["Worker "+s.Name] = s
		}
	}
	var deployments []string
	for _, p := range c.clouds.Cloudflare.Projects() {
		all["PagesProject "+p.Name] = p
		for _, d := range p.Deployments {
			if slices.Contains(c.world.deployments, d.ID) {
				deployments = append(deployments, d.ID)
			}
		}
		if slices.Contains(p.Domains, theirDomain) {
			all["PagesDomain "+theirDomain] = p.Name
		}
	}
	all[deploymentsInOurs] = deployments
	for _, r := range c.clouds.Cloudflare.Records() {
		if r.Type != "CNAME" {
			all["DnsRecord "+r.Name] = r
		}
	}
	for _, cluster := range c.clouds.TiDB.Clusters() {
		if cluster.DisplayName == "their-db" {
			all["their cluster"] = []any{cluster.ClusterID, cluster.Labels, cluster.Region, c.clouds.TiDB.Users(cluster.ClusterID)}
		}
	}
	if c.rows != "" {
		rows, err := url.Parse(c.rows)
		if err != nil {
			c.Fatal(err)
		}
		prefix, _, _ := strings.Cut(rows.User.Username(), ".")
		rows.User, rows.Path = url.UserPassword(prefix+"."+theirUser, "recognizable-theirs"), "/theirs"
		text, err := c.tryQuery(rows.String(), "SELECT id FROM kept")
		all[rowsOnOurs] = fmt.Sprint(text, err)
	}
	return all
}

const (
	rowsOnOurs        = "their login and rows on our cluster"
	deploymentsInOurs = "their deployments in our project"
)

// given reports whether what the user asks to go takes a stranger's thing along.
func (a asks) given(name string) bool {
	switch name {
	case rowsOnOurs:
		return a.rows
	case deploymentsInOurs, "PagesDomain " + theirDomain:
		return a.project
	}
	return false
}

func find[T any](all []T, is func(T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return &all[i]
	}
	return nil
}

// leftStrangers checks that nothing of a stranger's changed.
func (c *trial) leftStrangers(when string) {
	c.Helper()
	now := c.theirs()
	for name, before := range c.strangers {
		if diff := cmp.Diff(before, now[name]); diff != "" && !c.asks.given(name) {
			c.Errorf("%s: %s of a stranger changed (-before +after):\n%s", when, name, diff)
		}
		c.strangers[name] = now[name] // said once
	}
}

// takenOver records that a thing no longer belongs to a stranger, for instance after an
// import.
func (c *trial) takenOver(token, name string) {
	kind := token[strings.LastIndex(token, ":")+1:]
	if kind == "DnsRecord" {
		name = strings.TrimPrefix(name, "dns-")
	}
	delete(c.strangers, kind+" "+name)
}

// asked returns what an operation that deletes or replaces resources asks to delete.
func (w *world) asked(urns ...string) (a asks) {
	for _, r := range w.resources {
		if !slices.Contains(urns, string(r.URN)) {
			continue
		}
		switch kind := kindOfURN(string(r.URN)); kind {
		case "Cluster cluster":
			a = a.with(asks{rows: true, site: true})
		case "SqlUser user", "WorkersScript portfolio-api":
			a = a.with(asks{site: true})
		case "PagesProject portfolio":
			a = a.with(asks{project: true, site: true})
		}
	}
	return a
}

// on returns what a resource of the state depends on.
func on(r apitype.ResourceV3) []string {
	all := append([]string{string(r.Parent), string(r.DeletedWith)}, stringsOf(r.Dependencies)...)
	for _, urns := range r.PropertyDependencies {
		all = append(all, stringsOf(urns)...)
	}
	return slices.DeleteFunc(all, func(urn string) bool { return urn == "" })
}

// dependents returns the resource and all that depend on it. In the state each comes after
// what it depends on.
func (w *world) dependents(urn string) []string {
	all := []string{urn}
	for _, r := range w.resources {
		if string(r.URN) != urn && slices.ContainsFunc(on(r), func(u string) bool { return slices.Contains(all, u) }) {
			all = append(all, string(r.URN))
		}
	}
	return all
}

// needs returns the resource and all that it depends on.
func (w *world) needs(urn string) []string {
	all := []string{urn}
	for _, r := range slices.Backward(w.resources) {
		if slices.Contains(all, string(r.URN)) {
			for _, u := range on(r) {
				if !slices.Contains(all, u) {
					all = append(all, u)
				}
			}
		}
	}
	return all
}

func stringsOf[T ~string](all []T) (out []string) {
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

// kindOfURN returns the type and the name, such as "PagesProject portfolio".
func kindOfURN(urn string) string {
	parts := strings.Split(urn, "::")
	kind := parts[len(parts)-2]
	return kind[strings.LastIndexAny(kind, ":$")+1:] + " " + parts[len(parts)-1]
}
