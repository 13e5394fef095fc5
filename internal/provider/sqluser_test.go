package provider_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/testcheck"
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
func withUsers(f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return withSQL(userType, 0, f)
}

// withUser is withUsers with a user that the engine created.
func withUser(f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return withUsers(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
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
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
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
	})(t)
}

func TestSQLUser_preview(t *testing.T) {
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
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
	})(t)
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
		t.Run(tt.name, withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			c.patch(c.first(), "labels", map[string]string{provider.OwnerLabel: tt.owner, provider.MadeForLabel: tt.madeFor})
			c.addUser("api", "predates us", "role_admin")
			inputs := api(c.first(), tt.changes)
			_, err := e.preview(inputs)
			testcheck.Error(t, err, tt.wantErr...)
			e.tryUp(inputs, tt.wantErr...)
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
		}))
	}
}

// A name may be too long with its cluster's prefix alone.
func TestSQLUser_Create_longName(t *testing.T) {
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		live := c.byHand("GET", "/clusters/"+c.first(), nil)
		live["userPrefix"] = strings.Repeat("9", 21)
		body, err := json.Marshal(live)
		testcheck.Error(t, err)
		c.fail(emulator.Fault{Method: "GET", Path: "/clusters/*", Times: -1, Body: string(body)})
		e.tryUp(api(c.first(), map[string]any{"name": "portfolio-writer"}), "has 38 characters, and 32 are allowed; shorten it by 6")
	})(t)
}

// An ambiguous result of a rotation is not undone by taking the rotation back.
func TestSQLUser_Update_takenBack(t *testing.T) {
	withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.fail(emulator.Fault{Method: "PATCH", Path: "/clusters/*/sqlUsers/*", Reset: true, After: true, Times: -1})
		e.tryUp(api(c.first(), map[string]any{"rotation": "1"}), "it may have taken effect", "the next `pulumi up` sets another one")
		c.fail()
		e.steps(api(c.first(), nil), "update", "same")
		agrees(t, c, e)
	})(t)
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
		t.Run(tt.name, withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			tt.hand(c)
			changed, err := e.refresh()
			testcheck.Error(t, err, tt.wantErr)
			if changed != tt.changed || e.short(e.id) != tt.id {
				t.Errorf("%q changed: %v, to %v", e.id, changed, e.outputs)
			}
		}))
	}
}

func TestSQLUser_import(t *testing.T) {
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		c.addUser("api", "predates us", "role_readonly")
		for id, want := range map[string]string{
			"api": "write clusterId/name", "1001/": "write clusterId/name", "1001/a/b": "write clusterId/name",
			"10000000000000000001/api": "cluster 10000000000000000001 does not exist", c.first() + "/web": `SQL user "p1001.web" does not exist`,
		} {
			e.id = id
			_, err := e.refresh()
			testcheck.Error(t, err, want)
		}
		e.id = c.first() + "/api"
		e.refreshes()
		if want := inputs(map[string]any{"clusterId": c.first(), "name": "api", "role": "role_readonly", "rotation": "imported"}); !e.inputs.Equals(want) || e.out("password") != "" {
			t.Errorf("imported %v, %v", e.inputs, e.outputs)
		}
		e.steps(e.inputs, "update", "same")
		agrees(t, c, e)
	})(t)
}

// TestProvider_Faults has the effects of a fault of one call.
func TestSQLUser_Delete(t *testing.T) {
	for name, hand := range map[string]func(*cloud){
		"there":                 func(*cloud) {},
		"missing":               func(c *cloud) { c.byHand("DELETE", c.userPath("api"), nil) },
		"cluster missing":       func(c *cloud) { deleted(c, c.first()) },
		"cluster being deleted": func(c *cloud) { deleting(c, c.first()) }, // its users are a 400
	} {
		t.Run(name, withUser(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
			hand(c)
			testcheck.Error(t, e.delete())
		}))
	}
}

// Two resources of a run never have one user, whichever is checked first: each would change the
// other's password.
func TestSQLUser_Check_claimed(t *testing.T) {
	named := func(name string) property.Map { return api("1001", map[string]any{"name": name}) }
	type checked struct {
		resource string
		old, new property.Map
		want     string
	}
	none := property.Map{}
	for name, steps := range map[string][]checked{
		"new ones":                     {{"user", none, named("api"), ""}, {"user_b", none, named("api"), `another resource of this run has the SQL user "api"`}},
		"renamed to the other's":       {{"user_b", named("api_b"), named("api_b"), ""}, {"user", named("api"), named("api_b"), `another resource of this run has the SQL user "api_b"`}},
		"renamed to the other's first": {{"user", named("api"), named("api_b"), ""}, {"user_b", named("api_b"), named("web_b"), `takes the name "api_b", which this one still has`}},
		"replaced":                     {{"user", named("api"), named("web"), ""}, {"user", none, named("web"), ""}, {"user_b", named("api_b"), named("web_b"), ""}},
		"on another cluster":           {{"user", none, named("api"), ""}, {"user_b", none, api("1002", nil), ""}},
		"on unknown ones":              {{"user", none, api("", map[string]any{"clusterId": unknown}), ""}, {"user_b", none, api("", map[string]any{"clusterId": unknown}), ""}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, newCloud(), userType)
			for _, c := range steps {
				resp, err := e.Check(p.CheckRequest{Urn: presource.NewURN("dev", "portfolio", "", userType, c.resource), State: c.old, Inputs: c.new})
				var reasons []string
				for _, f := range resp.Failures {
					reasons = append(reasons, f.Property+": "+f.Reason)
				}
				if all := strings.Join(reasons, "\n"); err != nil || c.want == "" && all != "" || !strings.Contains(all, c.want) {
					t.Errorf("%s: %q, %v, want %q", c.resource, all, err, c.want)
				}
			}
		})
	}
}

// A preview that does not know the owner yet sees an existing user all the same.
func TestSQLUser_preview_unknownOwner(t *testing.T) {
	withUsers(func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		first := api(c.first(), map[string]any{"owner": unknown})
		outputs, err := e.preview(first)
		if err != nil || !outputs.Get("password").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		c.addUser("api", "predates us", "role_admin")
		_, err = configured(t, c, provider.Options{}, userType, keys).preview(first)
		testcheck.Error(t, err, `SQL user "p1001.api" exists already`)
		if _, err = configured(t, c, provider.Options{}, userType, keys).preview(api(c.first(), map[string]any{"owner": unknown, "adopt": true})); err != nil {
			t.Error(err)
		}
		e.steps(api(c.first(), nil), "create")
		diff, err := e.diff(first)
		if got := properties(diff); err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "owner ") {
			t.Errorf("%q, %v", got, err)
		}
		if outputs, err := e.preview(first); err != nil || outputs.Get("password").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
	})(t)
}
