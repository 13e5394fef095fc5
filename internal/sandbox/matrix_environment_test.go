package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portfolio-infra/internal/environment/mark"
)

// The kill matrix of a pull request's environment: at each write to the clouds, and at each command
// to the SQL server of a branch, what makes or ends the environment is killed, once before the call
// takes effect and once after it did. The next run of either kind must finish its work: an up leads
// to one of everything, and an end leaves nothing in either cloud. At no moment does anything but
// production's own see what it may not, and production stays as it is.

// life is an environment that is made and ended.
type life struct {
	name   string
	number int
	copied bool // from production, with masks
	config map[string]any
}

var lives = []life{
	{"fresh", 1, false, map[string]any{"site": "internal/example/site", "seeds": "internal/example/seeds"}},
	{"branch", 2, true, map[string]any{"site": "internal/example/site", "previewData": "branch", "branchOf": "stack:organization/portfolio/dev", "masks": "internal/example/masks"}},
}

// deed is what is killed.
type deed struct {
	name  string
	made  bool     // the environment is there before
	masks bool     // there are others
	next  []string // how it goes on: by "up", or by "end"
}

var deeds = []deed{
	{name: "up", next: []string{"up", "end"}},
	{name: "destroy", made: true, next: []string{"end", "up"}},
	{name: "up with other masks", made: true, next: []string{"up", "end"}, masks: true},
	// It removes all, since the state is lost.
	{name: "verify", made: true, next: []string{"verify"}},
}

func (d deed) verb() string { verb, _, _ := strings.Cut(d.name, " "); return verb }

// Some points of each deed; [TestMatrixOfEnvironments_full] has them all.
func TestMatrixOfEnvironments_sample(t *testing.T) {
	if testing.Short() {
		t.Skip("the kill matrix takes minutes")
	}
	testMatrixOfEnvironments(t, true)
}

func TestMatrixOfEnvironments_full(t *testing.T) {
	if os.Getenv("MATRIX") != "full" {
		t.Skip("MATRIX=full kills every call: see `make matrix`")
	}
	testMatrixOfEnvironments(t, false)
}

func testMatrixOfEnvironments(t *testing.T, sample bool) {
	t.Parallel()
	masks := projectCopy(t, "internal/example/masks", "")
	if err := os.WriteFile(filepath.Join(root, masks, "2_more.sql"), []byte("UPDATE guests SET message = 'x';\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range lives {
		for _, d := range deeds {
			if d.masks && !l.copied {
				continue
			}
			t.Run(l.name+", "+d.name, func(t *testing.T) {
				t.Parallel()
				testKills(t, l, d, masks, sample)
			})
		}
	}
}

// point is where a deed is killed, and how it goes on.
type point struct {
	call  string
	sql   bool
	n     int // the number of the write, or of the command
	after bool
	next  string
}

func (p point) String() string {
	when := "before"
	if p.after {
		when = "after"
	}
	return fmt.Sprintf("%s %d, %s, then %s", when, p.n+1, p.call, p.next)
}

// testKills kills a deed at its points. Copies of a prepared folder share the ports of the SQL
// servers, so there is one folder for each trial that can run at the same time.
func testKills(t *testing.T, l life, d deed, masks string, sample bool) {
	workers := 1
	if !sample {
		workers = flag.Lookup("test.parallel").Value.(flag.Getter).Get().(int)
	}
	folders := make(chan prepared, workers)
	for range workers {
		folders <- prepareDeed(t, l, d)
	}
	inCopy := func(t *testing.T, do func(*killTrial)) {
		t.Helper()
		inCopy(t, l, d, folders, func(tr *killTrial) {
			if d.masks {
				tr.set(map[string]any{"masks": masks})
			}
			do(tr)
		})
	}
	var all []point
	inCopy(t, func(tr *killTrial) { all = tr.points() })
	if sample {
		all = sampled(all)
	}
	for _, p := range all {
		t.Run(p.String(), func(t *testing.T) {
			if !sample {
				t.Parallel()
			}
			inCopy(t, func(tr *killTrial) { tr.run(p) })
		})
	}
}

// sampled returns points of two kinds of call: the same in each run, so that no day fails by itself.
func sampled(all []point) []point {
	var kinds []string
	of := map[string][]point{}
	for _, p := range all {
		if of[p.call] == nil {
			kinds = append(kinds, p.call)
		}
		of[p.call] = append(of[p.call], p)
	}
	var some []point
	for i := range 2 {
		kind := of[kinds[(2*i+1)*len(kinds)/4]]
		some = append(some, kind[len(kind)/2])
	}
	return some
}

// prepared is a folder with what is there before a deed.
type prepared struct {
	dir string
	// url is the connection string of production's application, and rows is what it reads.
	url, rows string
}

// killTrial is a copy of a prepared folder.
type killTrial struct {
	*fixture // the environment's
	life
	deed
	production prepared
}

func openTrial(t *testing.T, l life, d deed, dir string) *killTrial {
	t.Helper()
	f := openFixture(t, dir, "SANDBOX_CLUSTER_TIME=300ms")
	f.clouds.TiDB.InheritUsers = true // nobody knows whether TiDB Cloud does that
	return &killTrial{fixture: f.environment(mark.Stack(l.number), l.config), life: l, deed: d}
}

func prepareDeed(t *testing.T, l life, d deed) prepared {
	t.Helper()
	p := prepared{dir: t.TempDir()}
	tr := openTrial(t, l, d, p.dir)
	defer tr.clouds.Close()
	if l.copied {
		dev := *tr.Engine
		dev.Stack, dev.Config, dev.Env = "", map[string]any{}, tr.clouds.Env
		f := &fixture{TB: t, Engine: &dev, clouds: tr.clouds}
		f.set(map[string]any{"site": "", "migrations": "internal/example/migrations"})
		f.up()
		p.url, _ = f.login()
		f.query(p.url, "INSERT INTO guests (name, message) VALUES ('Ada Lovelace', 'ada@example.com'), ('Grace Hopper', 'call me')")
		p.rows = tr.seen(p.url)
	}
	if d.made {
		tr.production = p
		tr.up()
		tr.stands()
	}
	return p
}

// inCopy opens a copy of a prepared folder.
func inCopy(t *testing.T, l life, d deed, folders chan prepared, do func(*killTrial)) {
	t.Helper()
	p := <-folders
	defer func() { folders <- p }()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	tr := openTrial(t, l, d, dir)
	defer tr.clouds.Close()
	tr.production = p
	if d.name == "verify" {
		tr.lose()
	}
	do(tr)
}

// lose loses the state.
func (tr *killTrial) lose() {
	tr.Helper()
	if err := os.Remove(filepath.Join(tr.StacksFolder(), tr.Stack+".json")); err != nil {
		tr.Fatal(err)
	}
}

// start runs the deed.
func (tr *killTrial) start() *session {
	tr.Helper()
	if tr.deed.name == "verify" {
		return tr.startVerify("")
	}
	return tr.fixture.start(tr.verb())
}

func (tr *killTrial) startVerify(state string) *session {
	tr.Helper()
	cmd := exec.CommandContext(tr.Context(), filepath.Join(root, "bin", "environment"), "verify", strconv.Itoa(tr.number))
	cmd.Dir, cmd.Stdin = root, strings.NewReader(state)
	cmd.Env = os.Environ()
	for name, value := range tr.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return newSession(tr, cmd)
}

// points returns where the deed can be killed.
func (tr *killTrial) points() (all []point) {
	tr.Helper()
	var mu sync.Mutex
	commands := map[bool]int{} // before they take effect, and after it
	tr.clouds.SQL.Intercept(func(id string, after bool) bool {
		mu.Lock()
		defer mu.Unlock()
		if isBranch(id) {
			commands[after]++
		}
		return false
	})
	defer tr.clouds.SQL.Intercept(nil)
	before := len(tr.clouds.Log.Calls())
	if out, err := tr.start().wait(); err != nil {
		tr.Fatalf("%v\n%s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, after := range []bool{false, true} {
		n := 0
		add := func(p point) {
			p.n, p.after = n, after
			for _, p.next = range tr.next {
				all = append(all, p)
			}
			n++
		}
		for _, c := range tr.clouds.Log.Calls()[before:] {
			if c.Write() {
				add(point{call: c.Method + " " + kindOf(c.Path)})
			}
		}
		for n = 0; n < commands[after]; {
			add(point{call: fmt.Sprintf("SQL from %d", n/10*10+1), sql: true})
		}
	}
	return all
}

func isBranch(id string) bool { return strings.HasPrefix(id, "bran-") }

// run kills the deed at a point and checks that the next run finishes its work.
func (tr *killTrial) run(p point) {
	tr.Helper()
	old := tr.loginsOf("before")
	trap := &trap{TB: tr, call: p.n, after: p.after}
	if p.sql {
		tr.clouds.SQL.Intercept(func(id string, after bool) bool { return trap.meets(isBranch(id), after) })
	} else {
		tr.clouds.Intercept(func(r *http.Request, after bool) bool { return trap.meets(isWrite(r), after) })
	}
	out, sprung := trap.kills(tr.start)
	tr.clouds.SQL.Intercept(nil)
	tr.clouds.Intercept(nil)
	if !sprung && p.sql {
		tr.Skip("the resources that run at the same time made fewer commands than before")
	}
	if !sprung {
		tr.Fatalf("the call was never made:\n%s", out)
	}
	tr.hidden("after the kill", old)
	if !tr.lost() {
		if err := tr.Cancel(tr.Context()); err != nil {
			tr.Fatal(err)
		}
	}
	tr.verifyIsRight()
	tr.printed.Reset()
	switch p.next {
	case "up":
		if err := tr.Operate(tr.Context(), "up"); err != nil {
			tr.Fatalf("the up after it: %v\n%s", err, tr.printed.String())
		}
		tr.hidden("after the next up", old)
		tr.stands()
		tr.noChanges()
	case "end":
		tr.ends()
	}
	tr.gone(p.next != "up")
	if tr.copied {
		tr.want("rows of production", tr.seen(tr.production.url), tr.production.rows)
	}
}

func isWrite(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// lost reports whether the stack has no state.
func (tr *killTrial) lost() bool {
	_, err := os.Stat(filepath.Join(tr.StacksFolder(), tr.Stack+".json"))
	return err != nil
}

// ends does what the workflow does at the end of an environment.
func (tr *killTrial) ends() {
	tr.Helper()
	for _, verb := range []string{"refresh", "destroy"} {
		if err := tr.Operate(tr.Context(), verb); err != nil {
			tr.Fatalf("%s: %v\n%s", verb, err, tr.printed.String())
		}
	}
	if out, err := tr.startVerify(tr.export()).wait(); err != nil {
		tr.Fatalf("verify: %v\n%s", err, out)
	}
	if err := tr.Remove(tr.Context()); err != nil {
		tr.Fatal(err)
	}
}

// verifyIsRight runs verify on what a killed end left. It must not be green with something left.
func (tr *killTrial) verifyIsRight() {
	tr.Helper()
	if tr.verb() == "up" {
		return // its state has something, and nobody ends it
	}
	state := ""
	if !tr.lost() {
		state = tr.export()
	}
	out, err := tr.startVerify(state).wait()
	tr.gone(err == nil)
	if green := strings.HasSuffix(out, "nothing is left\n"); green != (err == nil) || tr.lost() && err != nil {
		tr.Errorf("verify: %v\n%s", err, out)
	}
}

func (tr *killTrial) export() string {
	tr.Helper()
	state, err := tr.Command(tr.Context(), "stack", "export")
	if err != nil {
		tr.Fatal(err)
	}
	return state
}
