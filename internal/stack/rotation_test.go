package stack

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

// Each step gives a new password to the login that was idle. The Worker gets the login of the
// config's step only if that one has its new password.
func TestLogins_choose(t *testing.T) {
	const none, due = "first", "due"
	for _, test := range []struct {
		name, step    string
		first, second string // the recorded rotations; due is that of this run
		unusable      bool   // the login that is due
		copy          bool   // whether it is on a branch
		want, noted   string
	}{
		{"a whole run", "2", due, "1", false, false, "api", "2"},
		{"a whole run of an odd step", "1", none, due, false, false, "api_b", "1"},
		{"a whole run on a branch", "1", none, due, false, true, "api_b", "1"},
		{"neither step has been", "1", none, none, false, false, "api", ""},
		{"the login is not part of the run", "3", "2", "1", false, false, "api", "2"},
		{"the Worker was not part of the last one", "3", "2", "3", false, false, "api_b", "3"},
		{"the new password has not logged in", "3", "2", "3", true, false, "api", "2"},
		{"nothing to fall back on", "2", none, none, false, false, "api", ""},
		{"a text of an early version", "1", "2026-11", none, false, false, "api", ""},
		{"step 0", "0", due, due, false, false, "api", ""},
		{"step 0, after a step back", "0", "2", "1", false, false, "api", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, config, url := newAccount(t), map[string]string{"portfolio:rotation": test.step}, "mysql://prefix."
			if test.copy {
				a, config = newEnvironment(t, branchEnvironment, "rotation", test.step)
				url = "mysql://copy."
			}
			a.engine.skipped = map[string]resource.PropertyMap{}
			for login, rotation := range map[string]string{evenLogin: test.first, oddLogin: test.second} {
				if rotation != due {
					a.engine.skipped[login] = resource.PropertyMap{"rotation": resource.NewStringProperty(rotation)}
				}
			}
			step, _ := strconv.Atoi(test.step)
			if test.unusable {
				a.engine.skipped[loginOf(step)]["unverified"] = resource.NewProperty(true)
			}
			inputs := a.up(config)
			script := declaredScript(inputs["portfolio-"+cmp.Or(a.stack, "dev")+"-api"])
			have := script.Bindings[slices.IndexFunc(script.Bindings, func(b cloudflare.ScriptBinding) bool { return b.Name == varDatabaseURL })].Text
			if !strings.HasPrefix(have, url+test.want+":password-of-user") || script.Var(varRotation) != test.noted {
				t.Errorf("the Worker has %s and step %q, want %s and %q", have, script.Var(varRotation), test.want, test.noted)
			}
			for login, want := range map[string]string{loginOf(step): test.step, loginOf(step + 1): "", "admin": test.step} {
				if step == 0 {
					want = ""
				}
				// Without a rotation the password stays, whatever the state has.
				ignored := slices.Contains(a.ignored(login), "rotation")
				if have := textOf(inputs[login], "rotation"); have != want || ignored != (want == "") {
					t.Errorf("%s: rotation %q, ignored: %t; want %q", login, have, ignored, want)
				}
			}
		})
	}
}

// rotated returns a Worker with its variables, as far as they are not "-".
func rotated(rotation, note string) *foundWorker {
	vars := []string{varRotation + "=" + rotation, varUpload + "=" + note}
	return newFoundWorker("", slices.DeleteFunc(vars, func(v string) bool { return strings.HasSuffix(v, "=-") }))
}

func TestFoundWorker_step(t *testing.T) {
	const old, noted = "cafe made (2026-06-01T00:00:00Z)", "cafe to set: A (2026-06-01T00:00:00Z) rotation "
	for name, test := range map[string]struct {
		live  *foundWorker
		want  int
		known bool
	}{
		"no Worker":                  {nil, 0, false},
		"nothing":                    {rotated("-", "-"), 0, false},
		"a note of an early version": {rotated("-", old), 0, false},
		"step 0":                     {rotated("-", noted+"0"), 0, true},
		"a step":                     {rotated("3", noted+"3"), 3, true},
		"a step of an early version": {rotated("3", old), 3, true},
		"the variable removed":       {rotated("-", noted+"3"), 3, true},
		"the variable changed":       {rotated("4", noted+"3"), 4, false},
		"no number":                  {rotated("x", old), 0, false},
		"both removed":               {rotated("-", ""), 0, false},
	} {
		have, known := test.live.step()
		if known != test.known || known && have != test.want {
			t.Errorf("%s: %d, %t; want %d, %t", name, have, known, test.want, test.known)
		}
	}
}

func TestCheckStep(t *testing.T) {
	at := func(step int) *foundWorker {
		return rotated(strconv.Itoa(step), fmt.Sprint("cafe made (then) rotation ", step))
	}
	for name, test := range map[string]struct {
		live *foundWorker
		to   int
		want string
	}{
		"the same":                      {at(2), 2, ""},
		"none before":                   {at(0), 1, ""},
		"none before, and one left out": {at(0), 2, "`pulumi config set rotation 1`"},
		"the next":                      {at(2), 3, ""},
		"back":                          {at(2), 1, "`pulumi config set rotation 2`"},
		"one left out":                  {at(2), 4, "`pulumi config set rotation 3`"},
		"the key removed":               {at(2), 0, "`pulumi config set rotation 2`"},
		"no Worker yet":                 {nil, 7, ""},
		"nothing says the step":         {rotated("-", "-"), 7, ""},
	} {
		t.Run(name, func(t *testing.T) { testcheck.Error(t, checkStep(test.live, test.to), test.want) })
	}
}

// No login gets a new password while the Worker may use it. The advice always leads to a
// step that is allowed, and after which the Worker says what it uses.
func TestCheckIdle(t *testing.T) {
	for _, test := range []struct {
		name            string
		step            int
		first, second   string // the recorded rotations
		worker          *foundWorker
		want, refusedAt string
	}{
		{"the first step", 1, "first", "first", rotated("-", "-"), "", ""},
		{"the first one left out", 2, "first", "first", rotated("-", "-"), "rotation 1`", "may use it"},
		{"the variable gone", 3, "2", "1", rotated("-", "-"), "rotation 2`", "may use it"},
		{"the variable gone, two steps on", 4, "2", "1", rotated("-", "-"), "rotation 2`", "may use it"},
		{"the variable gone, back", 1, "2", "3", rotated("-", "-"), "rotation 3`", "may use it"},
		{"no Worker of that name", 3, "2", "1", nil, "rotation 2`", "may use it"},
		{"after an early version with one login", 2, "1", "first", rotated("-", "-"), "rotation 1`", "may use it"},
		{"the state is behind the Worker", 4, "2", "3", rotated("4", "-"), "rotation 5`", "the Worker uses it"},
		{"imported", 1, "first", "imported", rotated("1", "-"), "", ""},
		{"no new password", 2, "2", "1", rotated("-", "-"), "", ""},
	} {
		state := map[string]string{evenLogin: test.first, oddLogin: test.second}
		due, other := loginOf(test.step), loginOf(test.step+1)
		inputs := func(rotation string) resource.PropertyMap {
			return resource.PropertyMap{"name": resource.NewStringProperty("api"), "rotation": resource.NewStringProperty(rotation)}
		}
		err := checkIdle(test.worker, test.step, ownStep(other, state[other]), inputs(state[due]), inputs(strconv.Itoa(test.step)))
		parts := []string{"config key rotation", test.want, test.refusedAt}
		if test.want == "" {
			parts = nil
		}
		testcheck.Error(t, err, parts...)
	}
}

func TestSecondLogin(t *testing.T) {
	for first, want := range map[string]string{
		"api":              "api_b",
		"a23456789012345":  "a2345678901234_b",
		"a234567890123456": "a2345678901234_b",
		"a2345678901234_b": "a2345678901234_c",
	} {
		have := secondLogin(first)
		if err := tidbcloud.CheckUserName(have); have != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", first, have, err, want)
		}
	}
}
