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

	"portfolio-infra/internal/migration"
)

// Database is the component portfolio:index:Database: the cluster, its SQL users, the
// database and its tables.
type Database struct {
	pulumi.ResourceState

	Cluster *cluster
	// URL is the connection string of the application's user, MigrationURL that of the
	// admin, who may make tables. Both are secrets.
	URL, MigrationURL pulumi.StringOutput
	// Step is the rotation's step of the login in URL.
	Step int
	// Schema is what the application's code needs: the database, or its migrations.
	Schema pulumi.Resource
}

// newDatabase declares the cluster, its users, the database and the migrations.
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
	inputs := pulumi.Map{
		"displayName": pulumi.String(cfg.Cluster),
		"region":      pulumi.String(cfg.Region),
		"owner":       owner,
		"logins":      pulumi.ToStringArray([]string{adminUser, cfg.SQLUser, secondLogin(cfg.SQLUser)}),
		"adopt":       pulumi.Bool(cfg.Adopt),
		// The resource option protect binds only the runs after the one that sets it, and
		// `pulumi state unprotect` takes it off.
		"deletionProtection": pulumi.Bool(cfg.Protect),
	}
	if cfg.TiDBProject != "" {
		inputs["projectId"] = pulumi.String(cfg.TiDBProject)
	}
	if cfg.SpendingLimit > 0 {
		inputs["spendingLimitMonthly"] = pulumi.Int(cfg.SpendingLimit)
	}
	var err error
	if d.Cluster, err = register[cluster](ctx, "Cluster", "cluster", inputs, childOptions(d, cfg.Protect)...); err != nil {
		return nil, err
	}
	onCluster := append(childOptions(d, false), pulumi.DeletedWith(d.Cluster))
	user := func(resource, name, role string, step int, opts ...pulumi.ResourceOption) (*sqlUser, error) {
		inputs := pulumi.Map{
			"clusterId": d.Cluster.ID(),
			"name":      pulumi.String(name),
			"role":      pulumi.String(role),
			"owner":     owner,
			"adopt":     pulumi.Bool(cfg.Adopt),
		}
		if step > 0 {
			inputs["rotation"] = pulumi.String(strconv.Itoa(step))
		} else {
			opts = append(opts, pulumi.IgnoreChanges([]string{"rotation"}))
		}
		return register[sqlUser](ctx, "SqlUser", resource, inputs,
			slices.Concat(onCluster, opts, []pulumi.ResourceOption{pulumi.AdditionalSecretOutputs([]string{"password"})})...)
	}
	logins, err := newLogins(ctx, cfg, w.worker, user)
	if err != nil {
		return nil, err
	}
	admin, err := user("admin", adminUser, "role_admin", cfg.Rotation)
	if err != nil {
		return nil, err
	}
	byAdmin := func(inputs pulumi.Map) pulumi.Map {
		maps.Copy(inputs, pulumi.Map{
			"clusterId": d.Cluster.ID(),
			"host":      d.Cluster.Host,
			"port":      d.Cluster.Port,
			"user":      admin.FullName,
			"password":  admin.Password,
		})
		return inputs
	}
	database, err := register[sqlDatabase](ctx, "Database", "schema", byAdmin(pulumi.Map{"name": pulumi.String(cfg.Database)}),
		append(childOptions(d, cfg.Protect), pulumi.DeletedWith(d.Cluster))...)
	if err != nil {
		return nil, err
	}
	d.Schema = database
	if m := cfg.Migrations; m != nil {
		inputs := byAdmin(pulumi.Map{"database": database.Name, "folder": pulumi.String(m.Folder), "files": m.Files})
		if m.Format != migration.Goose { // the only one of earlier versions
			inputs["format"] = pulumi.String(m.Format)
		}
		if m.Table != "" {
			inputs["table"] = pulumi.String(m.Table)
		}
		if m.Baseline != "" {
			inputs["baseline"] = pulumi.String(m.Baseline)
		}
		if d.Schema, err = register[appliedMigrations](ctx, "Migrations", "migrations", inputs,
			append(slices.Clip(onCluster), pulumi.AdditionalSecretOutputs([]string{"password"}))...); err != nil {
			return nil, err
		}
	}
	connection := func(u *sqlUser) pulumi.StringOutput {
		text := pulumix.Apply5(u.FullName, u.Password, d.Cluster.Host, d.Cluster.Port, database.Name,
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
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"clusterId": d.Cluster.ID(), "url": d.URL})
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
