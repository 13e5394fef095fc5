package provider

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/sqllogin"
)

func (s SQLUserState) login() login {
	return login{Login: sqllogin.Login{Host: s.Host, Port: s.Port, User: s.FullName, Password: s.Password}}
}

// setPassword sets a new password.
func (s *SQLUserState) setPassword() {
	s.Password, s.PasswordSetAt = newPassword(), time.Now().UTC().Format(time.RFC3339)
}

// loginRefused reports whether the server refuses the recorded login, see [sqlOpener.refused]. One that
// root made is not late: a server knows it as soon as CREATE USER or ALTER USER has ended (assumed of
// TiDB Cloud; a TiDB of one node does). So a run that was killed has set another password.
func (u *SQLUser) loginRefused(ctx context.Context, recorded SQLUserState) bool {
	if recorded.bySQL() {
		recorded.PasswordSetAt = ""
	}
	return u.sql.refused(ctx, recorded.login(), recorded.PasswordSetAt)
}

// verifyLogin waits until the login works, since the application moves to it next. If it never does,
// verifyLogin fails, unlike waitForLogin. The state keeps the password, so that the next run waits
// for it and does not set another, which would lag as long.
//
// Without the host in the state it cannot try.
func (u *SQLUser) verifyLogin(ctx context.Context, state *SQLUserState) error {
	state.Unverified = false
	if state.Host == "" || state.Port == 0 {
		return nil
	}
	err := u.sql.connect(ctx, state.login(), func(*sql.DB) error { return nil })
	if err == nil {
		return nil
	}
	state.Unverified = true
	return infer.ResourceInitFailedError{Reasons: []string{fmt.Sprintf("SQL user %q has a new password, but cannot log in with it yet, so the application stays with its login: %v; "+
		"the next `pulumi up` tries again", state.FullName, err)}}
}

// waitForLogin waits until a new login works, which may take minutes, since the rest of this run may
// need it. If it never does, waitForLogin only warns: nothing that worked before depends on it.
func (u *SQLUser) waitForLogin(ctx context.Context, state SQLUserState) {
	err := u.sql.probe(ctx, state.login(), nil)
	if loginUnknown(err) {
		err = u.sql.connect(ctx, state.login(), func(*sql.DB) error { return nil })
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("SQL user %q has its new password, but a login could not be verified: %v", state.FullName, err)
	}
}
