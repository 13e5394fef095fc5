package provider

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/migration"
)

// formats are the names of the formats in messages.
var formats = map[migration.Format]string{
	migration.Goose:    "goose's format",
	migration.Drizzle0: "drizzle-kit's format (0.x)",
	migration.Drizzle1: "drizzle-kit's format (1.x)",
	migration.Prisma:   "Prisma's format",
}

// announce lists the pending migrations in a preview, and warns of what they take away. Plancheck
// stops CI at such a warning, also at one of a database that is not there yet: a preview cannot
// tell a new cluster from one that the run adopts. It does not need to, since what the run itself
// makes does not count.
func (m *Migrations) announce(ctx context.Context, args MigrationsArgs, recorded map[string]string) error {
	log := p.GetLogger(ctx)
	job, pending, err := m.plan(ctx, args, recorded)
	if len(pending) > 0 {
		log.Infof("the migrations in %q have %s", args.Folder, formats[job.Format])
		if !args.Known() {
			log.Infof("the login to database %q is not known yet: the migrations that the state has count as applied, and no others", args.Database)
		}
	}
	for _, p := range pending {
		log.Info(p.Outline())
	}
	for _, loss := range job.Losses(pending) {
		log.Warning(migration.LossPrefix + loss)
	}
	return err
}
