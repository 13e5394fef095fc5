package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumiverse/pulumi-doppler/sdk/go/doppler"
)

// writeDoppler keeps DATABASE_URL in a config of Doppler as well, masked, where
// the stack's config names one. The keys of this run may come from there, too:
// `doppler run -- pulumi up`.
func writeDoppler(ctx *pulumi.Context, cfg Config, db *Database) error {
	if cfg.Doppler == (Doppler{}) {
		return nil
	}
	_, err := doppler.NewSecret(ctx, "doppler", &doppler.SecretArgs{
		Project:    pulumi.String(cfg.Doppler.Project),
		Config:     pulumi.String(cfg.Doppler.Config),
		Name:       pulumi.String(varDatabaseURL),
		Value:      db.URL,
		Visibility: pulumi.String("masked"),
	}, pulumi.Parent(db))
	return err
}
