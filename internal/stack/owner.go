package stack

import (
	"crypto/rand"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"
)

// newOwner declares the owner: a name that only this state has, made of the project's
// and the stack's name and a random part. The engine saves it in the first run before the
// program gets it, so whatever bears it was made by this stack.
// https://www.pulumi.com/docs/iac/concepts/resources/stash/
func newOwner(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	random, err := unknownInPreview(ctx, ownerName(ctx.Project(), ctx.Stack(), rand.Text()), "")
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	stash, err := pulumi.NewStash(ctx, "owner", &pulumi.StashArgs{Input: random}, pulumi.IgnoreChanges([]string{"input"}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return stashedText(stash), nil
}

// newDigestKey declares the key by which a run knows that secrets are as the last one set
// them. The state keeps it as a secret. Without need there is none.
func newDigestKey(ctx *pulumi.Context, need bool) (pulumi.StringOutput, error) {
	if !need {
		return pulumi.String("").ToStringOutput(), nil
	}
	random, err := unknownInPreview(ctx, rand.Text(), "")
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	stash, err := pulumi.NewStash(ctx, "digest-key", &pulumi.StashArgs{
		Input: pulumi.ToSecret(random),
	}, pulumi.IgnoreChanges([]string{"input"}), pulumi.AdditionalSecretOutputs([]string{"output"}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return stashedText(stash), nil
}

// stashedText returns the text that a stash has.
func stashedText(stash *pulumi.Stash) pulumi.StringOutput {
	text := pulumix.Apply(stash.Output, func(v any) string { s, _ := v.(string); return s })
	return pulumix.Cast[pulumi.StringOutput](text)
}

// maxOwnerSlug is the length of an owner without a hyphen and the random part.
const maxOwnerSlug = 63 - 1 - 12

// ownerName fits into a label's value: at most 63 letters, digits and inner hyphens.
func ownerName(project, stack, random string) string {
	random = strings.ToLower(random[:12])
	name := slug(project + "-" + stack)
	return strings.TrimLeft(strings.TrimRight(name[:min(len(name), maxOwnerSlug)], "-")+"-"+random, "-")
}

// defaultNames returns the names that the stack had by default when its owner was made,
// as far as the owner shows. States of early versions have an owner and no names.
func defaultNames(owner, project, stack string) map[string]string {
	i := strings.LastIndexByte(owner, '-')
	if i < 0 || i >= maxOwnerSlug || owner[:i] == slug(project+"-"+stack) {
		return nil
	}
	was := owner[:i]
	names := map[string]string{"pagesProject": was, "worker": was + "-api", "cluster": was + "-db"}
	if old, renamedProject := strings.CutSuffix(was, "-"+slug(stack)); renamedProject {
		names["database"] = strings.ReplaceAll(old, "-", "_")
	}
	return names
}
