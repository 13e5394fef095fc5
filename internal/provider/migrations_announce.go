package provider

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/migration"
)

// announce lists the pending migrations in a preview, and warns of what they take away. Plancheck
// stops CI at such a warning.
//
// A database that cannot be read counts as one with data, also if the run creates its cluster: the
// preview cannot tell that from a run that adopts one. A first deployment is not stopped by that,
// since what the run itself makes has nothing to lose.
func (m *Migrations) announce(ctx context.Context, args MigrationsArgs, recorded map[string]string) error {
	log := p.GetLogger(ctx)
	pending, losses, err := m.plan(ctx, args, recorded)
	if len(pending) > 0 {
		if args.format() != migration.Plain {
			log.Infof("the migrations in %q have the format of %s", args.Folder, pending[0].Tool())
		}
		if !args.Known() {
			log.Infof("the login to database %q is not known yet: only what the state has counts as applied", args.Database)
		}
	}
	for _, next := range pending {
		log.Info(next.Outline())
	}
	for _, loss := range losses {
		log.Warning(migration.LossPrefix + loss)
	}
	return err
}
