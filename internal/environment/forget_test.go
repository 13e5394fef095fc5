package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// types are the provider's.
func TestTypes(t *testing.T) {
	b, err := os.ReadFile("../provider/testdata/schema.json") // a test of the provider keeps it
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Resources map[string]any }
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	if have := slices.Sorted(maps.Keys(schema.Resources)); !slices.Equal(have, types) {
		t.Errorf("the provider has %v", have)
	}
}

// What this program cannot delete is forgotten after all that depends on it, and nothing else.
func TestForget(t *testing.T) {
	resource := func(kind, name, more string) string {
		return fmt.Sprintf(`{"urn":"%s::%s","type":%[1]q,"custom":%[3]t%[4]s}`, kind, name, !strings.HasPrefix(kind, "portfolio:") && kind != "pulumi:pulumi:Stack", more)
	}
	known := []string{
		resource("pulumi:pulumi:Stack", "stack", ""), resource("portfolio:index:Api", "api", ""),
		resource("pulumi:providers:tidbcloud", "default", ""), resource("pulumi:providers:cloudflare", "default_6", ""),
		resource("pulumi:index:Stash", "owner", ""), resource("tidbcloud:index:Cluster", "db", `,"provider":"pulumi:providers:tidbcloud::default::id"`),
		resource("cloudflare:index/workersScript:WorkersScript", "api", ""), resource("command:local:Command", "bind", ""),
	}
	const backup, user, random = "tidbcloud:index:Backup", "tidbcloud:index:SqlUser", "pulumi:providers:random"
	for name, tt := range map[string]struct {
		more []string
		want string
	}{
		"nothing":   {nil, ""},
		"a type":    {[]string{resource(backup, "b", "")}, "tidbcloud:index:Backup::b\n"},
		"a package": {[]string{resource(random, "default", ""), resource("random:index:Pet", "p", "")}, "random:index:Pet::p\npulumi:providers:random::default\n"},
		"twice, of which one is to be replaced": {[]string{resource(backup, "b", ""), resource(backup, "b", `,"delete":true`)},
			"tidbcloud:index:Backup::b\n"},
		"a component":  {[]string{resource("portfolio:index:Cache", "c", "")}, ""},
		"with a child": {[]string{resource(backup, "b", ""), resource(user, "u", `,"parent":"tidbcloud:index:Backup::b"`)}, "tidbcloud:index:SqlUser::u\ntidbcloud:index:Backup::b\n"},
		"with dependents": {[]string{
			resource(backup, "b", ""),
			resource(user, "u", `,"dependencies":["tidbcloud:index:Backup::b"]`),
			resource(user, "v", `,"propertyDependencies":{"clusterId":["tidbcloud:index:SqlUser::u"]}`),
			resource(user, "w", `,"deletedWith":"tidbcloud:index:Backup::b"`),
			resource(user, "x", `,"dependencies":["tidbcloud:index:Cluster::db"]`),
		}, "tidbcloud:index:SqlUser::w\ntidbcloud:index:SqlUser::v\ntidbcloud:index:SqlUser::u\ntidbcloud:index:Backup::b\n"},
		"of a provider": {[]string{resource(random, "default", ""), resource("cloudflare:index/x:X", "c", `,"provider":"pulumi:providers:random::default::id"`)},
			"cloudflare:index/x:X::c\npulumi:providers:random::default\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			state := `{"version":3,"deployment":{"resources":[` + strings.Join(append(slices.Clone(known), tt.more...), ",") + `]}}`
			code := w.run(t.Context(), state, "forget")
			if w.stdout.String() != tt.want || code != 0 {
				t.Errorf("%d: %q, want %q", code, w.stdout.String(), tt.want)
			}
			for _, urn := range strings.Fields(tt.want) {
				if !strings.Contains(w.stderr.String(), "the state forgets "+urn+": ") {
					t.Errorf("%s is not named: %s", urn, &w.stderr)
				}
			}
		})
	}
	w := newWorld(t)
	if code := w.run(t.Context(), "", "forget"); code != 0 || w.stdout.Len() > 0 {
		t.Errorf("without a stack: %d", code)
	}
}
