package fakesql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/faketidb"
)

// external is a server that others run. All clusters share it: a cluster is the
// users whose names begin with its prefix.
type external struct {
	db   *sql.DB
	addr string
	conf *tls.Config
	// identified is the clause that sets a password's hash; %s is the hash, quoted.
	identified string
	// tidb says that the server is a TiDB.
	tidb bool

	mu sync.Mutex
	// clusters are the users' roles, without prefix, by cluster and user.
	clusters map[string]map[string]string
}

// reachTime is how long a DSN's server may take to answer at first.
const reachTime = 30 * time.Second

func openExternal(dsn, ca string) (_ *external, err error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		// Its text may show a part of the DSN, and so of the password.
		return nil, errors.New("the DSN cannot be read: it must be USER:PASSWORD@tcp(HOST:PORT)/ with the / at its end")
	}
	if config.Net != "tcp" {
		return nil, fmt.Errorf("the DSN's network is %q: clusters need tcp", config.Net)
	}
	if config.TLS, err = externalTLS(config, ca); err != nil {
		return nil, err
	}
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the DSN's server: %w", err)
	}
	e := &external{db: sql.OpenDB(connector), addr: config.Addr, conf: config.TLS, clusters: map[string]map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.db.Close())
		}
	}()
	ctx, stop := context.WithTimeout(context.Background(), reachTime)
	defer stop()
	var version string
	var anonymous int
	err = e.db.QueryRowContext(ctx,
		"SELECT VERSION(), (SELECT COUNT(*) FROM mysql.user WHERE User = '') + (SELECT COUNT(*) FROM mysql.db WHERE User = '')").Scan(&version, &anonymous)
	if errors.Is(err, mysql.ErrNoTLS) {
		return nil, fmt.Errorf("the DSN's server %s has no TLS, which every client of a TiDB Cloud cluster asks for: "+
			"give it a certificate (for MariaDB and MySQL: ssl_cert and ssl_key)", config.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the DSN's server: %w", err)
	}
	if anonymous > 0 {
		return nil, fmt.Errorf("the DSN's server %s lets anonymous users in, who take the place of those that log in from the same host: "+
			"run mariadb-secure-installation or mysql_secure_installation", config.Addr)
	}
	e.tidb = strings.Contains(version, "TiDB")
	e.identified = "IDENTIFIED WITH " + nativePassword + " AS %s"
	if strings.Contains(version, "MariaDB") {
		e.identified = "IDENTIFIED VIA " + nativePassword + " USING %s"
	}
	return e, nil
}

// externalTLS says whom to trust, see Servers.DSNCA.
func externalTLS(config *mysql.Config, ca string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(config.Addr)
	if err != nil {
		return nil, fmt.Errorf("the DSN's address: %w", err)
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("reading the CA of the DSN's server: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the CA of the DSN's server: %s holds no certificate in PEM", ca)
		}
		return conf, nil
	}
	if config.TLSConfig != "" && config.TLSConfig != "false" && config.TLSConfig != "preferred" {
		return config.TLS, nil
	}
	ip := net.ParseIP(host)
	conf.InsecureSkipVerify = host == "localhost" || ip != nil && ip.IsLoopback() // it does not leave this machine
	return conf, nil
}

// CreateCluster implements faketidb.SQL.
func (e *external) CreateCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		e.clusters[clusterID] = map[string]string{}
	}
	return e.exec("CREATE DATABASE IF NOT EXISTS " + newDatabase)
}

// DeleteCluster implements faketidb.SQL. It also drops the users that an admin of
// the cluster made in SQL, as long as they have its prefix.
func (e *external) DeleteCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	prefixes := map[string]bool{}
	for user := range e.clusters[clusterID] {
		prefixes[prefixOf(user)] = true
	}
	for prefix := range prefixes {
		if err := e.dropAll(prefix); err != nil {
			return err
		}
	}
	delete(e.clusters, clusterID)
	return nil
}

func (e *external) dropAll(prefix string) (err error) {
	rows, err := e.db.Query("SELECT User, Host FROM mysql.user WHERE BINARY LEFT(User, ?) = ?", len(prefix)+1, prefix+".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var accounts []string
	for rows.Next() {
		var user, host string
		if err := rows.Scan(&user, &host); err != nil {
			return err
		}
		accounts = append(accounts, quote(user)+"@"+quote(host))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, account := range accounts {
		if err := e.exec("DROP USER IF EXISTS " + account); err != nil {
			return err
		}
	}
	return nil
}

// PutUser implements faketidb.SQL.
func (e *external) PutUser(clusterID string, l faketidb.Login) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	roles := e.clusters[clusterID]
	if roles == nil {
		return errors.New("the cluster is unknown")
	}
	account := quote(l.UserName) + "@'%'"
	identified := fmt.Sprintf(e.identified, quote(l.Hash)) + " REQUIRE SSL"
	// A user that keeps its role keeps its privileges without a gap.
	changed := roles[l.UserName] != role(l.BuiltinRole)
	var statements []string
	if changed && e.tidb {
		// TiDB has no statement that takes all that a user has.
		statements = append(statements, "DROP USER IF EXISTS "+account)
	}
	statements = append(statements,
		"CREATE USER IF NOT EXISTS "+account+" "+identified,
		"ALTER USER "+account+" "+identified)
	if changed && !e.tidb {
		statements = append(statements, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
	}
	if changed {
		statements = append(statements, e.grants(role(l.BuiltinRole), account)...)
	}
	for _, statement := range statements {
		if err := e.exec(statement); err != nil {
			// A server that does not understand a statement shows it.
			return errors.New(strings.ReplaceAll(err.Error(), l.Hash, "..."))
		}
	}
	roles[l.UserName] = role(l.BuiltinRole)
	return nil
}

// grants are the statements that give a role to an account.
func (e *external) grants(role, account string) []string {
	if role == roleAdmin {
		return []string{"GRANT ALL PRIVILEGES ON *.* TO " + account + " WITH GRANT OPTION"}
	}
	var names []string
	for _, p := range rolePrivileges[role] {
		names = append(names, p.name)
	}
	list := strings.Join(names, ", ")
	if e.tidb {
		return []string{"GRANT " + list + " ON *.* TO " + account}
	}
	// On all databases but the server's own: who may write its grant tables may do
	// anything. A privilege on a database by its name keeps those by a pattern from
	// it, and this one does no harm.
	return []string{
		"GRANT " + list + " ON `%`.* TO " + account,
		"GRANT SHOW VIEW ON mysql.* TO " + account,
		"GRANT SHOW VIEW ON sys.* TO " + account,
	}
}

// DropUser implements faketidb.SQL.
func (e *external) DropUser(clusterID, userName string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.exec("DROP USER IF EXISTS " + quote(userName) + "@'%'"); err != nil {
		return err
	}
	delete(e.clusters[clusterID], userName)
	return nil
}

func (e *external) exec(statement string) error {
	_, err := e.db.Exec(statement)
	return err
}

func (e *external) endpoint(clusterID string) (host string, port int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		return "", 0
	}
	host, text, err := net.SplitHostPort(e.addr)
	if err != nil {
		return "", 0
	}
	if port, err = strconv.Atoi(text); err != nil {
		return "", 0
	}
	return host, port
}

func (e *external) target(user string) (addr string, conf *tls.Config, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, users := range e.clusters {
		for name := range users {
			if prefixOf(name) == prefixOf(user) {
				return e.addr, e.conf, true
			}
		}
	}
	return "", nil, false
}

func (e *external) close() error { return e.db.Close() }
