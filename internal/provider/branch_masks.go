package provider

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/tidbcloud"
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

// protected reports whether only root may log in before the branch counts as made.
func (b BranchArgs) protected() bool { return orZero(b.DropLogins) }

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

// protect drops the logins that may not be there, and then masks the rows. While a mask is missing,
// no login but root's may be there, not even those that are made for this branch.
func (b *Branch) protect(ctx context.Context, api *tidbcloud.Client, state *BranchState, known string) error {
	folder, err := state.readMasks()
	if err != nil {
		return err
	}
	masked, err := state.masked(ctx, folder, func(l login, f func(context.Context, *sql.DB) error) error {
		return b.sql.connect(ctx, l, func(db *sql.DB) error { return f(ctx, db) })
	})
	if err == nil && !masked && state.Password == known {
		if err = b.lockOut(ctx, api, state); err == nil {
			err = b.logIn(ctx, api, state)
		}
	}
	if err == nil {
		err = b.dropLogins(ctx, *state, !masked)
	}
	if err != nil || masked {
		return err
	}
	job, l := state.masking(ctx, folder)
	err = b.sql.connect(ctx, l, func(db *sql.DB) error { return job.Apply(ctx, db) })
	if err != nil {
		return fmt.Errorf("masking database %q of branch %q, which has no login but root's until then: %w", state.Masks.Database, state.DisplayName, err)
	}
	return nil
}

// lockOut drops all logins and gives root another password, before masks are missing or as soon as
// they are found missing. What a reset does to logins is not documented. If this run ends before the
// masks are applied, the password in the state does not work, so that no other resource can make a
// login then, not even in a `pulumi up --target`.
func (b *Branch) lockOut(ctx context.Context, api *tidbcloud.Client, state *BranchState) error {
	if err := b.dropLogins(ctx, *state, true); err != nil {
		return err
	}
	state.Password = ""
	return b.sendPassword(ctx, api, state)
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

// dropLogins drops the logins of a branch but root's and, unless all is true, those that are made for
// this branch. It looks whether one is left.
func (b *Branch) dropLogins(ctx context.Context, state BranchState, all bool) error {
	return b.sql.connect(ctx, state.login(), func(db *sql.DB) error {
		found, err := state.logins(ctx, db, all)
		if err == nil {
			err = dropUsers(ctx, db, found)
		}
		if err == nil {
			found, err = state.logins(ctx, db, all)
		}
		switch {
		case err != nil:
			return fmt.Errorf("dropping the logins of branch %q: %w", state.DisplayName, err)
		case len(found) > 0:
			return fmt.Errorf("branch %q still has logins that its root has dropped: %s; drop them by hand, then run it again", state.DisplayName, describeUsers(found))
		}
		p.GetLogger(ctx).Infof("branch %q has no login but root's%s", state.DisplayName, map[bool]string{false: " and those made for it"}[all])
		return nil
	})
}

// logins returns the SQL users of a branch but root and, unless all is true, those that are made for
// this branch. The roles of the parent, which nobody can log in as, are among them.
func (s BranchState) logins(ctx context.Context, db *sql.DB, all bool) (found []serverUser, err error) {
	users, err := usersOf(ctx, db, func(name string) bool { return strings.HasPrefix(name, s.UserPrefix+".") })
	for _, u := range users {
		root := u.name == s.User && u.host == "%"
		if ours := u.comment == mark(s.id()); !root && (all || !ours) {
			found = append(found, u)
		}
	}
	return found, err
}

// diffProtection adds what a branch lacks that only root may see. Where it cannot look, it warns.
func (b *Branch) diffProtection(ctx context.Context, d *differ, recorded BranchState, want BranchArgs) {
	if !want.protected() {
		return
	}
	log := p.GetLogger(ctx)
	recorded.DropLogins, recorded.Masks, recorded.ResetToken = want.DropLogins, want.Masks, want.ResetToken
	var foreign []serverUser
	err := b.sql.probe(ctx, recorded.login(), func(ctx context.Context, db *sql.DB) (err error) {
		foreign, err = recorded.logins(ctx, db, false)
		return err
	})
	if err != nil {
		log.Warningf("not checking the logins and the masks of branch %q: %v", recorded.DisplayName, err)
		return
	}
	if len(foreign) > 0 {
		log.Warningf("branch %q has logins that were not made for it, and that will be dropped: %s", recorded.DisplayName, describeUsers(foreign))
		d.drift("dropLogins")
	}
	if !d.has("masks") && !d.has("resetToken") && b.unmasked(ctx, recorded) {
		log.Warningf("branch %q lacks masks, as after a reset outside of Pulumi: it will be masked, and its logins made anew", recorded.DisplayName)
		d.drift("masks")
	}
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

// describeUsers names users of a server for people.
func describeUsers(users []serverUser) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = fmt.Sprintf("%q at %q", u.name, u.host)
	}
	return strings.Join(names, ", ")
}
