// Plancheck reads the output of `pulumi preview --json` from standard input. It fails if the plan
// deletes or replaces a resource that takes something with it: rows, a login that reaches them,
// the site, what serves the site, or what the stack knows of itself. It also fails if a pending
// migration takes data away, of which the provider warns.
//
// The workflow .github/workflows/deploy.yml runs it before a deployment. The deployment then makes
// its own plan. If that one deletes the cluster, the cluster's deletion protection refuses.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"portfolio-infra/internal/migration"
)

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
		Message  string `json:"message"` // begins with the severity of a warning or error
	} `json:"diagnostics"`
}

// harmless are the operations that take nothing away. Any other counts as a deletion, even one
// that a later engine adds.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/step.go#L2234
var harmless = []string{"same", "create", "update", "read", "refresh", "discard", "import", "diff", "extend-parameterize"}

// check reads a plan and returns an error that lists what would be lost. It prints what is deleted
// or replaced without a loss, and the warnings and errors of the preview, which --json shows
// nowhere else.
func check(in io.Reader, out io.Writer) error {
	var p plan
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return fmt.Errorf("reading the plan from standard input: %w", err)
	}
	failed := false
	var lost, safe []string
	for _, d := range p.Diagnostics {
		text := strings.TrimSpace(strings.TrimPrefix(d.Message, d.Severity+": "))
		switch {
		case d.Severity == "warning" && isLoss(text):
			if !slices.Contains(lost, text) {
				lost = append(lost, text)
			}
		case d.Severity == "error" || d.Severity == "warning":
			failed = failed || d.Severity == "error"
			fmt.Fprintf(out, "%s: %s\n", d.Severity, text)
		}
	}
	if failed {
		return errors.New("the preview failed: see above")
	}
	// Even a plan that changes nothing has a step for the stack.
	if len(p.Steps) == 0 {
		return errors.New("the plan on standard input has no steps")
	}
	for _, step := range p.Steps {
		if slices.Contains(harmless, step.Op) {
			continue
		}
		op := step.Op
		if strings.Contains(op, "replace") {
			op = "replace" // a replacement has several steps
		}
		kind, name := parseURN(step.URN)
		v := judge(kind, name)
		to, what := &lost, v.lost
		if v.lost == "" || op == "replace" && v.safe != "" {
			to, what = &safe, "nothing is lost: "+v.safe
		}
		if line := fmt.Sprintf("%s %s %s: %s", op, kind, name, what); !slices.Contains(*to, line) {
			*to = append(*to, line)
		}
	}
	for _, line := range safe {
		fmt.Fprintln(out, line)
	}
	if len(lost) > 0 {
		return fmt.Errorf("this plan loses data, or what serves the site, so nothing was changed; if that is intended, run the workflow by hand and tick its box:\n  %s",
			strings.Join(lost, "\n  "))
	}
	_, err := fmt.Fprintln(out, "this plan neither deletes nor replaces what holds data")
	return err
}

// isLoss reports whether a warning says that a migration takes data away. The engine puts [secret]
// in place of each text that is a secret of the config, so that one could hide the prefix.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/util/logging/log.go#L497
func isLoss(warning string) bool {
	head, _, masked := strings.Cut(warning, "[secret]")
	return strings.HasPrefix(warning, migration.LossPrefix) || masked && strings.HasPrefix(migration.LossPrefix, head)
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
