package stack

import (
	"crypto/rand"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newOwner returns a name that only this state has: the project's and the
// stack's, and a random part. It is made in the first run, and the engine saves
// it before it hands it on, so whatever bears it was made by this very stack.
// https://www.pulumi.com/docs/iac/concepts/resources/stash/
func newOwner(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	stash, err := pulumi.NewStash(ctx, "owner", &pulumi.StashArgs{
		Input: pulumi.String(ownerName(ctx.Project(), ctx.Stack(), rand.Text())),
	}, pulumi.IgnoreChanges([]string{"input"}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return stash.Output.ApplyT(func(v any) string { s, _ := v.(string); return s }).(pulumi.StringOutput), nil
}

// maxOwnerSlug is how much of the project's and the stack's name an owner has.
const maxOwnerSlug = 63 - 1 - 12

// ownerName fits into a label's value: at most 63 letters, digits and inner
// dashes.
func ownerName(project, stack, random string) string {
	random = strings.ToLower(random[:12])
	name := slug(project + "-" + stack)
	return strings.TrimLeft(strings.TrimRight(name[:min(len(name), maxOwnerSlug)], "-")+"-"+random, "-")
}
