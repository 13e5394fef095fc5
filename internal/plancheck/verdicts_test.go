package main

import (
	"encoding/json"
	"os"
	"testing"
)

// The golden files have every resource that the program can declare. Each needs a verdict, and no verdict
// is for anything else.
func TestVerdicts_complete(t *testing.T) {
	declared := map[string]any{}
	for _, file := range []string{"every_key.json", "fresh.json", "branch.json"} {
		text, err := os.ReadFile("../stack/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &declared); err != nil {
			t.Fatal(err)
		}
	}
	used := map[string]bool{"pulumi:pulumi:Stack": true} // the engine's own
	for urn := range declared {
		kind, name := parseURN(urn)
		key := key(kind, name)
		if _, ok := verdicts[key]; !ok {
			t.Errorf("there is no verdict on %s %s: say in verdicts.go what is lost with it", kind, name)
		}
		used[key] = true
	}
	for key, v := range verdicts {
		if !used[key] {
			t.Errorf("the program does not declare %s", key)
		}
		if v == (verdict{}) {
			t.Errorf("the verdict on %s says nothing", key)
		}
	}
}
