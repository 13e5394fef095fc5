package pages

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	s := newSite(t)
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"plain_text","value":"x"},"A":{"type":"secret_text","value":"x"}}}}`)
	result := s.mustRun("bind", apiBinding+`,"vars":{"A":"one","B":"two"}`, "GET", "PATCH", "GET")
	s.want("changed", result.Changed, "production.API_SERVICE", "preview.API_SERVICE", "production.A", "production.B", "preview.A", "preview.B")
	want := map[string]string{"A": "one", "B": "two", "THEIRS": "x"}
	if diff := cmp.Diff(want, s.Cloud.Projects()[0].Production.Vars); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	s.mustRun("bind", apiBinding+`,"vars":{"A":"one","B":"two"}`, "GET")

	t.Log("what somebody changed since is no longer ours")
	s.Configure("site", `{"preview":{"env_vars":{"B":{"type":"plain_text","value":"changed"}}}}`)
	result = s.mustRun("bind", apiBinding+`,"vars":{"A":"other"}`, "GET", "PATCH", "GET")
	s.want("changed", result.Changed, "production.A", "preview.A")
	s.want("removed", result.Removed, "production.B")
	if diff := cmp.Diff(map[string]string{"A": "other", "B": "changed"}, s.Cloud.Projects()[0].Preview.Vars); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestBind_secrets(t *testing.T) {
	s := newSite(t)
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"secret_text","value":"x"},"KEY":{"type":"plain_text","value":"x"}}}}`)
	s.mustRun("bind", withSecret(hidden), "GET", "PATCH", "GET")
	if strings.Contains(s.previous, hidden) || strings.Contains(s.previous, testKey) {
		t.Errorf("the result shows the secret or the key: %s", s.previous)
	}
	secrets := s.Cloud.Projects()[0].Production.Secrets
	if secrets["KEY"] == "" || secrets["THEIRS"] == "" {
		t.Errorf("secrets %v", secrets)
	}
	s.mustRun("bind", withSecret(hidden), "GET")

	s.want("a new value", s.mustRun("bind", withSecret("other"), "GET", "PATCH", "GET").Changed, "production.KEY", "preview.KEY")
	s.Configure("site", `{"preview":{"env_vars":{"KEY":null}}}`)
	s.want("removed by hand", s.mustRun("bind", withSecret("other"), "GET", "PATCH", "GET").Changed, "preview.KEY")
	if !s.Cloud.Projects()[0].Preview.Secrets["KEY"].Is("other") {
		t.Error("the preview environment has another value")
	}
	s.want("no longer wanted", s.mustRun("bind", apiBinding, "GET", "PATCH", "GET").Removed, "production.KEY", "preview.KEY")
	if have := s.Cloud.Projects()[0].Production.Secrets; len(have) != 1 || have["THEIRS"] == "" {
		t.Errorf("secrets %v", have)
	}
}

// Without the last result, a secret is written once more.
func TestBind_secretsForgotten(t *testing.T) {
	s := newSite(t)
	s.mustRun("bind", withSecret(hidden), "GET", "PATCH", "GET")
	s.previous = ""
	s.mustRun("bind", withSecret(hidden), "GET", "PATCH", "GET")
	s.mustRun("bind", withSecret(hidden), "GET")
}

func TestBind_compatibility(t *testing.T) {
	s := newSite(t)
	const fields = apiBinding + `,"compatibilityDate":"2026-02-03","compatibilityFlags":["nodejs_compat"]`
	s.mustRun("bind", fields, "GET", "PATCH", "GET")
	s.mustRun("bind", fields, "GET")
	s.Configure("site", `{"production":{"compatibility_flags":[]}}`)
	s.want("changed", s.mustRun("bind", fields, "GET", "PATCH", "GET").Changed, "production.compatibilityFlags")
	s.want("no flags", s.mustRun("bind", apiBinding+`,"compatibilityDate":"2026-02-03"`, "GET", "PATCH", "GET").Changed,
		"production.compatibilityFlags", "preview.compatibilityFlags")
	s.mustRun("bind", apiBinding, "GET")
}

func TestUnbind_settings(t *testing.T) {
	s := newSite(t)
	s.Configure("site", `{"production":{"env_vars":{"THEIRS":{"type":"plain_text","value":"x"}}}}`)
	fields := withSecret(hidden) + `,"vars":{"A":"one"}`
	s.mustRun("bind", fields, "GET", "PATCH", "GET")
	s.mustRun("unbind", fields, "GET", "PATCH", "GET")
	p := s.Cloud.Projects()[0].Production
	if len(p.Secrets) > 0 || len(p.Vars) != 1 {
		t.Errorf("left: %v, %v", p.Vars, p.Secrets)
	}
}

func TestReadRequest_settings(t *testing.T) {
	for _, test := range []struct{ name, fields, want string }{
		{"no key", apiBinding + `,"secrets":{"A":"x"}`, "key: at least 16 characters"},
		{"secret with a dash", withSecret("x") + `,"vars":{"A-B":"x"}`, `vars: "A-B"`},
	} {
		if _, err := readRequest[BindRequest](strings.NewReader(bindRequest(test.fields))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", test.name, err, test.want)
		}
	}
}

// What a production deployment takes from the project changes the settings, and nothing
// else does.
func TestRequest_Settings(t *testing.T) {
	parse := func(fields string) (r BindRequest) {
		if err := json.Unmarshal([]byte(bindRequest(fields)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := parse(withSecret(hidden)).Settings()
	for _, test := range []struct {
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
		if same := parse(test.fields).Settings() == first; same != test.same {
			t.Errorf("%s: the same settings: %t", test.name, same)
		}
	}
}
