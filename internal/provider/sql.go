package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
)

// caFileVariable names a PEM file with a certificate authority that is trusted
// beside the system's, for SQL servers in tests and private set-ups.
const caFileVariable = "TIDBCLOUD_SQL_CA_FILE"

const (
	// loginPatience is how long a first login is tried again: a new SQL user or
	// password may take minutes to reach the cluster's gateway.
	loginPatience = 2 * time.Minute
	// dialTimeout is for one connection.
	dialTimeout = 10 * time.Second
	// probeTimeout is for the whole of a glance in a preview.
	probeTimeout = 3 * time.Second
	// unreachableFor is how long nobody looks again for a server that was not reached.
	unreachableFor = 30 * time.Second
)

// Error numbers of the server. https://docs.pingcap.com/tidb/stable/error-codes/
const (
	errDatabaseDenied = 1044
	errLoginDenied    = 1045
	errGateway        = 1105 // whatever TiDB Cloud's gateway has to say, see aboutUser
)

// sqlOpener opens connections to clusters.
type sqlOpener struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu          sync.Mutex
	unreachable map[string]time.Time // when an address was last not reached
}

// glance logs in once and runs f, all within a few seconds: it is for previews, which
// must not wait. A server that was not reached is left alone for a while, so that a
// preview waits for it once and not once a resource.
func (o *sqlOpener) glance(ctx context.Context, login login, f func(context.Context, *sql.DB) error) error {
	o.mu.Lock()
	at, failed := o.unreachable[login.addr()]
	o.mu.Unlock()
	if failed && time.Since(at) < unreachableFor {
		return fmt.Errorf("connecting to %s: it was not reached a moment ago", login.addr())
	}
	db, err := o.connect(login)
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
		o.unreachable[login.addr()] = time.Now()
	}
	if err != nil {
		return fmt.Errorf("connecting to %s as %s: %w", login.addr(), login.user, err)
	}
	return nil
}

// open connects and logs in, always by TLS and with a verified server name. Until
// patience has passed it tries again when the login is refused or the server not
// reached. The caller closes.
func (o *sqlOpener) open(ctx context.Context, login login, patience time.Duration) (*sql.DB, error) {
	db, err := o.connect(login)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	for pause := time.Second; ; pause = min(pause+time.Second, 5*time.Second) {
		err := db.PingContext(ctx)
		if err == nil {
			return db, nil
		}
		waited := time.Since(start)
		if !loginRetryable(err) || waited+pause > patience {
			_ = db.Close()
			return nil, fmt.Errorf("connecting to %s as %s: %w (tried for %s)", login.addr(), login.user, err, seconds(waited))
		}
		p.GetLogger(ctx).InfoStatusf("waiting for the login of %s, %s (%v)", login.user, seconds(waited), err)
		if err := rest.Sleep(ctx, pause); err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("connecting to %s as %s: %w", login.addr(), login.user, err)
		}
	}
}

// loginRetryable reports whether a later try may succeed. A wrong certificate and a
// refusal of anything but the login stay.
func loginRetryable(err error) bool {
	if errors.As(err, new(*mysql.MySQLError)) {
		return refusedLogin(err)
	}
	var untrusted *tls.CertificateVerificationError
	return !errors.As(err, &untrusted) && !errors.Is(err, mysql.ErrNoTLS)
}

// deniedLogin tells whether the server knows the user and refuses the password, or
// does not know the user.
func deniedLogin(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == errLoginDenied
}

// aboutUser is the text of an [errGateway] that speaks of the user, such as "Missing user
// name prefix". Others are no matter of a login, such as "Due to the usage quota being
// exhausted" (https://docs.pingcap.com/tidbcloud/serverless-limitations#usage-quota) and
// "Connections using insecure transport are prohibited"
// (https://github.com/disksing/twiyou/pull/7). No document lists them; that the gateway
// says so of a new user whose prefix it does not know yet is assumed.
var aboutUser = regexp.MustCompile(`(?i)user ?name|prefix`)

// refusedLogin tells whether the server answers that it does not know the login.
func refusedLogin(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == errLoginDenied || refused.Number == errGateway && aboutUser.MatchString(refused.Message))
}

// login is how to reach a cluster's SQL endpoint.
type login struct {
	host           string
	port           int
	user, password string
}

func (l login) addr() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// connect prepares connections without making one.
func (o *sqlOpener) connect(login login) (*sql.DB, error) {
	if login.host == "" || login.port == 0 {
		return nil, errors.New("connecting: host and port are not known yet; run `pulumi up` again when the cluster is ready")
	}
	roots, err := trusted()
	if err != nil {
		return nil, err
	}
	cfg := mysql.NewConfig()
	cfg.Net = "tcp"
	cfg.Addr = login.addr()
	cfg.User, cfg.Passwd = login.user, login.password
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: login.host, RootCAs: roots}
	cfg.DialFunc = o.dial
	cfg.Timeout = dialTimeout
	cfg.ReadTimeout, cfg.WriteTimeout = time.Minute, time.Minute
	cfg.InterpolateParams = true    // one round trip a query
	cfg.Logger = &mysql.NopLogger{} // errors are returned
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", login.addr(), err)
	}
	return sql.OpenDB(connector), nil
}

// trusted is the system's certificate authorities, and those of the file that the
// environment names. nil means the former alone.
func trusted() (*x509.CertPool, error) {
	file := os.Getenv(caFileVariable)
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", caFileVariable, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading %s: %s holds no PEM certificate", caFileVariable, file)
	}
	return roots, nil
}
