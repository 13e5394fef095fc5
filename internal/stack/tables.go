package stack

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/migration"
)

// seedsTable is the namespace of the seeds in the provider's record of what was applied.
const seedsTable = "seeds"

// newTables declares the migrations and the seeds of a database, as far as there are any, and
// returns what the application's code waits for. login is the admin's.
func (d *Database) newTables(ctx *pulumi.Context, cfg *Config, database *sqlDatabase, login pulumi.Map) (last pulumi.Resource, err error) {
	last = database
	apply := func(name string, m *Migrations, opts ...pulumi.ResourceOption) error {
		inputs := m.inputs()
		maps.Copy(inputs, login)
		inputs["database"] = database.Name
		if cfg.Environment != nil {
			// An error of a copy's server may quote a row of production. Data of its own has the
			// input too: where another previewData would take it away, an `up` by a plan would fail,
			// since the resource is deleted before the engine compares its inputs with the plan.
			// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/plan.go, checkGoal
			inputs["redactErrors"] = pulumi.Bool(d.server.root != nil)
		}
		last, err = register[appliedMigrations](ctx, "Migrations", name, inputs,
			slices.Concat(childOptions(d, false), []pulumi.ResourceOption{pulumi.DeletedWith(d.server.resource),
				pulumi.AdditionalSecretOutputs([]string{"password"})}, opts)...)
		return err
	}
	if cfg.Migrations != nil {
		if err := apply("migrations", cfg.Migrations); err != nil {
			return nil, err
		}
	}
	if e := cfg.Environment; e != nil && e.Seeds != nil {
		seeds := *e.Seeds
		seeds.Table = seedsTable
		if err := apply("seeds", &seeds, pulumi.DependsOn([]pulumi.Resource{last})); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// inputs returns what the provider takes of a folder.
func (m *Migrations) inputs() pulumi.Map {
	inputs := pulumi.Map{"folder": pulumi.String(m.Folder), "files": m.Files}
	if m.Format != migration.Goose { // the only one of earlier versions
		inputs["format"] = pulumi.String(m.Format)
	}
	if m.Table != "" {
		inputs["table"] = pulumi.String(m.Table)
	}
	if m.Baseline != "" {
		inputs["baseline"] = pulumi.String(m.Baseline)
	}
	return inputs
}
