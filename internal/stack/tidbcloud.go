package stack

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The resources of the provider tidbcloud, as far as the stack uses them. Its schema
// describes each property. TestResources_schema compares the two, since there is no
// generated SDK.

// Cluster is the resource tidbcloud:index:Cluster.
type Cluster struct {
	pulumi.CustomResourceState

	DisplayName pulumi.StringOutput `pulumi:"displayName"`
	Region      pulumi.StringOutput `pulumi:"region"`
	Host        pulumi.StringOutput `pulumi:"host"`
	Port        pulumi.IntOutput    `pulumi:"port"`
	UserPrefix  pulumi.StringOutput `pulumi:"userPrefix"`
}

// ClusterArgs are the inputs of a [Cluster].
type ClusterArgs struct {
	DisplayName          pulumi.StringInput    `pulumi:"displayName"`
	Region               pulumi.StringInput    `pulumi:"region"`
	Owner                pulumi.StringInput    `pulumi:"owner"`
	ProjectID            pulumi.StringPtrInput `pulumi:"projectId"`
	SpendingLimitMonthly pulumi.IntPtrInput    `pulumi:"spendingLimitMonthly"`
	// Logins are the names of the SQL users on it.
	Logins             pulumi.StringArrayInput `pulumi:"logins"`
	Adopt              pulumi.BoolPtrInput     `pulumi:"adopt"`
	DeletionProtection pulumi.BoolPtrInput     `pulumi:"deletionProtection"`
}

// NewCluster registers a cluster.
func NewCluster(ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption) (*Cluster, error) {
	c := &Cluster{}
	return c, ctx.RegisterResource("tidbcloud:index:Cluster", name, inputs(args), c, opts...)
}

// SQLUser is the resource tidbcloud:index:SqlUser.
type SQLUser struct {
	pulumi.CustomResourceState

	Name       pulumi.StringOutput `pulumi:"name"`
	Rotation   pulumi.StringOutput `pulumi:"rotation"`
	FullName   pulumi.StringOutput `pulumi:"fullName"`
	Password   pulumi.StringOutput `pulumi:"password"`
	Unverified pulumi.BoolOutput   `pulumi:"unverified"`
}

// SQLUserArgs are the inputs of a [SQLUser].
type SQLUserArgs struct {
	ClusterID pulumi.StringInput    `pulumi:"clusterId"`
	Name      pulumi.StringInput    `pulumi:"name"`
	Role      pulumi.StringInput    `pulumi:"role"`
	Owner     pulumi.StringInput    `pulumi:"owner"`
	Rotation  pulumi.StringPtrInput `pulumi:"rotation"`
	Adopt     pulumi.BoolPtrInput   `pulumi:"adopt"`
}

// NewSQLUser registers a SQL user.
func NewSQLUser(ctx *pulumi.Context, name string, args *SQLUserArgs, opts ...pulumi.ResourceOption) (*SQLUser, error) {
	u := &SQLUser{}
	opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))
	return u, ctx.RegisterResource("tidbcloud:index:SqlUser", name, inputs(args), u, opts...)
}

// LoginArgs are the inputs that say where to connect to a cluster, and as whom.
type LoginArgs struct {
	Host     pulumi.StringInput `pulumi:"host"`
	Port     pulumi.IntInput    `pulumi:"port"`
	User     pulumi.StringInput `pulumi:"user"`
	Password pulumi.StringInput `pulumi:"password"`
}

// Database is the resource tidbcloud:index:Database.
type Database struct {
	pulumi.CustomResourceState

	Name pulumi.StringOutput `pulumi:"name"`
}

// DatabaseArgs are the inputs of a [Database].
type DatabaseArgs struct {
	ClusterID pulumi.StringInput `pulumi:"clusterId"`
	LoginArgs
	Name pulumi.StringInput `pulumi:"name"`
}

// NewDatabase registers a database.
func NewDatabase(ctx *pulumi.Context, name string, args *DatabaseArgs, opts ...pulumi.ResourceOption) (*Database, error) {
	d := &Database{}
	return d, ctx.RegisterResource("tidbcloud:index:Database", name, inputs(args), d, opts...)
}

// Migrations is the resource tidbcloud:index:Migrations.
type Migrations struct {
	pulumi.CustomResourceState
}

// MigrationsArgs are the inputs of a [Migrations].
type MigrationsArgs struct {
	ClusterID pulumi.StringInput `pulumi:"clusterId"`
	LoginArgs
	Database pulumi.StringInput `pulumi:"database"`
	Folder   pulumi.StringInput `pulumi:"folder"`
	// Files maps names to hashes.
	Files pulumi.StringMapInput `pulumi:"files"`
}

// NewMigrations registers the migrations of a database.
func NewMigrations(ctx *pulumi.Context, name string, args *MigrationsArgs, opts ...pulumi.ResourceOption) (*Migrations, error) {
	m := &Migrations{}
	opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))
	return m, ctx.RegisterResource("tidbcloud:index:Migrations", name, inputs(args), m, opts...)
}

// inputs returns the fields of an Args struct that are set, by their tags.
func inputs(args any) pulumi.Map {
	m := pulumi.Map{}
	v := reflect.ValueOf(args).Elem()
	for _, field := range reflect.VisibleFields(v.Type()) {
		if input, ok := v.FieldByIndex(field.Index).Interface().(pulumi.Input); ok {
			m[field.Tag.Get("pulumi")] = input
		}
	}
	return m
}
