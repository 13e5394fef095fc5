package stack

import (
	"crypto/rand"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newOwner declares the owner: a name that only this state has, made of the project's
// and the stack's name and a random part. The engine saves it in the first run before the
// program gets it, so whatever bears it was made by this stack.
func newOwner(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	return newKept(ctx, "owner", ownerName(ctx.Project(), ctx.Stack(), rand.Text()), false)
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
