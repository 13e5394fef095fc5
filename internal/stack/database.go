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

// Database is the component portfolio:index:Database: the server, its SQL users, the
// database and its tables.
type Database struct {
	pulumi.ResourceState

	server *server
	// URL is the connection string of the application's user, MigrationURL that of the
	// admin, who may make tables. Both are secrets.
	URL, MigrationURL pulumi.StringOutput
	// Step is the rotation's step of the login in URL.
	Step int
	// Schema is what the application's code needs: the database, its migrations or its seeds.
	Schema pulumi.Resource
}

// newDatabase declares the server, its users, the database and its tables.
//
// No user is root. The application has two logins, which read and write data. The admin
// makes the database, and migrations make tables with it:
// role_readwrite is to "query and modify application data", role_admin to "make schema
// changes". https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
func newDatabase(ctx *pulumi.Context, cfg *Config, w *world, owner pulumi.StringOutput) (*Database, error) {
	d := &Database{}
	if err := ctx.RegisterComponentResource("portfolio:index:Database", "database", d); err != nil {
		return nil, err
	}
	var err error
	if d.server, err = newServer(ctx, cfg, owner, d); err != nil {
		return nil, err
	}
	user := func(resource, name, role string, step int, opts ...pulumi.ResourceOption) (*sqlUser, error) {
		return d.newUser(ctx, cfg, owner, resource, name, role, step, opts...)
	}
	logins, err := newLogins(ctx, cfg, w.worker, user)
	if err != nil {
		return nil, err
	}
	admin, err := user("admin", adminUser, "role_admin", cfg.Rotation)
	if err != nil {
		return nil, err
	}
	byAdmin := pulumi.Map{
		"clusterId": d.server.id,
		"host":      d.server.host,
		"port":      d.server.port,
		"user":      admin.FullName,
		"password":  admin.Password,
	}
	inputs := maps.Clone(byAdmin)
	inputs["name"] = pulumi.String(cfg.Database)
	database, err := register[sqlDatabase](ctx, "Database", "schema", inputs,
		append(childOptions(d, cfg.Protect), pulumi.DeletedWith(d.server.resource))...)
	if err != nil {
		return nil, err
	}
	if d.Schema, err = d.newTables(ctx, cfg, database, byAdmin); err != nil {
		return nil, err
	}
	connection := func(u *sqlUser) pulumi.StringOutput {
		text := pulumix.Apply5(u.FullName, u.Password, d.server.host, d.server.port, database.Name,
			func(user, password, host string, port int, database string) string {
				return databaseURL(user, password, host, port, database, cfg.URLOptions)
			})
		return pulumi.ToSecret(pulumix.Cast[pulumi.StringOutput](text)).(pulumi.StringOutput)
	}
	app, step, err := logins.choose(ctx)
	if err != nil {
		return nil, err
	}
	d.URL, d.MigrationURL, d.Step = connection(app), connection(admin), step
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"clusterId": d.server.id, "url": d.URL})
}

// newUser declares a SQL user, as a [newUserFunc] does.
func (d *Database) newUser(ctx *pulumi.Context, cfg *Config, owner pulumi.StringOutput,
	resource, name, role string, step int, opts ...pulumi.ResourceOption,
) (*sqlUser, error) {
	inputs := pulumi.Map{
		"clusterId": d.server.id,
		"name":      pulumi.String(name),
		"role":      pulumi.String(role),
		"owner":     owner,
		"adopt":     pulumi.Bool(cfg.Adopt),
	}
	secrets := []string{"password"}
	if d.server.root != nil {
		inputs["root"], inputs["database"] = d.server.root, pulumi.String(cfg.Database)
		secrets = append(secrets, "root")
	}
	if step > 0 {
		inputs["rotation"] = pulumi.String(strconv.Itoa(step))
	} else {
		opts = append(opts, pulumi.IgnoreChanges([]string{"rotation"}))
	}
	return register[sqlUser](ctx, "SqlUser", resource, inputs, slices.Concat(childOptions(d, false), opts,
		[]pulumi.ResourceOption{pulumi.DeletedWith(d.server.resource), pulumi.AdditionalSecretOutputs(secrets)})...)
}

// export exports what clients need to connect.
func (d *Database) export(ctx *pulumi.Context) {
	ctx.Export("databaseUrl", d.URL)
	ctx.Export("migrationUrl", d.MigrationURL)
	ctx.Export("clusterHost", d.server.host)
	ctx.Export("clusterPort", d.server.port)
	ctx.Export("clusterUserPrefix", d.server.userPrefix)
	for name, value := range d.server.outputs {
		ctx.Export(name, value)
	}
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
