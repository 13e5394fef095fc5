package pages

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	testKey = "a key of many letters"
	hidden  = "open sesame"
)

// withSecret returns the fields of a request with a secret variable.
func withSecret(value string) string {
	return apiBinding + `,"secrets":{"KEY":"` + value + `"},"key":"` + testKey + `"`
}

func TestBind_vars(t *testing.T) {
	s := newSite(t, "")
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"plain_text","value":"x"},"A":{"type":"secret_text","value":"x"}}}}`)
	const fields = apiBinding + `,"vars":{"A":"one","B":"two"}`
	s.want("changed", s.writes("bind", fields).Changed, "production.API_SERVICE", "preview.API_SERVICE", "production.A", "production.B", "preview.A", "preview.B")
	equal(t, "variables", s.production().Vars, map[string]string{"A": "one", "B": "two", "THEIRS": "x"})
	s.quiet("bind", fields)

	// What somebody changed since is no longer ours.
	s.Configure("site", `{"preview":{"env_vars":{"B":{"type":"plain_text","value":"changed"}}}}`)
	result := s.writes("bind", apiBinding+`,"vars":{"A":"other"}`)
	s.want("changed", result.Changed, "production.A", "preview.A")
	s.want("removed", result.Removed, "production.B")
	equal(t, "variables", s.Cloud.Projects()[0].Preview.Vars, map[string]string{"A": "other", "B": "changed"})
}

func TestBind_secrets(t *testing.T) {
	s := newSite(t, "")
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"secret_text","value":"x"},"KEY":{"type":"plain_text","value":"x"}}}}`)
	s.writes("bind", withSecret(hidden))
	if strings.Contains(s.previous, hidden) || strings.Contains(s.previous, testKey) {
		t.Errorf("the result shows the secret or the key: %s", s.previous)
	}
	if secrets := s.production().Secrets; !secrets["KEY"].Is(hidden) || !secrets["THEIRS"].Is("x") {
		t.Errorf("secrets %v", secrets)
	}
	s.quiet("bind", withSecret(hidden))

	s.want("a new value", s.writes("bind", withSecret("other")).Changed, "production.KEY", "preview.KEY")
	s.Configure("site", `{"preview":{"env_vars":{"KEY":null}}}`)
	s.want("removed by hand", s.writes("bind", withSecret("other")).Changed, "preview.KEY")
	if !s.Cloud.Projects()[0].Preview.Secrets["KEY"].Is("other") {
		t.Error("the preview environment has another value")
	}
	s.previous = "" // so it cannot tell whether the values are the same
	s.writes("bind", withSecret("other"))
	s.quiet("bind", withSecret("other"))
	s.want("no longer wanted", s.writes("bind", apiBinding).Removed, "production.KEY", "preview.KEY")
	if have := s.production().Secrets; len(have) != 1 || have["THEIRS"] == "" {
		t.Errorf("secrets %v", have)
	}
}

func TestBind_compatibility(t *testing.T) {
	s := newSite(t, "")
	const date, flags = apiBinding + `,"compatibilityDate":"2026-02-03"`, `,"compatibilityFlags":["nodejs_compat"]`
	s.writes("bind", date+flags)
	s.quiet("bind", date+flags)
	s.Configure("site", `{"production":{"compatibility_flags":[]}}`)
	s.want("changed", s.writes("bind", date+flags).Changed, "production.compatibilityFlags")
	s.want("no flags", s.writes("bind", date).Changed, "production.compatibilityFlags", "preview.compatibilityFlags")
	s.quiet("bind", apiBinding)
}

// What a production deployment takes from the project changes the settings, and nothing
// else does.
func TestRequest_Settings(t *testing.T) {
	settings := func(fields string) string {
		var r BindRequest
		if err := json.Unmarshal([]byte(bindRequest(fields)), &r); err != nil {
			t.Fatal(err)
		}
		return r.Settings()
	}
	for _, tt := range []struct {
		name, fields string
		same         bool
	}{
		{"the same", withSecret(hidden), true},
		{"another branch", withSecret(hidden) + `,"productionBranch":"trunk"`, true},
		{"a binding of previews", withSecret(hidden) + `,"preview":{}`, true},
		{"another secret", withSecret("other"), false},
		{"a variable", withSecret(hidden) + `,"vars":{"A":"one"}`, false},
		{"a date", withSecret(hidden) + `,"compatibilityDate":"2026-02-03"`, false},
		{"no secret", apiBinding, false},
	} {
		equal(t, tt.name+": the same settings", settings(tt.fields) == settings(withSecret(hidden)), tt.same)
	}
}
