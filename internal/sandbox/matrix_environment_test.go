package main

import (
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
	"portfolio-infra/internal/testfiles"
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
	// sample are the points by the name of the life. A call has no IDs in it, and is the first of
	// its kind.
	sample map[string][]point
}

const sqlOfBranch = "SQL"

func after(call string, next string) point { return point{call: call, after: true, next: next} }

var deeds = []deed{
	{name: "up", next: []string{"up", "end"}, sample: map[string][]point{
		"fresh":  {after("POST /v1beta1/clusters", "end"), after("POST /client/v4/pages/assets/*", "up")},
		"branch": {after("POST /v1beta1/clusters/*/branches", "up"), {call: sqlOfBranch, n: 20, after: true, next: "end"}},
	}},
	{name: "destroy", made: true, next: []string{"end", "up"}, sample: map[string][]point{
		"fresh":  {after("DELETE /client/v4/accounts/*/workers/scripts/*", "up")},
		"branch": {after("DELETE /v1beta1/clusters/*/branches/*", "end")},
	}},
	{name: "up with other masks", made: true, next: []string{"up", "end"}, masks: true, sample: map[string][]point{
		"branch": {after("POST /v1beta1/clusters/*/branches/*", "end"), {call: sqlOfBranch, n: 20, next: "up"}},
	}},
	// It removes all, since the state is lost.
	{name: "verify", made: true, next: []string{"verify"}, sample: map[string][]point{
		"fresh":  {after("DELETE /client/v4/accounts/*/pages/projects/*", "verify")},
		"branch": {after("DELETE /v1beta1/clusters/*/branches/*", "verify")},
	}},
}

func (d deed) verb() string { verb, _, _ := strings.Cut(d.name, " "); return verb }

// A kill of each deed and more; [TestMatrixOfEnvironments_full] has them all.
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
	testfiles.Write(t, filepath.Join(root, masks), map[string]string{"2_more.sql": "UPDATE guests SET message = 'x';\n"})
	for _, l := range lives {
		for name, made := range map[string]bool{"": false, ", made": true} {
			t.Run(l.name+name, func(t *testing.T) {
				t.Parallel()
				folders := newPool(t, sample, func(t *testing.T) prepared { return l.prepare(t, made) })
				for _, d := range deeds {
					if d.made == made && (l.copied || !d.masks) {
						t.Run(d.name, func(t *testing.T) { testKills(t, l, d, folders, masks, sample) })
					}
				}
			})
		}
	}
}

// point is where a deed is killed, and how it goes on.
type point struct {
	call  string
	n     int // the number of the write, of its kind in a sample, or of the command
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

// testKills kills a deed at its points.
func testKills(t *testing.T, l life, d deed, folders pool[prepared], masks string, sample bool) {
	open := func(t *testing.T, p prepared) *killTrial {
		tr := openTrial(t, l, copyOf(t, p.dir))
		tr.deed, tr.production, tr.sample = d, p, sample
		if d.masks {
			tr.set(map[string]any{"masks": masks})
		}
		if d.name == "verify" { // the state is lost
			if err := os.Remove(tr.state()); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	all := d.sample[l.name]
	if !sample {
		t.Run("points", func(t *testing.T) {
			p := <-folders
			t.Cleanup(func() { folders <- p })
			all = open(t, p).points()
		})
	}
	for _, p := range all {
		folders.run(t, p.String(), func(t *testing.T, folder prepared) { open(t, folder).run(p) })
	}
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
	sample     bool
}

func openTrial(t *testing.T, l life, dir string) *killTrial {
	t.Helper()
	f := openFixture(t, dir)
	f.clouds.TiDB.InheritUsers = true // nobody knows whether TiDB Cloud does that
	return &killTrial{fixture: f.environment(mark.Stack(l.number), l.config), life: l}
}

func (l life) prepare(t *testing.T, made bool) prepared {
	t.Helper()
	tr := openTrial(t, l, t.TempDir())
	defer tr.clouds.Close()
	tr.production.dir = tr.Dir
	if l.copied {
		dev := *tr.Engine
		dev.Stack, dev.Config, dev.Env = "", map[string]any{}, tr.clouds.Env
		f := &fixture{TB: t, Engine: &dev, clouds: tr.clouds}
		f.set(map[string]any{"site": "", "migrations": "internal/example/migrations"})
		f.up()
		url, _ := f.login()
		f.query(url, "INSERT INTO guests (name, message) VALUES ('Ada Lovelace', 'ada@example.com'), ('Grace Hopper', 'call me')")
		tr.production.url, tr.production.rows = url, tr.seen(url)
	}
	if made {
		tr.planned()
		tr.stands()
		tr.noChanges()
		tr.want("refresh", tr.fixture.run("refresh").changes, map[string]int{})
		tr.noChanges()
	}
	return tr.production
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
		add := func(call string, n int) {
			for _, next := range tr.next {
				all = append(all, point{call, n, after, next})
			}
		}
		n := 0
		for _, c := range tr.clouds.Log.Calls()[before:] {
			if c.Write() {
				add(c.Method+" "+kindOf(c.Path), n)
				n++
			}
		}
		for n := range commands[after] {
			add(sqlOfBranch, n)
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
	if p.call == sqlOfBranch {
		tr.clouds.SQL.Intercept(func(id string, after bool) bool { return trap.meets(isBranch(id), after) })
	} else {
		tr.clouds.Intercept(func(r *http.Request, after bool) bool {
			return trap.meets(isWrite(r) && (!tr.sample || kindOf(r.Method+" "+r.URL.Path) == p.call), after)
		})
	}
	out, sprung := trap.kills(tr.start)
	tr.clouds.SQL.Intercept(nil)
	tr.clouds.Intercept(nil)
	if !sprung && p.call == sqlOfBranch && !tr.sample {
		tr.Skip("the resources that run at the same time made fewer commands than before")
	}
	if !sprung {
		tr.Fatalf("the call was never made:\n%s", out)
	}
	tr.hidden("after the kill", old)
	tr.verifyIsRight()
	switch p.next {
	case "up":
		tr.resumed("up")
		tr.hidden("after the next up", old)
		tr.stands()
		tr.noChanges()
	case "end":
		if err := tr.Cancel(tr.Context()); err != nil {
			tr.Fatal(err)
		}
		tr.ends()
	}
	tr.gone(p.next != "up")
	if tr.copied {
		tr.want("rows of production", tr.seen(tr.production.url), tr.production.rows)
	}
}

func isWrite(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// state is the file of the stack's state.
func (tr *killTrial) state() string { return filepath.Join(tr.StacksFolder(), tr.Stack+".json") }

// lost reports whether the stack has no state.
func (tr *killTrial) lost() bool {
	_, err := os.Stat(tr.state())
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
