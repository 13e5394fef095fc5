package stack

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"portfolio-infra/internal/testcheck"
)

// A new value is unknown in a preview, so that a plan takes the run's.
func TestUnknownInPreview(t *testing.T) {
	for _, dryRun := range []bool{true, false} {
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			output, err := unknownInPreview(ctx, "new", "it is due")
			if err != nil {
				return err
			}
			have, err := internals.UnsafeAwaitOutput(ctx.Context(), output)
			if have.Known == dryRun || have.Known && have.Value != "new" {
				t.Errorf("in a preview %t: %+v", dryRun, have)
			}
			return err
		}, pulumi.WithMocks("portfolio", "dev", &engine{registered: map[string]pulumi.MockResourceArgs{}}),
			func(info *pulumi.RunInfo) { info.DryRun = dryRun })
		testcheck.Error(t, err)
	}
}
