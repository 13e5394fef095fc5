package stack

import (
	"crypto/rand"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/environment/mark"
)

// newOwner declares the owner: a name that only this state has, made of the project's
// and the stack's name and a random part. The engine saves it in the first run before the
// program gets it, so whatever bears it was made by this stack.
//
// The owner of an environment begins with a mark that can be derived. One that is made by hand
// has none: its repository's ID is not known.
func newOwner(ctx *pulumi.Context, e *Environment) (pulumi.StringOutput, error) {
	owner := ownerName(ctx.Project(), ctx.Stack(), rand.Text())
	if e != nil && e.Repository != "" {
		owner = mark.Owner(mark.Of(e.Repository, e.Number), randomPart(rand.Text()))
	}
	return newKept(ctx, "owner", owner, false)
}

// maxOwnerSlug is the length of an owner without a hyphen and the random part.
const maxOwnerSlug = 63 - 1 - 12

// ownerName fits into a label's value: at most 63 letters, digits and inner hyphens.
func ownerName(project, stack, random string) string {
	name := mark.Slug(project + "-" + stack)
	return strings.TrimLeft(strings.TrimRight(name[:min(len(name), maxOwnerSlug)], "-")+"-"+randomPart(random), "-")
}

func randomPart(random string) string { return strings.ToLower(random[:12]) }

// slugOf returns the project's and the stack's name in an owner that is not cut off.
func slugOf(owner string) (name string, known bool) {
	i := strings.LastIndexByte(owner, '-')
	if i < 0 || i >= maxOwnerSlug {
		return "", false
	}
	return owner[:i], true
}

// defaultNames returns the names that the stack had by default when its owner was made,
// as far as the owner shows. States of early versions have an owner and no names.
func defaultNames(owner, project, stack string) map[string]string {
	was, known := slugOf(owner)
	if !known || was == mark.Slug(project+"-"+stack) {
		return nil
	}
	names := map[string]string{"pagesProject": was, "worker": was + "-api", "cluster": was + "-db"}
	if old, renamedProject := strings.CutSuffix(was, "-"+mark.Slug(stack)); renamedProject {
		names["database"] = strings.ReplaceAll(old, "-", "_")
	}
	return names
}
