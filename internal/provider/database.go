package provider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

var (
	_ infer.CustomCreate[DatabaseArgs, DatabaseState]         = (*Database)(nil)
	_ infer.CustomRead[DatabaseArgs, DatabaseState]           = (*Database)(nil)
	_ infer.CustomUpdate[DatabaseArgs, DatabaseState]         = (*Database)(nil)
	_ infer.CustomDelete[DatabaseState]                       = (*Database)(nil)
	_ infer.CustomCheck[DatabaseArgs]                         = (*Database)(nil)
	_ infer.CustomDiff[DatabaseArgs, DatabaseState]           = (*Database)(nil)
	_ infer.ExplicitDependencies[DatabaseArgs, DatabaseState] = (*Database)(nil)
	_ infer.Annotated                                         = (*Database)(nil)
	_ infer.Annotated                                         = (*DatabaseArgs)(nil)
)

var (
	databasePattern = regexp.MustCompile(`^[A-Za-z0-9_$-]{1,64}$`)
	charsetPattern  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

	// systemDatabases belong to the server.
	systemDatabases = []string{"mysql", "sys", "information_schema", "performance_schema", "metrics_schema", "inspection_schema"}
)

// Database is the resource tidbcloud:index:Database.
type Database struct {
	connect connector
	sql     *sqlOpener
}

// DatabaseArgs are a database's inputs.
type DatabaseArgs struct {
	ClusterID    string  `pulumi:"clusterId" provider:"replaceOnChanges"`
	Host         string  `pulumi:"host"`
	Port         int     `pulumi:"port"`
	User         string  `pulumi:"user"`
	Password     string  `pulumi:"password" provider:"secret"`
	Name         string  `pulumi:"name" provider:"replaceOnChanges"`
	Charset      *string `pulumi:"charset,optional"`
	Collation    *string `pulumi:"collation,optional"`
	DropOnDelete *bool   `pulumi:"dropOnDelete,optional"`
}

// DatabaseState is what is kept of a database.
type DatabaseState struct {
	DatabaseArgs
}

// Annotate implements [infer.Annotated].
func (d *Database) Annotate(a infer.Annotator) {
	a.Describe(d, "A database on a cluster, made by SQL if there is none of that name. It is kept when the resource is deleted, unless dropOnDelete is true. "+
		"A certificate authority beside the system's can be given by the environment's "+caFileVariable+".")
}

// Annotate implements [infer.Annotated].
func (d *DatabaseArgs) Annotate(a infer.Annotator) {
	a.Describe(&d.ClusterID, "Id of the cluster. A change replaces the resource.")
	a.Describe(&d.Host, "Host of the cluster. It is used for the next connection; a change alone changes no database.")
	a.Describe(&d.Port, "Port of the cluster, used like the host.")
	a.Describe(&d.User, "Full name of a SQL user that may create databases, used like the host.")
	a.Describe(&d.Password, "The user's password, used like the host.")
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
func (d *Database) Create(ctx context.Context, req infer.CreateRequest[DatabaseArgs]) (infer.CreateResponse[DatabaseState], error) {
	want := req.Inputs
	resp := infer.CreateResponse[DatabaseState]{Output: DatabaseState{want}}
	if req.DryRun {
		return resp, nil
	}
	if err := d.ensure(ctx, want); err != nil {
		return infer.CreateResponse[DatabaseState]{}, err
	}
	resp.ID = want.id()
	return resp, nil
}

// Read implements [infer.CustomRead].
func (d *Database) Read(ctx context.Context, req infer.ReadRequest[DatabaseArgs, DatabaseState]) (infer.ReadResponse[DatabaseArgs, DatabaseState], error) {
	var gone infer.ReadResponse[DatabaseArgs, DatabaseState]
	if req.State.Name == "" {
		return gone, errors.New("a database cannot be imported and need not be: declare it, and an existing one of its name is used as it is")
	}
	args, state := req.Inputs, req.State
	var charset, collation string
	err := d.sql.glance(ctx, args.login(), func(ctx context.Context, db *sql.DB) (err error) {
		charset, collation, err = settings(ctx, db, args.Name)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return gone, nil
	case err != nil:
		// The server cannot be reached from here, or the user or the cluster was changed by
		// hand. A refresh is there to see such things, which an error would keep it from.
		p.GetLogger(ctx).Warningf("going by the recorded state of database %q: %v", args.Name, err)
		return infer.ReadResponse[DatabaseArgs, DatabaseState]{ID: req.ID, Inputs: args, State: state}, nil
	}
	if !agrees(args.Charset, charset) {
		args.Charset, state.Charset = &charset, &charset
	}
	if !agrees(args.Collation, collation) {
		args.Collation, state.Collation = &collation, &collation
	}
	return infer.ReadResponse[DatabaseArgs, DatabaseState]{ID: req.ID, Inputs: args, State: state}, nil
}

// Update implements [infer.CustomUpdate].
func (d *Database) Update(ctx context.Context, req infer.UpdateRequest[DatabaseArgs, DatabaseState]) (infer.UpdateResponse[DatabaseState], error) {
	want := req.Inputs
	if !req.DryRun {
		if err := d.ensure(ctx, want); err != nil {
			return infer.UpdateResponse[DatabaseState]{}, err
		}
	}
	return infer.UpdateResponse[DatabaseState]{Output: DatabaseState{want}}, nil
}

// Delete implements [infer.CustomDelete].
func (d *Database) Delete(ctx context.Context, req infer.DeleteRequest[DatabaseState]) (infer.DeleteResponse, error) {
	var done infer.DeleteResponse
	if !req.State.drops() {
		return done, nil
	}
	err := d.with(ctx, req.State.DatabaseArgs, loginPatience, func(db *sql.DB) error {
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(req.State.Name)); err != nil {
			return fmt.Errorf("dropping database %q: %w", req.State.Name, advised(err))
		}
		return nil
	})
	if err != nil && d.clusterGone(ctx, req.State.ClusterID) {
		return done, nil
	}
	return done, err
}

// Check implements [infer.CustomCheck]. An empty host and a port 0 pass: a cluster
// that is not ready yet has them in a preview, and a run waits for better ones.
func (d *Database) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[DatabaseArgs], error) {
	args, check, err := decode[DatabaseArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[DatabaseArgs]{}, err
	}
	check.that("clusterId", args.ClusterID != "", "must not be empty")
	check.that("port", args.Port >= 0 && args.Port <= 65535, "%d must be a port number", args.Port)
	check.that("name", databasePattern.MatchString(args.Name), "%q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs", args.Name)
	check.that("name", !slices.Contains(systemDatabases, strings.ToLower(args.Name)), "%q belongs to the server; choose another name", args.Name)
	check.that("charset", args.Charset == nil || charsetPattern.MatchString(*args.Charset), "%q must be a character set such as utf8mb4", text(args.Charset))
	check.that("collation", args.Collation == nil || charsetPattern.MatchString(*args.Collation), "%q must be a collation such as utf8mb4_bin", text(args.Collation))
	return infer.CheckResponse[DatabaseArgs]{Inputs: args, Failures: check.failures}, nil
}

// Diff implements [infer.CustomDiff]. How to connect is no property of the database,
// so a change of that alone is none, except when Delete is going to need it: Delete
// knows the outputs alone.
func (d *Database) Diff(ctx context.Context, req infer.DiffRequest[DatabaseArgs, DatabaseState]) (p.DiffResponse, error) {
	diff := newDiff()
	old, want := req.State.DatabaseArgs, req.Inputs
	diff.input("charset", old.Charset, want.Charset)
	diff.input("collation", old.Collation, want.Collation)
	diff.input("dropOnDelete", old.DropOnDelete, want.DropOnDelete)
	if want.drops() {
		diff.input("host", old.Host, want.Host)
		diff.input("port", old.Port, want.Port)
		diff.input("user", old.User, want.User)
		diff.input("password", old.Password, want.Password)
	}
	moved := diff.identity("clusterId", old.ClusterID, want.ClusterID)
	renamed := diff.identity("name", old.Name, want.Name)
	if !moved && !renamed && d.dropped(ctx, old, want) {
		p.GetLogger(ctx).Warningf("database %q no longer exists: it will be made anew, empty", old.Name)
		diff.drift("name")
	}
	return diff.response(), nil
}

// dropped tells whether the database is surely gone. It logs in as the program wants
// to. While a preview does not know that login it does not look: the recorded one may be
// long outdated, since a new login is no change of the database. A login that fails tells
// nothing of the database.
func (d *Database) dropped(ctx context.Context, old, want DatabaseArgs) bool {
	login := want.login()
	if login.host == "" || login.port == 0 || login.user == "" || login.password == "" {
		return false
	}
	err := d.sql.glance(ctx, login, func(ctx context.Context, db *sql.DB) error {
		_, _, err := settings(ctx, db, old.Name)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return true
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("going by the recorded state of database %q: %v", old.Name, err)
	}
	return false
}

func (d DatabaseArgs) id() string { return d.ClusterID + "/" + d.Name }

func (d DatabaseArgs) login() login {
	return login{host: d.Host, port: d.Port, user: d.User, password: d.Password}
}

func (d DatabaseArgs) drops() bool { return d.DropOnDelete != nil && *d.DropOnDelete }

// options is the end of CREATE or ALTER DATABASE, which the patterns make safe.
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

// ensure makes the database unless there is one, and alters it if it differs from
// what is wanted.
func (d *Database) ensure(ctx context.Context, want DatabaseArgs) error {
	return d.with(ctx, want, loginPatience, func(db *sql.DB) error {
		charset, collation, err := settings(ctx, db, want.Name)
		statement := "ALTER DATABASE "
		switch {
		case errors.Is(err, sql.ErrNoRows):
			statement = "CREATE DATABASE IF NOT EXISTS "
		case err != nil:
			return err
		case agrees(want.Charset, charset) && agrees(want.Collation, collation):
			return nil // so a user who may not create databases can use an existing one
		}
		if _, err := db.ExecContext(ctx, statement+quote(want.Name)+want.options()); err != nil {
			return fmt.Errorf("making database %q: %w", want.Name, advised(err))
		}
		return nil
	})
}

// agrees tells whether a live setting is the wanted one, if one is wanted. Their case
// means nothing.
func agrees(want *string, live string) bool { return want == nil || strings.EqualFold(*want, live) }

// settings reads a database's character set and collation. Without a database of
// that name the error is [sql.ErrNoRows].
func settings(ctx context.Context, db *sql.DB, name string) (charset, collation string, err error) {
	err = db.QueryRowContext(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", name).
		Scan(&charset, &collation)
	if err != nil {
		return "", "", fmt.Errorf("reading database %q: %w", name, err)
	}
	return charset, collation, nil
}

// with runs f on a connection.
func (d *Database) with(ctx context.Context, args DatabaseArgs, patience time.Duration, f func(*sql.DB) error) error {
	db, err := d.sql.open(ctx, args.login(), patience)
	if err != nil {
		return err
	}
	defer db.Close()
	return f(db)
}

// clusterGone tells whether a cluster surely no longer exists.
func (d *Database) clusterGone(ctx context.Context, id string) bool {
	api, err := d.connect()
	if err != nil {
		return false
	}
	cluster, err := find(ctx, api, id)
	return err == nil && (cluster == nil || cluster.State.Deleting())
}

// quote makes a name an SQL identifier.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// advised adds what to do to an error of the server.
func advised(err error) error {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == errDatabaseDenied {
		return fmt.Errorf("%w; the user may not do this: use one of role_admin", err)
	}
	return err
}
