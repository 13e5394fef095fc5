package main

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
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/go-sql-driver/mysql"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// sqlRequest is what the command sql is asked for.
type sqlRequest struct {
	// query is one statement, or empty to be told how to connect.
	query string
	// real: of the stack that `pulumi` in this folder works on, not of the sandbox.
	real bool
	// admin: as the stack's admin, who may make tables, not as the application.
	admin bool
	// password: print just the password, for a client's environment.
	password bool
}

// output is the stack's output that holds the connection string.
func (r sqlRequest) output() string {
	if r.admin {
		return "migrationUrl"
	}
	return "databaseUrl"
}

// sql runs one statement with a connection string of the stack's own and prints the
// rows.
func (s *sandbox) sql(ctx context.Context, r sqlRequest) error {
	read := s.sandboxURL
	if r.real {
		read = s.realURL
	}
	text, err := read(ctx, r.output())
	if err != nil {
		return fmt.Errorf("reading the output %s: %w", r.output(), err)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User == nil {
		// The error of url.Parse quotes the URL, with its password.
		return fmt.Errorf("the output %s is no connection string: run `make up` first", r.output())
	}
	switch {
	case r.password:
		password, _ := u.User.Password()
		_, err := fmt.Fprintln(s.stdout, password)
		return err
	case r.query == "":
		s.explain(u, r)
		return nil
	case r.real || s.served:
		return query(ctx, u, os.Getenv("TIDBCLOUD_SQL_CA_FILE"), r.query, s.stdout)
	}
	return s.withClouds(ctx, func(c *clouds) error {
		return query(ctx, u, c.env["TIDBCLOUD_SQL_CA_FILE"], r.query, s.stdout)
	})
}

func (s *sandbox) sandboxURL(ctx context.Context, output string) (text string, err error) {
	err = s.withStack(ctx, func(st auto.Stack) error {
		all, err := st.Outputs(ctx)
		text, _ = all[output].Value.(string)
		return err
	})
	return text, err
}

func (s *sandbox) realURL(ctx context.Context, output string) (string, error) {
	cmd := exec.CommandContext(ctx, "pulumi", "stack", "output", output, "--show-secrets")
	cmd.Stderr = s.stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// explain prints how to connect with a mysql client. The client reads the password
// from its environment: an argument could be seen by every user of the machine.
func (s *sandbox) explain(u *url.URL, r sqlRequest) {
	fmt.Fprintln(s.stdout, "One statement:       make sql Q=\"SELECT 1\" (ADMIN=1 to make tables)\nWith a mysql client:")
	flags, ca := "", " --ssl-mode=VERIFY_IDENTITY"
	if r.admin {
		flags = " -admin"
	}
	if r.real {
		flags += " -real"
	} else {
		ca = " --ssl-mode=VERIFY_CA --ssl-ca=" + s.shown("sql/ca.pem")
		fmt.Fprintln(s.stdout, "  eval \"$(bin/sandbox serve -detach)\"")
	}
	fmt.Fprintf(s.stdout, "  export MYSQL_PWD=\"$(bin/sandbox sql%s -password)\"\n", flags)
	fmt.Fprintf(s.stdout, "  mysql --host=%s --port=%s --user=%s%s %s\n",
		u.Hostname(), u.Port(), u.User.Username(), ca, strings.TrimPrefix(u.Path, "/"))
}

// openURL prepares connections as a URL says, over TLS. The server's certificate is
// verified by caFile, or by the system's authorities where that is empty.
func openURL(u *url.URL, caFile string) (*sql.DB, error) {
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

// query runs one statement and prints the rows as a table.
func query(ctx context.Context, u *url.URL, caFile, statement string, out io.Writer) error {
	db, err := openURL(u, caFile)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return printRows(rows, out)
}

func printRows(rows *sql.Rows, out io.Writer) error {
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
		shown := make([]string, len(cells))
		for i, c := range cells {
			shown[i] = "NULL"
			if c.Valid {
				shown[i] = c.String
			}
		}
		fmt.Fprintln(table, strings.Join(shown, "\t"))
	}
	return errors.Join(rows.Err(), table.Flush())
}
