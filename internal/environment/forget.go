package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// types are those of the provider tidbcloud, and packages those of all the program's resources. A
// test compares them with the provider's schema: to ask the provider itself, the command would have
// to contain it.
var (
	types = []string{
		"tidbcloud:index:Branch", "tidbcloud:index:Cluster", "tidbcloud:index:Database", "tidbcloud:index:Migrations", "tidbcloud:index:SqlUser",
	}
	packages = []string{"tidbcloud", "cloudflare", "command", "pulumi"}
)

// known reports whether this program can delete a resource. A component is never deleted. A
// provider is known by its package.
func (r resource) known() bool {
	kind := strings.TrimPrefix(r.Type, "pulumi:providers:")
	name, _, _ := strings.Cut(kind, ":")
	return !r.Custom || slices.Contains(packages, name) && (name != "tidbcloud" || kind == name || slices.Contains(types, kind))
}

// needs returns the URN of a resource that r depends on and that is among those, or "".
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/graph/dependency_graph.go
func (r resource) needs(among map[string]bool) string {
	provider := r.Provider
	if i := strings.LastIndex(provider, "::"); i >= 0 {
		provider = provider[:i]
	}
	all := slices.Concat([]string{r.Parent, provider, r.DeletedWith}, r.Dependencies, r.ReplaceWith)
	for _, of := range slices.Sorted(maps.Keys(r.PropertyDependencies)) {
		all = append(all, r.PropertyDependencies[of]...)
	}
	for _, urn := range all {
		if among[urn] {
			return urn
		}
	}
	return ""
}

// runForget prints the URNs of the resources that this program cannot delete, since the program of
// a pull request may have a type that the main branch lacks, and of those that depend on them. The
// last of the state comes first, so that `pulumi state delete` can take them in this order.
func runForget(_ context.Context, p process, args []string) error {
	if len(args) > 0 {
		return usageError("forget < STATE, which is the output of `pulumi stack export`")
	}
	resources, err := readState(p.stdin)
	if err != nil {
		return err
	}
	forgotten := map[string]bool{}
	var urns []string
	for _, r := range resources {
		why := ""
		if needed := r.needs(forgotten); !r.known() {
			why = fmt.Sprintf("this program has no type %s", r.Type)
		} else if needed != "" {
			why = "it depends on " + needed
		} else {
			continue
		}
		fmt.Fprintf(p.stderr, "the state forgets %s: %s; verify removes what bears the environment's mark\n", r.URN, why)
		if !forgotten[r.URN] {
			urns = append(urns, r.URN)
		}
		forgotten[r.URN] = true
	}
	for _, urn := range slices.Backward(urns) {
		fmt.Fprintln(p.stdout, urn)
	}
	return nil
}
