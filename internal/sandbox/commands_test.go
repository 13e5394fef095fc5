package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// urn returns the URN of the resource with that name and type.
func (f *fixture) urn(kind, name string) string {
	f.Helper()
	state, err := f.State()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range state.Resources {
		if strings.HasSuffix(string(r.Type), kind) && r.URN.Name() == name {
			return string(r.URN)
		}
	}
	f.Fatalf("the state has no %s %s", kind, name)
	return ""
}

// A run that leaves out the stash names has not checked who owns a project of the new name.
func TestStack_targetedProject(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.byHand("POST", cloudflareAPI, f.account()+"/pages/projects", `{"name":"theirs","production_branch":"main"}`)
	theirs := func() string { return f.byHand("GET", cloudflareAPI, f.account()+"/pages/projects/theirs", "") }
	before := theirs()
	f.set(map[string]any{"pagesProject": "theirs"})
	r := f.try("up", optup.Target([]string{"**PagesProject::theirs"}))
	if r.err == nil {
		t.Error("it succeeded")
	}
	f.says("up", "leaves out the stash", "run `pulumi up` without --target")
	f.noWrites("a refused up", r.calls)
	f.want("their project", theirs(), before)
	f.refused("a Pages project \"theirs\" exists already")
}

// A replacement of the commands removes nothing that others made or that the new command has
// just set.
func TestStack_replacedCommands(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	f.up()
	for range 3 {
		if _, err := f.clouds.Cloudflare.AddDeployment("portfolio", "feature"); err != nil {
			t.Fatal(err)
		}
	}
	ids := func() (all []string) {
		for _, d := range f.project().Deployments {
			all = append(all, d.ID)
		}
		return all
	}
	theirs := ids()
	stay := func() {
		t.Helper()
		for _, id := range theirs {
			if !slices.Contains(ids(), id) {
				t.Errorf("the deployment %s is gone", id)
			}
		}
	}
	// A binding that is set again serves from the next deployment on.
	for name, changes := range map[string]map[string]int{"binding": {"replace": 1, "update": 1}, "site": {"replace": 1}} {
		urn := f.urn("Command", name)
		for _, way := range []string{"--replace", "taint"} {
			t.Log(way, name)
			options := []optup.Option{optup.Replace([]string{urn})}
			if way == "taint" {
				options = nil
				if _, err := f.Command(f.Context(), "state", "taint", urn, "--yes"); err != nil {
					t.Fatal(err)
				}
			}
			f.want("changes", f.run("up", options...).changes, changes)
			f.bound()
			stay()
			f.noChanges()
		}
	}
	t.Log("the key is taken out")
	f.set(map[string]any{"site": nil})
	f.up()
	stay()
	f.run("destroy")
	f.left(0, 0, 0)
}

// A stash of names that is replaced does not count as lost: the state has everything in it.
func TestStack_replacedNames(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site", "domain": "www.example.com", "zoneId": cloudflare.DefaultZoneID})
	f.up()
	r := f.run("up", optup.Replace([]string{f.urn("Stash", "names")}))
	f.noWrites("a replacement of the names", r.calls)
	f.noChanges()
}

// A run that leaves out the binding deploys no first site. If it deploys a later one, the next
// run deploys the site again with the binding.
func TestStack_excludedBinding(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	without := optup.Exclude([]string{"urn:pulumi:dev::portfolio::portfolio:index:Pages$command:local:Command::binding"})
	if f.try("up", without).err == nil {
		t.Error("it succeeded")
	}
	f.says("up", "leaves out the command binding")
	f.up()
	f.want("deployments", len(f.project().Deployments), 1)
	f.set(map[string]any{"binding": "API"})
	f.run("up", without)
	f.want("deployments", len(f.project().Deployments), 2)
	f.want("preview", f.run("preview").changes, map[string]int{"update": 2})
	f.up()
	f.want("deployments", len(f.project().Deployments), 3)
	f.noChanges()
}

// A domain that is deleted by hand, alone or with its project, comes back, and a later refresh
// shows no change. Setting adopt for one run meanwhile locks nobody out.
func TestStack_domain(t *testing.T) {
	f := newFixture(t)
	const domain = "www.example.com"
	f.set(map[string]any{"domain": domain, "zoneId": cloudflare.DefaultZoneID, "site": "internal/example/site"})
	f.up()
	served := func() {
		t.Helper()
		if !slices.Contains(f.project().Domains, domain) {
			t.Errorf("the project has the domains %v", f.project().Domains)
		}
		f.want("status", f.outputs()["domainStatus"], "active")
	}
	served()
	for _, project := range []bool{false, true} {
		t.Logf("deleted by hand, and its project: %t", project)
		f.byHand("DELETE", cloudflareAPI, f.pages()+"/domains/"+domain, "")
		if project {
			f.byHand("DELETE", cloudflareAPI, f.pages(), "")
		}
		f.run("preview")
		f.up()
		served()
		f.noChanges()
		f.want("changes after a refresh", f.run("up", optup.Refresh(), optup.ExpectNoChanges()).changes, map[string]int{})
	}
	t.Log("adopt for one run")
	for _, adopt := range []any{true, nil} {
		f.set(map[string]any{"adopt": adopt})
		f.up()
	}
	served()
	f.noChanges()

	t.Log("the DNS record goes")
	state, err := f.State()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range state.Resources {
		if strings.HasSuffix(string(r.Type), "DnsRecord") {
			f.byHand("DELETE", cloudflareAPI, "/zones/"+cloudflare.DefaultZoneID+"/dns_records/"+r.ID.String(), "")
		}
	}
	f.noChanges()
	f.says("up", "does not serve the site yet", "`pulumi up --refresh`")
	f.run("up", optup.Refresh())
	served()
	f.noChanges()
}

// Two stacks with other clusters want the same Worker and project, and both find them free.
// The one that uploads last wins; the other one says why, and makes no project.
func TestRace_otherClusters(t *testing.T) {
	first := newFixture(t)
	second := first.rival()
	second.set(map[string]any{"cluster": "other-db"})
	// Both have looked at the Worker when the first of them uploads, and both have uploaded
	// when the first of them goes on.
	var before, after sync.WaitGroup
	before.Add(2)
	after.Add(2)
	var puts, put atomic.Int32
	first.clouds.Intercept(func(r *http.Request, effective bool) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/scripts/portfolio-api") {
			return false
		}
		switch {
		case !effective && puts.Add(1) <= 2:
			before.Done()
			before.Wait()
		case effective && put.Add(1) <= 2:
			after.Done()
			after.Wait()
		}
		return false
	})
	winner, loser := first.race(second)
	loser.says("the loser", "bears the mark of another stack", "pulumi state delete")
	winner.serves()
	winner.bound()
	winner.noChanges()

	t.Log("the loser takes the Worker out of its state, and another name")
	if _, err := loser.Command(t.Context(), "state", "delete", "--yes", "--target-dependents", loser.urn("WorkersScript", "portfolio-api")); err != nil {
		t.Fatal(err)
	}
	loser.set(map[string]any{"worker": "other-api", "pagesProject": "other", "adopt": true})
	loser.up()
	loser.set(map[string]any{"adopt": nil})
	loser.up()
	winner.noChanges()
	loser.run("destroy")
	winner.noChanges()
}
