package provider

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/sqllogin"
)

var (
	_ resource[MigrationsArgs, MigrationsState] = (*Migrations)(nil)
	_ infer.Annotated                           = (*MigrationsArgs)(nil)
)

// Migrations is the resource tidbcloud:index:Migrations.
type Migrations struct {
	sql *sqlOpener
}

// MigrationsArgs are the inputs of a database's migrations.
type MigrationsArgs struct {
	ClusterID string `pulumi:"clusterId" provider:"replaceOnChanges"`
	sqllogin.Login
	Database string            `pulumi:"database" provider:"replaceOnChanges"`
	Folder   string            `pulumi:"folder"`
	Files    map[string]string `pulumi:"files"`
	Format   *string           `pulumi:"format,optional"`
	Table    *string           `pulumi:"table,optional"`
	Baseline *string           `pulumi:"baseline,optional"`
	// RedactErrors is for a database whose rows nobody may see in a log.
	RedactErrors *bool `pulumi:"redactErrors,optional"`
}

// MigrationsState is the state of a database's migrations.
type MigrationsState struct {
	MigrationsArgs
}

// Annotate implements [infer.Annotated].
func (m *Migrations) Annotate(a infer.Annotator) {
	a.Describe(m, "The SQL migrations of a folder, as goose, drizzle-kit or Prisma lays it out, applied to a database in their order. "+
		"The tool's CLI works on the same folder and database, and what it applied counts as applied. "+
		"A preview lists the pending migrations, parses them with TiDB's own parser, and warns of what they take away. "+
		"A statement that changes the schema is a step, and so are the changes of rows between two such, in one transaction; an interrupted run goes on at its step. "+
		"Nothing is ever taken back: deleting the resource keeps the tables.")
}

// Annotate implements [infer.Annotated].
func (m *MigrationsArgs) Annotate(a infer.Annotator) {
	a.Describe(&m.ClusterID, "ID of the cluster. A change replaces the resource.")
	describeLogin(a, &m.Login, "change the schema")
	a.Describe(&m.Database, "Name of the database, which must exist. A change replaces the resource.")
	a.Describe(&m.Folder, "Folder of the files, relative to the Pulumi program's; another one alone changes nothing.")
	a.Describe(&m.Files, "SHA-256 of each file in hexadecimal, by name, with line feeds alone as line ends.")
	a.Describe(&m.Format, "The tool whose layout the folder has: goose, drizzle-0, drizzle-1 or prisma. By default goose. "+
		"Or plain: each file in the folder whose name ends in .sql runs once, in the order of the names.")
	a.Describe(&m.Table, "Name of the tool's own table of what was applied. By default the tool's. "+
		"For plain files it is the name, of up to 16 characters, under which they are recorded. By default plain.")
	a.Describe(&m.Baseline, "Name of the last migration whose tables were made otherwise: it and those before it are recorded and not run. It has no effect on a database without tables, or after it was recorded.")
	a.Describe(&m.RedactErrors, "Whether an error shows its number, the file and the line alone, and nothing of what the server or the statement says, "+
		"since that may have values of rows. It counts for the next connection; another value alone changes nothing. By default false.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*Migrations) WireDependencies(f infer.FieldSelector, _ *MigrationsArgs, state *MigrationsState) {
	f.OutputField(&state.Password).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (m *Migrations) Create(ctx context.Context, req infer.CreateRequest[MigrationsArgs]) (resp infer.CreateResponse[MigrationsState], err error) {
	if req.DryRun {
		err = m.announce(ctx, req.Inputs, nil)
	} else {
		err = m.migrate(ctx, req.Inputs)
		resp.ID = req.Inputs.ClusterID + "/" + req.Inputs.Database
	}
	resp.Output = MigrationsState{req.Inputs}
	return resp, err
}

// Read implements [infer.CustomRead]. It removes the migrations that the database lost.
func (m *Migrations) Read(ctx context.Context, req infer.ReadRequest[MigrationsArgs, MigrationsState]) (resp infer.ReadResponse[MigrationsArgs, MigrationsState], err error) {
	if req.State.Database == "" {
		return resp, errors.New("migrations cannot be imported and need not be: declare them, and what their tool applied before counts as applied")
	}
	args, state := req.Inputs, req.State
	job := args.job(ctx, migration.Folder{Format: args.format()})
	if h, ok := m.history(ctx, args, job, nil); ok {
		lost := func(name, _ string) bool { return job.Lost(h, name) }
		args.Files, state.Files = maps.Clone(args.Files), maps.Clone(state.Files)
		maps.DeleteFunc(args.Files, lost)
		maps.DeleteFunc(state.Files, lost)
	}
	return infer.ReadResponse[MigrationsArgs, MigrationsState]{ID: req.ID, Inputs: args, State: state}, nil
}

// Update implements [infer.CustomUpdate].
func (m *Migrations) Update(ctx context.Context, req infer.UpdateRequest[MigrationsArgs, MigrationsState]) (resp infer.UpdateResponse[MigrationsState], err error) {
	if req.DryRun {
		err = m.announce(ctx, req.Inputs, req.State.Files)
	} else {
		err = m.migrate(ctx, req.Inputs)
	}
	resp.Output = MigrationsState{req.Inputs}
	return resp, err
}

// Delete implements [infer.CustomDelete]. It keeps the tables.
func (m *Migrations) Delete(context.Context, infer.DeleteRequest[MigrationsState]) (resp infer.DeleteResponse, err error) {
	return resp, nil
}

// Check implements [infer.CustomCheck].
func (m *Migrations) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[MigrationsArgs], error) {
	args, check, err := decode[MigrationsArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[MigrationsArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.that("port", args.Port >= 0 && args.Port <= 65535, "%d must be a port number", args.Port)
	check.that("database", databasePattern.MatchString(args.Database), "%q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs", args.Database)
	if table := orZero(args.Table); args.format() == migration.Plain && table != "" {
		err := migrator.CheckName(table)
		check.that("table", err == nil, "%v", err)
	}
	check.that("files", len(args.Files) > 0, "must not be empty")
	return infer.CheckResponse[MigrationsArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. A new login changes nothing. It is drift if the database lost
// a migration, because it was restored or created again.
func (m *Migrations) Diff(ctx context.Context, req infer.DiffRequest[MigrationsArgs, MigrationsState]) (p.DiffResponse, error) {
	diff := newDiff()
	old, want := req.State.MigrationsArgs, req.Inputs
	replaced := diff.inputs(old, want)
	diff.ignore("host", "port", "user", "password", "folder", "redactErrors", "files")
	for name := range want.Files {
		if old.Files[name] == "" {
			diff.change(fileProperty(name), p.Add)
		} else if old.Files[name] != want.Files[name] {
			diff.change(fileProperty(name), p.Update)
		}
	}
	for name := range old.Files {
		if want.Files[name] == "" {
			diff.change(fileProperty(name), p.Delete)
		}
	}
	if replaced {
		return diff.response(), nil
	}
	pending, _, err := m.plan(ctx, want, old.Files)
	for _, lost := range pending {
		if property := fileProperty(lost.Name); !diff.has(property) {
			p.GetLogger(ctx).Warningf("database %q no longer has the %s %s: it will be applied again", want.Database, migrator.Noun(want.format()), lost.Name)
			diff.drift(property)
		}
	}
	return diff.response(), err
}

// fileProperty returns the path of a file in the inputs, such as files["00001_a.sql"].
func fileProperty(name string) string { return fmt.Sprintf("files[%q]", name) }

// plan returns what a run would apply and what that would take away, or the error that it would
// fail with. If it cannot read the database, the recorded files count as applied.
func (m *Migrations) plan(ctx context.Context, args MigrationsArgs, recorded map[string]string) (pending []migrator.Pending, losses []string, err error) {
	folder, err := args.read()
	if err != nil {
		return nil, nil, err
	}
	job := args.job(ctx, folder)
	h, _ := m.history(ctx, args, job, recorded)
	pending, err = job.Pending(h)
	return pending, job.Losses(h, pending), err
}

// history returns the history of the database, or else the recorded one. It reports which.
func (m *Migrations) history(ctx context.Context, args MigrationsArgs, job migrator.Job, recorded map[string]string) (h migrator.History, live bool) {
	if !args.Known() {
		return job.Recorded(recorded), false
	}
	err := m.sql.probe(ctx, args.login(), func(ctx context.Context, db *sql.DB) (err error) {
		h, err = job.History(ctx, db)
		return err
	})
	if err != nil && !isNoDatabase(err) {
		p.GetLogger(ctx).Warningf("using the recorded state of the migrations of database %q: %v", args.Database, err)
		return job.Recorded(recorded), false
	}
	return h, true
}

// migrate applies the pending migrations.
func (m *Migrations) migrate(ctx context.Context, args MigrationsArgs) error {
	folder, err := args.read()
	if err != nil {
		return err
	}
	login := args.login()
	login.patient = true
	return m.sql.connect(ctx, login, func(db *sql.DB) error {
		return withSuggestion(args.job(ctx, folder).Apply(ctx, db))
	})
}

func (m MigrationsArgs) job(ctx context.Context, folder migration.Folder) migrator.Job {
	return migrator.Job{Folder: folder, Database: m.Database, Table: orZero(m.Table), Baseline: orZero(m.Baseline), Redact: orZero(m.RedactErrors), Log: p.GetLogger(ctx)}
}

// format returns the folder's format. States of former versions have none.
func (m MigrationsArgs) format() migration.Format {
	return cmp.Or(migration.Format(orZero(m.Format)), migration.Goose)
}

// read reads the folder. It must have exactly the files of the inputs.
func (m MigrationsArgs) read() (migration.Folder, error) {
	folder, err := migration.Read(m.Folder, m.format())
	if err != nil {
		return folder, fmt.Errorf("reading the %ss in %q: %w", migrator.Noun(m.format()), m.Folder, err)
	}
	if m.Files != nil && !maps.Equal(folder.Hashes(), m.Files) { // a preview may not know them
		return folder, fmt.Errorf("the %ss in %q changed while Pulumi ran; run it again", migrator.Noun(m.format()), m.Folder)
	}
	return folder, nil
}

func (m MigrationsArgs) login() login {
	return login{Login: m.Login, database: m.Database, redact: orZero(m.RedactErrors)}
}
