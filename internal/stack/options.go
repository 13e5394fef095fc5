package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// childOptions returns the options that the children of components have in common.
//
// A resource that is replaced under the same name (`pulumi up --replace`) must be
// deleted first, or the delete would hit the new one. `pulumi import` puts a resource
// directly below the stack, where the alias finds it.
func childOptions(parent pulumi.Resource, protect bool) []pulumi.ResourceOption {
	return []pulumi.ResourceOption{
		pulumi.Parent(parent),
		pulumi.Protect(protect),
		pulumi.DeleteBeforeReplace(true),
		pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}}),
	}
}

// registerHook registers a resource hook. Its name is kept in the state, so it stays.
// https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
func registerHook(ctx *pulumi.Context, name string, onDryRun bool, f pulumi.ResourceHookFunction) ([]*pulumi.ResourceHook, error) {
	hook, err := ctx.RegisterResourceHook(name, f, &pulumi.ResourceHookOptions{OnDryRun: onDryRun})
	return []*pulumi.ResourceHook{hook}, err
}
