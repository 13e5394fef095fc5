package provider_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
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

const (
	databaseType = "tidbcloud:index:Database"
	gateway      = "gateway01.example.com"
	password     = "hunter2hunter2"
)

// portfolio is the inputs of most tests.
func portfolio(changes map[string]any) property.Map {
	values := map[string]any{"clusterId": "1001", "host": gateway, "port": 4000, "user": "p1001.api",
		"password": property.New(password).WithSecret(true), "name": "portfolio"}
	maps.Copy(values, changes)
	return inputs(values)
}

// withDatabase runs a test with a SQL server that knows one login, on a cloud with
// its cluster.
func withDatabase(t *testing.T, f func(t *testing.T, s *mysqlServer, x *cluster, e *engine)) {
	t.Helper()
	s := newMySQL(t, gateway)
	s.trust(t)
	s.authorized = func(user string, check func(string) bool) *mysqlError {
		if user == "p1001.api" && check(password) {
			return nil
		}
		return denied
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		x := c.add("portfolio-db", tokyo, map[string]string{provider.OwnerLabel: owner})
		f(t, s, x, databaseEngine(t, c, s))
	})
}

// noRight refuses to change what databases there are.
func noRight(statement string) *mysqlError {
	if strings.Contains(statement, "DATABASE ") {
		return &mysqlError{1044, "Access denied for user to database"}
	}
	return nil
}

func databaseEngine(t *testing.T, c http.Handler, s *mysqlServer) *engine {
	return configured(t, provider.Options{Transport: resttest.Transport(c), Dial: s.dial}, databaseType,
		map[string]property.Value{"publicKey": property.New("P"), "privateKey": property.New("s"), "serverlessEndpoint": property.New("https://serverless.test")})
}

func TestDatabase_life(t *testing.T) {
	withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
		for _, step := range []struct {
			inputs property.Map
			op     string
			ran    []string
		}{
			{portfolio(nil), "create", []string{"CREATE DATABASE IF NOT EXISTS `portfolio`"}},
			{portfolio(nil), "same", nil},
			{portfolio(map[string]any{"charset": "latin1"}), "update", []string{"ALTER DATABASE `portfolio` CHARACTER SET latin1"}},
			{portfolio(map[string]any{"charset": "utf8mb4", "collation": "utf8mb4_general_ci"}), "update", []string{"ALTER DATABASE `portfolio` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"}},
			{portfolio(map[string]any{"charset": "UTF8MB4", "collation": "utf8mb4_general_ci"}), "update", nil},
			{portfolio(nil), "update", nil},
			{portfolio(map[string]any{"name": "portfolio-2"}), "replace", []string{"CREATE DATABASE IF NOT EXISTS `portfolio-2`"}},
			{portfolio(map[string]any{"name": "portfolio-2", "dropOnDelete": true}), "update", nil},
		} {
			op, err := e.up(step.inputs)
			if op != step.op || err != nil {
				t.Fatalf("%s instead of %s: %v", op, step.op, err)
			}
			if got := s.ran(); !reflect.DeepEqual(got, step.ran) {
				t.Errorf("%s ran %q", op, got)
			}
			if !e.outputs.Get("password").Secret() || !e.inputs.Get("password").Secret() {
				t.Error("the password is not a secret")
			}
			if changed, err := e.refresh(); err != nil || changed {
				t.Errorf("a refresh changes the state to %v: %v", e.outputs, err)
			}
		}
		if _, ok := s.databases["portfolio"]; !ok {
			t.Error("the old database is dropped")
		}
		if err := e.delete(); err != nil || !reflect.DeepEqual(s.ran(), []string{"DROP DATABASE IF EXISTS `portfolio-2`"}) {
			t.Error(err)
		}
	})
}

func TestDatabase_Create(t *testing.T) {
	for _, tt := range []struct {
		name    string
		given   func(*mysqlServer)
		inputs  property.Map
		wantErr []string
		at      time.Duration // when it ends
		status  string
	}{
		{"at once", nil, portfolio(nil), []string{""}, 0, ""},
		{"existing", func(s *mysqlServer) { s.databases["portfolio"] = [2]string{"utf8mb4", "utf8mb4_bin"} }, portfolio(nil), []string{""}, 0, ""},
		{"existing with another character set", func(s *mysqlServer) { s.databases["portfolio"] = [2]string{"latin1", "latin1_bin"} }, portfolio(map[string]any{"charset": "utf8mb4"}), []string{""}, 0, ""},
		{"the login lags", func(s *mysqlServer) { known(s, 40*time.Second) }, portfolio(nil), []string{""}, 40 * time.Second, "waiting for the login of p1001.api, "},
		{"the login never comes", nil, portfolio(map[string]any{"password": "wrong"}), []string{"connecting to gateway01.example.com:4000 as p1001.api: Error 1045", "tried for 1"}, 117 * time.Second, "waiting for the login"},
		{"the prefix lags", func(s *mysqlServer) {
			refusing(s, 20*time.Second, &mysqlError{1105, "Missing user name prefix"})
		}, portfolio(nil), []string{""}, 20 * time.Second, "waiting for the login of p1001.api, "},
		{"usage used up", func(s *mysqlServer) {
			refusing(s, time.Hour, &mysqlError{1105, "Due to the usage quota being exhausted, access to the cluster has been restricted"})
		}, portfolio(nil), []string{"usage quota being exhausted"}, 0, ""},
		{"the server is not there at first", func(s *mysqlServer) {
			start := time.Now()
			s.authorized = func(string, func(string) bool) *mysqlError {
				if time.Since(start) < 20*time.Second {
					return hangUp
				}
				return nil
			}
		}, portfolio(nil), []string{""}, 20 * time.Second, ""},
		{"no TLS", func(s *mysqlServer) { s.plain = true }, portfolio(nil), []string{"TLS requested but server does not support TLS"}, 0, ""},
		{"another's certificate", nil, portfolio(map[string]any{"host": "elsewhere.example.com"}), []string{"connecting to elsewhere.example.com:4000", "certificate is valid for gateway01.example.com, not elsewhere.example.com"}, 0, ""},
		{"no right, and it exists", func(s *mysqlServer) {
			s.databases["portfolio"] = [2]string{"utf8mb4", "utf8mb4_bin"}
			s.refuse = noRight
		}, portfolio(nil), []string{""}, 0, ""},
		{"no right", func(s *mysqlServer) { s.refuse = noRight }, portfolio(nil), []string{`creating or altering database "portfolio": Error 1044`, "use one of role_admin"}, 0, ""},
		{"unknown character set", func(s *mysqlServer) {
			s.refuse = func(statement string) *mysqlError {
				if strings.HasPrefix(statement, "SELECT") {
					return nil
				}
				return &mysqlError{1115, "Unknown character set"}
			}
		}, portfolio(nil), []string{"Unknown character set"}, 0, ""},
		{"host not known yet", nil, portfolio(map[string]any{"host": "", "port": 0}), []string{"host and port are not known yet"}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
				if tt.given != nil {
					tt.given(s)
				}
				start := time.Now()
				_, err := e.up(tt.inputs)
				wantErr(t, err, tt.wantErr...)
				if took := time.Since(start); took < tt.at || took > tt.at+5*time.Second {
					t.Errorf("ended after %s", took)
				}
				if (err == nil) != (e.id == "1001/portfolio") {
					t.Errorf("managing %q", e.id)
				}
				if err == nil && s.databases["portfolio"] != [2]string{"utf8mb4", "utf8mb4_bin"} {
					t.Errorf("made %v", s.databases)
				}
				if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(e.log.all(), password)) {
					t.Error("the password is shown")
				}
				if tt.status != "" && !e.log.has("status", tt.status) {
					t.Errorf("shown:\n%s", e.log.all())
				}
			})
		})
	}
}

// known makes the login known after a while.
func known(s *mysqlServer, after time.Duration) { refusing(s, after, denied) }

// refusing makes the server refuse all logins for a while.
func refusing(s *mysqlServer, after time.Duration, refusal *mysqlError) {
	start, authorized := time.Now(), s.authorized
	s.authorized = func(user string, check func(string) bool) *mysqlError {
		if time.Since(start) < after {
			return refusal
		}
		return authorized(user, check)
	}
}

func TestDatabase_Create_cancel(t *testing.T) {
	withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
		known(s, time.Hour)
		start := time.Now()
		time.AfterFunc(7500*time.Millisecond, func() { _ = e.Cancel() })
		_, err := e.up(portfolio(nil))
		wantErr(t, err, "context canceled")
		if took := time.Since(start); took != 7500*time.Millisecond {
			t.Errorf("ended after %s", took)
		}
	})
}

func TestDatabase_Diff(t *testing.T) {
	gone := func(s *mysqlServer) { delete(s.databases, "portfolio") }
	unknown := property.New(property.Computed)
	for _, tt := range []struct {
		name     string
		from, to map[string]any
		hand     func(*mysqlServer)
		want     []string
		logins   int
		warn     string
	}{
		{"nothing", nil, nil, nil, nil, 1, ""},
		{"login", nil, map[string]any{"user": "p1001.web", "password": "x"}, nil, nil, 1, "using the recorded state"},
		{"unknown login", nil, map[string]any{"user": unknown, "password": unknown, "host": unknown, "port": unknown}, nil, nil, 0, ""},
		{"unknown password", nil, map[string]any{"password": unknown}, gone, nil, 0, ""},
		{"login, to be dropped by", map[string]any{"dropOnDelete": true}, map[string]any{"dropOnDelete": true, "password": "x"}, nil, []string{"password update"}, 1, "using the recorded state"},
		{"character set", nil, map[string]any{"charset": "utf8mb4"}, nil, []string{"charset add"}, 1, ""},
		{"drop", nil, map[string]any{"dropOnDelete": true}, nil, []string{"dropOnDelete add"}, 1, ""},
		{"name", nil, map[string]any{"name": "blog"}, nil, []string{"name update&replace"}, 0, ""},
		{"unknown cluster", nil, map[string]any{"clusterId": unknown}, nil, []string{"clusterId update&replace"}, 0, ""},
		{"dropped by hand", nil, nil, gone, []string{"name update"}, 1, `database "portfolio" no longer exists: it will be created again, empty`},
		{"server away", nil, nil, func(s *mysqlServer) {
			s.authorized = func(string, func(string) bool) *mysqlError { return hangUp }
		}, nil, 1, "using the recorded state"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
				if _, err := e.up(portfolio(tt.from)); err != nil {
					t.Fatal(err)
				}
				if tt.hand != nil {
					tt.hand(s)
				}
				logins, start, quiet := s.logins, time.Now(), len(e.log.lines)
				diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(portfolio(tt.to))})
				if got := properties(diff); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("got %q, %v", got, err)
				}
				if got := s.logins - logins; got != tt.logins {
					t.Errorf("%d logins", got)
				}
				if tt.warn == "" && len(e.log.lines) > quiet || tt.warn != "" && !e.log.has("warn", tt.warn) {
					t.Errorf("said:\n%s", e.log.all())
				}
				within(t, start, 3*time.Second)
			})
		})
	}
}

// A database that was dropped by hand is made anew by a plain up.
func TestDatabase_Update_dropped(t *testing.T) {
	withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
		for _, want := range []string{"create", "same"} {
			if op, err := e.up(portfolio(nil)); op != want || err != nil {
				t.Fatalf("%s, %v", op, err)
			}
		}
		delete(s.databases, "portfolio")
		for _, want := range []string{"update", "same"} {
			if op, err := e.up(portfolio(nil)); op != want || err != nil {
				t.Fatalf("%s, %v", op, err)
			}
		}
		if _, ok := s.databases["portfolio"]; !ok {
			t.Error("it was not made anew")
		}
	})
}

func TestDatabase_Read(t *testing.T) {
	withCharset := map[string]any{"charset": "utf8mb4", "collation": "utf8mb4_bin"}
	for _, tt := range []struct {
		name    string
		hand    func(*mysqlServer, *cluster)
		changed bool
		id      string
		wantErr string
	}{
		{"untouched", func(*mysqlServer, *cluster) {}, false, "1001/portfolio", ""},
		{"another character set", func(s *mysqlServer, _ *cluster) { s.databases["portfolio"] = [2]string{"latin1", "latin1_bin"} }, true, "1001/portfolio", ""},
		{"dropped", func(s *mysqlServer, _ *cluster) { delete(s.databases, "portfolio") }, true, "", ""},
		{"login refused", func(s *mysqlServer, _ *cluster) { known(s, time.Hour) }, false, "1001/portfolio", ""},
		{"cluster deleted", func(s *mysqlServer, x *cluster) { known(s, time.Hour); x.deletedAt = time.Now().Add(-time.Hour) }, false, "1001/portfolio", ""},
		{"server away", func(s *mysqlServer, _ *cluster) {
			s.authorized = func(string, func(string) bool) *mysqlError { return hangUp }
		}, false, "1001/portfolio", ""},
		{"no right to look", func(s *mysqlServer, _ *cluster) {
			s.refuse = func(string) *mysqlError { return &mysqlError{1142, "SELECT command denied"} }
		}, false, "1001/portfolio", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
				if _, err := e.up(portfolio(withCharset)); err != nil {
					t.Fatal(err)
				}
				tt.hand(s, x)
				changed, err := e.refresh()
				wantErr(t, err, tt.wantErr)
				if changed != tt.changed || e.id != tt.id {
					t.Errorf("%q changed: %v, to %v", e.id, changed, e.outputs)
				}
				if e.id == "" || err != nil {
					return
				}
				if _, err := e.up(portfolio(withCharset)); err != nil || s.databases["portfolio"] != [2]string{"utf8mb4", "utf8mb4_bin"} {
					t.Errorf("not repaired: %v, %v", s.databases, err)
				}
			})
		})
	}

	// A refresh uses the login of the inputs: that of the outputs may be an old one.
	withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
		if _, err := e.up(portfolio(nil)); err != nil {
			t.Fatal(err)
		}
		s.authorized = func(user string, check func(string) bool) *mysqlError {
			if check("rotated") {
				return nil
			}
			return denied
		}
		if op, err := e.up(portfolio(map[string]any{"password": "rotated"})); op != "same" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
		if _, err := e.refresh(); err != nil {
			t.Error(err)
		}
		if _, err := e.up(portfolio(map[string]any{"password": "rotated", "dropOnDelete": true})); err != nil {
			t.Error(err)
		}
		if err := e.delete(); err != nil || len(s.databases) != 1 {
			t.Errorf("%v: %v", s.databases, err)
		}
	})

	withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
		e.id = "1001/portfolio"
		_, err := e.refresh()
		wantErr(t, err, "cannot be imported and need not be")
	})
}

func TestDatabase_Delete(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  map[string]any
		hand    func(*mysqlServer, *cluster)
		wantErr string
		ran     []string
		logins  bool
	}{
		{"kept", nil, nil, "", nil, false},
		{"kept, server away", nil, func(s *mysqlServer, _ *cluster) { known(s, time.Hour) }, "", nil, false},
		{"dropped", map[string]any{"dropOnDelete": true}, nil, "", []string{"DROP DATABASE IF EXISTS `portfolio`"}, true},
		{"missing", map[string]any{"dropOnDelete": true}, func(s *mysqlServer, _ *cluster) { delete(s.databases, "portfolio") }, "", []string{"DROP DATABASE IF EXISTS `portfolio`"}, true},
		{"login refused", map[string]any{"dropOnDelete": true}, func(s *mysqlServer, _ *cluster) { known(s, time.Hour) }, "Error 1045", nil, true},
		{"cluster deleted", map[string]any{"dropOnDelete": true}, func(s *mysqlServer, x *cluster) { known(s, time.Hour); x.deletedAt = time.Now().Add(-time.Hour) }, "", nil, true},
		{"no right", map[string]any{"dropOnDelete": true}, func(s *mysqlServer, _ *cluster) { s.refuse = noRight }, "dropping database", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withDatabase(t, func(t *testing.T, s *mysqlServer, x *cluster, e *engine) {
				if _, err := e.up(portfolio(tt.inputs)); err != nil {
					t.Fatal(err)
				}
				if tt.hand != nil {
					tt.hand(s, x)
				}
				s.ran()
				logins := s.logins
				wantErr(t, e.delete(), tt.wantErr)
				if got := s.ran(); !slices.Equal(got, tt.ran) || (s.logins > logins) != tt.logins {
					t.Errorf("ran %q, %d logins", got, s.logins-logins)
				}
			})
		})
	}
}

// The extra certificate authority is a file; the system's remain trusted.
func TestDatabase_certificateAuthority(t *testing.T) {
	s := newMySQL(t, gateway)
	s.authorized = func(string, func(string) bool) *mysqlError { return nil }
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, file, wantErr string }{
		{"none", "", "certificate signed by unknown authority"},
		{"the server's", file("ca.pem", string(s.ca)), ""},
		{"missing file", "/nowhere/ca.pem", "reading TIDBCLOUD_SQL_CA_FILE: open /nowhere/ca.pem"},
		{"no certificate", file("empty.pem", "hello"), "holds no PEM certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TIDBCLOUD_SQL_CA_FILE", tt.file)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := databaseEngine(t, newCloud(), s).up(portfolio(nil))
				wantErr(t, err, tt.wantErr)
				within(t, start, 0)
			})
		})
	}
}

func TestDatabase_Check(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  property.Map
		failure string
	}{
		{"least", portfolio(nil), ""},
		{"a cluster that is not ready", portfolio(map[string]any{"host": "", "port": 0}), ""},
		{"no user", portfolio(map[string]any{"user": nil}), "user: is required"},
		{"port", portfolio(map[string]any{"port": 70000}), "port: 70000 must be a port number"},
		{"quoted name", portfolio(map[string]any{"name": "a`; DROP DATABASE b"}), "name: "},
		{"long name", portfolio(map[string]any{"name": strings.Repeat("a", 65)}), "name: "},
		{"the server's own", portfolio(map[string]any{"name": "MySQL"}), `"MySQL" belongs to the server`},
		{"injected character set", portfolio(map[string]any{"charset": "utf8; DROP"}), "charset: "},
		{"injected collation", portfolio(map[string]any{"collation": "x y"}), "collation: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, newCloud(), databaseType)
			resp, err := e.Check(p.CheckRequest{Urn: e.urn(), Inputs: tt.inputs})
			if err != nil {
				t.Fatal(err)
			}
			checkFailures(t, resp, tt.failure)
			if !resp.Inputs.Get("password").Secret() {
				t.Error("the password is not a secret")
			}
		})
	}
}
