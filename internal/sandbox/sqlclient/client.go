// Package sqlclient connects to a database with a connection string, as the stack's outputs
// have them: a minimal mysql client, for people who have none. It is not in package
// engine, since the real stack's connection strings serve as well.
package sqlclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/go-sql-driver/mysql"
)

// Parse parses a connection string. The error does not quote it, as that of [url.Parse]
// does: it has a password.
func Parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User == nil {
		return nil, errors.New("not a connection string")
	}
	return u, nil
}

// Open prepares connections over TLS. The server's certificate is verified by caFile, or by
// the system's authorities where that is empty.
func Open(u *url.URL, caFile string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("reading TIDBCLOUD_SQL_CA_FILE: %w", err)
		}
		c.TLS.RootCAs = x509.NewCertPool()
		c.TLS.RootCAs.AppendCertsFromPEM(pem)
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Run runs one statement and prints the rows as a table.
func Run(ctx context.Context, u *url.URL, caFile, statement string, out io.Writer) error {
	db, err := Open(u, caFile)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(columns, "\t"))
	cells, pointers := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		row := make([]string, len(cells))
		for i, cell := range cells {
			row[i] = "NULL"
			if cell.Valid {
				row[i] = cell.String
			}
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return errors.Join(rows.Err(), table.Flush())
}
