package stack

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SQLDatabase is the resource tidbcloud:index:Database.
type SQLDatabase struct {
	pulumi.CustomResourceState

	Name pulumi.StringOutput `pulumi:"name"`
}

type sqlDatabaseArgs struct {
	ClusterID string `pulumi:"clusterId"`
	Host      string `pulumi:"host"`
	Port      int    `pulumi:"port"`
	User      string `pulumi:"user"`
	Password  string `pulumi:"password"`
	Name      string `pulumi:"name"`
}

// SQLDatabaseArgs are the inputs of a [SQLDatabase].
type SQLDatabaseArgs struct {
	ClusterID pulumi.StringInput
	Host      pulumi.StringInput
	Port      pulumi.IntInput
	User      pulumi.StringInput
	Password  pulumi.StringInput
	Name      pulumi.StringInput
}

// ElementType makes SQLDatabaseArgs an input of the SDK.
func (SQLDatabaseArgs) ElementType() reflect.Type { return reflect.TypeFor[sqlDatabaseArgs]() }

// NewSQLDatabase registers a database.
func NewSQLDatabase(ctx *pulumi.Context, name string, args *SQLDatabaseArgs, opts ...pulumi.ResourceOption) (*SQLDatabase, error) {
	var d SQLDatabase
	if err := ctx.RegisterResource("tidbcloud:index:Database", name, args, &d, opts...); err != nil {
		return nil, err
	}
	return &d, nil
}
