package stack

import (
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

func TestOwns(t *testing.T) {
	for name, test := range map[string]struct {
		owner    string
		bindings []cloudflare.ScriptBinding
		want     bool
	}{
		"ours":                     {"me", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner, Text: "me"}}, true},
		"another stack's":          {"me", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner, Text: "you"}}, false},
		"a secret of that name":    {"me", []cloudflare.ScriptBinding{{Type: "secret_text", Name: varOwner}}, false},
		"before there is an owner": {"", []cloudflare.ScriptBinding{{Type: "plain_text", Name: varOwner}}, false},
		"none":                     {"", nil, false},
	} {
		if have := owns(test.owner, &cloudflare.Script{Bindings: test.bindings}); have != test.want {
			t.Errorf("%s: %t", name, have)
		}
	}
}

// The mark of another owner on the Worker refuses the run, whatever the state has.
func TestMarkConflict(t *testing.T) {
	for name, test := range map[string]struct {
		mark, owner string
		gone        bool
		want        []string
	}{
		"ours":            {"me", "me", false, nil},
		"another's":       {"you", "me", false, []string{`"you"`, "config keys worker", "`pulumi config set adopt true`", "`pulumi state delete --yes --target-dependents 'urn:pulumi:dev::portfolio::portfolio:index:Api$cloudflare:index/workersScript:WorkersScript::api'`"}},
		"no Worker":       {"you", "me", true, nil},
		"none":            {"", "me", false, nil},
		"owner not known": {"you", "", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.UploadWorker("api", test.mark)
			var script *cloudflare.Script
			if !test.gone {
				found, err := a.client().Script(t.Context(), "api")
				if err != nil {
					t.Fatal(err)
				}
				script = &found
			}
			testcheck.Error(t, markConflict("api", script, test.owner, "portfolio", "dev"), test.want...)
		})
	}
}
