package provider

import (
	"context"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
)

// loginLag is how long TiDB Cloud may take to accept a new password (assumed: it does not say).
// Until then a refused login is no reason for another password, which would take as long.
const loginLag = 10 * time.Minute

// refused reports whether the server refuses a login twice. It reports false if it cannot try, or
// if the password is new.
func (o *sqlOpener) refused(ctx context.Context, l login, setAt string) bool {
	if l.Host == "" || l.Port == 0 || l.Password == "" {
		return false
	}
	err := o.probe(ctx, l, nil)
	if loginDenied(err) && rest.Sleep(ctx, time.Second) == nil {
		err = o.probe(ctx, l, nil)
	}
	at, parseErr := time.Parse(time.RFC3339, setAt)
	switch age := time.Since(at); {
	case err == nil:
	case !loginDenied(err):
		p.GetLogger(ctx).Warningf("not checking whether SQL user %q can log in: %v", l.User, err)
	case parseErr == nil && age < loginLag:
		p.GetLogger(ctx).Warningf("SQL user %q cannot log in yet with its %s old password; if that does not change, it gets another one after %s",
			l.User, age.Round(time.Second), loginLag)
	default:
		return true
	}
	return false
}
