package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strings"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/sqlclient"
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
	u, err := sqlclient.Parse(text)
	if err != nil {
		return fmt.Errorf("output %s: %w: run `make up` first", output, err)
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
		return sqlclient.Run(ctx, u, s.env("TIDBCLOUD_SQL_CA_FILE"), statement, s.stdout)
	}
	if env, ok := clouds.SharedEnvironment(ctx, s.dir); ok {
		return sqlclient.Run(ctx, u, env["TIDBCLOUD_SQL_CA_FILE"], statement, s.stdout)
	}
	c, err := clouds.Start(ctx, s.dir, s.lookup)
	if err != nil {
		return err
	}
	defer c.Close()
	return sqlclient.Run(ctx, u, c.SQL.CAFile(), statement, s.stdout)
}

func (s *sandbox) connectionString(ctx context.Context, output string) (string, error) {
	if s.sql.real {
		cmd := exec.CommandContext(ctx, "pulumi", "stack", "output", output, "--show-secrets")
		cmd.Stderr = s.stderr
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	outputs, err := s.engine(nil).Outputs(ctx, true)
	text, _ := outputs[output].(string)
	return text, err
}

// explain prints how to connect with a mysql client. The client reads the password from
// its environment: every user of the machine can see an argument.
func (s *sandbox) explain(u *url.URL) {
	fmt.Fprintln(s.stdout, "One statement:       make sql Q=\"SELECT 1\" (ADMIN=1 to create tables)\nWith a mysql client:")
	flags, tls := "", " --ssl-mode=VERIFY_IDENTITY"
	if s.sql.admin {
		flags = " -admin"
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
