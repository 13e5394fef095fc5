package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// The resources of the provider tidbcloud, with the outputs that the stack uses. There is
// no generated SDK, so TestResources_schema compares them with the provider's schema.

type cluster struct {
	pulumi.CustomResourceState

	Region     pulumi.StringOutput `pulumi:"region"`
	Host       pulumi.StringOutput `pulumi:"host"`
	Port       pulumi.IntOutput    `pulumi:"port"`
	UserPrefix pulumi.StringOutput `pulumi:"userPrefix"`
}

type branch struct {
	pulumi.CustomResourceState

	BranchID   pulumi.StringOutput `pulumi:"branchId"`
	Host       pulumi.StringOutput `pulumi:"host"`
	Port       pulumi.IntOutput    `pulumi:"port"`
	UserPrefix pulumi.StringOutput `pulumi:"userPrefix"`
	User       pulumi.StringOutput `pulumi:"user"`
	Password   pulumi.StringOutput `pulumi:"password"`
}

type sqlUser struct {
	pulumi.CustomResourceState

	Name       pulumi.StringOutput `pulumi:"name"`
	Rotation   pulumi.StringOutput `pulumi:"rotation"`
	FullName   pulumi.StringOutput `pulumi:"fullName"`
	Password   pulumi.StringOutput `pulumi:"password"`
	Unverified pulumi.BoolOutput   `pulumi:"unverified"`
}

type sqlDatabase struct {
	pulumi.CustomResourceState

	Name pulumi.StringOutput `pulumi:"name"`
}

type appliedMigrations struct{ pulumi.CustomResourceState }

// register registers a resource of the provider tidbcloud.
func register[T any, R interface {
	*T
	pulumi.CustomResource
}](ctx *pulumi.Context, kind, name string, inputs pulumi.Map, opts ...pulumi.ResourceOption) (R, error) {
	resource := R(new(T))
	return resource, ctx.RegisterResource("tidbcloud:index:"+kind, name, inputs, resource, opts...)
}
