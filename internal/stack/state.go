package stack

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// stateHas reports whether the state has a resource of that type and name, as far as the
// engine tells. It reads the stack's own state as any other one's, so ask only where it
// matters. Raw is for a result with secrets.
//
// No hook of another resource tells it, and a BeforeCreate hook runs for a replacement too.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/builtins.go, readStackResourceOutputs
func stateHas(ctx *pulumi.Context, kind, name string) bool {
	var state struct {
		Outputs map[string]any `pulumi:"outputs"`
	}
	stack := ctx.Organization() + "/" + ctx.Project() + "/" + ctx.Stack()
	if _, err := ctx.InvokePackageRaw("pulumi:pulumi:readStackResourceOutputs", map[string]any{"stackName": stack}, &state, ""); err != nil {
		return false
	}
	for urn := range state.Outputs {
		parts := strings.SplitN(urn, "::", 4)
		if len(parts) == 4 && parts[3] == name && strings.HasSuffix(parts[2], kind) {
			return true
		}
	}
	return false
}
