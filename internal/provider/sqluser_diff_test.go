package provider_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

// A plain up shows and repairs what was done to a user by hand. Its preview shows whether the password
// will change.
func TestSQLUser_Diff(t *testing.T) {
	lists := []string{listUsers}
	patching := func(key, value string) func(*cloud, *sqlServers) {
		return func(c *cloud, _ *sqlServers) { c.byHand("PATCH", c.userPath("api"), map[string]any{key: value}) }
	}
	answering := func(packet []byte) func(*cloud, *sqlServers) {
		return func(_ *cloud, s *sqlServers) { s.instead = always(packet) }
	}
	for _, tt := range []struct {
		name   string
		to     map[string]any
		hand   func(*cloud, *sqlServers)
		want   []string
		calls  []string
		logins int
		warn   string
	}{
		{"nothing", nil, nil, nil, lists, 1, ""},
		{"role", map[string]any{"role": "role_admin"}, nil, []string{"role update"}, lists, 1, ""},
		{"rotation", map[string]any{"rotation": "1"}, nil, []string{"rotation update"}, lists, 0, ""},
		{"name", map[string]any{"name": "web"}, nil, []string{"name update&replace"}, nil, 0, ""},
		{"unknown cluster", map[string]any{"clusterId": unknown}, nil, []string{"clusterId update&replace"}, nil, 0, ""},
		{"deleted by hand", nil, func(c *cloud, _ *sqlServers) { c.byHand("DELETE", c.userPath("api"), nil) },
			[]string{"fullName update"}, lists, 0, "no longer exists: it will be created again"},
		{"another role by hand", nil, patching("builtinRole", "role_admin"), []string{"role update"}, lists, 1, "its role is role_admin"},
		{"another password by hand", nil, patching("password", "by somebody"), []string{"password update"}, lists, 2, "cannot log in with the recorded password"},
		{"server away", nil, answering(hangUp), nil, lists, 1, "not checking whether SQL user"},
		{"quota used up", nil, answering(refusal("Due to the usage quota being exhausted")), nil, lists, 1, "usage quota"},
		{"cluster away", nil, func(c *cloud, _ *sqlServers) { deleted(c, c.first()) }, nil, lists, 0, "using the recorded state"},
		{"API refuses", nil, func(c *cloud, _ *sqlServers) {
			c.fail(emulator.Fault{Path: "/clusters/*/sqlUsers", Status: 403, Times: -1})
		}, nil, lists, 0, "using the recorded state"},
	} {
		t.Run(tt.name, withUser(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			time.Sleep(time.Hour) // before that a refused login may be a new one
			if tt.hand != nil {
				tt.hand(c, s)
			}
			start := time.Now()
			if got := s.logins(func() {
				e.wantDiff(api(c.first(), tt.to), tt.want...)
			}); got != tt.logins {
				t.Errorf("%d logins", got)
			}
			same(t, "calls", c.called(), tt.calls)
			e.log.want(t, tt.warn)
			within(t, start, 4*time.Second)

			if tt.want == nil || tt.calls == nil {
				return
			}
			before := e.out("password")
			outputs, err := e.preview(api(c.first(), tt.to))
			e.steps(api(c.first(), tt.to), "update", "same")
			agrees(t, c, e)
			rotated := e.out("password") != before
			if password := outputs.Get("password"); err != nil || password.IsComputed() != rotated || !password.Secret() || rotated != !strings.Contains(tt.name, "role") {
				t.Errorf("another password: %v, previewed %v: %v", rotated, password, err)
			}
		}))
	}
}

// A role that the API leaves out is the recorded one, in a preview and in a run.
func TestSQLUser_Update_roleLeftOut(t *testing.T) {
	withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*/sqlUsers", Body: `{"sqlUsers":[{"userName":"` + e.out("fullName") + `"}]}`, Times: -1})
		e.steps(api(c.first(), nil), "same")
		e.steps(api(c.first(), map[string]any{"rotation": "2"}), "update")
		e.steps(api(c.first(), map[string]any{"rotation": "2", "role": "role_readonly"}), "update")
		same(t, "users", c.users(c.first()), map[string]string{"p1001.api": "p1001.role_readonly"})
	})(t)
}

// The gateway may learn of a new login late. A run waits for it, but not for ever. A run soon after
// does not conclude that somebody changed the password.
func TestSQLUser_waitsForLogin(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  time.Duration
		late bool
	}{"a while": {50 * time.Second, false}, "too long": {time.Hour, true}} {
		t.Run(name, withSQL(userType, tt.lag, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			inputs, start := api(c.first(), nil), time.Now()
			e.steps(inputs, "create")
			if took := time.Since(start); took < min(tt.lag, 90*time.Second) || took > 3*time.Minute {
				t.Errorf("took %s", took)
			}
			if e.log.has("warn") != tt.late || tt.late && !e.log.has("warn", "a login could not be verified") {
				t.Errorf("shown:\n%s", e.log.all())
			}
			e.steps(inputs, "same")
			if e.log.has("warn", "cannot log in yet") != tt.late {
				t.Errorf("shown:\n%s", e.log.all())
			}
			time.Sleep(10 * time.Minute)
			e.steps(inputs, map[bool]string{true: "update", false: "same"}[tt.late])
			agrees(t, c, e)
		}))
	}
}

// A rotation fails unless its password logs in, so that the application does not move to a login that
// does not work. The next run waits for the same password.
func TestSQLUser_Update_rotation(t *testing.T) {
	rotated := map[string]any{"rotation": "2"}
	away := func(_ *cloud, s *sqlServers) { s.instead = until(5*time.Minute, hangUp) }
	for _, tt := range []struct {
		name    string
		hand    func(*cloud, *sqlServers)
		wantErr []string
		took    time.Duration // at least
	}{
		{"at once", func(*cloud, *sqlServers) {}, nil, 0},
		{"after a while", func(_ *cloud, s *sqlServers) { s.instead = until(time.Minute, refusal("Missing user name prefix")) }, nil, time.Minute},
		{"refused", func(_ *cloud, s *sqlServers) { s.instead = until(5*time.Minute, refusal("Missing user name prefix")) },
			[]string{`SQL user "p1001.api" has a new password, but cannot log in with it yet, so the application stays with its login`, "Missing user name prefix", "the next `pulumi up` tries again"}, 90 * time.Second},
		{"server away", away, []string{"cannot log in with it yet"}, 90 * time.Second},
		{"quota used up", func(_ *cloud, s *sqlServers) {
			s.instead = until(5*time.Minute, refusal("Due to the usage quota being exhausted"))
		},
			[]string{"cannot log in with it yet", "usage quota"}, 0},
	} {
		t.Run(tt.name, withUser(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			time.Sleep(time.Hour)
			tt.hand(c, s)
			start, before := time.Now(), e.out("password")
			op, err := e.up(api(c.first(), rotated))
			testcheck.Error(t, err, tt.wantErr...)
			took := time.Since(start)
			if op != "update" || took < tt.took || took > tt.took+time.Minute {
				t.Errorf("%s took %s", op, took)
			}
			agrees(t, c, e)
			after := e.out("password")
			if after == before || err != nil && strings.Contains(err.Error()+e.log.all(), after) {
				t.Error("the password is the old one, or shown")
			}
			if tt.wantErr == nil {
				e.steps(api(c.first(), rotated), "same")
				return
			}
			_, err = e.up(api(c.first(), rotated)) // too soon
			testcheck.Error(t, err, "cannot log in with it yet")
			e.refreshes()
			time.Sleep(5 * time.Minute)
			c.called()
			e.steps(api(c.first(), rotated), "update", "same")
			same(t, "writes", c.wrote(), nil)
			if agrees(t, c, e); e.out("password") != after {
				t.Error("the password is another one")
			}
		}))
	}
}

// After an ambiguous result of a rotation, the password of the next run must log in, too.
func TestSQLUser_Update_rotationAmbiguous(t *testing.T) {
	withUser(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		time.Sleep(time.Hour)
		rotated := api(c.first(), map[string]any{"rotation": "2"})
		c.fail(emulator.Fault{Method: "PATCH", Path: "/clusters/*/sqlUsers/*", Reset: true, After: true, Times: -1})
		e.tryUp(rotated, "its password is not known")
		c.fail()
		s.instead = until(5*time.Minute, hangUp)
		e.tryUp(rotated, "cannot log in with it yet")
		time.Sleep(5 * time.Minute)
		e.steps(rotated, "update", "same")
		agrees(t, c, e)
	})(t)
}

// A state of an earlier version does not know where to log in: one run fills it in.
func TestSQLUser_Update_oldState(t *testing.T) {
	withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		e.outputs = e.outputs.Delete("host").Delete("port").Delete("organization")
		e.steps(api(c.first(), nil), "update", "same")
		same(t, "writes", c.wrote(), nil)
		if e.out("host") != gateway || e.out("organization") != tidbcloud.Organization {
			t.Errorf("%v", e.outputs)
		}
	})(t)
}

// Concurrent diffs of a run share one list. A write drops it.
func TestSQLUser_Diff_shares(t *testing.T) {
	withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.onCall = func(string) { time.Sleep(time.Second) }
		for _, lists := range []int{1, 0} {
			var diffs sync.WaitGroup
			for range 4 {
				diffs.Go(func() {
					if _, err := e.diff(e.inputs); err != nil {
						t.Error(err)
					}
				})
			}
			diffs.Wait()
			same(t, "calls", c.called(), slices.Repeat([]string{listUsers}, lists))
		}
		e.steps(api(c.first(), map[string]any{"rotation": "2"}), "update")
		c.called()
		e.steps(e.inputs, "same")
		same(t, "calls", c.called(), []string{listUsers})
	})(t)
}

// In a replacement that Diff does not decide, the preview sees the old user, which is no
// conflict.
func TestSQLUser_replaceOnAdopted(t *testing.T) {
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.patch(c.first(), "labels", map[string]string{provider.MadeForLabel: ""})
		e.steps(api(c.first(), nil), "create")
		state := e.inputs
		e.check(state)
		id := e.id
		e.id = ""
		if _, err := e.preview(state); err != nil {
			t.Error(err)
		}
		e.id = id
		e.deletes()
		e.steps(state, "create")
	})(t)
}
