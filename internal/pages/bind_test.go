package pages

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/testcheck"
)

var bothBound = []string{"preview.API_SERVICE=api", "production.API_SERVICE=api"}

func TestBind_idempotent(t *testing.T) {
	s := newSite(t)
	first := s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
	s.want("changed", first.Changed, "production.API_SERVICE", "preview.API_SERVICE")
	s.wantBound(bothBound...)

	second := s.mustRun("bind", apiBinding, "GET")
	s.want("changed", second.Changed)
	if second.ChangedAt != first.ChangedAt {
		t.Errorf("the second run forgot when the bindings were changed: %q, want %q", second.ChangedAt, first.ChangedAt)
	}
}

func TestBind_sendsWholeObjects(t *testing.T) {
	s := newSite(t)
	for _, environment := range []string{"production", "staging"} {
		s.mustRun("bind", `"bindings":{"A":{"service":"api","environment":"`+environment+`","entrypoint":"One"}}`, "GET", "PATCH", "GET")
	}
	want := emulated.Service{Service: "api", Environment: "staging", Entrypoint: "One"}
	if have := s.Cloud.Projects()[0].Preview.Services["A"]; have != want {
		t.Errorf("%+v, want %+v", have, want)
	}
}

// The entrypoint default is the default export, which a binding does not name.
func TestBind_defaultEntrypoint(t *testing.T) {
	const fields = `"bindings":{"A":{"service":"api","environment":"production","entrypoint":"default"}}`
	s := newSite(t)
	s.mustRun("bind", fields, "GET", "PATCH", "GET")
	want := emulated.Service{Service: "api", Environment: "production"}
	if have := s.Cloud.Projects()[0].Production.Services["A"]; have != want {
		t.Errorf("%+v, want %+v", have, want)
	}
	s.mustRun("bind", fields, "GET")
	// A binding of an earlier version or of another client is the same.
	s.Configure("site", `{"production":{"services":{"A":{"service":"api","environment":"production","entrypoint":"default"}}}}`)
	s.mustRun("bind", fields, "GET")
	s.mustRun("unbind", fields, "GET", "PATCH", "GET")
	s.wantBound()
}

func TestBind_drift(t *testing.T) {
	for name, configs := range map[string]string{
		"removed":                `{"production":{"services":{"API_SERVICE":null}},"preview":{"services":{"API_SERVICE":null}}}`,
		"removed from one":       `{"preview":{"services":{"API_SERVICE":null}}}`,
		"another Worker":         `{"production":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}`,
		"in another environment": `{"production":{"services":{"API_SERVICE":{"service":"api","environment":"staging"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
			s.Configure("site", configs)
			if result := s.mustRun("bind", apiBinding, "GET", "PATCH", "GET"); len(result.Found) == 0 {
				t.Error("the result does not say what was found")
			}
			s.wantBound(bothBound...)
		})
	}
}

func TestBind_leavesTheRestAlone(t *testing.T) {
	s := newSite(t)
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
	secret := s.Cloud.Projects()[0].Production.Secrets["KEY"]
	before := rest()
	for _, verb := range []string{"bind", "unbind"} {
		s.mustRun(verb, apiBinding, "GET", "PATCH", "GET")
		if diff := cmp.Diff(before, rest()); diff != "" {
			t.Errorf("%s changed something else: %s", verb, diff)
		}
		if s.Cloud.Projects()[0].Production.Secrets["KEY"] != secret {
			t.Errorf("%s changed the secret", verb)
		}
	}
	s.wantBound("production.THEIRS=auth")
}

func TestBind_severalAndFewer(t *testing.T) {
	s := newSite(t)
	s.mustRun("bind", `"bindings":{"A":{"service":"api","environment":"production"},"B":{"service":"auth","environment":"production"},"C":{"service":"auth","environment":"production"}}`,
		"GET", "PATCH", "GET")
	s.wantBound("preview.A=api", "preview.B=auth", "preview.C=auth", "production.A=api", "production.B=auth", "production.C=auth")
	// What somebody changed since is no longer ours.
	s.Configure("site", `{"production":{"services":{"C":{"service":"api","environment":"production"}}}}`)
	result := s.mustRun("bind", `"bindings":{"A":{"service":"api","environment":"production"}}`, "GET", "PATCH", "GET")
	s.want("removed", result.Removed, "production.B", "preview.B", "preview.C")
	s.wantBound("preview.A=api", "production.A=api", "production.C=api")
}

// An unreadable result of the previous run counts as none.
func TestBind_previousUnreadable(t *testing.T) {
	for _, previous := range []string{"null", "[]", `{"project":1}`, `{"project":"site"`} {
		s := newSite(t)
		s.previous = previous
		s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
		s.wantBound(bothBound...)
	}
}

// A binding takes effect with the next production deployment.
func TestBind_redeploy(t *testing.T) {
	for _, tt := range []struct {
		name      string
		branches  []string // of the deployments
		changedAt string
		want      bool
	}{
		{"no deployment", nil, "2999-01-01T00:00:00Z", false},
		{"older deployment", []string{"main"}, "2999-01-01T00:00:00Z", true},
		{"newer deployment", []string{"main"}, "2001-01-01T00:00:00Z", false},
		{"preview alone", []string{"feature"}, "2999-01-01T00:00:00Z", false},
		{"newer deployment after a preview", []string{"feature", "main"}, "2001-01-01T00:00:00Z", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			if result := s.mustRun("bind", apiBinding, "GET", "PATCH", "GET"); result.Redeploy {
				t.Error("a project without deployments needs a new one")
			}
			for _, branch := range tt.branches {
				if _, err := s.Cloud.AddDeployment("site", branch); err != nil {
					t.Fatal(err)
				}
			}
			s.previous = `{"project":"site","changedAt":"` + tt.changedAt + `"}`
			if result := s.mustRun("bind", apiBinding, "GET"); result.Redeploy != tt.want {
				t.Errorf("Redeploy is %v", result.Redeploy)
			}
		})
	}
}

func TestBind_preview(t *testing.T) {
	s := newSite(t)
	const auth = `,"preview":{"API_SERVICE":{"service":"auth","environment":"production"}}`
	s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
	s.mustRun("bind", apiBinding+`,"preview":{}`, "GET", "PATCH", "GET")
	s.wantBound("production.API_SERVICE=api")
	result := s.mustRun("bind", apiBinding+auth, "GET", "PATCH", "GET")
	s.want("changed", result.Changed, "preview.API_SERVICE")
	s.wantBound("preview.API_SERVICE=auth", "production.API_SERVICE=api")
	s.mustRun("unbind", apiBinding+auth, "GET", "PATCH", "GET")
	s.wantBound()
}

func TestBind_projectDeleted(t *testing.T) {
	s := newSite(t)
	s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
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
	s := newSite(t)
	s.Configure("site", `{"production":{"wrangler_config_hash":"cafe"}}`)
	_, err := s.run(t.Context(), "bind", bindRequest(apiBinding+`,"preview":{}`))
	testcheck.Error(t, err, "\n[[services]]\nbinding = \"API_SERVICE\"\nservice = \"api\"\nenvironment = \"production\"\n\n[env.preview]\nservices = []")
	s.wantCalls("GET")
	s.Configure("site", `{"production":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}`)
	s.mustRun("bind", apiBinding+`,"preview":{}`, "GET")
}

func TestBind_notPersisted(t *testing.T) {
	s := newSite(t)
	s.Net.Set(faultlist.Plan{Kind: "PATCH /pages/projects/site", Times: -1, Fault: faultlist.Fault{Fault: emulator.Fault{
		Body: `{"success":true,"result":{}}`, Header: map[string]string{"Content-Type": "application/json"}}}})
	_, err := s.run(t.Context(), "bind", bindRequest(apiBinding))
	testcheck.Error(t, err, "did not persist it")
	s.wantCalls("GET", "PATCH", "GET")
}

func TestBind_errors(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct{ name, request, wantErr string }{
		{"no project", `{"accountId":"` + account + `","project":"nowhere",` + apiBinding + `}`, "pulumi refresh"},
		{"no Worker", bindRequest(`"bindings":{"A":{"service":"ghost","environment":"production"}}`), "ghost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.run(t.Context(), "bind", tt.request)
			testcheck.Error(t, err, tt.wantErr)
			resttest.CheckReadable(t, err, apiToken)
		})
	}
}

func TestUnbind(t *testing.T) {
	s := newSite(t)
	s.mustRun("bind", apiBinding, "GET", "PATCH", "GET")
	s.Configure("site", `{"preview":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}`)
	result := s.mustRun("unbind", apiBinding, "GET", "PATCH", "GET")
	s.want("removed", result.Removed, "production.API_SERVICE")
	s.wantBound("preview.API_SERVICE=auth")

	s.mustRun("unbind", apiBinding, "GET")
	s.Call(http.MethodDelete, "/pages/projects/site", "")
	s.mustRun("unbind", apiBinding, "GET")
}
