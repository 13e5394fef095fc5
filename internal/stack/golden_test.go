package stack

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

var update = flag.Bool("update", false, "rewrite testdata/resources.json")

// golden is what a state and the engine know a resource by.
type golden struct {
	Inputs              map[string]any
	Protect             bool
	DeleteBeforeReplace bool     `json:",omitempty"`
	DeletedWith         string   `json:",omitempty"`
	IgnoreChanges       []string `json:",omitempty"`
	Aliases             int      `json:",omitempty"`
	BeforeCreate        []string `json:",omitempty"`
	BeforeUpdate        []string `json:",omitempty"`
	AfterUpdate         []string `json:",omitempty"`
}

// A state lives on under its URNs. This test shows each change of a type, a name, a
// parent, an input or an option: an existing state must survive it.
func TestRun_golden(t *testing.T) {
	file, err := filepath.Abs("testdata/resources.json")
	if err != nil {
		t.Fatal(err)
	}
	goodEnv(t, "")
	e, err := runStack(nil)
	if err != nil {
		t.Fatal(err)
	}
	resources := map[urn.URN]golden{}
	for _, r := range e.registered {
		var parent tokens.Type
		if p := urn.URN(r.RegisterRPC.GetParent()); p != "" {
			parent = p.QualifiedType()
		}
		resources[urn.New("dev", "portfolio", parent, tokens.Type(r.TypeToken), r.Name)] = golden{
			Inputs:              plainInputs(r.Inputs),
			Protect:             r.RegisterRPC.GetProtect(),
			DeleteBeforeReplace: r.RegisterRPC.GetDeleteBeforeReplace(),
			DeletedWith:         r.RegisterRPC.GetDeletedWith(),
			IgnoreChanges:       r.RegisterRPC.GetIgnoreChanges(),
			Aliases:             len(r.RegisterRPC.GetAliases()),
			BeforeCreate:        r.RegisterRPC.GetHooks().GetBeforeCreate(),
			BeforeUpdate:        r.RegisterRPC.GetHooks().GetBeforeUpdate(),
			AfterUpdate:         r.RegisterRPC.GetHooks().GetAfterUpdate(),
		}
	}
	have, err := json.MarshalIndent(resources, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, masked := range map[string]string{
		`\d{4}-\d\d-\d\dT[0-9:.]+Z`:  "TIME",
		`portfolio-dev-[a-z0-9]{12}`: "OWNER",
	} {
		have = regexp.MustCompile(pattern).ReplaceAll(have, []byte(masked))
	}
	have = append(have, '\n')
	if *update {
		if err := os.WriteFile(file, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("the resources differ from %s; look at it and run the test with -update", file)
	}
}
