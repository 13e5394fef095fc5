package engine

import (
	"os"
	"testing"

	"portfolio-infra/internal/testfiles"
)

// A stack that is made after others shares their passphrase, and one that has secrets keeps its
// own. Each case that opens a salt takes a second: its key is derived in a million rounds.
func TestEngine_passphrase(t *testing.T) {
	const byX, bySandbox = "v1:v7Z/JAH9FiE=:v1:UEpPy+Fc5rH0sWdX:W+0O64dZUKACm88JzLJ08G4cMf2WcA==", "v1:dcA4wwjiw1c=:v1:4J2Nfa0S45hjFK4s:m8QU1YKmFwcDEYfBXTPVIyG87/teTA=="
	for name, tt := range map[string]struct{ salt, others, theirs, want string }{
		"new":                                    {"", "", "x", passphrase},
		"theirs is not set":                      {byX, "", "", passphrase},
		"not readable":                           {"v1", "", "x", ""},
		"new, beside one with theirs":            {"", byX, "x", ""},
		"by the sandbox, beside one with theirs": {bySandbox, byX, "x", passphrase},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "name: portfolio\n", "").beside("pr-1")
			settings := map[string]string{}
			for file, salt := range map[string]string{"project/Pulumi.pr-1.yaml": tt.salt, "project/Pulumi.dev.yaml": tt.others} {
				if salt != "" {
					settings[file] = "encryptionsalt: " + salt + "\n"
				}
			}
			settings["state/.pulumi/stacks/portfolio/dev.json"] = "{}"
			testfiles.Write(t, e.Dir, settings)
			for _, variable := range []string{passphraseVariable, passphraseVariable + "_FILE"} {
				t.Setenv(variable, tt.theirs)
				if tt.theirs == "" {
					_ = os.Unsetenv(variable)
				}
			}
			if have := e.Environment()[passphraseVariable]; have != tt.want {
				t.Errorf("%q, want %q", have, tt.want)
			}
		})
	}
}
