package provider

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/sqllogin"
)

const (
	// loginPatience is how long a login is retried: a new SQL user or password may take minutes
	// to reach the cluster's gateway.
	loginPatience = 2 * time.Minute
	// dialTimeout limits the dialing of a connection.
	dialTimeout = 10 * time.Second
	// probeTimeout limits a probe, for previews.
	probeTimeout = 3 * time.Second
	// unreachableFor is how long a server is not probed again after it was not reached, so that
	// a preview waits for it once and not for each resource.
	unreachableFor = 30 * time.Second
)

// Error numbers of the server. https://docs.pingcap.com/tidb/stable/error-codes/
const (
	errDatabaseDenied = 1044
	errLoginDenied    = 1045
	errNoDatabase     = 1049
	errNoGrant        = 1141
	errTableDenied    = 1142
	errGateway        = 1105 // any error of TiDB Cloud's gateway, see aboutUser
)

// login is a login, and what a connection needs besides.
type login struct {
	sqllogin.Login
	// database is the default one of the connection. It must exist.
	database string
	// patient reports whether a statement may take any time. By default a minute without a
	// byte ends the connection.
	patient bool
	// redact keeps what the server says out of its errors.
	redact bool
}

// describeLogin describes a login among the inputs of a resource. may says what its user may do.
func describeLogin(a infer.Annotator, l *sqllogin.Login, may string) {
	a.Describe(&l.Host, "Host of the cluster, for the next connection; a new one alone changes nothing.")
	a.Describe(&l.Port, "Port of the cluster, for the next connection.")
	a.Describe(&l.User, "Full name of a SQL user that may "+may+", for the next connection.")
	a.Describe(&l.Password, "The user's password, for the next connection.")
}

// wrap adds the address and the user to an error.
func (l login) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("connecting to %s as %s: %w", l.Addr(), l.User, err)
}

// sqlOpener opens connections to clusters.
type sqlOpener struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// users is held while users are changed by SQL, see [rootUsers.change].
	users sync.Mutex

	mu          sync.Mutex
	unreachable map[string]time.Time // by address, when it was last not reached
}

// probe logs in once, within a few seconds, and calls f unless it is nil.
func (o *sqlOpener) probe(ctx context.Context, login login, f func(context.Context, *sql.DB) error) error {
	o.mu.Lock()
	failedAt, failed := o.unreachable[login.Addr()]
	o.mu.Unlock()
	if failed && time.Since(failedAt) < unreachableFor {
		return fmt.Errorf("connecting to %s: the server was not reached a moment ago", login.Addr())
	}
	db, err := o.open(login)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err = db.PingContext(ctx)
	if err == nil && f != nil {
		err = f(ctx, db)
	}
	if err != nil && !errors.As(err, new(*mysql.MySQLError)) && !errors.Is(err, sql.ErrNoRows) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.unreachable == nil {
			o.unreachable = map[string]time.Time{}
		}
		o.unreachable[login.Addr()] = time.Now()
	}
	return login.wrap(err)
}

// connect logs in and calls f. If that may help, it retries the login for a while.
func (o *sqlOpener) connect(ctx context.Context, login login, f func(*sql.DB) error) error {
	db, err := o.open(login)
	if err != nil {
		return err
	}
	defer db.Close()
	start := time.Now()
	for pause := time.Second; ; pause = min(pause+time.Second, 5*time.Second) {
		err := db.PingContext(ctx)
		if err == nil {
			return f(db)
		}
		waited := time.Since(start)
		if !loginRetryable(err) || waited+pause > loginPatience {
			return fmt.Errorf("%w (tried for %s)", login.wrap(err), rest.Seconds(waited))
		}
		p.GetLogger(ctx).InfoStatusf("waiting for the login of %s, %s (%v)", login.User, rest.Seconds(waited), err)
		if err := rest.Sleep(ctx, pause); err != nil {
			return login.wrap(err)
		}
	}
}

// open prepares a connection pool.
func (o *sqlOpener) open(login login) (*sql.DB, error) {
	if login.Host == "" || login.Port == 0 {
		return nil, errors.New("connecting: host and port are not known yet; run `pulumi up` again when the cluster is ready")
	}
	open := login.Open
	if login.redact {
		open = login.OpenRedacted
	}
	return open(os.Getenv(sqllogin.CAFileVariable), func(c *mysql.Config) {
		c.DBName = login.database
		c.DialFunc = o.dial
		c.Timeout = dialTimeout
		c.ReadTimeout, c.WriteTimeout = time.Minute, time.Minute
		if login.patient {
			c.ReadTimeout = 0
		}
		c.InterpolateParams = true // one round trip a query
	})
}

// loginRetryable reports whether a later login may succeed. It may not after a wrong certificate,
// or a refusal that is not about the login.
func loginRetryable(err error) bool {
	if errors.As(err, new(*mysql.MySQLError)) {
		return loginUnknown(err)
	}
	return !errors.As(err, new(*tls.CertificateVerificationError)) && !errors.Is(err, mysql.ErrNoTLS)
}

// loginDenied reports whether the server refuses the password or does not know the user.
func loginDenied(err error) bool { return isNumber(err, errLoginDenied) }

// aboutUser matches an errGateway about the user, such as "Missing user name prefix". It is assumed
// that the gateway answers so until it knows the prefix of a new user.
//
// Others are not about the login, such as "Due to the usage quota being exhausted"
// (https://docs.pingcap.com/tidbcloud/serverless-limitations#usage-quota) and "Connections
// using insecure transport are prohibited" (https://github.com/disksing/twiyou/pull/7). No
// document lists them.
var aboutUser = regexp.MustCompile(`(?i)user ?name|prefix`)

// loginUnknown reports whether the server, or the gateway, does not know the login.
func loginUnknown(err error) bool {
	var refused *mysql.MySQLError
	return loginDenied(err) || errors.As(err, &refused) && refused.Number == errGateway && aboutUser.MatchString(refused.Message)
}

// isNoDatabase reports whether the database of a connection does not exist.
func isNoDatabase(err error) bool { return isNumber(err, errNoDatabase) }

// isNumber reports whether the server answered with an error of a number.
func isNumber(err error, number uint16) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == number
}
