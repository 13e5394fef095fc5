package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sqllogin"
)

// sqlRequest holds the flags of the command sql.
type sqlRequest struct {
	admin, password bool
	real            bool // the stack that `pulumi` in this folder works on, not the sandbox's
}

// runSQL runs one statement with a connection string of the stack's own.
func runSQL(ctx context.Context, s *sandbox, statement string) error {
	output := "databaseUrl"
	if s.sql.admin {
		output = "migrationUrl"
	}
	text, err := s.connectionString(ctx, output)
	if err != nil {
		return fmt.Errorf("reading the output %s: %w", output, err)
	}
	u, err := parseConnection(text)
	if err != nil {
		return fmt.Errorf("output %s: %w: run `%s` first", output, err, s.makeUp())
	}
	switch {
	case s.sql.password:
		password, _ := u.User.Password()
		_, err := fmt.Fprintln(s.stdout, password)
		return err
	case statement == "":
		s.explain(u)
		return nil
	case s.sql.real || s.served:
		return query(ctx, u, s.env(sqllogin.CAFileVariable), statement, s.stdout)
	}
	if env, ok := clouds.SharedEnvironment(ctx, s.dir); ok {
		return query(ctx, u, env[sqllogin.CAFileVariable], statement, s.stdout)
	}
	c, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return query(ctx, u, c.SQL.CAFile(), statement, s.stdout)
}

func (s *sandbox) connectionString(ctx context.Context, output string) (string, error) {
	if s.sql.real {
		args := []string{"stack", "output", output, "--show-secrets"}
		if s.stack != "" {
			args = append(args, "--stack", s.stack)
		}
		cmd := exec.CommandContext(ctx, "pulumi", args...)
		cmd.Stderr = s.stderr
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	if err := s.checkStack(); err != nil {
		return "", err
	}
	outputs, err := s.engine(nil).Outputs(ctx, true)
	text, _ := outputs[output].(string)
	return text, err
}

// explain prints how to connect with a mysql client. The client reads the password from its
// environment, since every user of the machine can see an argument.
func (s *sandbox) explain(u *url.URL) {
	variable, flags, tls := "", "", " --ssl-mode=VERIFY_IDENTITY"
	if s.stack != "" {
		variable, flags = " STACK="+s.stack, " -stack "+s.stack
	}
	fmt.Fprintf(s.stdout, "One statement:       make sql Q=\"SELECT 1\"%s (ADMIN=1 to create tables)\nWith a mysql client:\n", variable)
	if s.sql.admin {
		flags += " -admin"
	}
	if s.sql.real {
		flags += " -real"
	} else {
		tls = " --ssl-mode=VERIFY_CA --ssl-ca=" + s.shown("sql/ca.pem")
		fmt.Fprintln(s.stdout, "  eval \"$(bin/sandbox serve -detach)\"")
	}
	fmt.Fprintf(s.stdout, "  export MYSQL_PWD=\"$(bin/sandbox sql%s -password)\"\n", flags)
	fmt.Fprintf(s.stdout, "  mysql --host=%s --port=%s --user=%s%s %s\n",
		u.Hostname(), u.Port(), u.User.Username(), tls, strings.TrimPrefix(u.Path, "/"))
}

// parseConnection parses a connection string. Unlike that of [url.Parse], the error does not
// quote it, since it has a password.
func parseConnection(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User == nil {
		return nil, errors.New("not a connection string")
	}
	return u, nil
}

// open connects to the server of a connection string. For caFile see [sqllogin.Login.Open].
func open(u *url.URL, caFile string) (*sql.DB, error) {
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return nil, errors.New("the connection string has no port")
	}
	password, _ := u.User.Password()
	login := sqllogin.Login{Host: u.Hostname(), Port: port, User: u.User.Username(), Password: password}
	return login.Open(caFile, func(c *mysql.Config) { c.DBName = strings.TrimPrefix(u.Path, "/") })
}

// query runs one statement and prints the rows as a table: a minimal mysql client, for people
// who have none.
func query(ctx context.Context, u *url.URL, caFile, statement string, out io.Writer) error {
	db, err := open(u, caFile)
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
