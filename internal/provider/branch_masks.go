package provider

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
)

// Masks are SQL files that change what nobody but root may see.
type Masks struct {
	Database string            `pulumi:"database"`
	Folder   string            `pulumi:"folder"`
	Files    map[string]string `pulumi:"files"`
}

// Annotate implements [infer.Annotated].
func (m *Masks) Annotate(a infer.Annotator) {
	a.Describe(&m.Database, "Name of the database that the files change.")
	a.Describe(&m.Folder, "Folder of the files, relative to the Pulumi program's: each that ends in .sql runs, in the order of the names.")
	a.Describe(&m.Files, "SHA-256 of each file in hexadecimal, by name, with line feeds alone as line ends.")
}

// readMasks reads the masks. Without any the folder is empty. It must have exactly the files of the
// inputs.
func (b BranchArgs) readMasks() (folder migration.Folder, err error) {
	if b.Masks == nil {
		return folder, nil
	}
	folder, err = migration.Read(b.Masks.Folder, migration.Plain)
	if err == nil && b.Masks.Files != nil && !maps.Equal(folder.Hashes(), b.Masks.Files) { // a preview may not know them
		err = errors.New("its files changed while Pulumi ran; run it again")
	}
	if err == nil {
		_, err = migrator.Job{Folder: folder, Redact: true}.Pending(migrator.History{}) // it parses them
	}
	if err != nil {
		return folder, fmt.Errorf("masks: reading the folder %q: %w", b.Masks.Folder, err)
	}
	return folder, nil
}

// masking returns the job that masks the branch, and the login for it. The record of what was done
// is part of the data, so a reset takes it away, too; it has another name after one, since a branch
// may be a copy of one that was masked.
func (s BranchState) masking(ctx context.Context, folder migration.Folder) (migrator.Job, login) {
	l := s.login()
	l.database, l.patient, l.redact = s.Masks.Database, true, true
	name := fmt.Sprintf("%.8x", sha256.Sum256([]byte(s.BranchID+"\n"+orZero(s.ResetToken))))
	return migrator.Job{Folder: folder, Database: s.Masks.Database, Table: name, Redact: true, Log: p.GetLogger(ctx)}, l
}

// masked reports whether all masks are applied. It is an error if it cannot tell.
func (s BranchState) masked(ctx context.Context, folder migration.Folder, open func(login, func(context.Context, *sql.DB) error) error) (done bool, err error) {
	if s.Masks == nil {
		return true, nil
	}
	job, l := s.masking(ctx, folder)
	var h migrator.History
	err = open(l, func(ctx context.Context, db *sql.DB) (err error) {
		h, err = job.History(ctx, db)
		return err
	})
	switch {
	case isNoDatabase(err):
		return false, fmt.Errorf("masks: branch %q has no database %q, as its cluster had none; create it there and reset the branch, or name another", s.DisplayName, s.Masks.Database)
	case err != nil:
		return false, err
	}
	pending, err := job.Pending(h)
	return len(pending) == 0, err
}

// unmasked reports whether a run would find masks missing, as far as a preview can tell.
func (b *Branch) unmasked(ctx context.Context, state BranchState) bool {
	folder, err := state.readMasks()
	if err != nil || state.Masks == nil || state.Password == "" {
		return false
	}
	done, err := state.masked(ctx, folder, func(l login, f func(context.Context, *sql.DB) error) error { return b.sql.probe(ctx, l, f) })
	return err == nil && !done
}

// masks checks the inputs of masks.
func (c *checker) masks(args BranchArgs) {
	masks := args.Masks
	if masks == nil {
		return
	}
	if !c.inputs.Get("dropLogins").HasComputed() {
		c.that("masks", args.protected(), "needs dropLogins: true, since another login could see the rows before")
	}
	c.that("masks", databasePattern.MatchString(masks.Database), "its database %q must have 1 to 64 letters, digits, underscores, hyphens or dollar signs", masks.Database)
	c.that("masks", masks.Folder != "", "its folder must not be empty")
	c.that("masks", len(masks.Files) > 0, "its files must not be empty")
}
