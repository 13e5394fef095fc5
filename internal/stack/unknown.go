package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// unknownInPreview returns an input that is another one in each evaluation of the program:
// one with the time, or a random one. A preview leaves it unknown, since a saved plan takes
// any value for what it does not know, and refuses another one than it has. So the preview
// logs the reason instead; "" is none.
//
// Only what is new may go through here. What stays as it is must be known, or each preview
// would show a change.
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
