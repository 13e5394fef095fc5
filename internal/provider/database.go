package provider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/sqllogin"
)

var (
	_ resource[DatabaseArgs, DatabaseState] = (*Database)(nil)
	_ infer.Annotated                       = (*DatabaseArgs)(nil)
)

var (
	databasePattern = regexp.MustCompile(`^[A-Za-z0-9_$-]{1,64}$`)
	charsetPattern  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

	// systemDatabases are the server's own.
	systemDatabases = []string{"mysql", "sys", "information_schema", "performance_schema", "metrics_schema", "inspection_schema"}
)

// Database is the resource tidbcloud:index:Database.
type Database struct {
	connect connector
	sql     *sqlOpener
}

// DatabaseArgs are a database's inputs.
type DatabaseArgs struct {
	ClusterID string `pulumi:"clusterId" provider:"replaceOnChanges"`
	sqllogin.Login
	Name         string  `pulumi:"name" provider:"replaceOnChanges"`
	Charset      *string `pulumi:"charset,optional"`
	Collation    *string `pulumi:"collation,optional"`
	DropOnDelete *bool   `pulumi:"dropOnDelete,optional"`
}

// DatabaseState is a database's state.
type DatabaseState struct {
	DatabaseArgs
}

// Annotate implements [infer.Annotated].
func (d *Database) Annotate(a infer.Annotator) {
	a.Describe(d, "A database on a cluster, created by SQL if there is none of that name. It is kept when the resource is deleted, unless dropOnDelete is true. "+
		"The environment's "+sqllogin.CAFileVariable+" can name a file with another certificate authority, beside the system's.")
}

// Annotate implements [infer.Annotated].
func (d *DatabaseArgs) Annotate(a infer.Annotator) {
	a.Describe(&d.ClusterID, "ID of the cluster. A change replaces the resource.")
	describeLogin(a, &d.Login, "create databases")
	a.Describe(&d.Name, "Name of 1 to 64 letters, digits, underscores, hyphens and dollar signs. A change replaces the resource; the old database is kept unless dropOnDelete is true.")
	a.Describe(&d.Charset, "Character set, such as utf8mb4. Default: the server's.")
	a.Describe(&d.Collation, "Collation, such as utf8mb4_bin. Default: the character set's.")
	a.Describe(&d.DropOnDelete, "Drop the database with all its data when the resource is deleted, even if it existed before. Default: false.")
}

// WireDependencies implements [infer.ExplicitDependencies].
func (*Database) WireDependencies(f infer.FieldSelector, _ *DatabaseArgs, state *DatabaseState) {
	f.OutputField(&state.Password).AlwaysSecret()
}

// Create implements [infer.CustomCreate].
func (d *Database) Create(ctx context.Context, req infer.CreateRequest[DatabaseArgs]) (resp infer.CreateResponse[DatabaseState], err error) {
	if !req.DryRun {
		if err := d.createOrAlter(ctx, req.Inputs); err != nil {
			return resp, err
		}
		resp.ID = req.Inputs.id()
	}
	resp.Output = DatabaseState{req.Inputs}
	return resp, nil
}

// Read implements [infer.CustomRead].
func (d *Database) Read(ctx context.Context, req infer.ReadRequest[DatabaseArgs, DatabaseState]) (resp infer.ReadResponse[DatabaseArgs, DatabaseState], err error) {
	if req.State.Name == "" {
		return resp, errors.New("a database cannot be imported and need not be: declare it, and an existing one of its name is used as it is")
	}
	args, state := req.Inputs, req.State
	charset, collation, err := d.probe(ctx, args.Name, args.login())
	if errors.Is(err, sql.ErrNoRows) {
		return resp, nil
	}
	if err != nil {
		// The server cannot be reached from here, or somebody changed the user or the cluster. A
		// refresh must still succeed.
		charset, collation = orZero(args.Charset), orZero(args.Collation)
	}
	if !matches(args.Charset, charset) {
		args.Charset, state.Charset = &charset, &charset
	}
	if !matches(args.Collation, collation) {
		args.Collation, state.Collation = &collation, &collation
	}
	return infer.ReadResponse[DatabaseArgs, DatabaseState]{ID: req.ID, Inputs: args, State: state}, nil
}

// Update implements [infer.CustomUpdate].
func (d *Database) Update(ctx context.Context, req infer.UpdateRequest[DatabaseArgs, DatabaseState]) (resp infer.UpdateResponse[DatabaseState], err error) {
	if !req.DryRun {
		if err := d.createOrAlter(ctx, req.Inputs); err != nil {
			return resp, err
		}
	}
	resp.Output = DatabaseState{req.Inputs}
	return resp, nil
}

// Delete implements [infer.CustomDelete].
func (d *Database) Delete(ctx context.Context, req infer.DeleteRequest[DatabaseState]) (resp infer.DeleteResponse, err error) {
	if !req.State.drops() {
		return resp, nil
	}
	err = d.sql.connect(ctx, req.State.login(), func(db *sql.DB) error {
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(req.State.Name)); err != nil {
			return fmt.Errorf("dropping database %q: %w", req.State.Name, withSuggestion(err))
		}
		return nil
	})
	if err != nil && serverGone(ctx, d.connect, req.State.ClusterID) {
		err = nil
	}
	return resp, err
}

// Check implements [infer.CustomCheck]. It accepts an empty host and port 0, since a preview may
// not know those of a new cluster.
func (d *Database) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[DatabaseArgs], error) {
	args, check, err := decode[DatabaseArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[DatabaseArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.that("port", args.Port >= 0 && args.Port <= 65535, "%d must be a port number", args.Port)
	check.that("name", databasePattern.MatchString(args.Name), "%q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs", args.Name)
	check.that("name", !slices.Contains(systemDatabases, strings.ToLower(args.Name)), "%q belongs to the server; choose another name", args.Name)
	check.that("charset", args.Charset == nil || charsetPattern.MatchString(*args.Charset), "%q must be a character set such as utf8mb4", orZero(args.Charset))
	check.that("collation", args.Collation == nil || charsetPattern.MatchString(*args.Collation), "%q must be a collation such as utf8mb4_bin", orZero(args.Collation))
	return infer.CheckResponse[DatabaseArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. A new login changes nothing unless Delete will need it, which
// knows only the outputs.
func (d *Database) Diff(ctx context.Context, req infer.DiffRequest[DatabaseArgs, DatabaseState]) (p.DiffResponse, error) {
	diff := newDiff()
	old, want := req.State.DatabaseArgs, req.Inputs
	replaced := diff.inputs(old, want)
	if !want.drops() {
		diff.ignore("host", "port", "user", "password")
	}
	// A preview that does not know the new login reads nothing. The recorded one may be outdated,
	// since a new login is no change.
	login := want.login()
	if !replaced && login.Known() {
		if _, _, err := d.probe(ctx, old.Name, login); errors.Is(err, sql.ErrNoRows) {
			p.GetLogger(ctx).Warningf("database %q no longer exists: another, empty one will be created", old.Name)
			diff.drift("name")
		}
	}
	return diff.response(), nil
}

// probe reads a database's settings without waiting for a login. If the database does not exist it
// returns [sql.ErrNoRows]. Any other error proves nothing, so it also warns.
func (d *Database) probe(ctx context.Context, name string, login login) (charset, collation string, err error) {
	err = d.sql.probe(ctx, login, func(ctx context.Context, db *sql.DB) (err error) {
		charset, collation, err = readDatabase(ctx, db, name)
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		p.GetLogger(ctx).Warningf("using the recorded state of database %q: %v", name, err)
	}
	return charset, collation, err
}

func (d DatabaseArgs) id() string { return d.ClusterID + "/" + d.Name }

func (d DatabaseArgs) login() login { return login{Login: d.Login} }

func (d DatabaseArgs) drops() bool { return orZero(d.DropOnDelete) }

// options returns the end of CREATE DATABASE or ALTER DATABASE. Check has refused what is unsafe.
func (d DatabaseArgs) options() string {
	var s string
	if d.Charset != nil {
		s += " CHARACTER SET " + *d.Charset
	}
	if d.Collation != nil {
		s += " COLLATE " + *d.Collation
	}
	return s
}

// createOrAlter creates the database if it does not exist, and alters it if it differs from what is
// wanted. Otherwise it writes nothing, so a user without the privilege can use an existing
// database.
func (d *Database) createOrAlter(ctx context.Context, want DatabaseArgs) error {
	return d.sql.connect(ctx, want.login(), func(db *sql.DB) error {
		charset, collation, err := readDatabase(ctx, db, want.Name)
		statement := "ALTER DATABASE "
		switch {
		case errors.Is(err, sql.ErrNoRows):
			statement = "CREATE DATABASE IF NOT EXISTS "
		case err != nil:
			return err
		case matches(want.Charset, charset) && matches(want.Collation, collation):
			return nil
		}
		if _, err := db.ExecContext(ctx, statement+quote(want.Name)+want.options()); err != nil {
			return fmt.Errorf("creating or altering database %q: %w", want.Name, withSuggestion(err))
		}
		return nil
	})
}

// matches reports whether a live setting is the wanted one, or none is wanted. Case does not
// matter.
func matches(want *string, live string) bool { return want == nil || strings.EqualFold(*want, live) }

// readDatabase returns a database's character set and collation, or [sql.ErrNoRows].
func readDatabase(ctx context.Context, db *sql.DB, name string) (charset, collation string, err error) {
	err = db.QueryRowContext(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", name).
		Scan(&charset, &collation)
	if err != nil {
		return "", "", fmt.Errorf("reading database %q: %w", name, err)
	}
	return charset, collation, nil
}

// quote returns a name as an SQL identifier.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// withSuggestion adds to the server's error what to do about it.
func withSuggestion(err error) error {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && (refused.Number == errDatabaseDenied || refused.Number == errTableDenied) {
		return fmt.Errorf("%w; this user lacks the privilege: use one of role_admin", err)
	}
	return err
}
