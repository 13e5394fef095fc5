package pages

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/testcheck"
)

// bindRequest returns a request for the project "site".
func bindRequest(fields string) string {
	return `{"accountId":"` + account + `","project":"site",` + fields + `}`
}

// run runs bind or unbind, and remembers its result.
func (s *site) run(ctx context.Context, verb, request string) (result BindResult, err error) {
	out, err := s.command(ctx, verb, request)
	if err == nil {
		s.previous = out
		err = json.Unmarshal([]byte(out), &result)
	}
	return result, err
}

// mustRun runs a command for the project "site" that makes these calls.
func (s *site) mustRun(verb, fields string, methods ...string) BindResult {
	s.Helper()
	s.Net.Set(faultlist.Plan{})
	result, err := s.run(s.Context(), verb, bindRequest(fields))
	if err != nil {
		s.Fatal(err)
	}
	s.wantCalls(methods...)
	return result
}

// writes runs a command that has something to do, and quiet one that has nothing.
func (s *site) writes(verb, fields string) BindResult {
	s.Helper()
	return s.mustRun(verb, fields, "GET", "PATCH", "GET")
}

func (s *site) quiet(verb, fields string) BindResult {
	s.Helper()
	return s.mustRun(verb, fields, "GET")
}

// wantCalls checks the methods of the calls of the last command.
func (s *site) wantCalls(methods ...string) {
	s.Helper()
	var called []string
	for _, c := range s.Net.Calls() {
		called = append(called, c.Method)
	}
	s.want("calls", called, methods...)
}

// wantBound checks the project's bindings, as environment.NAME=service.
func (s *site) wantBound(want ...string) {
	s.Helper()
	s.want("bindings", s.bound(), want...)
}

func (s *site) bound() (bound []string) {
	for _, p := range s.Cloud.Projects() {
		for env, config := range map[string]emulated.Config{"production": p.Production, "preview": p.Preview} {
			for name, service := range config.Services {
				bound = append(bound, env+"."+name+"="+service.Service)
			}
		}
	}
	slices.Sort(bound)
	return bound
}

func (s *site) want(what string, have []string, want ...string) {
	s.Helper()
	equal(s, what, have, want)
}

// production returns what the project has in production.
func (s *site) production() emulated.Config { return s.Cloud.Projects()[0].Production }

var bothBound = []string{"preview.API_SERVICE=api", "production.API_SERVICE=api"}

func TestBind(t *testing.T) {
	s := newSite(t, "")
	first := s.writes("bind", apiBinding)
	s.want("changed", first.Changed, "production.API_SERVICE", "preview.API_SERVICE")
	s.wantBound(bothBound...)
	second := s.quiet("bind", apiBinding)
	s.want("changed", second.Changed)
	equal(t, "when the bindings were changed", second.ChangedAt, first.ChangedAt)

	// [TestTarget_properties] has every other change by hand.
	s.Configure("site", `{"preview":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}`)
	if result := s.writes("bind", apiBinding); len(result.Found) == 0 {
		t.Error("the result does not say what was found")
	}
	s.wantBound(bothBound...)
}

func TestBind_sendsWholeObjects(t *testing.T) {
	s := newSite(t, "")
	for _, environment := range []string{"production", "staging"} {
		s.writes("bind", `"bindings":{"A":{"service":"api","environment":"`+environment+`","entrypoint":"One"}}`)
	}
	equal(t, "the binding", s.production().Services["A"], emulated.Service{Service: "api", Environment: "staging", Entrypoint: "One"})
}

// The entrypoint default is the default export, which a binding does not name.
func TestBind_defaultEntrypoint(t *testing.T) {
	const fields = `"bindings":{"A":{"service":"api","environment":"production","entrypoint":"default"}}`
	s := newSite(t, "")
	s.writes("bind", fields)
	equal(t, "the binding", s.production().Services["A"], emulated.Service{Service: "api", Environment: "production"})
	s.quiet("bind", fields)
	// A binding of an earlier version or of another client is the same.
	s.Configure("site", `{"production":{"services":{"A":{"service":"api","environment":"production","entrypoint":"default"}}}}`)
	s.quiet("bind", fields)
	s.writes("unbind", fields)
	s.wantBound()
}

func TestBind_leavesTheRestAlone(t *testing.T) {
	s := newSite(t, "")
	s.Configure("site", `{
		"production":{"services":{"THEIRS":{"service":"auth","environment":"production"}},
			"env_vars":{"MODE":{"type":"plain_text","value":"live"},"KEY":{"type":"secret_text","value":"hidden"}},
			"compatibility_date":"2026-02-03","compatibility_flags":["nodejs_compat"]},
		"preview":{"env_vars":{"MODE":{"type":"plain_text","value":"test"}}}}`)
	rest := func() map[string]map[string]any {
		var project struct {
			Result struct {
				Configs map[string]map[string]any `json:"deployment_configs"`
			}
		}
		if err := json.Unmarshal([]byte(s.Call(http.MethodGet, "/pages/projects/site", "")), &project); err != nil {
			t.Fatal(err)
		}
		for _, config := range project.Result.Configs {
			services, _ := config["services"].(map[string]any)
			if delete(services, "API_SERVICE"); len(services) == 0 {
				delete(config, "services") // null and {} are the same
			}
		}
		return project.Result.Configs
	}
	secret, before := s.production().Secrets["KEY"], rest()
	for _, verb := range []string{"bind", "unbind"} {
		s.writes(verb, apiBinding)
		equal(t, "what is left after "+verb, rest(), before)
		equal(t, "the secret after "+verb, s.production().Secrets["KEY"], secret)
	}
	s.wantBound("production.THEIRS=auth")
}

// What is no longer wanted goes, unless somebody changed it since.
func TestBind_fewer(t *testing.T) {
	s := newSite(t, "")
	s.writes("bind", `"bindings":{"A":{"service":"api","environment":"production"},"B":{"service":"auth","environment":"production"},"C":{"service":"auth","environment":"production"}}`)
	s.wantBound("preview.A=api", "preview.B=auth", "preview.C=auth", "production.A=api", "production.B=auth", "production.C=auth")
	s.Configure("site", `{"production":{"services":{"C":{"service":"api","environment":"production"}}}}`)
	const a = `"bindings":{"A":{"service":"api","environment":"production"}}`
	s.want("removed", s.writes("bind", a).Removed, "production.B", "preview.B", "preview.C")
	s.wantBound("preview.A=api", "production.A=api", "production.C=api")
	s.want("no binding of previews", s.writes("bind", a+`,"preview":{}`).Removed, "preview.A")
	s.want("another one of previews", s.writes("bind", a+`,"preview":{"A":{"service":"auth","environment":"production"}}`).Changed, "preview.A")
	s.wantBound("preview.A=auth", "production.A=api", "production.C=api")
}

// An unreadable result of the previous run counts as none.
func TestBind_previousUnreadable(t *testing.T) {
	for _, previous := range []string{"null", "[]", `{"project":1}`, `{"project":"site"`} {
		s := newSite(t, "")
		s.previous = previous
		s.writes("bind", apiBinding)
		s.wantBound(bothBound...)
	}
}

// A binding takes effect with the next production deployment.
func TestBind_redeploy(t *testing.T) {
	const before, after = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
	for _, tt := range []struct {
		name      string
		branches  []string // of the deployments
		changedAt string
		want      bool
	}{
		{"no deployment", nil, after, false},
		{"older deployment", []string{"main"}, after, true},
		{"newer deployment", []string{"main"}, before, false},
		{"preview alone", []string{"feature"}, after, false},
		{"newer deployment after a preview", []string{"feature", "main"}, before, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "")
			s.writes("bind", apiBinding)
			for _, branch := range tt.branches {
				if _, err := s.Cloud.AddDeployment("site", branch); err != nil {
					t.Fatal(err)
				}
			}
			s.previous = `{"project":"site","changedAt":"` + tt.changedAt + `"}`
			equal(t, "Redeploy", s.quiet("bind", apiBinding).Redeploy, tt.want)
		})
	}
}

func TestBind_projectDeleted(t *testing.T) {
	s := newSite(t, "")
	s.writes("bind", apiBinding)
	s.Call(http.MethodDelete, "/pages/projects/site", "")
	result := s.mustRun("bind", `"productionBranch":"trunk",`+apiBinding, "GET", "POST", "GET", "PATCH", "GET")
	if !result.Recreated || s.Cloud.Projects()[0].ProductionBranch != "trunk" {
		t.Errorf("created %+v, %+v", result, s.Cloud.Projects()[0])
	}
	s.wantBound(bothBound...)
}

// A project that takes its bindings from a Wrangler file is not patched, and the error
// has the lines for that file. Once they are deployed there is nothing to patch.
func TestBind_wranglerFile(t *testing.T) {
	s := newSite(t, "")
	s.Configure("site", `{"production":{"wrangler_config_hash":"cafe"}}`)
	_, err := s.run(t.Context(), "bind", bindRequest(apiBinding+`,"preview":{}`))
	testcheck.Error(t, err, "\n[[services]]\nbinding = \"API_SERVICE\"\nservice = \"api\"\nenvironment = \"production\"\n\n[env.preview]\nservices = []")
	s.wantCalls("GET")
	s.Configure("site", `{"production":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}`)
	s.quiet("bind", apiBinding+`,"preview":{}`)
}

func TestBind_notPersisted(t *testing.T) {
	s := newSite(t, "")
	s.Net.Set(faultlist.Plan{Kind: "PATCH /pages/projects/site", Times: -1, Fault: faultlist.Fault{Fault: emulator.Fault{
		Body: `{"success":true,"result":{}}`, Header: map[string]string{"Content-Type": "application/json"}}}})
	_, err := s.run(t.Context(), "bind", bindRequest(apiBinding))
	testcheck.Error(t, err, "did not persist it")
	s.wantCalls("GET", "PATCH", "GET")
}

func TestBind_errors(t *testing.T) {
	s := newSite(t, "")
	for request, want := range map[string]string{
		strings.Replace(bindRequest(apiBinding), "site", "nowhere", 1):                 "pulumi refresh",
		bindRequest(`"bindings":{"A":{"service":"ghost","environment":"production"}}`): "ghost",
	} {
		_, err := s.run(t.Context(), "bind", request)
		testcheck.Error(t, err, want)
		resttest.CheckReadable(t, err, apiToken)
	}
}

func TestUnbind(t *testing.T) {
	s := newSite(t, "")
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"plain_text","value":"x"}}}}`)
	fields := withSecret(hidden) + `,"vars":{"A":"one"}`
	s.writes("bind", fields)
	s.Configure("site", `{"preview":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}`)
	s.want("removed", s.writes("unbind", fields).Removed, "production.API_SERVICE", "production.A", "production.KEY", "preview.A", "preview.KEY")
	s.wantBound("preview.API_SERVICE=auth")
	equal(t, "what is left", s.production(), emulated.Config{Services: map[string]emulated.Service{}, Vars: map[string]string{"THEIRS": "x"}, Secrets: map[string]emulated.Secret{}})

	s.quiet("unbind", fields)
	s.Call(http.MethodDelete, "/pages/projects/site", "")
	s.quiet("unbind", fields)
}
