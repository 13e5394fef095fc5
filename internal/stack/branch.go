package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// newBranch declares the branch of another cluster: its rows without personal data.
//
// The branch is not there, as far as other resources see, before the logins that may have
// come with it are dropped and the masks have run. So no login of this stack ever reads a row
// that is to be masked. TiDB Cloud's API makes no SQL users on a branch, so root makes them.
//
// Its name is the owner, by which the provider finds an orphan too.
func newBranch(ctx *pulumi.Context, cfg *Config, owner pulumi.StringOutput, d *Database, from *Copy) (*server, error) {
	inputs := pulumi.Map{
		"clusterId":   pulumi.String(from.ClusterID),
		"displayName": owner,
		"owner":       owner,
		"dropLogins":  pulumi.Bool(true),
	}
	if m := from.Masks; m != nil {
		inputs["masks"] = pulumi.Map{"database": pulumi.String(cfg.Database), "folder": pulumi.String(m.Folder), "files": m.Files}
		inputs["resetToken"] = pulumi.String(from.resetToken(cfg.Database))
	}
	b, err := register[branch](ctx, "Branch", "branch", inputs,
		append(childOptions(d, cfg.Protect), pulumi.AdditionalSecretOutputs([]string{"password"}))...)
	if err != nil {
		return nil, err
	}
	return &server{
		resource: b, id: b.ID().ToStringOutput(), host: b.Host, port: b.Port, userPrefix: b.UserPrefix,
		root:    pulumi.Map{"host": b.Host, "port": b.Port, "user": b.User, "password": b.Password},
		outputs: pulumi.Map{"clusterId": pulumi.String(from.ClusterID), "branchId": b.BranchID},
	}, nil
}
