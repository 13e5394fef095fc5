package stack

import (
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Database is the part of the stack that holds data.
type Database struct {
	pulumi.ResourceState

	Cluster *Cluster
	// URL is the connection string with which the application logs in, as its own
	// user, to its own database, and MigrationURL that of the stack's admin, who may
	// make tables. Both are secrets.
	URL, MigrationURL pulumi.StringOutput
}

// newDatabase declares the cluster, its users and the database.
//
// There are two users, and neither is root. The application's may read and write
// data. The admin makes the database, and with it the user's migrations make tables:
// role_readwrite is to "query and modify application data", role_admin to "make schema
// changes". https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
func newDatabase(ctx *pulumi.Context, cfg Config, owner pulumi.StringOutput) (*Database, error) {
	d := &Database{}
	if err := ctx.RegisterComponentResource("portfolio:index:Database", "database", d); err != nil {
		return nil, err
	}
	var err error
	if d.Cluster, err = newCluster(ctx, cfg, owner, d); err != nil {
		return nil, err
	}
	user := func(name string, args *SQLUserArgs) *SQLUser {
		args.ClusterID, args.Owner, args.Adopt = d.Cluster.ID().ToStringOutput(), owner, pulumi.Bool(cfg.Adopt)
		args.Rotation = optional(cfg.Rotation)
		u, userErr := NewSQLUser(ctx, name, args, append(part(d, false), pulumi.DeletedWith(d.Cluster))...)
		err = errors.Join(err, userErr)
		return u
	}
	admin := user("admin", &SQLUserArgs{Name: pulumi.String(adminUser), Role: pulumi.String("role_admin")})
	app := user("user", &SQLUserArgs{Name: pulumi.String(cfg.SQLUser), Role: pulumi.String("role_readwrite")})
	if err != nil {
		return nil, err
	}
	database, err := NewSQLDatabase(ctx, "schema", &SQLDatabaseArgs{
		ClusterID: d.Cluster.ID().ToStringOutput(),
		Host:      d.Cluster.Host,
		Port:      d.Cluster.Port,
		User:      admin.FullName,
		Password:  admin.Password,
		Name:      pulumi.String(cfg.Database),
	}, append(part(d, cfg.Protect), pulumi.DeletedWith(d.Cluster))...)
	if err != nil {
		return nil, err
	}
	connection := func(u *SQLUser) pulumi.StringOutput {
		return pulumi.ToSecret(pulumi.All(u.FullName, u.Password, d.Cluster.Host, d.Cluster.Port, database.Name).ApplyT(
			func(v []any) string {
				return databaseURL(v[0].(string), v[1].(string), v[2].(string), v[3].(int), v[4].(string), cfg.URLOptions)
			})).(pulumi.StringOutput)
	}
	d.URL, d.MigrationURL = connection(app), connection(admin)
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"clusterId": d.Cluster.ID(), "url": d.URL})
}

// adminUser makes databases and tables.
const adminUser = "pulumi"

func newCluster(ctx *pulumi.Context, cfg Config, owner pulumi.StringOutput, parent pulumi.Resource) (*Cluster, error) {
	args := &ClusterArgs{
		DisplayName: pulumi.String(cfg.Cluster),
		Region:      pulumi.String(cfg.Region),
		Owner:       owner,
		Adopt:       pulumi.Bool(cfg.Adopt),
		ProjectID:   optional(cfg.TidbProject),
		// The resource option that comes with it binds only the runs after the one that
		// sets it, and not who takes it off by `pulumi state unprotect`.
		DeletionProtection: pulumi.Bool(cfg.Protect),
	}
	if cfg.SpendingLimit > 0 {
		args.SpendingLimitMonthly = pulumi.Int(cfg.SpendingLimit)
	}
	return NewCluster(ctx, "cluster", args, part(parent, cfg.Protect)...)
}

// optional is an input that is left out where the config has nothing.
func optional(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}

// part returns the options that the parts of a component have in common.
//
// What is replaced under the same name (`pulumi up --replace`) must go first, or
// the end of the old one would be the end of the new one. And `pulumi import` puts
// a resource below the stack, where the alias finds it.
func part(parent pulumi.Resource, protect bool) []pulumi.ResourceOption {
	return []pulumi.ResourceOption{
		pulumi.Parent(parent),
		pulumi.Protect(protect),
		pulumi.DeleteBeforeReplace(true),
		pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}}),
	}
}
