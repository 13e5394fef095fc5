package sql

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

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// external is a backend of one server that somebody else runs. All clusters share
// it: a cluster is the users whose names have its prefix.
type external struct {
	db         *sql.DB
	host       string
	port       int
	conf       *tls.Config
	tidb       bool   // the server is a TiDB
	identified string // the clause that sets a password by its hash, a quoted %s

	mu       sync.Mutex
	clusters map[string]map[string]string // roles without prefix, by cluster and user
}

func openExternal(dsn, ca string) (*external, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		// The parser's error may quote a part of the password.
		return nil, errors.New("invalid DSN: it must have the form USER:PASSWORD@tcp(HOST:PORT)/ with the / at the end")
	}
	if config.Net != "tcp" {
		return nil, fmt.Errorf("invalid DSN: clusters need the network tcp, not %q", config.Net)
	}
	e := &external{clusters: map[string]map[string]string{}}
	var port string
	if e.host, port, err = net.SplitHostPort(config.Addr); err == nil {
		e.port, err = strconv.Atoi(port)
	}
	if err != nil {
		return nil, fmt.Errorf("invalid address in the DSN: %w", err)
	}
	if e.conf, err = externalTLS(config, e.host, ca); err != nil {
		return nil, err
	}
	config.TLS = e.conf
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the DSN's server: %w", err)
	}
	e.db = sql.OpenDB(connector)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var version string
	if err = e.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		if errors.Is(err, mysql.ErrNoTLS) {
			err = fmt.Errorf("it has no TLS, which clients of TiDB Cloud require: give it a certificate (in MariaDB and MySQL: ssl_cert and ssl_key): %w", err)
		}
		return nil, errors.Join(fmt.Errorf("connecting to the DSN's server %s: %w", config.Addr, err), e.db.Close())
	}
	e.tidb = strings.Contains(version, "TiDB")
	e.identified = "IDENTIFIED WITH " + nativePassword + " AS %s REQUIRE SSL"
	if strings.Contains(version, "MariaDB") {
		e.identified = "IDENTIFIED VIA " + nativePassword + " USING %s REQUIRE SSL"
	}
	return e, nil
}

// externalTLS decides whom to trust, see Servers.DSNCA.
func externalTLS(config *mysql.Config, host, ca string) (*tls.Config, error) {
	if ca == "" && config.TLSConfig != "" && config.TLSConfig != "false" && config.TLSConfig != "preferred" {
		return config.TLS, nil
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if ca == "" {
		ip := net.ParseIP(host)
		conf.InsecureSkipVerify = host == "localhost" || ip != nil && ip.IsLoopback() // it stays on this machine
		return conf, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("reading the CA of the DSN's server: %w", err)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the CA of the DSN's server: %s has no certificate in PEM", ca)
	}
	return conf, nil
}

func (e *external) CreateCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		e.clusters[clusterID] = map[string]string{}
	}
	return e.exec("CREATE DATABASE IF NOT EXISTS " + initialDatabase)
}

// DeleteCluster also drops the users that an administrator of the cluster created in
// SQL, if they have its prefix.
func (e *external) DeleteCluster(clusterID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for user := range e.clusters[clusterID] {
		prefix := prefixOf(user) + "."
		if prefix == "." {
			if err := e.exec("DROP USER IF EXISTS " + quote(user) + "@'%'"); err != nil {
				return err
			}
			continue
		}
		rows, err := e.db.Query("SELECT User, Host FROM mysql.user WHERE BINARY LEFT(User, ?) = ?", len(prefix), prefix)
		if err != nil {
			return err
		}
		var statements []string
		for rows.Next() {
			var user, host string
			if err := rows.Scan(&user, &host); err != nil {
				return errors.Join(err, rows.Close())
			}
			statements = append(statements, "DROP USER IF EXISTS "+quote(user)+"@"+quote(host))
		}
		if err := errors.Join(rows.Err(), e.exec(statements...)); err != nil {
			return err
		}
	}
	delete(e.clusters, clusterID)
	return nil
}

// SetEndpoint has no effect: the server's own port stays open.
func (e *external) SetEndpoint(string, bool) error { return nil }

func (e *external) PutUser(clusterID string, l tidbcloud.Login) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	roles := e.clusters[clusterID]
	if roles == nil {
		return errUnknownCluster
	}
	account, role := quote(l.UserName)+"@'%'", roleOf(l.BuiltinRole)
	identified := account + " " + fmt.Sprintf(e.identified, quote(l.Hash))
	statements := []string{"CREATE USER IF NOT EXISTS " + identified, "ALTER USER " + identified}
	// A user that keeps its role keeps its privileges without a gap.
	if roles[l.UserName] != role {
		if e.tidb {
			// TiDB has no statement that revokes everything.
			statements = append([]string{"DROP USER IF EXISTS " + account}, statements...)
		} else {
			statements = append(statements, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
		}
		statements = append(statements, e.grants(role, account)...)
	}
	if err := e.exec(statements...); err != nil {
		// A server quotes a statement that it does not understand.
		return errors.New(strings.ReplaceAll(err.Error(), l.Hash, "..."))
	}
	roles[l.UserName] = role
	return nil
}

// grants returns the statements that give a role to an account: on all databases but
// the server's own, since a user who can write its grant tables can do anything. A
// privilege on a database by its name overrides those by a pattern, and SHOW VIEW does
// no harm.
//
// TiDB takes the first that matches in the order of the names, and ignores case there:
// MYSQL comes before _%. (matchDB and compareDBRecord in
// https://github.com/pingcap/tidb/blob/master/pkg/privilege/privileges/cache.go)
func (e *external) grants(role, account string) []string {
	if role == roleAdmin {
		return []string{"GRANT ALL PRIVILEGES ON *.* TO " + account + " WITH GRANT OPTION"}
	}
	var names []string
	for _, p := range rolePrivileges[role] {
		names = append(names, p.String())
	}
	grant := func(privileges, databases string) string {
		return fmt.Sprintf("GRANT %s ON `%s`.* TO %s", privileges, databases, account)
	}
	if e.tidb {
		return []string{grant("SHOW VIEW", "MYSQL"), grant("SHOW VIEW", "SYS"), grant(strings.Join(names, ", "), "_%")}
	}
	return []string{grant("SHOW VIEW", "mysql"), grant("SHOW VIEW", "sys"), grant(strings.Join(names, ", "), "%")}
}

func (e *external) DropUser(clusterID, userName string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.clusters[clusterID], userName)
	return e.exec("DROP USER IF EXISTS " + quote(userName) + "@'%'")
}

func (e *external) exec(statements ...string) error {
	for _, statement := range statements {
		if _, err := e.db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

func (e *external) endpoint(clusterID string) (host string, port int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clusters[clusterID] == nil {
		return "", 0
	}
	return e.host, e.port
}

func (e *external) tlsConfig() *tls.Config { return e.conf }

func (e *external) close() error { return e.db.Close() }
