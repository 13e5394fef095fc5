package provider_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/rest/resttest"
)

const userType = "tidbcloud:index:SqlUser"

// api is the inputs of most tests, for the cluster 1001.
func api(changes map[string]any) property.Map {
	values := map[string]any{"clusterId": "1001", "name": "api", "owner": owner}
	maps.Copy(values, changes)
	return inputs(values)
}

// withCluster runs a test on a cloud with a cluster of ours, 1001.
func withCluster(t *testing.T, f func(t *testing.T, c *cloud, x *cluster, e *engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		x := c.add("portfolio-db", tokyo, map[string]string{provider.OwnerLabel: owner, provider.MakerLabel: owner})
		f(t, c, x, newEngine(t, c, userType))
	})
}

// agrees fails the test unless the state's password is the live one and a secret.
func agrees(t *testing.T, e *engine, x *cluster) {
	t.Helper()
	u := x.users["p1001.api"]
	if u == nil || e.out("password") != u.password || len(u.password) != 32 {
		t.Errorf("the state says %q, live is %+v", e.out("password"), u)
	}
	if !e.outputs.Get("password").Secret() {
		t.Error("the password is not a secret")
	}
	if e.out("fullName") != "p1001.api" || e.id != "1001/api" {
		t.Errorf("%s is %q", e.id, e.out("fullName"))
	}
}

func TestSQLUser_life(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		passwords := map[string]bool{}
		for _, step := range []struct {
			inputs property.Map
			op     string
			writes []string
			role   string
			news   bool // a new password
		}{
			{api(nil), "create", []string{"POST /clusters/1001/sqlUsers"}, "p1001.role_readwrite", true},
			{api(nil), "same", nil, "p1001.role_readwrite", false},
			{api(map[string]any{"role": "role_readwrite"}), "same", nil, "p1001.role_readwrite", false},
			{api(map[string]any{"role": "role_readonly"}), "update", []string{"PATCH /clusters/1001/sqlUsers/p1001.api"}, "p1001.role_readonly", false},
			{api(map[string]any{"role": "role_admin"}), "update", []string{"PATCH /clusters/1001/sqlUsers/p1001.api"}, "role_admin", false},
			{api(map[string]any{"rotation": "1"}), "update", []string{"PATCH /clusters/1001/sqlUsers/p1001.api"}, "p1001.role_readwrite", true},
			{api(map[string]any{"rotation": "2"}), "update", []string{"PATCH /clusters/1001/sqlUsers/p1001.api"}, "p1001.role_readwrite", true},
			{api(map[string]any{"rotation": "2", "adopt": true, "owner": nil}), "update", nil, "p1001.role_readwrite", false},
		} {
			op, err := e.up(step.inputs)
			if op != step.op || err != nil {
				t.Fatalf("%s instead of %s: %v", op, step.op, err)
			}
			if got := writes(c.called()); !slices.Equal(got, step.writes) {
				t.Errorf("%s wrote %q", op, got)
			}
			agrees(t, e, x)
			if got := x.users["p1001.api"].role; got != step.role {
				t.Errorf("role %s", got)
			}
			if passwords[e.out("password")] == step.news {
				t.Errorf("new password: %v", !step.news)
			}
			passwords[e.out("password")] = true
			if changed, err := e.refresh(); changed || err != nil {
				t.Errorf("a refresh changes the state to %v: %v", e.outputs, err)
			}
			agrees(t, e, x)
			c.called()
		}
		if _, err := e.up(api(nil)); err != nil {
			t.Error(err)
		}
		c.called()
		if op, err := e.up(api(nil)); op != "same" || err != nil || len(writes(c.called())) > 0 {
			t.Errorf("%s, %v", op, err)
		}
		op, err := e.up(api(map[string]any{"name": "web"}))
		if op != "replace" || err != nil || x.users["p1001.api"] != nil || x.users["p1001.web"] == nil {
			t.Errorf("%s, %v", op, err)
		}
		if err := e.delete(); err != nil || len(x.users) != 0 {
			t.Errorf("%v left: %v", x.users, err)
		}
	})
}

func TestSQLUser_preview(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		unknown := e.check(api(map[string]any{"clusterId": property.New(property.Computed), "owner": property.New(property.Computed)}))
		resp, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: unknown, DryRun: true})
		if err != nil || !resp.Properties.Get("password").IsComputed() || !resp.Properties.Get("password").Secret() || !resp.Properties.Get("fullName").IsComputed() {
			t.Errorf("previewed %v: %v", resp.Properties, err)
		}
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		c.called()
		for _, tt := range []struct {
			changes  map[string]any
			password bool // becomes another
		}{{map[string]any{"rotation": "1"}, true}, {map[string]any{"role": "role_readonly"}, false}} {
			update, err := e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(api(tt.changes)), DryRun: true})
			if err != nil || update.Properties.Get("password").IsComputed() != tt.password || !update.Properties.Get("password").Secret() || update.Properties.Get("fullName").IsComputed() {
				t.Errorf("previewed %v: %v", update.Properties, err)
			}
		}
		// One list serves them all.
		if got := c.called(); !slices.Equal(got, []string{"GET /clusters/1001/sqlUsers"}) {
			t.Errorf("called %q", got)
		}
	})
}

func TestSQLUser_Create_existing(t *testing.T) {
	const line = "`pulumi import tidbcloud:index:SqlUser db 1001/api`"
	for _, tt := range []struct {
		name    string
		owner   string // of the cluster
		inputs  property.Map
		wantErr []string
	}{
		{"on our cluster", owner, api(nil), []string{""}},
		{"on another's cluster", "blog.prod", api(nil), []string{`SQL user "p1001.api" exists already on cluster "portfolio-db" (1001) and was left unchanged`, line, "adopt: true"}},
		{"on nobody's cluster", "", api(nil), []string{line}},
		{"without an owner", owner, api(map[string]any{"owner": nil}), []string{line}},
		{"nobody's, without an owner", "", api(map[string]any{"owner": nil}), []string{line}},
		{"adopted", "blog.prod", api(map[string]any{"adopt": true}), []string{""}},
		{"not adopted", "", api(map[string]any{"adopt": false}), []string{line}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
				x.fields["labels"] = map[string]any{provider.OwnerLabel: tt.owner, provider.MakerLabel: tt.owner}
				x.users["p1001.api"] = &user{"of-before", "role_admin"}
				_, err := e.up(tt.inputs)
				wantErr(t, err, tt.wantErr...)
				if err != nil {
					if x.users["p1001.api"].password != "of-before" || e.id != "" {
						t.Error("it was touched")
					}
					return
				}
				agrees(t, e, x)
				if got := x.users["p1001.api"].role; got != "p1001.role_readwrite" {
					t.Errorf("role %s", got)
				}
			})
		})
	}
}

func TestSQLUser_Create_faults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		call    string
		fault   fault
		times   int
		wantErr string // of the first run
	}{
		{"answer lost", "POST", fault{effect: true}, 1, ""},
		{"500 after the effect", "POST", fault{status: 500, effect: true}, 1, ""},
		{"500 without effect", "POST", fault{status: 500}, 1, "the next `pulumi up` looks again"},
		{"refused", "POST", fault{status: 400, body: `{"code":"49900001","error":"too weak","status":400}`}, 1, "too weak"},
		{"answer without a name", "POST", fault{status: 200, body: `{}`, effect: true}, 1, ""},
		{"no cluster", "GET /clusters/1001", fault{status: 404}, 6, "404"},
		{"list fails", "GET /clusters/1001/sqlUsers", fault{status: 403}, 2, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
				c.faults = []func(string) *fault{once(tt.times, tt.call, tt.fault)}
				_, err := e.up(api(nil))
				wantErr(t, err, tt.wantErr)
				if err != nil && e.id != "" {
					t.Errorf("managing %q", e.id)
				}
				if _, err := e.up(api(nil)); err != nil {
					t.Errorf("second run: %v", err)
				}
				agrees(t, e, x)
				if len(x.users) != 1 {
					t.Errorf("%d users", len(x.users))
				}
			})
		})
	}

	// A run that is killed after the POST has no state; the next one takes over.
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		lost := e.out("password")
		again := newEngine(t, c, userType)
		if _, err := again.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		agrees(t, again, x)
		if again.out("password") == lost {
			t.Error("the password is the one that nobody knows")
		}
	})
}

func TestSQLUser_Create_longPrefix(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		e.id = ""
		c.clusters["1001"] = nil
		x.id = strings.Repeat("9", 20)
		c.clusters[x.id] = x
		_, err := e.up(api(map[string]any{"clusterId": x.id, "name": "portfolio-writer"}))
		wantErr(t, err, "has 38 characters; 32 are allowed, so shorten it by 6")
	})
}

func TestSQLUser_Update_faults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   fault
		times   int
		wantErr string
	}{
		{"answer lost", fault{effect: true}, 1, ""},
		{"all answers lost", fault{effect: true}, -1, "it may have taken effect"},
		{"trouble without end", fault{status: 500}, -1, "updating SQL user"},
		{"refused", fault{status: 400}, 1, "400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
				if _, err := e.up(api(nil)); err != nil {
					t.Fatal(err)
				}
				c.faults = []func(string) *fault{once(tt.times, "PATCH", tt.fault)}
				_, err := e.up(api(map[string]any{"rotation": "1"}))
				wantErr(t, err, tt.wantErr)
				c.faults = nil
				if op, err := e.up(api(map[string]any{"rotation": "1"})); err != nil || (op == "same") != (tt.wantErr == "") {
					t.Errorf("%s, %v", op, err)
				}
				agrees(t, e, x)
			})
		})
	}
}

// What was on a cluster before it was adopted is a stranger's, and logs in as ever.
func TestSQLUser_Create_onAdopted(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		x.users["p1001.api"] = &user{"of-before", "role_admin"}
		for _, labels := range []map[string]any{{provider.OwnerLabel: owner}, {provider.OwnerLabel: owner, provider.MakerLabel: "blog.prod"}} {
			x.fields["labels"] = labels
			_, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: e.check(api(nil)), DryRun: true})
			wantErr(t, err, `SQL user "p1001.api" exists already on cluster`, "adopt: true", "pulumi import tidbcloud:index:SqlUser db 1001/api")
			if got := writes(c.called()); len(got) > 0 {
				t.Errorf("a preview wrote %q", got)
			}
			_, err = e.up(api(nil))
			wantErr(t, err, "exists already on cluster", "adopt: true")
			if x.users["p1001.api"].password != "of-before" {
				t.Error("it was touched")
			}
		}
		// It may be of a run that was killed before it recorded it. Then one run adopts it.
		_, err := e.up(api(nil))
		wantErr(t, err, "if an interrupted run of this stack created it", "for one run", "pulumi config set adopt true")
		for _, step := range []struct {
			inputs property.Map
			op     string
		}{{api(map[string]any{"adopt": true}), "create"}, {api(nil), "update"}, {api(nil), "same"}} {
			if op, err := e.up(step.inputs); op != step.op || err != nil {
				t.Errorf("%s, %v", op, err)
			}
		}
		agrees(t, e, x)
	})
}

// A rotation whose answer was lost is not undone by taking it back.
func TestSQLUser_Update_takenBack(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		c.faults = []func(string) *fault{once(-1, "PATCH", fault{effect: true})}
		_, err := e.up(api(map[string]any{"rotation": "1"}))
		wantErr(t, err, "the next `pulumi up` sets another one")
		c.faults = nil
		if op, err := e.up(api(nil)); err != nil || op != "update" {
			t.Errorf("%s, %v", op, err)
		}
		agrees(t, e, x)
	})
}

// withLogins is withCluster with a SQL server that knows the cluster's users. logins
// is how many there were.
func withLogins(t *testing.T, f func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine)) {
	t.Helper()
	s := newMySQL(t, gateway)
	s.trust(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		x := c.add("portfolio-db", tokyo, map[string]string{provider.OwnerLabel: owner, provider.MakerLabel: owner})
		s.authorized = func(name string, check func(string) bool) *mysqlError {
			c.mu.Lock()
			defer c.mu.Unlock()
			if u := x.users[name]; u != nil && check(u.password) {
				return nil
			}
			return denied
		}
		f(t, c, x, s, configured(t, provider.Options{Transport: resttest.Transport(c), Dial: s.dial}, userType, map[string]property.Value{
			"publicKey": property.New("P"), "privateKey": property.New("s"), "serverlessEndpoint": property.New("https://s.test"), "iamEndpoint": property.New("https://i.test")}))
	})
}

func TestSQLUser_Diff(t *testing.T) {
	lists := []string{"GET /clusters/1001/sqlUsers"}
	for _, tt := range []struct {
		name   string
		to     map[string]any
		hand   func(c *cloud, x *cluster, s *mysqlServer)
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
		{"deleted by hand", nil, func(_ *cloud, x *cluster, _ *mysqlServer) { clear(x.users) }, []string{"fullName update"}, lists, 0, "no longer exists: it will be created again"},
		{"another role by hand", nil, func(_ *cloud, x *cluster, _ *mysqlServer) { x.users["p1001.api"].role = "role_admin" }, []string{"role update"}, lists, 1, "its role is role_admin"},
		{"another password by hand", nil, func(_ *cloud, x *cluster, _ *mysqlServer) { x.users["p1001.api"].password = "theirs" }, []string{"password update"}, lists, 2,
			"cannot log in with the recorded password"},
		{"server away", nil, func(_ *cloud, _ *cluster, s *mysqlServer) {
			s.authorized = func(string, func(string) bool) *mysqlError { return hangUp }
		}, nil, lists, 1, "not checking whether SQL user"},
		{"usage used up", nil, func(_ *cloud, _ *cluster, s *mysqlServer) {
			s.authorized = func(string, func(string) bool) *mysqlError {
				return &mysqlError{1105, "Due to the usage quota being exhausted"}
			}
		}, nil, lists, 1, "usage quota"},
		{"cluster away", nil, func(_ *cloud, x *cluster, _ *mysqlServer) { x.deletedAt = time.Now().Add(-time.Hour) }, nil, lists, 0, "using the recorded state"},
		{"API refuses", nil, func(c *cloud, _ *cluster, _ *mysqlServer) {
			c.faults = []func(string) *fault{once(-1, "GET", fault{status: 403})}
		}, nil, lists, 0, "using the recorded state"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withLogins(t, func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine) {
				if _, err := e.up(api(nil)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if tt.hand != nil {
					tt.hand(c, x, s)
				}
				c.called()
				logins, start, quiet := s.logins, time.Now(), len(e.log.lines)
				diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(api(tt.to))})
				if err != nil {
					t.Fatal(err)
				}
				if got := properties(diff); !slices.Equal(got, tt.want) {
					t.Errorf("got %q", got)
				}
				if calls := c.called(); !slices.Equal(calls, tt.calls) {
					t.Errorf("called %q", calls)
				}
				if got := s.logins - logins; got != tt.logins {
					t.Errorf("%d logins", got)
				}
				if tt.warn == "" && len(e.log.lines) > quiet || tt.warn != "" && !e.log.has("warn", tt.warn) {
					t.Errorf("said:\n%s", e.log.all())
				}
				within(t, start, 4*time.Second)
			})
		})
	}
}

// What was done to a user by hand, a plain up sees and repairs, and its preview shows
// that the password will be another one.
func TestSQLUser_Update_repairs(t *testing.T) {
	for name, tt := range map[string]struct {
		hand     func(x *cluster)
		password bool // becomes another
	}{
		"deleted":          {func(x *cluster) { clear(x.users) }, true},
		"another password": {func(x *cluster) { x.users["p1001.api"].password = "theirs" }, true},
		"another role":     {func(x *cluster) { x.users["p1001.api"].role = "role_admin" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			withLogins(t, func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine) {
				for _, want := range []string{"create", "same"} {
					if op, err := e.up(api(nil)); op != want || err != nil {
						t.Fatalf("%s, %v", op, err)
					}
				}
				before := e.out("password")
				tt.hand(x)
				time.Sleep(10 * time.Minute) // before that a refused login may be a new one
				update, err := e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(api(nil)), DryRun: true})
				if password := update.Properties.Get("password"); err != nil || password.IsComputed() != tt.password || !password.Secret() {
					t.Errorf("previewed %v: %v", update.Properties, err)
				}
				for _, want := range []string{"update", "same"} {
					if op, err := e.up(api(nil)); op != want || err != nil {
						t.Fatalf("%s, %v", op, err)
					}
				}
				agrees(t, e, x)
				if (e.out("password") != before) != tt.password || x.users["p1001.api"].role != "p1001.role_readwrite" {
					t.Errorf("it is %+v", x.users["p1001.api"])
				}
			})
		})
	}
}

// A role that the API leaves out is the recorded one, in a preview and in a run.
func TestSQLUser_Update_roleLeftOut(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		x.users["p1001.api"].role = ""
		for _, step := range []struct{ op, role, then string }{{"same", "role_readwrite", ""}, {"update", "role_readwrite", ""}, {"update", "role_readonly", "p1001.role_readonly"}} {
			changes := map[string]any{"role": step.role}
			if step.op == "update" {
				changes["rotation"] = step.op
			}
			if op, err := e.up(api(changes)); op != step.op || err != nil {
				t.Fatalf("%s, %v", op, err)
			}
			if got := x.users["p1001.api"].role; got != step.then {
				t.Errorf("role %q", got)
			}
		}
	})
}

// A new login may take a while to be known. A run waits for it, but not for ever, and a
// run soon after does not take it for one that was changed by hand.
func TestSQLUser_awaitsLogin(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  time.Duration
		warn string
	}{"a while": {50 * time.Second, ""}, "too long": {time.Hour, "a login could not be verified"}} {
		t.Run(name, func(t *testing.T) {
			withLogins(t, func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine) {
				authorized, start := s.authorized, time.Now()
				s.authorized = func(name string, check func(string) bool) *mysqlError {
					if time.Since(start) < tt.lag {
						return denied
					}
					return authorized(name, check)
				}
				if _, err := e.up(api(nil)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < min(tt.lag, 90*time.Second) || took > 3*time.Minute {
					t.Errorf("took %s", took)
				}
				if e.log.has("warn") != (tt.warn != "") || tt.warn != "" && !e.log.has("warn", tt.warn) {
					t.Errorf("said:\n%s", e.log.all())
				}
				if op, err := e.up(api(nil)); op != "same" || err != nil {
					t.Errorf("%s, %v", op, err)
				}
				agrees(t, e, x)
				if e.log.has("warn", "cannot log in yet") != (tt.warn != "") {
					t.Errorf("said:\n%s", e.log.all())
				}
				time.Sleep(10 * time.Minute)
				if op, err := e.up(api(nil)); (op == "update") != (tt.warn != "") || err != nil {
					t.Errorf("later: %s, %v", op, err)
				}
				agrees(t, e, x)
			})
		})
	}
}

// A state of an earlier version does not know where to log in: one run fills it in.
func TestSQLUser_Update_oldState(t *testing.T) {
	withLogins(t, func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		e.outputs = e.outputs.Delete("host").Delete("port").Delete("organization")
		c.called()
		for _, want := range []string{"update", "same"} {
			if op, err := e.up(api(nil)); op != want || err != nil {
				t.Fatalf("%s, %v", op, err)
			}
		}
		if got := writes(c.called()); len(got) > 0 || e.out("host") != gateway || e.out("organization") != "1" {
			t.Errorf("wrote %q: %v", got, e.outputs)
		}
	})
}

// However the diffs of a run meet, they share one list; a write asks for another.
func TestSQLUser_Diff_shares(t *testing.T) {
	withLogins(t, func(t *testing.T, c *cloud, x *cluster, s *mysqlServer, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		c.faults = []func(string) *fault{once(1, "GET", fault{effect: true, status: 503, delay: time.Second})}
		lists := func(want int) {
			t.Helper()
			c.called()
			done := make(chan error)
			for range 4 {
				go func() {
					_, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.inputs})
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
		if _, err := e.up(api(map[string]any{"rotation": "2"})); err != nil {
			t.Fatal(err)
		}
		lists(1)
	})
}

// In a replacement that Diff does not decide, the preview sees the old user, which is
// nobody else's.
func TestSQLUser_replaceOnAdopted(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		x.fields["labels"] = map[string]any{provider.OwnerLabel: owner}
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		checked := e.check(api(nil))
		if _, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, DryRun: true}); err != nil {
			t.Error(err)
		}
		if err := e.delete(); err != nil {
			t.Fatal(err)
		}
		if _, err := e.up(api(nil)); err != nil {
			t.Error(err)
		}
	})
}

// A key of another organization does not see the user; that is no reason to forget it.
func TestSQLUser_otherOrganization(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		if _, err := e.up(api(nil)); err != nil {
			t.Fatal(err)
		}
		c.organization = "7"
		c.faults = []func(string) *fault{once(-1, "GET /clusters/1001", fault{status: 404}), once(-1, "GET /clusters", fault{status: 200, body: `{"clusters":[]}`})}
		_, err := e.refresh()
		wantErr(t, err, "belongs to organization 1, and the API key to 7")
		wantErr(t, e.delete(), "belongs to organization 1, and the API key to 7")
		c.faults, c.organization = nil, "1"
		if changed, err := e.refresh(); changed || err != nil {
			t.Error(changed, err)
		}
	})
}

func TestSQLUser_Read(t *testing.T) {
	for _, tt := range []struct {
		name    string
		hand    func(*cloud, *cluster)
		id      string
		changed bool
		wantErr string
	}{
		{"untouched", func(*cloud, *cluster) {}, "1001/api", false, ""},
		{"another role", func(_ *cloud, x *cluster) { x.users["p1001.api"].role = "role_admin" }, "1001/api", true, ""},
		{"deleted", func(_ *cloud, x *cluster) { delete(x.users, "p1001.api") }, "", true, ""},
		{"cluster deleted", func(_ *cloud, x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, "1001/api", false, ""},
		{"forbidden", func(c *cloud, _ *cluster) { c.faults = []func(string) *fault{once(-1, "GET", fault{status: 403})} }, "1001/api", false, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
				if _, err := e.up(api(nil)); err != nil {
					t.Fatal(err)
				}
				tt.hand(c, x)
				changed, err := e.refresh()
				wantErr(t, err, tt.wantErr)
				if changed != tt.changed || e.id != tt.id {
					t.Errorf("%q changed: %v, to %v", e.id, changed, e.outputs)
				}
			})
		})
	}
}

func TestSQLUser_import(t *testing.T) {
	withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
		x.users["p1001.api"] = &user{"of-before", "p1001.role_readonly"}
		for id, want := range map[string]string{
			"api": "write clusterId/name", "1001/": "write clusterId/name", "1001/a/b": "write clusterId/name",
			"4711/api": "cluster 4711 does not exist", "1001/web": `SQL user "p1001.web" does not exist`,
		} {
			e.id = id
			_, err := e.refresh()
			wantErr(t, err, want)
		}
		e.id = "1001/api"
		if _, err := e.refresh(); err != nil {
			t.Fatal(err)
		}
		if want := inputs(map[string]any{"clusterId": "1001", "name": "api", "role": "role_readonly", "rotation": "imported"}); !e.inputs.Equals(want) || e.out("password") != "" {
			t.Errorf("imported %v, %v", e.inputs, e.outputs)
		}
		if op, err := e.up(e.inputs); op != "update" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
		agrees(t, e, x)
	})
}

func TestSQLUser_Delete(t *testing.T) {
	for _, tt := range []struct {
		name    string
		hand    func(*cloud, *cluster)
		wantErr string
	}{
		{"there", func(*cloud, *cluster) {}, ""},
		{"missing", func(_ *cloud, x *cluster) { delete(x.users, "p1001.api") }, ""},
		{"cluster missing", func(_ *cloud, x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, ""},
		{"cluster being deleted, and the list fails", func(c *cloud, x *cluster) {
			x.deletedAt = time.Now()
			c.faults = []func(string) *fault{once(-1, "GET /clusters/1001/sqlUsers", fault{status: 400})}
		}, ""},
		{"answer lost", func(c *cloud, _ *cluster) { c.faults = []func(string) *fault{once(1, "DELETE", fault{effect: true})} }, ""},
		{"all answers lost", func(c *cloud, _ *cluster) { c.faults = []func(string) *fault{once(-1, "DELETE", fault{effect: true})} }, ""},
		{"refused", func(c *cloud, _ *cluster) { c.faults = []func(string) *fault{once(-1, "DELETE", fault{status: 400})} }, "deleting SQL user"},
		{"not to be seen", func(c *cloud, _ *cluster) {
			c.faults = []func(string) *fault{once(-1, "GET /clusters/1001/sqlUsers", fault{status: 400})}
		}, "listing the SQL users"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withCluster(t, func(t *testing.T, c *cloud, x *cluster, e *engine) {
				if _, err := e.up(api(nil)); err != nil {
					t.Fatal(err)
				}
				tt.hand(c, x)
				wantErr(t, e.delete(), tt.wantErr)
			})
		})
	}
}

func TestSQLUser_Check(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  property.Map
		failure string
	}{
		{"least", inputs(map[string]any{"clusterId": "1", "name": "api"}), ""},
		{"no cluster", api(map[string]any{"clusterId": nil}), "clusterId: is required"},
		{"empty cluster", api(map[string]any{"clusterId": ""}), "clusterId: must not be empty"},
		{"name with its prefix", api(map[string]any{"name": "3hXb.api"}), "name: \"3hXb.api\" must be a letter and up to 15"},
		{"long name", api(map[string]any{"name": strings.Repeat("a", 17)}), "name: "},
		{"longest name", api(map[string]any{"name": strings.Repeat("a", 16)}), ""},
		{"root", api(map[string]any{"name": "root"}), "no application should log in as it"},
		{"role", api(map[string]any{"role": "admin"}), `role: "admin" must be one of [role_readwrite role_readonly role_admin]`},
		{"owner", api(map[string]any{"owner": "a/b"}), "owner: "},
		{"password", api(map[string]any{"password": "x"}), "password: unknown property"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, newCloud(), userType)
			resp, err := e.Check(p.CheckRequest{Urn: e.urn(), Inputs: tt.inputs})
			if err != nil {
				t.Fatal(err)
			}
			checkFailures(t, resp, tt.failure)
			if role := resp.Inputs.Get("role"); tt.failure == "" && (!role.IsString() || role.AsString() != "role_readwrite") {
				t.Errorf("role %v", role)
			}
		})
	}
}

// checkFailures compares with "property: part of the reason"; "" is none.
func checkFailures(t *testing.T, resp p.CheckResponse, want string) {
	t.Helper()
	var got []string
	for _, f := range resp.Failures {
		got = append(got, f.Property+": "+f.Reason)
	}
	if all := strings.Join(got, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
}
