package main

import (
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
