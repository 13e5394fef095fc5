package stack

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SQLUser is the resource tidbcloud:index:SqlUser, as far as the stack uses it.
type SQLUser struct {
	pulumi.CustomResourceState

	FullName pulumi.StringOutput `pulumi:"fullName"`
	Password pulumi.StringOutput `pulumi:"password"`
}

type sqlUserArgs struct {
	ClusterID string  `pulumi:"clusterId"`
	Name      string  `pulumi:"name"`
	Role      string  `pulumi:"role"`
	Owner     string  `pulumi:"owner"`
	Rotation  *string `pulumi:"rotation"`
	Adopt     *bool   `pulumi:"adopt"`
}

// SQLUserArgs are the inputs of a [SQLUser].
type SQLUserArgs struct {
	ClusterID pulumi.StringInput
	Name      pulumi.StringInput
	Role      pulumi.StringInput
	Owner     pulumi.StringInput
	Rotation  pulumi.StringPtrInput
	Adopt     pulumi.BoolPtrInput
}

// ElementType makes SQLUserArgs an input of the SDK.
func (SQLUserArgs) ElementType() reflect.Type { return reflect.TypeFor[sqlUserArgs]() }

// NewSQLUser registers a SQL user.
func NewSQLUser(ctx *pulumi.Context, name string, args *SQLUserArgs, opts ...pulumi.ResourceOption) (*SQLUser, error) {
	var u SQLUser
	opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))
	if err := ctx.RegisterResource("tidbcloud:index:SqlUser", name, args, &u, opts...); err != nil {
		return nil, err
	}
	return &u, nil
}
