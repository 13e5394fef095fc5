package provider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-sql-driver/mysql"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/migration"
)

var (
	_ resource[MigrationsArgs, MigrationsState] = (*Migrations)(nil)
	_ infer.Annotated                           = (*MigrationsArgs)(nil)
)

// Migrations is the resource tidbcloud:index:Migrations.
type Migrations struct {
	sql *sqlOpener
}

// MigrationsArgs are the inputs of migrations.
type MigrationsArgs struct {
	ClusterID string `pulumi:"clusterId" provider:"replaceOnChanges"`
	Host      string `pulumi:"host"`
	Port      int    `pulumi:"port"`
	User      string `pulumi:"user"`
	Password  string `pulumi:"password" provider:"secret"`
	Database  string `pulumi:"database" provider:"replaceOnChanges"`
	Folder    string `pulumi:"folder"`
	// Files maps names to hashes.
	Files map[string]string `pulumi:"files"`
}

// MigrationsState is the state of migrations.
type MigrationsState struct {
	MigrationsArgs
}

// Annotate implements [infer.Annotated].
func (m *Migrations) Annotate(a infer.Annotator) {
	a.Describe(m, "The SQL migrations of a folder, in the format of goose (https://pressly.github.io/goose/), applied to a database in the order of their numbers. "+
		"A preview parses the pending ones with TiDB's own parser. The Up part of a file is one statement that changes the schema, or any number of statements that change rows, which run in one transaction. "+
		"Nothing is ever taken back: deleting the resource keeps the tables.")
}

// Annotate implements [infer.Annotated].
func (m *MigrationsArgs) Annotate(a infer.Annotator) {
	a.Describe(&m.ClusterID, "ID of the cluster. A change replaces the resource.")
	a.Describe(&m.Host, "Host of the cluster, for the next connection; a new one alone changes nothing.")
	a.Describe(&m.Port, "Port of the cluster, for the next connection.")
	a.Describe(&m.User, "Full name of a SQL user that may change the schema, for the next connection.")
	a.Describe(&m.Password, "The user's password, for the next connection.")
	a.Describe(&m.Database, "Name of the database. A change replaces the resource.")
	a.Describe(&m.Folder, "Folder of the files, relative to the Pulumi program's.")
	a.Describe(&m.Files, "SHA-256 of each file in hexadecimal, by name.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*Migrations) WireDependencies(f infer.FieldSelector, _ *MigrationsArgs, state *MigrationsState) {
	f.OutputField(&state.Password).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (m *Migrations) Create(ctx context.Context, req infer.CreateRequest[MigrationsArgs]) (resp infer.CreateResponse[MigrationsState], err error) {
	if !req.DryRun {
		if err := m.migrate(ctx, req.Inputs); err != nil {
			return resp, err
		}
		resp.ID = req.Inputs.ClusterID + "/" + req.Inputs.Database
	} else {
		announce(ctx, nil, req.Inputs.Files)
	}
	resp.Output = MigrationsState{req.Inputs}
	return resp, nil
}

// Read implements [infer.CustomRead]. What the database has applied is looked up by Diff,
// which knows the files.
func (m *Migrations) Read(_ context.Context, req infer.ReadRequest[MigrationsArgs, MigrationsState]) (resp infer.ReadResponse[MigrationsArgs, MigrationsState], err error) {
	if req.State.Database == "" {
		return resp, errors.New("migrations cannot be imported and need not be: declare them, and what goose applied before counts as applied")
	}
	return infer.ReadResponse[MigrationsArgs, MigrationsState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

// Update implements [infer.CustomUpdate].
func (m *Migrations) Update(ctx context.Context, req infer.UpdateRequest[MigrationsArgs, MigrationsState]) (resp infer.UpdateResponse[MigrationsState], err error) {
	if !req.DryRun {
		if err := m.migrate(ctx, req.Inputs); err != nil {
			return resp, err
		}
	} else {
		announce(ctx, req.State.Files, req.Inputs.Files)
	}
	resp.Output = MigrationsState{req.Inputs}
	return resp, nil
}

// Delete implements [infer.CustomDelete]. It keeps the tables.
func (m *Migrations) Delete(context.Context, infer.DeleteRequest[MigrationsState]) (resp infer.DeleteResponse, err error) {
	return resp, nil
}

// Check implements [infer.CustomCheck]. It parses what the last run did not have, and
// refuses to lose what it had.
func (m *Migrations) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[MigrationsArgs], error) {
	args, check, err := decode[MigrationsArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[MigrationsArgs]{}, err
	}
	old, _, _ := decode[MigrationsArgs](ctx, req.OldInputs) // there are none at first
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.that("port", args.Port >= 0 && args.Port <= 65535, "%d must be a port number", args.Port)
	check.that("database", databasePattern.MatchString(args.Database), "%q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs", args.Database)
	files, err := args.read()
	check.that("files", err == nil, "%v", err)
	for _, f := range files {
		if old.Files[f.Name] == f.Hash {
			continue
		}
		_, err := planMigration(f)
		check.that("files", err == nil, "%v", err)
	}
	return infer.CheckResponse[MigrationsArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. A new login alone changes nothing. A migration that
// the database no longer has is drift: it was restored, or made again.
func (m *Migrations) Diff(ctx context.Context, req infer.DiffRequest[MigrationsArgs, MigrationsState]) (p.DiffResponse, error) {
	diff := newDiff()
	replaced := diff.inputs(req.State.MigrationsArgs, req.Inputs)
	diff.ignore("host", "port", "user", "password", "folder")
	if !replaced && m.lost(ctx, req.Inputs) {
		diff.drift("files")
	}
	return diff.response(), nil
}

// lost reports whether the database certainly lacks a migration. A failed login proves
// nothing.
func (m *Migrations) lost(ctx context.Context, args MigrationsArgs) bool {
	login := args.login()
	if login.host == "" || login.port == 0 || login.user == "" || login.password == "" {
		return false
	}
	lost := false
	err := m.sql.probe(ctx, login, func(ctx context.Context, db *sql.DB) error {
		var count int
		query := "SELECT COUNT(DISTINCT version_id) FROM " + quote(args.Database) + "." + versionTable + " WHERE version_id > 0 AND is_applied"
		if err := db.QueryRowContext(ctx, query).Scan(&count); err != nil {
			return err
		}
		lost = count < len(args.Files)
		return nil
	})
	if isMissing(err) {
		return true
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("taking the migrations of database %q for applied: %v", args.Database, err)
	}
	return lost
}

// announce lists the pending migrations in a preview.
func announce(ctx context.Context, old, files map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if old[name] != files[name] {
			p.GetLogger(ctx).Infof("pending migration: %s", name)
		}
	}
}

func (m *Migrations) migrate(ctx context.Context, args MigrationsArgs) error {
	files, err := args.read()
	if err != nil {
		return err
	}
	return m.sql.connect(ctx, args.login(), func(db *sql.DB) error {
		return migrate(ctx, db, args.Database, files)
	})
}

// read reads the folder, which must have just the files of the inputs.
func (m MigrationsArgs) read() ([]migration.File, error) {
	files, err := migration.Read(m.Folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Folder, err)
	}
	found := map[string]string{}
	for _, f := range files {
		found[f.Name] = f.Hash
	}
	if !maps.Equal(found, m.Files) {
		return nil, fmt.Errorf("%s has changed since the run began: run it again", m.Folder)
	}
	return files, nil
}

func (m MigrationsArgs) login() login {
	return login{host: m.Host, port: m.Port, user: m.User, password: m.Password}
}

// isMissing reports whether a server does not have the table or database of a query.
// https://docs.pingcap.com/tidb/stable/error-codes/
func isMissing(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == 1146 || refused.Number == 1049)
}
