package provider_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/testcheck"
)

const (
	databaseType = "tidbcloud:index:Database"
	password     = "hunter2hunter2"
)

// standard is a new database, with its character set and collation.
const standard = "portfolio utf8mb4/utf8mb4_bin"

// portfolio is the inputs of most tests. A user's name gets the cluster's prefix.
func portfolio(c *cloud, changes map[string]any) property.Map {
	host, port := c.Endpoint(c.first())
	values := map[string]any{"clusterId": c.first(), "host": host, "port": port, "user": "admin",
		"password": presource.MakeSecret(presource.NewProperty(password)), "name": "portfolio"}
	maps.Copy(values, changes)
	if name, known := values["user"].(string); known {
		values["user"] = c.prefixes[c.first()] + "." + name
	}
	return inputs(values)
}

// withAdmin is withSQL for databases, with the user "admin", whose login lags.
func withAdmin(lag time.Duration, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return withSQL(databaseType, lag, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		c.addUser("admin", password, "role_admin")
		f(t, c, s, e)
	})
}

// withDatabase is withAdmin with a database that the engine created.
func withDatabase(changes map[string]any, f func(t *testing.T, c *cloud, s *sqlServers, e *engine)) func(*testing.T) {
	return withAdmin(0, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		e.steps(portfolio(c, changes), "create")
		e.log.clear()
		f(t, c, s, e)
	})
}

func TestDatabase_life(t *testing.T) {
	withAdmin(0, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		for _, step := range []struct {
			changes map[string]any
			op      string
			want    string
		}{
			{nil, "create", standard},
			{nil, "same", standard},
			{map[string]any{"charset": "latin1"}, "update", "portfolio latin1/latin1_bin"},
			{map[string]any{"charset": "utf8mb4", "collation": "utf8mb4_general_ci"}, "update", "portfolio utf8mb4/utf8mb4_general_ci"},
			{map[string]any{"charset": "UTF8MB4", "collation": "utf8mb4_general_ci"}, "update", "portfolio utf8mb4/utf8mb4_general_ci"},
			{nil, "update", "portfolio utf8mb4/utf8mb4_general_ci"},
			{map[string]any{"name": "portfolio-2"}, "replace", "portfolio utf8mb4/utf8mb4_general_ci, portfolio-2 utf8mb4/utf8mb4_bin"},
			{map[string]any{"name": "portfolio-2", "dropOnDelete": true}, "update", "portfolio utf8mb4/utf8mb4_general_ci, portfolio-2 utf8mb4/utf8mb4_bin"},
		} {
			e.steps(portfolio(c, step.changes), step.op)
			same(t, "databases", s.databases(t, c), step.want)
			if !e.outputs.Get("password").Secret() || !e.inputs.Get("password").Secret() {
				t.Error("the password is not a secret")
			}
			e.unchanged()
		}
		e.deletes()
		same(t, "databases", s.databases(t, c), "portfolio utf8mb4/utf8mb4_general_ci")
	})(t)
}

func TestDatabase_Create(t *testing.T) {
	existing := func(options string) func(*testing.T, *cloud, *sqlServers) {
		return func(t *testing.T, c *cloud, s *sqlServers) { s.run(t, c, "CREATE DATABASE portfolio "+options) }
	}
	answering := func(packet []byte, d time.Duration) func(*testing.T, *cloud, *sqlServers) {
		return func(_ *testing.T, _ *cloud, s *sqlServers) { s.instead = until(d, packet) }
	}
	for _, tt := range []struct {
		name    string
		lag     time.Duration
		given   func(*testing.T, *cloud, *sqlServers)
		changes map[string]any
		wantErr []string
		at      time.Duration // when it ends
		status  string
	}{
		{"at once", 0, nil, nil, nil, 0, ""},
		{"existing", 0, existing(""), nil, nil, 0, ""},
		{"existing with another character set", 0, existing("CHARACTER SET latin1"), map[string]any{"charset": "utf8mb4"}, nil, 0, ""},
		{"the login lags", 40 * time.Second, nil, nil, nil, 40 * time.Second, "waiting for the login of p1001.admin, "},
		{"the login never comes", 0, nil, map[string]any{"password": "wrong"},
			[]string{"connecting to localhost:", " as p1001.admin: Error 1045", "tried for 1"}, 117 * time.Second, "waiting for the login"},
		{"the prefix lags", 0, answering(refusal("Missing user name prefix"), 20*time.Second), nil, nil, 20 * time.Second, "waiting for the login of p1001.admin, "},
		{"quota used up", 0, answering(refusal("Due to the usage quota being exhausted, access to the cluster has been restricted"), time.Hour), nil,
			[]string{"usage quota being exhausted"}, 0, ""},
		{"the server is not there at first", 0, answering(hangUp, 20*time.Second), nil, nil, 20 * time.Second, ""},
		{"no TLS", 0, answering(withoutTLS, time.Hour), nil, []string{"TLS requested but server does not support TLS"}, 0, ""},
		{"another's certificate", 0, nil, map[string]any{"host": "elsewhere.example.com"},
			[]string{"connecting to elsewhere.example.com:", "certificate is valid for ", "not elsewhere.example.com"}, 0, ""},
		{"no privilege, and it exists", 0, existing(""), map[string]any{"user": "reader"}, nil, 0, ""},
		{"no privilege", 0, nil, map[string]any{"user": "reader"}, []string{`creating or altering database "portfolio": Error 1044`}, 0, ""},
		{"unknown character set", 0, nil, map[string]any{"charset": "utf9"}, []string{"creating or altering database", "haracter set"}, 0, ""},
		{"host not known yet", 0, nil, map[string]any{"host": "", "port": 0}, []string{"host and port are not known yet"}, 0, ""},
	} {
		t.Run(tt.name, withAdmin(tt.lag, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			c.addUser("reader", password, "role_readonly")
			if tt.given != nil {
				tt.given(t, c, s)
			}
			start := time.Now()
			_, err := e.up(portfolio(c, tt.changes))
			testcheck.Error(t, err, tt.wantErr...)
			if took := time.Since(start); took < tt.at || took > tt.at+5*time.Second {
				t.Errorf("ended after %s", took)
			}
			if (err == nil) != (e.short(e.id) == "1001/portfolio") {
				t.Errorf("managing %q", e.id)
			}
			if err != nil && strings.Contains(err.Error()+e.log.all(), password) {
				t.Error("the password is shown")
			}
			e.log.shows(e.t, tt.status)
			if err == nil {
				same(t, "databases", s.databases(t, c), standard)
			}
		}))
	}
}

func TestDatabase_Create_cancel(t *testing.T) {
	withAdmin(time.Hour, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		start := time.Now()
		time.AfterFunc(7500*time.Millisecond, func() { _ = e.Cancel() })
		e.tryUp(portfolio(c, nil), "context canceled")
		if took := time.Since(start); took != 7500*time.Millisecond {
			t.Errorf("ended after %s", took)
		}
	})(t)
}

func TestDatabase_Diff(t *testing.T) {
	dropped := func(t *testing.T, c *cloud, s *sqlServers) { s.run(t, c, "DROP DATABASE portfolio") }
	away := func(_ *testing.T, _ *cloud, s *sqlServers) { s.instead = always(hangUp) }
	drop := map[string]any{"dropOnDelete": true}
	for _, tt := range []struct {
		name     string
		from, to map[string]any
		hand     func(*testing.T, *cloud, *sqlServers)
		want     []string
		logins   int
		warn     string
	}{
		{"nothing", nil, nil, nil, nil, 1, ""},
		{"login", nil, map[string]any{"user": "web", "password": "x"}, nil, nil, 1, "using the recorded state"},
		{"unknown login", nil, map[string]any{"user": unknown, "password": unknown, "host": unknown, "port": unknown}, nil, nil, 0, ""},
		{"unknown password", nil, map[string]any{"password": unknown}, dropped, nil, 0, ""},
		{"login, to be dropped by", drop, map[string]any{"dropOnDelete": true, "password": "x"}, nil, []string{"password update"}, 1, "using the recorded state"},
		{"character set", nil, map[string]any{"charset": "utf8mb4"}, nil, []string{"charset add"}, 1, ""},
		{"drop", nil, drop, nil, []string{"dropOnDelete add"}, 1, ""},
		{"name", nil, map[string]any{"name": "blog"}, nil, []string{"name update&replace"}, 0, ""},
		{"unknown cluster", nil, map[string]any{"clusterId": unknown}, nil, []string{"clusterId update&replace"}, 0, ""},
		{"dropped by hand", nil, nil, dropped, []string{"name update"}, 1, `database "portfolio" no longer exists: another, empty one will be created`},
		{"server away", nil, nil, away, nil, 1, "using the recorded state"},
	} {
		t.Run(tt.name, withDatabase(tt.from, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			if tt.hand != nil {
				tt.hand(t, c, s)
			}
			start := time.Now()
			if got := s.logins(func() {
				e.wantDiff(portfolio(c, tt.to), tt.want...)
			}); got != tt.logins {
				t.Errorf("%d logins", got)
			}
			e.log.want(t, tt.warn)
			within(t, start, 3*time.Second)
			if tt.name == "dropped by hand" {
				e.steps(portfolio(c, nil), "update", "same")
				same(t, "databases", s.databases(t, c), standard)
			}
		}))
	}
}

func TestDatabase_Read(t *testing.T) {
	withCharset := map[string]any{"charset": "utf8mb4", "collation": "utf8mb4_bin"}
	for _, tt := range []struct {
		name    string
		hand    func(*testing.T, *cloud, *sqlServers)
		changed bool
		gone    bool
	}{
		{"unchanged", func(*testing.T, *cloud, *sqlServers) {}, false, false},
		{"another character set", func(t *testing.T, c *cloud, s *sqlServers) {
			s.run(t, c, "ALTER DATABASE portfolio CHARACTER SET latin1")
		}, true, false},
		{"dropped", func(t *testing.T, c *cloud, s *sqlServers) { s.run(t, c, "DROP DATABASE portfolio") }, true, true},
		{"login refused", func(_ *testing.T, c *cloud, _ *sqlServers) { c.byHand("DELETE", c.userPath("admin"), nil) }, false, false},
		{"cluster deleted", func(_ *testing.T, c *cloud, _ *sqlServers) { deleted(c, c.first()) }, false, false},
		{"server away", func(_ *testing.T, _ *cloud, s *sqlServers) { s.instead = until(time.Minute, hangUp) }, false, false},
	} {
		t.Run(tt.name, withDatabase(withCharset, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			tt.hand(t, c, s)
			changed, err := e.refresh()
			if err != nil || changed != tt.changed || tt.gone != (e.id == "") {
				t.Errorf("%q changed: %v, to %v: %v", e.id, changed, e.outputs, err)
			}
			if tt.name == "another character set" {
				e.steps(portfolio(c, withCharset), "update", "same")
				same(t, "databases", s.databases(t, c), standard)
			}
		}))
	}

}

// A refresh uses the login of the inputs: that of the outputs may be an old one.
func TestDatabase_Read_rotated(t *testing.T) {
	withDatabase(nil, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		c.byHand("PATCH", c.userPath("admin"), map[string]any{"password": "rotated-by-now"})
		rotated := map[string]any{"password": "rotated-by-now"}
		e.steps(portfolio(c, rotated), "same")
		e.unchanged()
		e.log.want(t, "")
		rotated["dropOnDelete"] = true
		e.steps(portfolio(c, rotated), "update")
		e.deletes()
		same(t, "databases", s.databases(t, c), "")
	})(t)
}

func TestDatabase_import(t *testing.T) {
	withAdmin(0, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		e.id = c.first() + "/portfolio"
		_, err := e.refresh()
		testcheck.Error(t, err, "cannot be imported and need not be")
	})(t)
}

func TestDatabase_Delete(t *testing.T) {
	drop := map[string]any{"dropOnDelete": true}
	away := func(_ *testing.T, _ *cloud, s *sqlServers) { s.instead = until(10*time.Minute, hangUp) }
	for _, tt := range []struct {
		name    string
		inputs  map[string]any
		hand    func(*testing.T, *cloud, *sqlServers)
		wantErr string
		kept    bool
		logins  bool
	}{
		{"kept", nil, nil, "", true, false},
		{"kept, server away", nil, away, "", true, false},
		{"dropped", drop, nil, "", false, true},
		{"missing", drop, func(t *testing.T, c *cloud, s *sqlServers) { s.run(t, c, "DROP DATABASE portfolio") }, "", false, true},
		{"login refused", drop, func(_ *testing.T, c *cloud, _ *sqlServers) { c.byHand("DELETE", c.userPath("admin"), nil) }, "Error 1045", true, true},
		{"server away", drop, away, "connecting to", true, true},
		{"no privilege", drop, func(_ *testing.T, c *cloud, _ *sqlServers) {
			c.byHand("PATCH", c.userPath("admin"), map[string]any{"builtinRole": c.prefixes[c.first()] + ".role_readonly"})
		}, "dropping database", true, true},
	} {
		t.Run(tt.name, withDatabase(tt.inputs, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
			if tt.hand != nil {
				tt.hand(t, c, s)
			}
			if got := s.logins(func() { testcheck.Error(t, e.delete(), tt.wantErr) }); (got > 0) != tt.logins {
				t.Errorf("%d logins", got)
			}
			time.Sleep(10 * time.Minute)
			if kept := s.databases(t, c) != ""; kept != tt.kept {
				t.Errorf("kept: %v", kept)
			}
		}))
	}
	t.Run("cluster deleted", withDatabase(drop, func(t *testing.T, c *cloud, _ *sqlServers, e *engine) {
		deleted(c, c.first())
		testcheck.Error(t, e.delete())
	}))
}

// The extra certificate authority is a file; the system's remain trusted.
func TestDatabase_certificateAuthority(t *testing.T) {
	c := newCloud()
	s := newSQLServers(t, c, 0)
	c.add("portfolio-db", tokyo, ours, bubbleStart.Add(-time.Hour))
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, wantErr string }{
		{"none", "", "certificate signed by unknown authority"},
		{"missing file", "/nowhere/ca.pem", "reading TIDBCLOUD_SQL_CA_FILE: open /nowhere/ca.pem"},
		{"no certificate", empty, "holds no PEM certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TIDBCLOUD_SQL_CA_FILE", tt.file)
			synctest.Test(t, func(t *testing.T) {
				e := configured(t, c, provider.Options{Dial: s.dial}, databaseType, keys)
				start := time.Now()
				e.tryUp(portfolio(c, nil), tt.wantErr)
				within(t, start, 0)
			})
		})
	}
}
