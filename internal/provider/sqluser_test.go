package provider_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

const (
	userType = "tidbcloud:index:SqlUser"

	postUser  = "POST /clusters/*/sqlUsers"
	patchUser = "PATCH /clusters/*/sqlUsers/*"
	listUsers = "GET /clusters/*/sqlUsers"
)

// api is the inputs of most tests.
func api(clusterID string, changes map[string]any) property.Map {
	values := map[string]any{"clusterId": clusterID, "name": "api", "owner": owner}
	maps.Copy(values, changes)
	return inputs(values)
}

// withUsers is withSQL for SQL users of the cluster 1001.
func withUsers(t *testing.T, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) {
	t.Helper()
	withSQL(t, userType, 0, f)
}

// withUser is withUsers with a user that the engine created.
func withUser(t *testing.T, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) {
	t.Helper()
	withUsers(t, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		e.steps(api(c.first(), nil), "create")
		c.called()
		e.log.clear()
		f(t, c, s, e)
	})
}

// agrees fails the test unless the state has the live password, as a secret.
func agrees(t *testing.T, c *cloud, e *engine) {
	t.Helper()
	password := e.outputs.Get("password")
	if !password.Secret() || len(password.AsString()) != 32 || !c.CheckPassword(c.first(), e.out("fullName"), password.AsString()) {
		t.Errorf("the state's password is not the live one, or no secret: %v", password)
	}
	if e.short(e.id) != "1001/api" || e.short(e.out("fullName")) != "p1001.api" {
		t.Errorf("%s is %q", e.short(e.id), e.short(e.out("fullName")))
	}
}

func TestSQLUser_calls(t *testing.T) {
	withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		passwords := map[string]bool{}
		for _, step := range []struct {
			changes map[string]any
			op      string
			writes  []string
			role    string
			rotated bool
		}{
			{nil, "create", []string{postUser}, "p1001.role_readwrite", true},
			{nil, "same", nil, "p1001.role_readwrite", false},
			{map[string]any{"role": "role_readwrite"}, "same", nil, "p1001.role_readwrite", false},
			{map[string]any{"role": "role_readonly"}, "update", []string{patchUser}, "p1001.role_readonly", false},
			{map[string]any{"role": "role_admin"}, "update", []string{patchUser}, "role_admin", false},
			{map[string]any{"rotation": "1"}, "update", []string{patchUser}, "p1001.role_readwrite", true},
			{map[string]any{"rotation": "2"}, "update", []string{patchUser}, "p1001.role_readwrite", true},
			{map[string]any{"rotation": "2", "adopt": true, "owner": nil}, "update", nil, "p1001.role_readwrite", false},
			{nil, "update", []string{patchUser}, "p1001.role_readwrite", true},
			{nil, "same", nil, "p1001.role_readwrite", false},
		} {
			e.steps(api(c.first(), step.changes), step.op)
			same(t, "writes of "+step.op, c.wrote(), step.writes)
			same(t, "users", c.users(c.first()), map[string]string{"p1001.api": step.role})
			agrees(t, c, e)
			if passwords[e.out("password")] == step.rotated {
				t.Errorf("another password: %v", !step.rotated)
			}
			passwords[e.out("password")] = true
			e.unchanged()
			c.called()
		}
		e.steps(api(c.first(), map[string]any{"name": "web"}), "replace")
		same(t, "users", c.users(c.first()), map[string]string{"p1001.web": "p1001.role_readwrite"})
		if err := e.delete(); err != nil || len(c.users(c.first())) != 0 {
			t.Errorf("%v left: %v", c.users(c.first()), err)
		}
	})
}

func TestSQLUser_preview(t *testing.T) {
	withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		unknown := property.New(property.Computed)
		outputs, err := e.preview(api("", map[string]any{"clusterId": unknown, "owner": unknown}))
		if err != nil || !outputs.Get("password").IsComputed() || !outputs.Get("password").Secret() || !outputs.Get("fullName").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		e.steps(api(c.first(), nil), "create")
		c.called()
		for key, rotates := range map[string]bool{"rotation": true, "role": false} {
			outputs, err := e.preview(api(c.first(), map[string]any{key: "role_readonly"}))
			if err != nil || outputs.Get("password").IsComputed() != rotates || !outputs.Get("password").Secret() || outputs.Get("fullName").IsComputed() {
				t.Errorf("previewed %v: %v", outputs, err)
			}
		}
		same(t, "calls", c.called(), []string{listUsers}) // one list serves them all
	})
}

func TestSQLUser_Create_existing(t *testing.T) {
	const line = "`pulumi import tidbcloud:index:SqlUser db 1001/api`"
	adopt := map[string]any{"adopt": true}
	for _, tt := range []struct {
		name           string
		owner, madeFor string // of the cluster
		changes        map[string]any
		wantErr        []string
	}{
		{"on our cluster", owner, owner, nil, nil},
		{"on another's cluster", "blog.prod", "blog.prod", nil,
			[]string{`SQL user "p1001.api" exists already on cluster "portfolio-db" (1001) and was left unchanged`, line, "adopt: true"}},
		{"on nobody's cluster", "", "", nil, []string{line}},
		{"on an adopted cluster", owner, "", nil, []string{line, "if an interrupted run of this stack created it", "for one run", "pulumi config set adopt true"}},
		{"on one adopted from another", owner, "blog.prod", nil, []string{line}},
		{"without an owner", owner, owner, map[string]any{"owner": nil}, []string{line}},
		{"nobody's, without an owner", "", "", map[string]any{"owner": nil}, []string{line}},
		{"adopted", "blog.prod", "blog.prod", adopt, nil},
		{"adopted on an adopted cluster", owner, "", adopt, nil},
		{"not adopted", "", "", map[string]any{"adopt": false}, []string{line}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
				c.patch(c.first(), "labels", map[string]string{provider.OwnerLabel: tt.owner, provider.MakerLabel: tt.madeFor})
				c.addUser("api", "predates us", "role_admin")
				for _, run := range []func(property.Map) error{
					func(inputs property.Map) error { _, err := e.preview(inputs); return err },
					func(inputs property.Map) error { _, err := e.up(inputs); return err },
				} {
					wantErr(t, run(api(c.first(), tt.changes)), tt.wantErr...)
				}
				if tt.wantErr != nil {
					if e.id != "" || len(c.wrote()) > 0 || !c.CheckPassword(c.first(), c.prefixes[c.first()]+".api", "predates us") {
						t.Error("it was touched")
					}
					return
				}
				agrees(t, c, e)
				same(t, "users", c.users(c.first()), map[string]string{"p1001.api": "p1001.role_readwrite"})
				if tt.changes != nil { // adopt is for one run
					e.steps(api(c.first(), nil), "update", "same")
				}
			})
		})
	}
}

func TestSQLUser_Create_fails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   emulator.Fault
		wantErr string // of the first run; "" = it succeeds
	}{
		{"answer lost", emulator.Fault{Method: "POST", Path: "/clusters/*/sqlUsers", Reset: true, After: true}, ""},
		{"500 without effect", emulator.Fault{Method: "POST", Path: "/clusters/*/sqlUsers", Status: 500}, "the user was not found so far, and the next `pulumi up` looks again"},
		{"refused", emulator.Fault{Method: "POST", Path: "/clusters/*/sqlUsers", Status: 400, Body: `{"code":"49900001","error":"too weak","status":400}`}, "too weak"},
		{"no cluster", emulator.Fault{Method: "GET", Path: "/clusters/*", Status: 404, Times: 6}, "404"},
		{"no list", emulator.Fault{Method: "GET", Path: "/clusters/*/sqlUsers", Status: 403, Times: 2}, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
				c.fail(tt.fault)
				_, err := e.up(api(c.first(), nil))
				wantErr(t, err, tt.wantErr)
				if err != nil {
					e.steps(api(c.first(), nil), "create")
				}
				agrees(t, c, e)
			})
		})
	}
	t.Run("killed after the POST", func(t *testing.T) {
		withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			lost := e.out("password")
			e.forget()
			e.steps(api(c.first(), nil), "create")
			agrees(t, c, e)
			if e.out("password") == lost {
				t.Error("the password is the one that nobody knows")
			}
		})
	})
	t.Run("name too long", func(t *testing.T) {
		withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			live := c.byHand("GET", "/clusters/"+c.first(), nil)
			live["userPrefix"] = strings.Repeat("9", 21)
			body, err := json.Marshal(live)
			if err != nil {
				t.Fatal(err)
			}
			c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*", Times: -1, Body: string(body)})
			_, err = e.up(api(c.first(), map[string]any{"name": "portfolio-writer"}))
			wantErr(t, err, "has 38 characters; 32 are allowed, so shorten it by 6")
		})
	})
}

// A new password whose result is ambiguous is followed by another one, even if the rotation is
// taken back.
func TestSQLUser_Update_fails(t *testing.T) {
	patch := func(f emulator.Fault) emulator.Fault {
		f.Method, f.Path = "PATCH", "/clusters/*/sqlUsers/*"
		return f
	}
	for _, tt := range []struct {
		name    string
		fault   emulator.Fault
		wantErr string
		next    string // rotation of the next run
		then    string // what it does
	}{
		{"answer lost", patch(emulator.Fault{Reset: true, After: true}), "", "1", "same"},
		{"all answers lost", patch(emulator.Fault{Reset: true, After: true, Times: -1}), "the next `pulumi up` sets another one", "1", "update"},
		{"all answers lost, taken back", patch(emulator.Fault{Reset: true, After: true, Times: -1}), "it may have taken effect", "first", "update"},
		{"500 without end", patch(emulator.Fault{Status: 500, Times: -1}), "updating SQL user", "1", "update"},
		{"refused", patch(emulator.Fault{Status: 400}), "400 Bad Request", "1", "update"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
				c.fail(tt.fault)
				_, err := e.up(api(c.first(), map[string]any{"rotation": "1"}))
				wantErr(t, err, tt.wantErr)
				c.fail()
				e.steps(api(c.first(), map[string]any{"rotation": tt.next}), tt.then, "same")
				agrees(t, c, e)
			})
		})
	}
}

// What is done to a user by hand, a plain up shows and repairs, and its preview shows whether
// the password will be another one.
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
		{"unknown cluster", map[string]any{"clusterId": property.New(property.Computed)}, nil, []string{"clusterId update&replace"}, nil, 0, ""},
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
		t.Run(tt.name, func(t *testing.T) {
			withUser(t, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
				time.Sleep(time.Hour) // before that a refused login may be a new one
				if tt.hand != nil {
					tt.hand(c, s)
				}
				start := time.Now()
				if got := s.logins(func() {
					diff, err := e.diff(api(c.first(), tt.to))
					if got := properties(diff); err != nil || !slices.Equal(got, tt.want) {
						t.Errorf("got %q: %v", got, err)
					}
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
			})
		})
	}
}

// A role that the API leaves out is the recorded one, in a preview and in a run.
func TestSQLUser_Update_roleLeftOut(t *testing.T) {
	withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*/sqlUsers", Body: `{"sqlUsers":[{"userName":"` + e.out("fullName") + `"}]}`, Times: -1})
		e.steps(api(c.first(), nil), "same")
		e.steps(api(c.first(), map[string]any{"rotation": "2"}), "update")
		e.steps(api(c.first(), map[string]any{"rotation": "2", "role": "role_readonly"}), "update")
		same(t, "users", c.users(c.first()), map[string]string{"p1001.api": "p1001.role_readonly"})
	})
}

// A new login may take a while to be known. A run waits for it, but not for ever, and a run
// soon after does not take it for one that was changed by hand.
func TestSQLUser_waitsForLogin(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  time.Duration
		late bool
	}{"a while": {50 * time.Second, false}, "too long": {time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			withSQL(t, userType, tt.lag, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
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
			})
		})
	}
}

// A state of an earlier version does not know where to log in: one run fills it in.
func TestSQLUser_Update_oldState(t *testing.T) {
	withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		e.outputs = e.outputs.Delete("host").Delete("port").Delete("organization")
		e.steps(api(c.first(), nil), "update", "same")
		same(t, "writes", c.wrote(), nil)
		if e.out("host") != gateway || e.out("organization") != tidbcloud.Organization {
			t.Errorf("%v", e.outputs)
		}
	})
}

// Concurrent diffs of a run share one list; a write drops it.
func TestSQLUser_Diff_shares(t *testing.T) {
	withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*/sqlUsers", Status: 503, After: true})
		c.onCall = func(string) { time.Sleep(time.Second) }
		lists := func(want int) {
			t.Helper()
			c.called()
			done := make(chan error)
			for range 4 {
				go func() {
					_, err := e.diff(e.inputs)
					done <- err
				}()
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if got := c.called(); len(got) != want {
				t.Errorf("called %q", got)
			}
		}
		lists(2) // a failed try and another one
		lists(0)
		e.steps(api(c.first(), map[string]any{"rotation": "2"}), "update")
		lists(1)
	})
}

// In a replacement that Diff does not decide, the preview sees the old user, which is no
// conflict.
func TestSQLUser_replaceOnAdopted(t *testing.T) {
	withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.patch(c.first(), "labels", map[string]string{provider.MakerLabel: ""})
		e.steps(api(c.first(), nil), "create")
		state := e.inputs
		e.check(state)
		id := e.id
		e.id = ""
		if _, err := e.preview(state); err != nil {
			t.Error(err)
		}
		e.id = id
		if err := e.delete(); err != nil {
			t.Fatal(err)
		}
		e.steps(state, "create")
	})
}

func TestSQLUser_Read(t *testing.T) {
	for _, tt := range []struct {
		name    string
		hand    func(*cloud)
		id      string
		changed bool
		wantErr string
	}{
		{"unchanged", func(*cloud) {}, "1001/api", false, ""},
		{"another role", func(c *cloud) { c.byHand("PATCH", c.userPath("api"), map[string]any{"builtinRole": "role_admin"}) }, "1001/api", true, ""},
		{"deleted", func(c *cloud) { c.byHand("DELETE", c.userPath("api"), nil) }, "", true, ""},
		{"cluster deleted", func(c *cloud) { deleted(c, c.first()) }, "1001/api", false, ""},
		{"forbidden", func(c *cloud) { c.fail(emulator.Fault{Path: "/clusters/*/sqlUsers", Status: 403, Times: -1}) }, "1001/api", false, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
				tt.hand(c)
				changed, err := e.refresh()
				wantErr(t, err, tt.wantErr)
				if changed != tt.changed || e.short(e.id) != tt.id {
					t.Errorf("%q changed: %v, to %v", e.id, changed, e.outputs)
				}
			})
		})
	}
}

func TestSQLUser_import(t *testing.T) {
	withUsers(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.addUser("api", "predates us", "role_readonly")
		for id, want := range map[string]string{
			"api": "write clusterId/name", "1001/": "write clusterId/name", "1001/a/b": "write clusterId/name",
			"10000000000000000001/api": "cluster 10000000000000000001 does not exist", c.first() + "/web": `SQL user "p1001.web" does not exist`,
		} {
			e.id = id
			_, err := e.refresh()
			wantErr(t, err, want)
		}
		e.id = c.first() + "/api"
		if _, err := e.refresh(); err != nil {
			t.Fatal(err)
		}
		if want := inputs(map[string]any{"clusterId": c.first(), "name": "api", "role": "role_readonly", "rotation": "imported"}); !e.inputs.Equals(want) || e.out("password") != "" {
			t.Errorf("imported %v, %v", e.inputs, e.outputs)
		}
		e.steps(e.inputs, "update", "same")
		agrees(t, c, e)
	})
}

func TestSQLUser_Delete(t *testing.T) {
	failing := func(f emulator.Fault) func(*cloud) { return func(c *cloud) { c.fail(f) } }
	noList := emulator.Fault{Method: "GET", Path: "/clusters/*/sqlUsers", Status: 400, Times: -1}
	for _, tt := range []struct {
		name    string
		hand    func(*cloud)
		wantErr string
	}{
		{"there", func(*cloud) {}, ""},
		{"missing", func(c *cloud) { c.byHand("DELETE", c.userPath("api"), nil) }, ""},
		{"cluster missing", func(c *cloud) { deleted(c, c.first()) }, ""},
		{"cluster being deleted", func(c *cloud) { deleting(c, c.first()) }, ""}, // its users are a 400
		{"all answers lost", failing(emulator.Fault{Method: "DELETE", Path: "/clusters/*/sqlUsers/*", Reset: true, After: true, Times: -1}), ""},
		{"refused", failing(emulator.Fault{Method: "DELETE", Path: "/clusters/*/sqlUsers/*", Status: 400, Times: -1}), "deleting SQL user"},
		{"no list", failing(noList), "listing the SQL users"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withUser(t, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
				tt.hand(c)
				wantErr(t, e.delete(), tt.wantErr)
			})
		})
	}
}

func TestSQLUser_Check(t *testing.T) {
	with := func(key string, value any) property.Map { return api("1", map[string]any{key: value}) }
	for _, tt := range []struct {
		name    string
		inputs  property.Map
		failure string
	}{
		{"least", inputs(map[string]any{"clusterId": "1", "name": "api"}), ""},
		{"no cluster", with("clusterId", nil), "clusterId: is required"},
		{"empty cluster", with("clusterId", ""), "clusterId: must not be empty"},
		{"name with its prefix", with("name", "3hXb.api"), "name: \"3hXb.api\" must be a letter and up to 15"},
		{"long name", with("name", strings.Repeat("a", 17)), "name: "},
		{"longest name", with("name", strings.Repeat("a", 16)), ""},
		{"root", with("name", "root"), "no application should log in as it"},
		{"role", with("role", "admin"), `role: "admin" must be one of [role_readwrite role_readonly role_admin]`},
		{"owner", with("owner", "a/b"), "owner: "},
		{"password", with("password", "x"), "password: unknown property"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFailure(t, userType, tt.inputs, tt.failure) })
	}
	if role := checked(t, userType, api("1", nil)).Inputs.Get("role"); !role.IsString() || role.AsString() != "role_readwrite" {
		t.Errorf("role %v", role)
	}
}
