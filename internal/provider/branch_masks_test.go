package provider_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sqllogin"
	"portfolio-infra/internal/testcheck"
)

// masked is a cloud with production's rows, and a branch of it whose rows nobody but root may see
// before they are masked. The branch may inherit production's users, with their passwords.
type masked struct {
	*testing.T
	c      *cloud
	s      *sqlServers
	branch *engine
	user   *engine
	folder string
}

const secret = "alice@example.com"

// withMasks runs a test in a bubble, beside others, on a cloud whose branches inherit their parent's users or not.
func withMasks(inherits bool, f func(m *masked)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.InheritUsers = inherits
		s := newSQLServers(t, c, 0)
		c.add("production", tokyo, nil, bubbleStart.Add(-time.Hour))
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			m := &masked{T: t, c: c, s: s, branch: configured(t, c, provider.Options{Dial: s.dial}, branchType, keys), folder: folder}
			user := *m.branch // the same provider
			user.typ = userType
			m.user = &user
			s.run(t, c, "CREATE DATABASE app", "CREATE TABLE app.guests (id INT PRIMARY KEY, email VARCHAR(60) UNIQUE, note VARCHAR(60))",
				"INSERT INTO app.guests VALUES (1, '"+secret+"', 'a'), (2, 'bob@example.com', 'a')")
			c.addUser("api", "production's", "role_readwrite")
			c.called()
			m.write("1.sql", "UPDATE guests SET email = CONCAT(id, '@masked.test');\nALTER TABLE guests ADD COLUMN masked INT;\n")
			m.write("2.sql", "UPDATE guests SET note = 'masked';\n")
			f(m)
		})
	}
}

func (m *masked) write(name, text string) {
	m.Helper()
	if err := os.WriteFile(filepath.Join(m.folder, name), []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
}

// inputs is the inputs of the branch, with changes.
func (m *masked) inputs(changes map[string]any) property.Map {
	m.Helper()
	files := map[string]any{}
	entries, err := os.ReadDir(m.folder)
	if err != nil {
		m.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(m.folder, entry.Name()))
		if err != nil {
			m.Fatal(err)
		}
		files[entry.Name()] = fmt.Sprintf("%x", sha256.Sum256(text))
	}
	values := map[string]any{"dropLogins": true, "masks": map[string]any{"database": "app", "folder": m.folder, "files": files}}
	maps.Copy(values, changes)
	return pr(m.c.first(), values)
}

// api is the inputs of the application's user on the branch.
func (m *masked) api() property.Map {
	root := map[string]any{}
	for _, key := range []string{"host", "user", "password"} {
		root[key] = m.branch.out(key)
	}
	root["port"] = int(m.branch.outputs.Get("port").AsNumber())
	return inputs(map[string]any{"clusterId": m.branch.id, "name": "api", "root": root, "database": "app"})
}

// emails returns what a login sees of the branch's rows.
func (m *masked) emails(user, password string) (all string, err error) {
	m.Helper()
	branches := m.c.branchesOf(m.c.first())
	if len(branches) == 0 {
		return "", errors.New("there is no branch")
	}
	host, port := m.s.Endpoint(branches[0].BranchID)
	db := m.s.connect(m.T, sqllogin.Login{Host: host, Port: port, User: user, Password: password}, "")
	defer db.Close()
	return all, db.QueryRowContext(m.Context(), "SELECT GROUP_CONCAT(CONCAT(email, ' ', note) ORDER BY id) FROM app.guests").Scan(&all)
}

// What a login sees of the rows.
const (
	productionRows = secret + " a,bob@example.com a"
	maskedRows     = "1@masked.test masked,2@masked.test masked"
)

// safe fails the test if the application sees a row that is not masked. Production's own users see what
// they see in production until they are dropped, but nothing once the masks have begun.
func (m *masked) safe(when string) {
	m.Helper()
	branches := m.c.branchesOf(m.c.first())
	if len(branches) == 0 {
		return
	}
	see := func(user, password string, allowed ...string) {
		m.Helper()
		if rows, err := m.emails(branches[0].UserPrefix+"."+user, password); err == nil && !slices.Contains(allowed, rows) {
			m.Errorf("%s: %s sees %s", when, user, rows)
		}
	}
	see("hand", password, productionRows)
	see("api", "production's", productionRows)
	if m.user.id != "" {
		see("api", m.user.out("password"), maskedRows)
	}
}

// knowsRoot reports whether the state has root's password.
func (m *masked) knowsRoot() bool {
	_, err := m.emails(m.branch.out("user"), m.branch.out("password"))
	return err == nil
}

// want fails the test unless root and the application see masked rows, and nobody else anything.
func (m *masked) want() {
	m.Helper()
	for _, e := range []*engine{m.branch, m.user} {
		user := e.out("user")
		if e == m.user {
			user = e.out("fullName")
		}
		if rows, err := m.emails(user, e.out("password")); err != nil || rows != maskedRows {
			m.Errorf("%s sees %q: %v", e.short(user), rows, err)
		}
	}
	if rows, err := m.emails(m.branch.out("userPrefix")+".api", "production's"); err == nil {
		m.Errorf("production's user sees %q", rows)
	}
	m.safe("in the end")
}

// up brings the branch and then the application's user to the inputs, as a run does.
func (m *masked) up(inputs property.Map) error {
	if _, err := m.branch.up(inputs); err != nil {
		return err
	}
	_, err := m.user.up(m.api())
	return err
}

func TestBranch_masks(t *testing.T) {
	t.Run("users come along", withMasks(true, masksLife))
	t.Run("users stay", withMasks(false, masksLife))
}

func masksLife(m *masked) {
	t := m.T
	m.branch.steps(m.inputs(nil), "create", "same")
	m.user.steps(m.api(), "create", "same")
	m.want()
	m.branch.unchanged()
	before := m.branch.out("password")

	// A reset gives the rows back, and masks them again. Until then the password in the state does
	// not work.
	again := m.inputs(map[string]any{"resetToken": "2"})
	outputs, err := m.branch.preview(again)
	if err != nil || !outputs.Get("password").IsComputed() {
		t.Errorf("previewed %v: %v", outputs, err)
	}
	m.branch.steps(again, "update", "same")
	if m.branch.out("password") == before {
		t.Error("root has the same password")
	}
	m.user.steps(m.api(), "update", "same")
	m.want()

	// More files are applied.
	m.write("3.sql", "UPDATE guests SET masked = 1;\n")
	more := m.inputs(map[string]any{"resetToken": "2"})
	m.branch.steps(more, "update", "same")
	m.user.steps(m.api(), "update", "same")
	m.want()

	// A file that was applied cannot change.
	m.write("3.sql", "UPDATE guests SET masked = 2;\n")
	m.branch.tryUp(m.inputs(map[string]any{"resetToken": "2"}), "3.sql was changed after it had been applied")
	m.branch.steps(m.inputs(map[string]any{"resetToken": "3"}), "update", "same")
	m.user.steps(m.api(), "update", "same")
	m.want()

	for _, e := range []*engine{m.user, m.branch} {
		e.deletes()
	}
	if m.branch.log.has(secret) {
		t.Errorf("shown:\n%s", m.branch.log.all())
	}
}

// A plan shows logins that were not made for the branch, and a branch that was reset by hand.
func TestBranch_masks_drift(t *testing.T) {
	withMasks(true, func(m *masked) {
		t := m.T
		m.branch.steps(m.inputs(nil), "create")
		m.user.steps(m.api(), "create")
		root := func(statements ...string) {
			t.Helper()
			db := m.s.connect(t, m.branch.login("user"), "")
			defer db.Close()
			for _, statement := range statements {
				if _, err := db.ExecContext(t.Context(), strings.ReplaceAll(statement, "PREFIX", m.branch.out("userPrefix"))); err != nil {
					t.Fatal(err)
				}
			}
		}
		path := "/clusters/" + m.c.first() + "/branches/" + m.branch.out("branchId")
		for _, tt := range []struct {
			name   string
			hand   func()
			diff   []string
			warn   string
			rotate bool // root
			user   string
		}{
			{"a login", func() {
				root("CREATE USER 'PREFIX.made' IDENTIFIED BY '"+password+"'", "GRANT SELECT ON *.* TO 'PREFIX.made'")
			},
				[]string{"dropLogins update"}, `logins that were not made for it, and that will be dropped: "`, false, "same"},
			{"another branch's login", func() {
				root("CREATE USER 'PREFIX.made'@'10.0.0.1' IDENTIFIED BY '" + password + "' COMMENT 'pulumi 1/bran-x'")
			},
				[]string{"dropLogins update"}, `made" at "10.0.0.1"`, false, "same"},
			{"a login without the prefix", func() { root("CREATE USER IF NOT EXISTS 'other.made' IDENTIFIED BY '" + password + "'") }, nil, "", false, "same"},
			{"reset by hand", func() { m.c.byHand("POST", path+":reset", nil) }, []string{"dropLogins update", "masks update"}, "lacks masks, as after a reset outside of Pulumi", true, "update"},
			{"root's password", func() {
				m.c.byHand("PATCH", path+"/sqlUsers/"+m.branch.out("user"), map[string]any{"password": "by somebody"})
			}, []string{"password update"}, "root cannot log in", true, "update"},
		} {
			func() {
				t.Log(tt.name)
				time.Sleep(time.Hour)
				tt.hand()
				m.branch.log.clear()
				m.branch.wantDiff(m.inputs(nil), tt.diff...)
				if tt.warn != "" && !m.branch.log.has("warn", tt.warn) {
					t.Errorf("shown:\n%s", m.branch.log.all())
				}
				outputs, err := m.branch.preview(m.inputs(nil))
				if err != nil || outputs.Get("password").IsComputed() != tt.rotate {
					t.Errorf("previewed %v: %v", outputs.Get("password"), err)
				}
				if tt.diff == nil {
					m.branch.steps(m.inputs(nil), "same")
					return
				}
				before := m.branch.out("password")
				m.branch.steps(m.inputs(nil), "update", "same")
				if rotated := m.branch.out("password") != before; rotated != tt.rotate {
					t.Errorf("root has another password: %v", rotated)
				}
				m.user.steps(m.api(), tt.user, "same")
				m.want()
			}()
		}
	})(t)
}

// Whenever a run is killed or loses a connection, nobody but root sees a row that is not masked, and
// the next run of whatever resource leads to the same end.
func TestBranch_masks_Faults(t *testing.T) {
	for _, op := range []string{"create", "reset", "reset by hand"} {
		t.Run(op, withMasks(true, func(m *masked) {
			t := m.T
			resets := 0
			inputs := func() property.Map { return m.inputs(map[string]any{"resetToken": fmt.Sprint(resets)}) }
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			var branch, user state // before the run
			killed := false
			failed := m.s.cuts(17, func() {
				switch {
				case op != "create":
					must(m.up(inputs()))
				case m.branch.id != "":
					must(m.user.delete())
					must(m.branch.delete())
				}
				time.Sleep(time.Hour)
				if branch, user = m.branch.state, m.user.state; op == "reset by hand" {
					m.c.byHand("POST", "/clusters/"+m.c.first()+"/branches/"+m.branch.out("branchId")+":reset", nil)
					time.Sleep(time.Hour)
				} else if op == "reset" {
					resets++
				}
			}, func() error {
				_, err := m.branch.up(inputs())
				return err
			}, func(cut string) {
				// Then somebody runs `pulumi up --target` of the user, with the state after an error, or
				// that of a killed run.
				failed := m.branch.state
				for name, state := range map[string]state{"an error": failed, "a kill": branch} {
					time.Sleep(time.Hour)
					m.branch.state, m.user.state = state, user
					if state.id == "" || op == "reset by hand" && m.knowsRoot() {
						continue // it was reset long before the run
					}
					m.safe(cut + " by " + name)
					_, _ = m.user.up(m.api())
					m.safe(cut + " by " + name + ", then --target")
				}
				m.branch.state, m.user.state = failed, user
				if killed = !killed; killed { // of the two states, each is taken in turn
					m.branch.state = branch
				}
				time.Sleep(time.Hour)
				if err := m.up(inputs()); err != nil {
					t.Fatalf("%s: the next run: %v", cut, err)
				}
				m.want()
				m.branch.steps(inputs(), "same")
				m.user.steps(m.api(), "same")
			})
			if failed < 2 {
				t.Errorf("%d cuts made a run fail", failed)
			}
		}))
	}
}

// A call whose answer is lost is as harmless.
func TestBranch_masks_ambiguous(t *testing.T) {
	withMasks(true, func(m *masked) {
		t := m.T
		resets := 0
		inputs := func() property.Map { return m.inputs(map[string]any{"resetToken": fmt.Sprint(resets)}) }
		if err := m.up(inputs()); err != nil {
			t.Fatal(err)
		}
		for _, call := range []emulator.Fault{{Method: "PATCH", Path: "/clusters/*/branches/*/sqlUsers/*"}, {Method: "PATCH", Path: "/clusters/*/branches/*/sqlUsers/*", Skip: 1},
			{Method: "POST", Path: "/clusters/*/branches/*"}} {
			for _, after := range []bool{false, true} {
				call.Reset, call.After, call.Times = true, after, -1
				resets++
				before, user := m.branch.state, m.user.state
				m.c.fail(call)
				_, err := m.branch.up(inputs())
				m.c.fail()
				name := fmt.Sprintf("%s %d, after: %v", call.Method, call.Skip, after)
				if began := call.Method == "POST" && after; (err == nil) != began {
					t.Errorf("%s: %v", name, err)
				}
				failed := m.branch.state
				for _, state := range []state{failed, before} {
					time.Sleep(time.Hour)
					m.branch.state, m.user.state = state, user
					_, _ = m.user.up(m.api())
					m.safe(name)
				}
				m.branch.state, m.user.state = failed, user
				if err := m.up(inputs()); err != nil {
					t.Fatalf("%s: the next run: %v", name, err)
				}
				m.want()
				m.branch.steps(inputs(), "same")
			}
		}
	})(t)
}

// Bad masks are refused before anything is written, and what the server says of rows is not shown.
func TestBranch_masks_refused(t *testing.T) {
	withMasks(true, func(m *masked) {
		t := m.T
		good := m.inputs(nil)
		m.write("2.sql", "UPDATE guests SET note = 'edited';\n")
		for _, f := range []func(property.Map) error{
			func(i property.Map) error { _, err := m.branch.preview(i); return err },
			func(i property.Map) error { _, err := m.branch.up(i); return err },
		} {
			testcheck.Error(t, f(good), "masks: reading the folder", "its files changed while Pulumi ran; run it again")
			m.write("3.sql", "UPDATE guests SETT note = '"+secret+"';\n")
			testcheck.Error(t, f(m.inputs(nil)), "3.sql:1: syntax error")
			if err := os.Remove(filepath.Join(m.folder, "3.sql")); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "writes", m.c.wrote(), nil)

		m.write("2.sql", "UPDATE guests SET email = 'the same';\n")
		_, err := m.branch.up(m.inputs(nil))
		testcheck.Error(t, err, `masking database "app" of branch "pr-1", which has no login but root's until then`, "2.sql:1: Error 1062", "the next `pulumi up` resumes")
		if err != nil && strings.Contains(err.Error(), "the same") || m.branch.log.has("the same") {
			t.Errorf("shown: %v\n%s", err, m.branch.log.all())
		}
		if m.branch.id == "" || !m.branch.failed || m.branch.out("password") != "" {
			t.Errorf("kept %q, password %q", m.branch.id, m.branch.out("password"))
		}
		m.safe("after an error")
		if _, err := m.user.up(m.api()); err == nil {
			t.Error("a user is made all the same")
		}
		m.write("2.sql", "UPDATE guests SET note = 'masked';\n")
		m.branch.steps(m.inputs(nil), "update", "same")
		m.user.steps(m.api(), "create", "same")
		m.want()
	})(t)
}

// Without the database, or a server that can be reached, nothing is proven.
func TestBranch_masks_unproven(t *testing.T) {
	withMasks(true, func(m *masked) {
		missing := m.inputs(nil)
		missing = missing.Set("masks", property.New(missing.Get("masks").AsMap().Set("database", property.New("nowhere"))))
		m.branch.tryUp(missing, `masks: branch "pr-1" has no database "nowhere"`)
		m.branch.steps(m.inputs(nil), "update", "same")
		m.s.instead = always(refusal("Due to the usage quota being exhausted"))
		m.branch.log.clear()
		m.branch.steps(m.inputs(nil), "same")
		m.branch.log.shows(m.T, "warn", `not checking the logins and the masks of branch "pr-1"`)
		m.branch.tryUp(m.inputs(map[string]any{"createTimeoutSeconds": 60}), "usage quota", "the next `pulumi up` resumes")
	})(t)
}

// Without masks a branch can do with fewer logins.
func TestBranch_dropLogins(t *testing.T) {
	withMasks(true, func(m *masked) {
		inputs := m.inputs(map[string]any{"masks": nil})
		m.branch.steps(inputs, "create", "same")
		m.user.steps(m.api(), "create", "same")
		before := m.branch.out("password")
		inputs = m.inputs(map[string]any{"masks": nil, "resetToken": "2"})
		m.branch.steps(inputs, "update", "same")
		if m.branch.out("password") != before {
			m.Error("root has another password")
		}
		m.user.steps(m.api(), "update", "same")
		if rows, err := m.emails(m.branch.out("userPrefix")+".api", "production's"); err == nil {
			m.Errorf("production's user sees %q", rows)
		}
		if rows, err := m.emails(m.user.out("fullName"), m.user.out("password")); err != nil || !strings.Contains(rows, secret) {
			m.Errorf("the application sees %q: %v", rows, err)
		}
	})(t)
}
