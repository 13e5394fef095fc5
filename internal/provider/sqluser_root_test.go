package provider_test

import (
	"database/sql"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"golang.org/x/sync/errgroup"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/testcheck"
)

const (
	branchID = "bran-aaaaaaaaaaaaaaaaaaaaaaaaaa"
	// database has a character that is special in a GRANT.
	database = "my_app"
)

// withRoot runs a test in a bubble, on a server that has the database and one of a similar name. The
// user "hand" is its root. The users are those of a branch, which TiDB Cloud's API does not know.
func withRoot(f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return withUsers(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		for _, name := range []string{database, "myXapp"} {
			s.run(t, c, "CREATE DATABASE "+name, "CREATE TABLE "+name+".t (a INT)", "INSERT INTO "+name+".t VALUES (1)")
		}
		c.called()
		f(t, c, s, e)
	})
}

// rooted is the inputs of a user that root creates, with changes.
func rooted(c *cloud, s *sqlServers, changes map[string]any) property.Map {
	host, port := s.Endpoint(c.first())
	values := map[string]any{"clusterId": c.first() + "/" + branchID, "name": "api", "database": database,
		"root": map[string]any{"host": host, "port": port, "user": c.prefixes[c.first()] + ".hand", "password": password}}
	maps.Copy(values, changes)
	return inputs(values)
}

// as runs statements as the user of the state, and returns the error of the first that fails.
func (e *engine) as(t *testing.T, s *sqlServers, statements ...string) error {
	t.Helper()
	db := s.connect(t, e.login("fullName"), "")
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			return err
		}
	}
	return nil
}

// named lists the hosts and comments of the users named api.
func (s *sqlServers) named(t *testing.T, c *cloud) string {
	t.Helper()
	db := s.open(t, c, "")
	defer db.Close()
	var list sql.NullString
	err := db.QueryRowContext(t.Context(), `SELECT GROUP_CONCAT(CONCAT(HOST, ' ', ATTRIBUTE) SEPARATOR ', ') FROM information_schema.USER_ATTRIBUTES WHERE USER LIKE '%.api'`).Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	return c.short(list.String)
}

const marked = `% {"comment": "pulumi 1001/` + branchID + `"}`

// The life of a user that root creates. TiDB Cloud is never called.
func TestSQLUser_root(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		read, write := "SELECT * FROM my_app.t", "UPDATE my_app.t SET a = 2"
		admin := []string{"DROP DATABASE my_app", "CREATE DATABASE my_app", "CREATE TABLE my_app.t (a INT)", "CREATE VIEW my_app.v AS SELECT * FROM my_app.t", "CREATE DATABASE pulumi_report_my_app", "CREATE TABLE pulumi_report_my_app.t (a INT)", "DROP DATABASE pulumi_report_my_app"}
		for _, step := range []struct {
			changes map[string]any
			op      string
			may     []string
			mayNot  []string
			rotated bool
		}{
			{nil, "create", []string{read, write}, admin, true},
			{nil, "same", nil, nil, false},
			{map[string]any{"role": "role_readonly"}, "update", []string{read}, append(admin, write), false},
			{map[string]any{"role": "role_readonly", "rotation": "1"}, "update", []string{read}, append(admin, write), true},
			{map[string]any{"role": "role_admin", "rotation": "1"}, "update", append([]string{read, write}, admin...), []string{"CREATE USER x", "GRANT SELECT ON my_app.* TO x"}, false},
			{map[string]any{"role": "role_admin", "rotation": "1"}, "same", nil, nil, false},
			{map[string]any{"rotation": "2"}, "update", []string{read, write}, admin, true},
		} {
			before := e.outputs.Get("password")
			e.steps(rooted(c, s, step.changes), step.op, "same")
			for _, statement := range step.may {
				if err := e.as(t, s, statement); err != nil {
					t.Errorf("%s: %v", statement, err)
				}
			}
			for _, statement := range append(step.mayNot, "SELECT * FROM myXapp.t", "SELECT * FROM mysql.user") {
				if e.as(t, s, statement) == nil {
					t.Errorf("%v may do this: %s", step.changes, statement)
				}
			}
			if rotated := !e.outputs.Get("password").Equals(before); rotated != step.rotated {
				t.Errorf("%v: another password: %v", step.changes, rotated)
			}
			e.unchanged()
		}
		same(t, "users", s.named(t, c), marked)
		if got := e.short(e.id + " " + e.out("fullName")); got != "1001/"+branchID+"/api p1001.api" {
			t.Error(got)
		}
		for _, m := range []property.Map{e.inputs, e.outputs} {
			if root := m.Get("root"); !root.Secret() || root.AsMap().Get("password").AsString() != password {
				t.Errorf("root is %v", root)
			}
		}
		if !e.outputs.Get("password").Secret() {
			t.Error("the password is no secret")
		}
		if err := e.delete(); err != nil || s.named(t, c) != "" {
			t.Errorf("left %q: %v", s.named(t, c), err)
		}
		same(t, "calls", c.called(), nil)
		if e.log.has(password) {
			t.Errorf("shown:\n%s", e.log.all())
		}
	})(t)
}

// Whoever made a user of the name, it has another password afterwards.
func TestSQLUser_root_existing(t *testing.T) {
	for name, statements := range map[string][]string{
		"an orphan":               {"CREATE USER 'PREFIX.api' IDENTIFIED BY 'known' COMMENT 'pulumi 1001/" + branchID + "'"},
		"an orphan with all":      {"CREATE USER 'PREFIX.api' IDENTIFIED BY 'known' COMMENT 'pulumi 1001/" + branchID + "'", "GRANT SELECT ON *.* TO 'PREFIX.api'"},
		"the parent's":            {"CREATE USER 'PREFIX.api' IDENTIFIED BY 'known'", "GRANT 'PREFIX.role_readonly' TO 'PREFIX.api'", "SET DEFAULT ROLE ALL TO 'PREFIX.api'"},
		"another branch's":        {"CREATE USER 'PREFIX.api' IDENTIFIED BY 'known' COMMENT 'pulumi 1001/bran-b'"},
		"others at another host":  {"CREATE USER 'PREFIX.api'@'localhost' IDENTIFIED BY 'known', 'PREFIX.api'@'127.0.0.1' IDENTIFIED BY 'known'"},
		"others of another name":  {"CREATE USER 'PREFIX.api2' IDENTIFIED BY 'known'"},
		"one that grants to more": {"CREATE USER 'PREFIX.api' IDENTIFIED BY 'known'", "GRANT SELECT ON my_app.* TO 'PREFIX.api' WITH GRANT OPTION"},
	} {
		t.Run(name, withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			for _, statement := range append([]string{"CREATE ROLE 'PREFIX.role_readonly'"}, statements...) {
				s.run(t, c, strings.NewReplacer("PREFIX", c.prefixes[c.first()], "1001", c.first()).Replace(statement))
			}
			e.steps(rooted(c, s, nil), "create", "same")
			same(t, "users", s.named(t, c), marked)
			if err := e.as(t, s, "SELECT * FROM my_app.t"); err != nil {
				t.Error(err)
			}
		}))
	}
}

// A plain up shows and repairs what was done to a user by hand.
func TestSQLUser_root_drift(t *testing.T) {
	const user = "'PREFIX.api'"
	for _, tt := range []struct {
		name       string
		statements []string
		want       []string
		rotated    bool
		refreshed  bool
	}{
		{"nothing", nil, nil, false, false},
		{"dropped", []string{"DROP USER " + user}, []string{"fullName update"}, true, true},
		{"another password", []string{"ALTER USER " + user + " IDENTIFIED BY 'by somebody'"}, []string{"password update"}, true, false},
		{"more privileges", []string{"GRANT DROP ON my_app.* TO " + user}, []string{"role update"}, false, true},
		{"fewer privileges", []string{"REVOKE DELETE ON `my\\_app`.* FROM " + user}, []string{"role update"}, false, true},
		{"other databases", []string{"GRANT SELECT ON `myXapp`.* TO " + user}, []string{"role update"}, false, true},
		{"all databases", []string{"GRANT SELECT ON *.* TO " + user}, []string{"role update"}, false, true},
		{"privileges of another role", []string{"REVOKE INSERT, UPDATE, DELETE ON `my\\_app`.* FROM " + user}, []string{"role update"}, false, true},
		{"a role", []string{"CREATE ROLE r", "GRANT SELECT ON *.* TO r", "GRANT r TO " + user}, []string{"role update"}, false, true},
		{"made again by hand", []string{"DROP USER " + user, "CREATE USER " + user + " IDENTIFIED BY 'by somebody'"}, []string{"fullName update"}, true, true},
		{"another comment", []string{"ALTER USER " + user + " COMMENT 'mine'"}, []string{"fullName update"}, true, true},
		{"also at another host", []string{"CREATE USER " + user + "@'10.0.0.1' IDENTIFIED BY 'known'"}, []string{"fullName update"}, true, true},
	} {
		t.Run(tt.name, withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			e.steps(rooted(c, s, nil), "create")
			time.Sleep(time.Hour)
			for _, statement := range tt.statements {
				s.run(t, c, strings.ReplaceAll(statement, "PREFIX", c.prefixes[c.first()]))
			}
			e.wantDiff(rooted(c, s, nil), tt.want...)
			recorded, before := e.state, e.out("password")
			if changed, err := e.refresh(); changed != tt.refreshed || err != nil {
				t.Errorf("a refresh changes the state: %v, %v", changed, err)
			}
			e.state = recorded
			if tt.want == nil {
				return
			}
			outputs, err := e.preview(rooted(c, s, nil))
			if err != nil || outputs.Get("password").IsComputed() != tt.rotated {
				t.Errorf("previewed %v: %v", outputs, err)
			}
			e.steps(rooted(c, s, nil), "update", "same")
			same(t, "users", s.named(t, c), marked)
			if rotated := e.out("password") != before; rotated != tt.rotated {
				t.Errorf("another password: %v", rotated)
			}
			if err := e.as(t, s, "SELECT * FROM my_app.t"); err != nil {
				t.Error(err)
			}
			if e.as(t, s, "SELECT * FROM myXapp.t") == nil {
				t.Error("it may do more than its role")
			}
		}))
	}
}

// A refresh shows the role whose privileges the user has.
func TestSQLUser_root_refreshRole(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		e.steps(rooted(c, s, nil), "create")
		s.run(t, c, "REVOKE INSERT, UPDATE, DELETE ON `my\\_app`.* FROM '"+e.out("fullName")+"'")
		if _, err := e.refresh(); err != nil || e.out("role") != "role_readonly" {
			t.Errorf("role %q: %v", e.out("role"), err)
		}
		e.steps(rooted(c, s, nil), "update", "same")
	})(t)
}

// A server that does not answer proves nothing, and neither does a root that is not let in.
func TestSQLUser_root_unreadable(t *testing.T) {
	for name, tt := range map[string]struct {
		packet []byte
		login  map[string]any
		want   []string
		warn   string
	}{
		"server away":             {hangUp, nil, nil, "using the recorded state of SQL user"},
		"another root's password": {nil, map[string]any{"password": "another"}, []string{"root update"}, "Access denied"},
		"unknown password":        {nil, map[string]any{"password": unknown}, []string{"root update"}, ""},
	} {
		t.Run(name, withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			e.steps(rooted(c, s, nil), "create")
			time.Sleep(time.Hour)
			if e.log.clear(); tt.packet != nil {
				s.instead = always(tt.packet)
			}
			to := rooted(c, s, nil)
			root := to.Get("root").AsMap()
			for key, value := range tt.login {
				root = root.Set(key, inputs(map[string]any{key: value}).Get(key))
			}
			to = to.Set("root", property.New(root))
			e.wantDiff(to, tt.want...)
			e.log.want(t, tt.warn)
			outputs, err := e.preview(to)
			reset := root.Get("password").IsComputed() // the branch may be reset, and has no users then
			if err != nil || outputs.Get("password").IsComputed() != reset || outputs.Get("fullName").IsComputed() {
				t.Errorf("previewed %v: %v", outputs, err)
			}
			if tt.login == nil {
				e.unchanged()
			}
		}))
	}
}

// A new login of root changes nothing but the state, which a delete needs.
func TestSQLUser_root_newLogin(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		e.steps(rooted(c, s, nil), "create")
		before := e.out("password")
		c.byHand("PATCH", c.userPath("hand"), map[string]any{"password": "another one"})
		to := rooted(c, s, nil)
		to = to.Set("root", property.New(to.Get("root").AsMap().Set("password", property.New("another one"))))
		e.steps(to, "update", "same")
		if e.out("password") != before {
			t.Error("the user has another password")
		}
		e.deletes()
	})(t)
}

// A run that dies or loses its connection within a change of the user leaves no password that only
// it knew: the next run sets another, however soon it comes.
func TestSQLUser_root_Faults(t *testing.T) {
	for name, to := range map[string]map[string]any{"create": nil, "dropped": nil, "role": {"role": "role_admin"}, "rotation": {"rotation": "2"}} {
		t.Run(name, withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			if name != "create" {
				e.steps(rooted(c, s, nil), "create")
			}
			recorded := e.state
			failed := s.cuts(2, func() {
				if e.state = recorded; name == "dropped" { // as by a branch that is reset
					s.run(t, c, "DROP USER IF EXISTS '"+c.prefixes[c.first()]+".api'")
				}
			}, func() error { // as if the run had been killed
				_, err := e.up(rooted(c, s, to))
				return err
			}, func(cut string) {
				e.state = recorded
				time.Sleep(time.Minute) // a server that was not reached is not asked again for less
				if op, err := e.up(rooted(c, s, to)); err != nil {
					t.Fatalf("%s: %s: %v", cut, op, err)
				}
				e.steps(rooted(c, s, to), "same")
				if err := e.as(t, s, "SELECT * FROM my_app.t"); err != nil {
					t.Errorf("%s: %v", cut, err)
				}
				same(t, "users", s.named(t, c), marked)
			})
			if failed == 0 {
				t.Error("no cut made a run fail")
			}
		}))
	}
}

// A user that is dropped while it is read is made again, now or by the next run. A server that has
// not read a new user's privileges yet, as after a CREATE USER whose client left, answers the same.
func TestSQLUser_root_meanwhile(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		to := rooted(c, s, map[string]any{"role": "role_readonly"})
		for at := 1; ; at++ {
			e.steps(rooted(c, s, nil), "create")
			drop := &cut{at: at, instead: func(_ *cutConn, n, _ int) {
				if n == at {
					s.run(t, c, "DROP USER IF EXISTS '"+c.prefixes[c.first()]+".api'")
				}
			}}
			s.setCut(drop)
			_, err := e.up(to)
			s.setCut(nil)
			if err != nil && !strings.Contains(err.Error(), "creating SQL user") {
				t.Errorf("dropped before command %d: %v", at, err)
			}
			if _, err := e.up(to); err != nil {
				t.Fatalf("dropped before command %d: %v", at, err)
			}
			if err := e.as(t, s, "SELECT * FROM my_app.t"); err != nil {
				t.Errorf("dropped before command %d: %v", at, err)
			}
			e.deletes()
			if !drop.happened() {
				return
			}
		}
	})(t)
}

// Users of one server are changed one after the other, though their resources run side by side.
func TestSQLUser_root_order(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		var order []*cutConn
		var mu sync.Mutex
		s.setCut(&cut{instead: func(conn *cutConn, _, size int) {
			if size > 50 { // it is no ping, and no end
				mu.Lock()
				defer mu.Unlock()
				order = append(order, conn)
			}
		}})
		var group errgroup.Group
		for _, name := range []string{"a", "b", "c", "d"} {
			group.Go(func() error {
				_, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: e.check(rooted(c, s, map[string]any{"name": name})), Timeout: e.timeout})
				return err
			})
		}
		testcheck.Error(t, group.Wait())
		seen := map[*cutConn]bool{}
		for i, conn := range order {
			if i > 0 && conn != order[i-1] && seen[conn] {
				t.Fatalf("another user was changed before command %d", i)
			}
			seen[conn] = true
		}
		if len(seen) < 4 {
			t.Errorf("%d connections made users", len(seen))
		}
	})(t)
}

// What is gone need not be deleted, and what somebody else made stays.
func TestSQLUser_root_Delete(t *testing.T) {
	for name, tt := range map[string]struct {
		hand func(*testing.T, *cloud, *sqlServers)
		left string
		want []string
	}{
		"there":   {func(*testing.T, *cloud, *sqlServers) {}, "", nil},
		"dropped": {func(t *testing.T, c *cloud, s *sqlServers) { s.run(t, c, "DROP USER '"+c.prefixes[c.first()]+".api'") }, "", nil},
		"somebody else's": {func(t *testing.T, c *cloud, s *sqlServers) {
			s.run(t, c, "ALTER USER '"+c.prefixes[c.first()]+".api' COMMENT 'mine'")
		}, `% {"comment": "mine"}`, nil},
		"branch missing": {func(_ *testing.T, _ *cloud, s *sqlServers) { s.instead = always(hangUp) }, marked, nil},
		"branch there": {func(_ *testing.T, c *cloud, s *sqlServers) {
			s.instead = always(hangUp)
			c.fail(emulator.Fault{Path: "/clusters/*/branches/*", Status: 500, Times: -1})
		}, marked, []string{`deleting SQL user "p1001.api"`, "connecting to"}},
	} {
		t.Run(name, withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			e.steps(rooted(c, s, nil), "create")
			tt.hand(t, c, s)
			testcheck.Error(t, e.delete(), tt.want...)
			c.fail()
			same(t, "users", s.named(t, c), tt.left)
		}))
	}
}

func TestSQLUser_root_longName(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		to := rooted(c, s, map[string]any{"name": "portfolio-writer"})
		to = to.Set("root", property.New(to.Get("root").AsMap().Set("user", property.New(strings.Repeat("9", 21)+".root"))))
		e.tryUp(to, "has 38 characters, and 32 are allowed; shorten it by 6")
	})(t)
}

func TestSQLUser_root_preview(t *testing.T) {
	withRoot(func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		for _, changes := range []map[string]any{nil, {"clusterId": unknown, "root": unknown}, {"root": unknown}, {"root": presource.MakeSecret(unknown)},
			{"root": map[string]any{"host": unknown, "port": unknown, "user": unknown, "password": presource.MakeSecret(unknown)}}, {"database": unknown}} {
			outputs, err := e.preview(rooted(c, s, changes))
			if err != nil || !outputs.Get("password").IsComputed() || !outputs.Get("fullName").IsComputed() {
				t.Errorf("%v: previewed %v: %v", changes, outputs, err)
			}
		}
		same(t, "calls", c.called(), nil)
		if n := s.logins(func() { _, _ = e.preview(rooted(c, s, nil)) }); n != 0 {
			t.Errorf("%d logins", n)
		}
		// One that TiDB Cloud's API made is another user.
		e.steps(api(c.first(), nil), "create")
		diff, err := e.diff(rooted(c, s, map[string]any{"clusterId": c.first()}))
		if err != nil || !replaces(diff) {
			t.Errorf("%v, %v", properties(diff), err)
		}
	})(t)
}
