package stack

import (
	"testing"

	"portfolio-infra/internal/testcheck"
)

// A Worker is ours by its variable. The mark of another owner refuses the run, whatever the state
// has.
func TestMarkConflict(t *testing.T) {
	other := []string{`"you"`, "config keys worker", "`pulumi config set adopt true`",
		"`pulumi state delete --yes --target-dependents 'urn:pulumi:dev::portfolio::portfolio:index:Api$cloudflare:index/workersScript:WorkersScript::api'`"}
	for name, test := range map[string]struct {
		owner  string
		worker *foundWorker
		owns   bool
		want   []string
	}{
		"ours":                         {"me", newFoundWorker("", []string{varOwner + "=me"}), true, nil},
		"another's":                    {"me", newFoundWorker("", []string{varOwner + "=you"}), false, other},
		"no mark":                      {"me", newFoundWorker("", nil), false, nil},
		"a secret of that name":        {"me", newFoundWorker("", nil, varOwner), false, nil},
		"owner not known":              {"", newFoundWorker("", []string{varOwner + "=you"}), false, nil},
		"owner not known, empty mark":  {"", newFoundWorker("", []string{varOwner + "="}), false, nil},
		"owner not known, and no mark": {"", newFoundWorker("", nil), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if have := owns(test.owner, &test.worker.Script); have != test.owns {
				t.Errorf("owned: %t", have)
			}
			testcheck.Error(t, markConflict("api", &test.worker.Script, test.owner, "portfolio", "dev"), test.want...)
		})
	}
	testcheck.Error(t, markConflict("api", nil, "me", "portfolio", "dev")) // there is none
}
