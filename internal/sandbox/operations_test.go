package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The matrix of operations: each operation that Pulumi has, on each resource of the stack,
// and each change of the configuration, beside strangers in both clouds. A plain up follows
// until one has nothing to do. Whatever the operation was,
//
//   - it converges, or is refused before a write with advice that works to the letter;
//   - no row goes that the user did not give up in a run before;
//   - nothing of a stranger's changes;
//   - the login that the deployed Worker uses stays as it is while in use;
//   - the site serves rows all the time, unless the user asked for something to go that it needs.
//
// What is right where the state lost what only it knew, and what an operation asks to go:
//
//	state delete owner, names     refused before a write, with the lines that import and adopt:
//	                              the owner is never taken from a live Worker
//	state delete user, Cluster    an outage: the password is lost, and the run that adopts sets
//	                              another; it ends with the next upload of the Worker
//	state delete user_b, admin    no outage: nobody uses the former, the Worker not the latter
//	state delete WorkersScript    no outage: it bears the owner and is written over
//	state delete PagesProject     refused, as a project cannot bear the owner; no outage
//	state delete PagesDomain, DnsRecord, binding, site, digest-key   made again, no outage
//	up --replace, taint user      an outage until the Worker is uploaded in the same run
//	up --replace, taint, destroy --target of Cluster, PagesProject, WorkersScript
//	                              asks for it to go, with all that is on it
//	taint WorkersScript           Cloudflare does not delete a Worker that a site is bound to, and no
//	                              run gets further until `pulumi state untaint` takes it back
//	taint of what is protected    Pulumi refuses it before a write, until it is untainted
//	up --replace, taint owner     as if it were lost: the engine ignores no change in a replacement

// cell is one of the matrix.
type cell struct {
	name string
	// sampled cells run in `make test` too.
	sampled bool
	// nothing begins with an empty stack in place of the complete one.
	nothing bool
	// taken are the names of the project and the record by a stranger then.
	taken bool
	// pending is changed in the configuration before the operation; before is done before
	// that, and a plain up follows it.
	before, pending map[string]any
	asks            asks
	// refused are texts of the first plain up after the operation, which must be refused.
	refused []string
	run     func(*trial)
}

// What is pending when a part of the stack is operated on.
var (
	settings = map[string]any{
		"rotation": "1", "vars": map[string]any{"MODE": "next"}, "siteVars": map[string]any{"MODE": "next"}, "compatibilityDate": "2026-05-01",
		"spendingLimit": "500", "databaseUrlOptions": map[string]any{"ssl": "strict"}, "binding": "API",
	}
	// A stranger has the project and the record of these names.
	siteNames   = map[string]any{"pagesProject": "portfolio2", "domain": nextDomain}
	workerNames = map[string]any{"worker": "portfolio-api2", "cluster": "portfolio-db2", "database": "second"}
)

// names are the new names that concern a resource.
func names(urn string) (pending map[string]any, asked asks) {
	if strings.Contains(urn, ":Pages") || strings.Contains(urn, "Stash::") {
		return siteNames, asks{project: true}
	}
	return workerNames, asks{}
}

// renamed is the URN of the same resource under the new names.
func renamed(urn string) string {
	pairs := map[string]string{"portfolio": "portfolio2", domain: nextDomain, "dns-" + domain: "dns-" + nextDomain, "portfolio-api": "portfolio-api2"}
	for old, name := range pairs {
		if start, found := strings.CutSuffix(urn, "::"+old); found {
			return start + "::" + name
		}
	}
	return urn
}

// resourceCells are the operations on one resource. The sample has each once that no script has.
func (w *world) resourceCells() (cells []cell) {
	for _, r := range w.resources {
		urn, kind := string(r.URN), kindOfURN(string(r.URN))
		with := w.dependents(urn)
		add := func(sample string, c cell, verb string, flags ...string) {
			c.name, c.sampled = c.name+", "+kind, sample == kind
			if c.run == nil {
				c.run = func(t *trial) { t.operate(verb, flags...) }
			}
			cells = append(cells, c)
		}
		target := []string{"--target", urn}
		next := []string{"--target", renamed(urn)}
		nextNames, nextAsks := names(urn)
		add("DnsRecord dns-"+domain, cell{name: "up --target of it and what it needs, from nothing", nothing: true}, "up", targets(w.needs(urn))...)
		add("WorkersScript portfolio-api", cell{name: "up --target with settings pending", pending: settings}, "up", target...)
		add("", cell{name: "up --target with names pending", pending: nextNames, asks: nextAsks}, "up", next...)
		add("Cluster cluster", cell{name: "up --target --target-dependents with settings pending", pending: settings}, "up", append(target, "--target-dependents")...)
		add("", cell{name: "up --target --target-dependents with names pending", pending: nextNames, asks: nextAsks}, "up", append(next, "--target-dependents")...)
		add("Stash names", cell{name: "up --exclude from nothing", nothing: true, taken: kind == "Stash names"}, "up", "--exclude", urn)
		add("SqlUser user_b", cell{name: "up --exclude with settings pending", pending: settings}, "up", "--exclude", urn)
		add("", cell{name: "up --exclude with names pending", pending: nextNames, asks: nextAsks}, "up", "--exclude", renamed(urn))
		gone := w.asked(urn)
		taint := func(t *trial) {
			t.state("taint", urn)
			if strings.HasPrefix(kind, "WorkersScript ") { // see above
				t.operate("up")
				t.state("untaint", urn)
			}
		}
		add("Command binding", cell{name: "up --replace", asks: gone}, "up", "--replace", urn)
		add("Command site", cell{name: "up --replace with settings pending", pending: settings, asks: gone}, "up", "--replace", urn)
		add("Command site", cell{name: "state taint", asks: gone, run: taint}, "")
		add("Command binding", cell{name: "state taint with settings pending", pending: settings, asks: gone, run: taint}, "")
		add("PagesDomain "+domain, cell{name: "destroy --target", asks: w.asked(with...)}, "destroy", "--target", urn, "--target-dependents")
		add("", cell{name: "refresh --target"}, "refresh", "--target", urn)
		forgotten := cell{name: "state delete", asks: asks{site: slices.Contains(with, w.urn("SqlUser user"))}, run: func(t *trial) {
			flags := []string{urn}
			if len(with) > 1 {
				flags = append(flags, "--target-dependents")
			}
			t.state("delete", flags...)
		}}
		if kind == "Stash owner" || kind == "Stash names" {
			forgotten.refused = []string{"adopt"}
		}
		add("SqlUser user", forgotten, "")
	}
	return cells
}

func targets(urns []string) (flags []string) {
	for _, urn := range urns {
		flags = append(flags, "--target", urn)
	}
	return flags
}

// state runs a command on the state.
func (c *trial) state(command string, flags ...string) {
	c.Helper()
	if _, err := c.Command(c.Context(), append([]string{"state", command, "--yes"}, flags...)...); err != nil {
		c.Fatal(err)
	}
}

// stackCells are the operations on the whole stack.
func (w *world) stackCells() []cell {
	everythingGoes := asks{project: true, site: true}
	protected := map[string]any{"protect": "true"}
	ups := func(verb string, flags ...string) func(*trial) { return func(c *trial) { c.operate(verb, flags...) } }
	cluster := w.urn("Cluster cluster")
	cells := []cell{
		{name: "destroy", asks: asks{true, true, true}, run: ups("destroy")},
		{name: "destroy, protected", before: protected, asks: everythingGoes, run: ups("destroy")},
		{name: "destroy --exclude-protected", sampled: true, before: protected, asks: asks{site: true}, run: ups("destroy", "--exclude-protected")},
		{name: "destroy --exclude-protected, nothing protected", asks: asks{true, true, true}, run: ups("destroy", "--exclude-protected")},
		{name: "destroy --ignore-protect", before: protected, asks: everythingGoes, run: ups("destroy", "--ignore-protect")},
		{name: "up --ignore-protect --replace of the cluster", sampled: true, before: protected, asks: asks{site: true}, run: ups("up", "--ignore-protect", "--replace", cluster)},
		{name: "up --ignore-protect with names pending", before: protected, pending: siteNames, asks: asks{project: true}, run: ups("up", "--ignore-protect")},
		{name: "up --refresh", run: ups("up", "--refresh")},
		{name: "up --refresh with settings pending", sampled: true, pending: settings, run: ups("up", "--refresh")},
		{name: "up --refresh with names pending", pending: siteNames, asks: asks{project: true}, run: ups("up", "--refresh")},
		{name: "refresh", run: ups("refresh")},
		{name: "up --plan from nothing", nothing: true, run: planned},
		{name: "up --plan of a changed Worker", pending: map[string]any{"vars": map[string]any{"MODE": "next"}}, run: planned},
		{name: "up --plan of a changed binding", pending: map[string]any{"binding": "API"}, run: planned},
		{name: "up --plan of a changed site", pending: map[string]any{"site": "internal/example/migrations"}, run: planned},
		{name: "up --plan of changed settings", pending: settings, run: planned},
		{name: "stack rename", sampled: true, run: func(c *trial) { c.renameStack("staging") }},
		{name: "stack rename, names by default", nothing: true, run: func(c *trial) {
			c.set(map[string]any{"pagesProject": "", "worker": "", "cluster": "", "database": ""})
			c.settle()
			c.renameStack("staging")
		}},
		{name: "project renamed", run: func(c *trial) { c.renameProject("elsewhere") }},
	}
	older, err := os.ReadDir(upgrades)
	if err != nil {
		panic(err)
	}
	for _, commit := range older {
		// It asks for a token of Doppler.
		cells = append(cells, cell{name: "the older program " + commit.Name(), before: map[string]any{"doppler": nil}, run: func(c *trial) { c.older(commit.Name()) }})
	}
	for _, kind := range []string{"Cluster cluster", "Database schema", "PagesProject portfolio"} {
		urn := w.urn(kind)
		asks := asks{site: true, project: kind == "PagesProject portfolio"}
		cells = append(cells,
			cell{name: "up --replace, protected, " + kind, before: protected, asks: asks, run: ups("up", "--replace", urn)},
			cell{name: "state taint, protected, " + kind, before: protected, asks: asks, run: func(c *trial) {
				c.state("taint", urn)
				if r := c.operate("up"); r.err == nil || len(writes(r.calls)) > 0 {
					c.Errorf("up of what is tainted and protected: %v, %v", r.err, writes(r.calls))
				}
				c.state("untaint", urn)
			}},
			cell{name: "destroy --target, protected, " + kind, before: protected, asks: asks, run: ups("destroy", "--target", urn, "--target-dependents")})
	}
	return cells
}

func (w *world) urn(kind string) string {
	for _, r := range w.resources {
		if kindOfURN(string(r.URN)) == kind {
			return string(r.URN)
		}
	}
	panic(kind)
}

// planned saves the plan of a preview and runs an up by it, which must succeed.
func planned(c *trial) {
	plan := filepath.Join(c.Dir, "plan.json")
	if r := c.operate("preview", "--save-plan", plan); r.err != nil {
		c.Errorf("preview --save-plan: %v", lastLines(c.printed.String()))
	}
	if r := c.operate("up", "--plan", plan); r.err != nil {
		c.Errorf("up --plan: %s", lastLines(c.printed.String()))
	}
}

// Some cells of each kind; [TestOperations_full] has them all.
func TestOperations_sample(t *testing.T) {
	if testing.Short() {
		t.Skip("the matrix of operations takes minutes")
	}
	testOperations(t, true)
}

func TestOperations_full(t *testing.T) {
	if os.Getenv("MATRIX") != "full" {
		t.Skip("MATRIX=full runs each cell: see `make matrix`")
	}
	testOperations(t, false)
}

func testOperations(t *testing.T, sample bool) {
	t.Parallel()
	older := &checkouts{folder: t.TempDir(), built: map[string]bool{}}
	folders := newPool(t, sample, func(t *testing.T) *world { return prepare(t, older) })
	first := <-folders // the URNs are the same in each
	folders <- first
	for _, c := range slices.Concat(first.resourceCells(), first.stackCells(), configCells()) {
		if c.sampled || !sample {
			folders.run(t, c.name, func(t *testing.T, w *world) { c.test(w.open(t, c.nothing, c.taken)) })
		}
	}
}

func (c cell) test(f *trial) {
	f.asks = c.asks
	if c.before != nil {
		f.set(c.before)
		f.settle()
	}
	f.set(c.pending)
	c.run(f)
	if c.refused != nil {
		r := f.operate("up")
		if r.err == nil || len(writes(r.calls)) > 0 {
			f.Errorf("the up after it was not refused before a write: %v, %v", r.err, writes(r.calls))
		}
		f.says("up", c.refused...)
	}
	f.settle()
	f.converged()
}
