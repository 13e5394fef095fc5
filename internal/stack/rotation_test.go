package stack

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/tidbcloud"
)

// Each step gives a new password to the login that was idle, and uses that one.
func TestRun_rotation(t *testing.T) {
	for _, test := range []struct{ step, user, second, admin, active string }{
		{"0", "", "", "", "api:password-of-user@"},
		{"1", "", "1", "1", "api_b:password-of-user_b@"},
		{"2", "2", "", "2", "api:password-of-user@"},
		{"3", "", "3", "3", "api_b:password-of-user_b@"},
	} {
		t.Run(test.step, func(t *testing.T) {
			e, err := newAccount(t).run(map[string]string{"portfolio:rotation": test.step})
			if err != nil {
				t.Fatal(err)
			}
			for resource, want := range map[string]string{"user": test.user, "user_b": test.second, "admin": test.admin} {
				user := e.registered[resource]
				have := ""
				if v, ok := user.Inputs["rotation"]; ok {
					have = v.StringValue()
				}
				// Without a rotation the password stays, whatever the state has.
				ignored := slices.Contains(user.RegisterRPC.GetIgnoreChanges(), "rotation")
				if have != want || ignored != (want == "") {
					t.Errorf("%s: rotation %q, ignored: %t; want %q", resource, have, ignored, want)
				}
			}
			var have string
			for _, b := range declaredScript(e.registered["portfolio-dev-api"].Inputs).Bindings {
				if b.Name == varDatabaseURL || b.Name == varRotation {
					have += b.Name + "=" + b.Text + " "
				}
			}
			if !strings.Contains(have, test.active) || strings.Contains(have, varRotation+"="+test.step) != (test.step != "0") {
				t.Errorf("the Worker has %s, want %s and its step in it", have, test.active)
			}
		})
	}
}

func TestCheckStep(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to int
		want     []string
	}{
		{"the same", 2, 2, nil},
		{"none before", 0, 1, nil},
		{"none before, and the first left out", 0, 2, []string{"set rotation 1"}},
		{"the next", 2, 3, nil},
		{"back", 2, 1, nil},
		{"one left out", 2, 4, []string{"config key rotation", "set rotation 3"}},
		{"two back", 2, 0, []string{"set rotation 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			live := &liveWorker{}
			if test.from > 0 {
				live.Bindings = []cloudflare.ScriptBinding{{Type: "plain_text", Name: varRotation, Text: strconv.Itoa(test.from)}}
			}
			wantError(t, checkStep(live, test.to), test.want...)
		})
	}
	wantError(t, checkStep(nil, 7)) // there is no Worker yet
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
