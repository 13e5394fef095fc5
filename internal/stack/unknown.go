package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// unknownInPreview returns an input that differs between two evaluations of the program: it
// has the time in it, or is random. A preview leaves it unknown, since a saved plan accepts
// any value for an unknown one, but no other value for a known one. So the preview logs the
// reason, if there is one.
//
// Only a new value may go through here. One that stays must be known, or each preview would
// show a change.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/plan.go
func unknownInPreview(ctx *pulumi.Context, value, reason string) (pulumi.StringOutput, error) {
	if !ctx.DryRun() {
		return pulumi.String(value).ToStringOutput(), nil
	}
	unknown := pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return value }).(pulumi.StringOutput)
	if reason == "" {
		return unknown, nil
	}
	return unknown, ctx.Log.Info(reason, nil)
}
