package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// logins watches the login that the deployed Worker uses.
type logins struct {
	*fixture
	seen []string // connection strings that were the stack's output
}

func newLogins(t *testing.T) *logins {
	l := &logins{fixture: newFixture(t)}
	l.run("up")
	return l
}

// run runs an operation that must succeed, after which the Worker's login must work.
func (l *logins) run(verb string, options ...optup.Option) result {
	l.Helper()
	r := l.fixture.run(verb, options...)
	l.works(verb)
	return r
}

func (l *logins) works(when string) {
	l.Helper()
	if url, _ := l.outputs()["databaseUrl"].(string); url != "" {
		l.seen = append(l.seen, url)
	}
	for _, url := range l.seen {
		if l.script().Secrets["DATABASE_URL"].Is(url) {
			if _, err := l.tryQuery(url, "SELECT 1"); err != nil {
				l.Errorf("%s: the login that the Worker uses: %v", when, err)
			}
			return
		}
	}
	l.Errorf("%s: the Worker has a DATABASE_URL that was never the output", when)
}

// uses checks which login the Worker uses, by name and step.
func (l *logins) uses(name, step string) {
	l.Helper()
	url := l.seen[len(l.seen)-1]
	if !strings.Contains(url, "."+name+":") || !l.script().Secrets["DATABASE_URL"].Is(url) {
		l.Errorf("the Worker does not use %s", name)
	}
	l.want("PULUMI_ROTATION", l.script().Vars["PULUMI_ROTATION"], step)
}

func (l *logins) rotate(step any) { l.set(map[string]any{"rotation": step}) }

const apiURN = "**cloudflare:index/workersScript:WorkersScript::portfolio-api"

func loginURN(name string) string { return "**tidbcloud:index:SqlUser::" + name }

// advised runs each command that the last operation advised, as far as it is a
// `pulumi config set` of the rotation.
func (l *logins) advised() {
	l.Helper()
	line := regexp.MustCompile("`pulumi config set rotation (\\d+)`").FindStringSubmatch(l.printed.String())
	if line == nil {
		l.Fatalf("no advice:\n%s", l.printed.String())
	}
	l.rotate(line[1])
}

// Whatever part of the stack a run is limited to, the login that the Worker uses keeps its
// password until the Worker has another one.
func TestRotation_partialRuns(t *testing.T) {
	l := newLogins(t)
	only := func(urns ...string) optup.Option { return optup.Target(urns) }
	for _, step := range []struct {
		step         string
		partial      []optup.Option
		during       string // in use after the partial run
		after, login string // in use after a plain one
	}{
		{"1", []optup.Option{only(apiURN)}, "", "1", "api_b"},
		{"2", []optup.Option{only(loginURN("user"))}, "1", "2", "api"},
		{"3", []optup.Option{optup.Exclude([]string{apiURN}), optup.ExcludeDependents()}, "2", "3", "api_b"},
	} {
		l.rotate(step.step)
		l.run("up", step.partial...)
		l.want("PULUMI_ROTATION after a partial run", l.script().Vars["PULUMI_ROTATION"], step.during)
		previewed := l.run("preview").changes
		l.want("changes, against the preview", l.run("up").changes, previewed)
		l.uses(step.login, step.after)
		l.noChanges()
	}

	t.Log("somebody stepped back with an early version: the other login has a higher step")
	l.edit(func(r *apitype.ResourceV3) {
		if r.URN.Name() == "user" {
			r.Inputs["rotation"], r.Outputs["rotation"] = "4", "4"
		}
	})
	l.noChanges()
	l.uses("api_b", "3")
}

// The step tells which login is in use, even if the variable is gone. If nothing tells it, no
// login is touched, and the error says what to do.
func TestRotation_variableGone(t *testing.T) {
	l := newLogins(t)
	l.rotate("1")
	l.run("up")
	forget := func(kept string) {
		l.form("PATCH", l.scripts()+"/settings", jsonPart("settings", `{"bindings":[{"type":"inherit","name":"DATABASE_URL"},{"type":"inherit","name":"PULUMI_STACK"}`+kept+`]}`))
	}

	t.Log("the note says it")
	forget(`,{"type":"inherit","name":"PULUMI_UPLOAD"}`)
	l.rotate("2")
	l.run("up")
	l.uses("api", "2")
	l.noChanges()

	t.Log("nothing says it, and no step is due")
	forget("")
	l.run("up")
	l.uses("api", "2")
	l.noChanges()

	t.Log("nothing says it, and a step is due")
	forget("")
	l.rotate("3")
	l.refused("config key rotation", "PULUMI_ROTATION")
	l.works("a refused step")
	l.advised()
	l.run("up")
	l.uses("api", "2")
	l.rotate("3")
	l.run("up")
	l.uses("api_b", "3")
	l.noChanges()

	t.Log("a step back, and the key taken out")
	for _, step := range []any{"2", nil, "5"} {
		l.rotate(step)
		l.refused("config key rotation")
		l.works("a refused step")
	}
	l.rotate("2")
	l.fails("preview", "`pulumi config set rotation 3`")
	l.advised()
	l.noChanges()
}

// A new sqlUser reaches each login in the step that gives it a new password.
func TestRotation_renamed(t *testing.T) {
	l := newLogins(t)
	l.set(map[string]any{"sqlUser": "app"})
	l.noWrites("a new sqlUser", l.up().calls) // only the cluster's record of its logins changes
	l.says("up", "config key sqlUser", "`pulumi config set rotation 1`")
	l.noChanges()
	l.uses("api", "")
	for _, step := range []struct{ step, login string }{{"1", "app_b"}, {"2", "app"}} {
		l.advised()
		l.run("up")
		l.uses(step.login, step.step)
		l.noChanges()
	}
	if strings.Contains(l.printed.String(), "config key sqlUser") {
		t.Errorf("the rename is done, but the run says:\n%s", l.printed.String())
	}

	t.Log("a name that the other login still has")
	l.set(map[string]any{"sqlUser": "app_b"})
	for _, step := range []struct{ step, login string }{{"3", "app_b_b"}, {"4", "app_b"}} {
		l.rotate(step.step)
		l.run("up")
		l.uses(step.login, step.step)
	}
	l.set(map[string]any{"sqlUser": "app"}) // its second login would be app_b, which is in use
	for _, step := range []struct{ step, login string }{{"5", "app_b_b"}, {"6", "app"}, {"7", "app_b"}} {
		l.rotate(step.step)
		l.run("up")
		l.uses(step.login, step.step)
		l.noChanges()
	}
	l.want("SQL users", len(l.clouds.TiDB.Users(l.cluster().ClusterID)), 4)
}
