// Package sqllogin is a login to a cluster's SQL server: always over TLS, with a verified name.
package sqllogin

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// CAFileVariable names an environment variable with a PEM file. Its certificate authorities
// are trusted beside the system's, for SQL servers in tests and private networks.
const CAFileVariable = "TIDBCLOUD_SQL_CA_FILE"

// Login is where to connect, and as whom. The tags make it a part of a resource's inputs.
type Login struct {
	Host     string `pulumi:"host"`
	Port     int    `pulumi:"port"`
	User     string `pulumi:"user"`
	Password string `pulumi:"password" provider:"secret"`
}

// Known reports whether a connection can be tried. A preview may know only a part.
func (l Login) Known() bool { return l.Host != "" && l.Port != 0 && l.User != "" && l.Password != "" }

// Addr returns the host and the port.
func (l Login) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// Open returns a pool of connections. It trusts the system's certificate authorities, and
// those of caFile unless that is empty. configure may set what is not about the login.
func (l Login) Open(caFile string, configure func(*mysql.Config)) (*sql.DB, error) {
	connector, err := l.connector(caFile, configure)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (l Login) connector(caFile string, configure func(*mysql.Config)) (driver.Connector, error) {
	roots, err := trusted(caFile)
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", l.Addr()
	c.User, c.Passwd = l.User, l.Password
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: l.Host, RootCAs: roots}
	c.Logger = &mysql.NopLogger{} // errors are returned
	configure(c)
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", l.Addr(), err)
	}
	return connector, nil
}

// trusted returns the certificate authorities to trust. nil means the system's alone.
func trusted(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", CAFileVariable, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading %s: %s holds no PEM certificate", CAFileVariable, caFile)
	}
	return roots, nil
}
