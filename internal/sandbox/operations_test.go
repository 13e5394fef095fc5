package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
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

// resourceCells are the operations on one resource. The sample has each once.
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
		add("PagesProject portfolio", cell{name: "up --target with names pending", pending: nextNames, asks: nextAsks}, "up", next...)
		add("Cluster cluster", cell{name: "up --target --target-dependents with settings pending", pending: settings}, "up", append(target, "--target-dependents")...)
		add("PagesProject portfolio", cell{name: "up --target --target-dependents with names pending", pending: nextNames, asks: nextAsks}, "up", append(next, "--target-dependents")...)
		add("Stash names", cell{name: "up --exclude from nothing", nothing: true, taken: kind == "Stash names"}, "up", "--exclude", urn)
		add("SqlUser user_b", cell{name: "up --exclude with settings pending", pending: settings}, "up", "--exclude", urn)
		add("Stash names", cell{name: "up --exclude with names pending", pending: nextNames, asks: nextAsks}, "up", "--exclude", renamed(urn))
		gone := w.asked(urn)
		add("Command binding", cell{name: "up --replace", asks: gone}, "up", "--replace", urn)
		add("Command site", cell{name: "up --replace with settings pending", pending: settings, asks: gone}, "up", "--replace", urn)
		add("Command site", cell{name: "state taint", asks: gone, run: func(t *trial) { t.state("taint", urn) }}, "")
		add("Command binding", cell{name: "state taint with settings pending", pending: settings, asks: gone, run: func(t *trial) { t.state("taint", urn) }}, "")
		add("PagesDomain "+domain, cell{name: "destroy --target", asks: w.asked(with...)}, "destroy", "--target", urn, "--target-dependents")
		add("WorkersScript portfolio-api", cell{name: "refresh --target"}, "refresh", "--target", urn)
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
		{name: "up --plan of a changed Worker", sampled: true, pending: map[string]any{"vars": map[string]any{"MODE": "next"}}, run: planned},
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

// renameStack gives the stack another name, as `pulumi stack rename` does.
func (c *trial) renameStack(name string) {
	c.Helper()
	if _, err := c.Command(c.Context(), "stack", "rename", name); err != nil {
		c.Fatal(err)
	}
	// The file of the stack's configuration is renamed with it.
	for key, value := range c.stackFile() {
		if _, set := c.Config[key]; !set {
			c.Config[key] = value
		}
	}
	c.Stack = name
}

// stackFile returns the configuration that Pulumi.dev.yaml has.
func (c *trial) stackFile() map[string]any {
	c.Helper()
	var file struct{ Config map[string]any }
	if err := yaml.Unmarshal([]byte(c.read(filepath.Join(c.Root, "Pulumi.dev.yaml"))), &file); err != nil {
		c.Fatal(err)
	}
	return file.Config
}

func (c *trial) read(path string) string {
	c.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

// renameProject gives the project another name, as a user does in a checkout: by the command,
// and in Pulumi.yaml. The configuration that is not encrypted is in the checkout's file.
func (c *trial) renameProject(name string) {
	c.Helper()
	if _, err := c.Command(c.Context(), "stack", "rename", "organization/"+name+"/dev"); err != nil {
		c.Fatal(err)
	}
	entries, err := os.ReadDir(c.Root)
	checkout := c.TempDir()
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "Pulumi.") {
			err = errors.Join(err, os.Symlink(filepath.Join(c.Root, entry.Name()), filepath.Join(checkout, entry.Name())))
		}
	}
	config := c.stackFile()
	maps.Copy(config, c.Config)
	c.Config = map[string]any{}
	for _, key := range []string{"secrets", "siteSecrets"} {
		c.Config[name+":"+key] = config["portfolio:"+key]
		delete(config, "portfolio:"+key)
	}
	file, err2 := yaml.Marshal(map[string]any{"config": config})
	project := strings.Replace(c.read(filepath.Join(c.Root, "Pulumi.yaml")), "name: portfolio\n", "name: "+name+"\n", 1)
	err = errors.Join(err, err2,
		os.WriteFile(filepath.Join(checkout, "Pulumi.yaml"), []byte(project), 0o600),
		os.WriteFile(filepath.Join(checkout, "Pulumi.dev.yaml"), file, 0o600))
	if err != nil {
		c.Fatal(err)
	}
	c.Root, c.project = checkout, name
}

// configCells set, change, remove and set again each optional key.
func configCells() (cells []cell) {
	for _, adopt := range []bool{false, true} {
		for _, key := range slices.Sorted(maps.Keys(keyValues)) {
			values := keyValues[key]
			cells = append(cells, cell{
				name: fmt.Sprintf("config key %s, adopt %t", key, adopt), sampled: key == "domain" && adopt || key == "database" && !adopt,
				asks: asks{project: key == "pagesProject"},
				run: func(c *trial) {
					if adopt {
						c.set(map[string]any{"adopt": "true"})
						c.settle()
					}
					for _, value := range []any{values[0], values[1], nil, values[0]} {
						c.Logf("%s: %v", key, value)
						c.change(key, value)
						c.settle()
						c.converged()
					}
					c.set(map[string]any{"adopt": nil})
				},
			})
		}
	}
	return cells
}

// change sets a key, or takes it out of the file.
func (c *trial) change(key string, value any) {
	if value == nil && slices.Contains([]string{"pagesProject", "worker", "cluster", "site", "migrations"}, key) {
		value = "" // as if Pulumi.dev.yaml had not set it
	}
	if secret, ok := value.(string); ok && (key == "secrets" || key == "siteSecrets") {
		c.secrets[secret] = true
		value = map[string]any{"NAME": c.encrypt(secret)}
	}
	c.set(map[string]any{key: value})
}

// keyValues has two values for each key of Pulumi.yaml.
var keyValues = map[string][2]any{
	"pagesProject": {"portfolio-dev", "portfolio"},
	"worker":       {"portfolio-dev-api", "portfolio-api"},
	"cluster":      {"portfolio-db2", "portfolio-db"},
	"database":     {"second", "third"},
	"sqlUser":      {"app", "web"},
	"domain":       {"www3.example.com", "www4.example.com"},
	"zoneId":       {"fedcba9876543210fedcba9876543210", ""},
	"site":         {"internal/example/migrations", "internal/example/site"},
	"workerScript": {"internal/example/api/index.ts", "internal/sandbox/testdata/worker.js"},
	"siteVars":     {map[string]any{"MODE": "one"}, map[string]any{"OTHER": "two"}},
	"vars":         {map[string]any{"MODE": "one"}, map[string]any{"OTHER": "two"}},
	"moreBindings": {map[string]any{"SELF": map[string]any{"service": "portfolio-api"}}, map[string]any{"OTHER": map[string]any{"service": theirWorker}}},

	"productionBranch": {"trunk", "main"}, "compatibilityDate": {"2026-01-01", "2026-02-01"}, "compatibilityFlags": {[]any{"nodejs_compat"}, []any{}},
	"observability": {"false", "true"}, "binding": {"API", "BACKEND"}, "previewBinding": {"none", theirWorker}, "workersDev": {"false", "true"},
	"tidbProject": {"1372813089454000001", ""}, "spendingLimit": {"500", "600"}, "rotation": {"1", "2"}, "migrations": {"", "internal/example/migrations"},
	"databaseUrlOptions": {map[string]any{"ssl": "strict"}, map[string]any{}}, "doppler": {map[string]any{"project": "portfolio", "config": "dev"}, map[string]any{}},
	"protect": {"true", "false"}, "overwriteSite": {"true", "false"}, "overwriteWorker": {"true", "false"},
	"siteSecrets": {"recognizable-one", "recognizable-two"}, "secrets": {"recognizable-three", "recognizable-four"},
	"accountId": {cloudflare.DefaultAccountID, ""}, "region": {"regions/aws-ap-northeast-1", "regions/aws-ap-northeast-1"}, "adopt": {"true", "false"},
}

// Each key of Pulumi.yaml is in the matrix.
func TestOperations_keys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var project struct{ Config map[string]any }
	if err := yaml.Unmarshal(text, &project); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(project.Config)), slices.Sorted(maps.Keys(keyValues))); diff != "" {
		t.Errorf("keys of Pulumi.yaml and of the matrix (-project +matrix):\n%s", diff)
	}
}

// One cell of each kind; [TestOperations_full] has them all.
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
	workers := flag.Lookup("test.parallel").Value.(flag.Getter).Get().(int)
	prepared := make(chan *world, workers)
	older := &checkouts{folder: t.TempDir(), built: map[string]bool{}}
	var first *world
	for range workers {
		first = prepare(t)
		first.checkouts = older
		prepared <- first
	}
	// The URNs are the same in each.
	cells := slices.Concat(first.resourceCells(), first.stackCells(), configCells())
	cells = slices.DeleteFunc(cells, func(c cell) bool { return sample && !c.sampled })
	t.Logf("%d cells", len(cells))
	for _, c := range cells {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := <-prepared
			defer func() { prepared <- w }()
			c.test(w.open(t, c.nothing, c.taken))
		})
	}
}

func (c cell) test(f *trial) {
	defer f.clouds.Close()
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
