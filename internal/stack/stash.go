package stack

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"
)

// newKept keeps a text in the state: the one of the run that first declares it, which the
// engine saves before the program gets it.
// https://www.pulumi.com/docs/iac/concepts/resources/stash/
func newKept(ctx *pulumi.Context, name, text string, secret bool) (none pulumi.StringOutput, err error) {
	input, err := unknownInPreview(ctx, text, "")
	if err != nil {
		return none, err
	}
	opts := []pulumi.ResourceOption{pulumi.IgnoreChanges([]string{"input"})}
	if secret {
		input = pulumi.ToSecret(input).(pulumi.StringOutput)
		opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"output"}))
	}
	stash, err := pulumi.NewStash(ctx, name, &pulumi.StashArgs{Input: input}, opts...)
	if err != nil {
		return none, err
	}
	kept := pulumix.Apply(stash.Output, func(v any) string { s, _ := v.(string); return s })
	return pulumix.Cast[pulumi.StringOutput](kept), nil
}

// await waits for a text. It is not known if the run is a preview that would make it, or
// leaves its resource out (--target, --exclude).
func await(ctx context.Context, output pulumi.StringOutput) (text string, known bool, err error) {
	result, err := internals.UnsafeAwaitOutput(ctx, output)
	if err != nil {
		return "", false, err
	}
	text, _ = result.Value.(string)
	return text, result.Known, nil
}
