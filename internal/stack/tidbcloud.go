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
	DisplayName          pulumi.StringInput
	Region               pulumi.StringInput
	Owner                pulumi.StringInput
	ProjectID            pulumi.StringPtrInput
	SpendingLimitMonthly pulumi.IntPtrInput
	// Logins are the names of the SQL users on it.
	Logins             pulumi.StringArrayInput
	Adopt              pulumi.BoolPtrInput
	DeletionProtection pulumi.BoolPtrInput
}

type clusterArgs struct {
	DisplayName          string   `pulumi:"displayName"`
	Region               string   `pulumi:"region"`
	Owner                string   `pulumi:"owner"`
	ProjectID            *string  `pulumi:"projectId"`
	SpendingLimitMonthly *int     `pulumi:"spendingLimitMonthly"`
	Logins               []string `pulumi:"logins"`
	Adopt                *bool    `pulumi:"adopt"`
	DeletionProtection   *bool    `pulumi:"deletionProtection"`
}

// ElementType implements [pulumi.Input].
func (ClusterArgs) ElementType() reflect.Type { return reflect.TypeFor[clusterArgs]() }

// NewCluster registers a cluster.
func NewCluster(ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption) (*Cluster, error) {
	c := &Cluster{}
	return c, ctx.RegisterResource("tidbcloud:index:Cluster", name, args, c, opts...)
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
	ClusterID pulumi.StringInput
	Name      pulumi.StringInput
	Role      pulumi.StringInput
	Owner     pulumi.StringInput
	Rotation  pulumi.StringPtrInput
	Adopt     pulumi.BoolPtrInput
}

type sqlUserArgs struct {
	ClusterID string  `pulumi:"clusterId"`
	Name      string  `pulumi:"name"`
	Role      string  `pulumi:"role"`
	Owner     string  `pulumi:"owner"`
	Rotation  *string `pulumi:"rotation"`
	Adopt     *bool   `pulumi:"adopt"`
}

// ElementType implements [pulumi.Input].
func (SQLUserArgs) ElementType() reflect.Type { return reflect.TypeFor[sqlUserArgs]() }

// NewSQLUser registers a SQL user.
func NewSQLUser(ctx *pulumi.Context, name string, args *SQLUserArgs, opts ...pulumi.ResourceOption) (*SQLUser, error) {
	u := &SQLUser{}
	opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))
	return u, ctx.RegisterResource("tidbcloud:index:SqlUser", name, args, u, opts...)
}

// Database is the resource tidbcloud:index:Database.
type Database struct {
	pulumi.CustomResourceState

	Name pulumi.StringOutput `pulumi:"name"`
}

// DatabaseArgs are the inputs of a [Database].
type DatabaseArgs struct {
	ClusterID pulumi.StringInput
	Host      pulumi.StringInput
	Port      pulumi.IntInput
	User      pulumi.StringInput
	Password  pulumi.StringInput
	Name      pulumi.StringInput
}

type databaseArgs struct {
	ClusterID string `pulumi:"clusterId"`
	Host      string `pulumi:"host"`
	Port      int    `pulumi:"port"`
	User      string `pulumi:"user"`
	Password  string `pulumi:"password"`
	Name      string `pulumi:"name"`
}

// ElementType implements [pulumi.Input].
func (DatabaseArgs) ElementType() reflect.Type { return reflect.TypeFor[databaseArgs]() }

// NewDatabase registers a database.
func NewDatabase(ctx *pulumi.Context, name string, args *DatabaseArgs, opts ...pulumi.ResourceOption) (*Database, error) {
	d := &Database{}
	return d, ctx.RegisterResource("tidbcloud:index:Database", name, args, d, opts...)
}

// Migrations is the resource tidbcloud:index:Migrations.
type Migrations struct {
	pulumi.CustomResourceState
}

// MigrationsArgs are the inputs of a [Migrations].
type MigrationsArgs struct {
	ClusterID pulumi.StringInput
	Host      pulumi.StringInput
	Port      pulumi.IntInput
	User      pulumi.StringInput
	Password  pulumi.StringInput
	Database  pulumi.StringInput
	Folder    pulumi.StringInput
	// Files maps names to hashes.
	Files pulumi.StringMapInput
}

type migrationsArgs struct {
	ClusterID string            `pulumi:"clusterId"`
	Host      string            `pulumi:"host"`
	Port      int               `pulumi:"port"`
	User      string            `pulumi:"user"`
	Password  string            `pulumi:"password"`
	Database  string            `pulumi:"database"`
	Folder    string            `pulumi:"folder"`
	Files     map[string]string `pulumi:"files"`
}

// ElementType implements [pulumi.Input].
func (MigrationsArgs) ElementType() reflect.Type { return reflect.TypeFor[migrationsArgs]() }

// NewMigrations registers the migrations of a database.
func NewMigrations(ctx *pulumi.Context, name string, args *MigrationsArgs, opts ...pulumi.ResourceOption) (*Migrations, error) {
	m := &Migrations{}
	opts = append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))
	return m, ctx.RegisterResource("tidbcloud:index:Migrations", name, args, m, opts...)
}
