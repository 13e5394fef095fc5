package stack

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"
)

// adminUser is the SQL user that makes databases and tables.
const adminUser = "pulumi"

// TiDB is the component portfolio:index:Database: the cluster, its SQL users and the
// database.
type TiDB struct {
	pulumi.ResourceState

	Cluster *Cluster
	// URL is the connection string of the application's user, MigrationURL that of the
	// admin, who may make tables. Both are secrets.
	URL, MigrationURL pulumi.StringOutput
	// Rotation is the step of the login in URL.
	Rotation int
	// Schema is what the application's code needs: the database, or its migrations.
	Schema pulumi.Resource
}

// TiDBArgs are the inputs of a [TiDB].
type TiDBArgs struct {
	Owner       pulumi.StringInput
	ClusterName string
	Region      string
	// ProjectID of a new cluster; empty is the organization's default project.
	ProjectID string
	// SpendingLimit is in US cents a month; 0 sets none.
	SpendingLimit int
	Database      string
	SQLUser       string
	// Rotation is the wanted step of the rotation.
	Rotation   int
	Live       *liveWorker // nil if there is none
	URLOptions map[string]string
	Schema     *Schema // nil if somebody else makes the tables
	Adopt      bool
	Protect    bool
}

// newTiDB declares the cluster, its users and the database.
//
// No user is root. The application has two logins, which read and write data. The admin
// makes the database, and migrations make tables with it:
// role_readwrite is to "query and modify application data", role_admin to "make schema
// changes". https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
func newTiDB(ctx *pulumi.Context, name string, args *TiDBArgs, opts ...pulumi.ResourceOption) (*TiDB, error) {
	t := &TiDB{}
	err := ctx.RegisterComponentResource("portfolio:index:Database", name, t, opts...)
	if err != nil {
		return nil, err
	}
	cluster := &ClusterArgs{
		DisplayName: pulumi.String(args.ClusterName),
		Region:      pulumi.String(args.Region),
		Owner:       args.Owner,
		Logins:      pulumi.ToStringArray([]string{adminUser, args.SQLUser, secondLogin(args.SQLUser)}),
		Adopt:       pulumi.Bool(args.Adopt),
		ProjectID:   optional(args.ProjectID),
		// The resource option protect binds only the runs after the one that sets it, and
		// `pulumi state unprotect` takes it off.
		DeletionProtection: pulumi.Bool(args.Protect),
	}
	if args.SpendingLimit > 0 {
		cluster.SpendingLimitMonthly = pulumi.Int(args.SpendingLimit)
	}
	if t.Cluster, err = NewCluster(ctx, "cluster", cluster, childOptions(t, args.Protect)...); err != nil {
		return nil, err
	}
	user := func(resource, name, role string, step int, opts ...pulumi.ResourceOption) (*SQLUser, error) {
		var rotation pulumi.StringPtrInput
		if step > 0 {
			rotation = pulumi.String(strconv.Itoa(step))
		} else {
			opts = append(opts, pulumi.IgnoreChanges([]string{"rotation"}))
		}
		return NewSQLUser(ctx, resource, &SQLUserArgs{
			ClusterID: t.Cluster.ID().ToStringOutput(),
			Name:      pulumi.String(name),
			Role:      pulumi.String(role),
			Owner:     args.Owner,
			Rotation:  rotation,
			Adopt:     pulumi.Bool(args.Adopt),
		}, append(append(childOptions(t, false), pulumi.DeletedWith(t.Cluster)), opts...)...)
	}
	logins, err := args.newLogins(ctx, user)
	if err != nil {
		return nil, err
	}
	admin, err := user("admin", adminUser, "role_admin", args.Rotation)
	if err != nil {
		return nil, err
	}
	login := LoginArgs{Host: t.Cluster.Host, Port: t.Cluster.Port, User: admin.FullName, Password: admin.Password}
	database, err := NewDatabase(ctx, "schema", &DatabaseArgs{
		ClusterID: t.Cluster.ID().ToStringOutput(),
		LoginArgs: login,
		Name:      pulumi.String(args.Database),
	}, append(childOptions(t, args.Protect), pulumi.DeletedWith(t.Cluster))...)
	if err != nil {
		return nil, err
	}
	t.Schema = database
	if args.Schema != nil {
		if t.Schema, err = NewMigrations(ctx, "migrations", &MigrationsArgs{
			ClusterID: t.Cluster.ID().ToStringOutput(),
			LoginArgs: login,
			Database:  database.Name,
			Folder:    pulumi.String(args.Schema.Folder),
			Files:     args.Schema.Files,
		}, append(childOptions(t, false), pulumi.DeletedWith(t.Cluster))...); err != nil {
			return nil, err
		}
	}
	connection := func(u *SQLUser) pulumi.StringOutput {
		text := pulumix.Apply5(u.FullName, u.Password, t.Cluster.Host, t.Cluster.Port, database.Name,
			func(user, password, host string, port int, database string) string {
				return databaseURL(user, password, host, port, database, args.URLOptions)
			})
		return pulumi.ToSecret(pulumix.Cast[pulumi.StringOutput](text)).(pulumi.StringOutput)
	}
	app, step, err := logins.choose(ctx)
	if err != nil {
		return nil, err
	}
	t.URL, t.MigrationURL, t.Rotation = connection(app), connection(admin), step
	return t, ctx.RegisterResourceOutputs(t, pulumi.Map{"clusterId": t.Cluster.ID(), "url": t.URL})
}

// optional is an input that is left out where the config has nothing.
func optional(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}

// databaseURL returns a connection string as Prisma, mysql2, @tidbcloud/serverless and
// most other clients take it: mysql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS.
// https://www.rfc-editor.org/rfc/rfc3986#section-2.1
func databaseURL(user, password, host string, port int, database string, options map[string]string) string {
	var b strings.Builder
	b.WriteString("mysql://" + escape(user) + ":" + escape(password) + "@")
	b.WriteString(net.JoinHostPort(host, strconv.Itoa(port)) + "/" + escape(database))
	separator := "?"
	for _, name := range slices.Sorted(maps.Keys(options)) {
		b.WriteString(separator + escape(name) + "=" + escape(options[name]))
		separator = "&"
	}
	return b.String()
}

// escape percent-encodes all but unreserved characters. The functions for one part of a
// URL encode fewer, and clients differ in how they read the rest.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
