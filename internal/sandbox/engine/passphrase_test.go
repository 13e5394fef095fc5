package engine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEngine_passphrase(t *testing.T) {
	const byX, bySandbox = "v1:v7Z/JAH9FiE=:v1:UEpPy+Fc5rH0sWdX:W+0O64dZUKACm88JzLJ08G4cMf2WcA==", "v1:dcA4wwjiw1c=:v1:4J2Nfa0S45hjFK4s:m8QU1YKmFwcDEYfBXTPVIyG87/teTA=="
	for name, test := range map[string]struct {
		salt, theirs string
		want         string
	}{
		"new":                       {"", "x", passphrase},
		"made by the sandbox":       {bySandbox, "x", passphrase},
		"made with theirs":          {byX, "x", ""},
		"made with theirs, not set": {byX, "", passphrase},
		"not readable":              {"v1", "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "name: portfolio\n", "")
			if test.salt != "" {
				if err := writeYAML(filepath.Join(e.path("project"), "Pulumi.dev.yaml"), yamlMap{"encryptionsalt": test.salt}); err != nil {
					t.Fatal(err)
				}
			}
			for _, variable := range []string{passphraseVariable, passphraseVariable + "_FILE"} {
				t.Setenv(variable, "")
				if test.theirs == "" {
					_ = os.Unsetenv(variable)
				}
			}
			if have := e.Environment()[passphraseVariable]; have != test.want {
				t.Errorf("%q, want %q", have, test.want)
			}
		})
	}
}
