// Plancheck reads the output of `pulumi preview --json` from standard input, and fails if
// the plan deletes or replaces a resource that holds data. The workflow
// .github/workflows/deploy.yml runs it before a deployment. The deployment makes a plan of
// its own; should that one delete the cluster, the cluster's deletion protection stops it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// holdsData are the types of the resources with which data is deleted: rows, the
// logins that reach them, and the deployments and domains of the site.
var holdsData = []string{
	"tidbcloud:index:Cluster",
	"tidbcloud:index:Database",
	"tidbcloud:index:SqlUser",
	"cloudflare:index/pagesProject:PagesProject",
}

func main() {
	if err := check(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "plancheck: %v\n", err)
		os.Exit(1)
	}
}

// plan is the part of a preview's output that is checked.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/display/json.go
type plan struct {
	Steps []struct {
		Op  string `json:"op"`
		URN string `json:"urn"`
	} `json:"steps"`
	Diagnostics []struct {
		Severity string `json:"severity"`
		Message  string `json:"message"`
	} `json:"diagnostics"`
}

// check reads a plan and returns an error that lists what would be lost. It prints the
// preview's warnings and errors, which --json prints nowhere else.
func check(in io.Reader, out io.Writer) error {
	var p plan
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return fmt.Errorf("reading the plan from standard input: %w", err)
	}
	failed := false
	for _, d := range p.Diagnostics {
		if d.Severity == "error" || d.Severity == "warning" {
			failed = failed || d.Severity == "error"
			fmt.Fprintf(out, "%s: %s\n", d.Severity, strings.TrimSpace(d.Message))
		}
	}
	if failed {
		return errors.New("the preview failed: see above")
	}
	// Even a plan that changes nothing has the stack itself.
	if len(p.Steps) == 0 {
		return errors.New("the plan on standard input has no steps")
	}
	var lost []string
	for _, step := range p.Steps {
		kind, name := parseURN(step.URN)
		deletes := strings.Contains(step.Op, "delete") || strings.Contains(step.Op, "replace")
		if line := step.Op + " " + kind + " " + name; deletes && slices.Contains(holdsData, kind) && !slices.Contains(lost, line) {
			lost = append(lost, line)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("this plan loses data, so nothing was changed; if that is intended, run the workflow by hand and tick its box:\n  %s",
			strings.Join(lost, "\n  "))
	}
	_, err := fmt.Fprintln(out, "this plan neither deletes nor replaces what holds data")
	return err
}

// parseURN returns the type and the name of a resource.
// https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
func parseURN(urn string) (kind, name string) {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return "", urn
	}
	types := strings.Split(parts[2], "$")
	return types[len(types)-1], parts[3]
}
