package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// server is what the stack's database is on: a cluster of its own, or a branch of another
// one.
type server struct {
	// resource takes all that is on the server with it when it is deleted.
	resource pulumi.Resource
	// id is what the resources on the server have as their cluster's ID.
	id               pulumi.StringOutput
	host, userPrefix pulumi.StringOutput
	port             pulumi.IntOutput
	// root is the login by which SQL makes the users, or nil if TiDB Cloud's API makes them.
	root pulumi.Map
	// outputs are those that only a cluster or only a branch has, by the stack's names.
	outputs pulumi.Map
}

// newServer declares the server.
func newServer(ctx *pulumi.Context, cfg *Config, owner pulumi.StringOutput, d *Database) (*server, error) {
	if e := cfg.Environment; e != nil && e.Copy != nil {
		return newBranch(ctx, cfg, owner, d, e.Copy)
	}
	return newCluster(ctx, cfg, owner, d)
}

// newCluster declares a cluster.
func newCluster(ctx *pulumi.Context, cfg *Config, owner pulumi.StringOutput, d *Database) (*server, error) {
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
	c, err := register[cluster](ctx, "Cluster", "cluster", inputs, childOptions(d, cfg.Protect)...)
	if err != nil {
		return nil, err
	}
	id := c.ID().ToStringOutput()
	return &server{
		resource: c, id: id, host: c.Host, port: c.Port, userPrefix: c.UserPrefix,
		outputs: pulumi.Map{"clusterId": id, "clusterRegion": c.Region},
	}, nil
}
